"""The training loop on a real, tiny network: what it leaves behind, that it repeats, and that it
goes on exactly."""

import json
import math
import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import ocrkit
from networks import ROUGH
from ocrkit import ConfigError, DataError, OcrkitError, WeightsError, training
from ocrkit.data.datasets import open_dataset
from ocrkit.interfaces import Batch, Sample
from ocrkit.networks import weights as weight_files
from ocrkit.pipelines.build import assemble, build_network
from ocrkit.pipelines.file import load_spec
from ocrkit.training import Run, collect, learning_rate, resume_options, take_what_fits
from ocrkit.training.batches import windows_of
from ocrkit.training.randomness import ORDER, random_at
from processes import killed
from runs import FOLDER, arrays_of, make_folder, same, trained

# ----------------------------------------------------------------------------------------- schedule


@given(
    st.integers(1, 200),
    st.floats(1e-6, 1.0),
    st.floats(0.0, 1.0),
    st.sampled_from(["constant", "cosine"]),
)
def test_the_rate_rises_to_its_peak_and_then_stays_or_falls(
    steps: int, peak: float, warmup: float, schedule: str
) -> None:
    rates = [
        learning_rate(step, steps, peak=peak, warmup=warmup, schedule=schedule)
        for step in range(steps)
    ]
    rising = math.ceil(warmup * steps)
    assert all(0 < rate < peak * 1.0001 for rate in rates)
    assert all(
        second - first == pytest.approx(peak / rising) for first, second in pairwise(rates[:rising])
    )
    assert max(rates[: rising + 1]) == pytest.approx(peak)
    if schedule == "constant":
        assert all(rate == peak for rate in rates[rising:])
    else:
        assert all(first > second for first, second in pairwise(rates[rising:]))


def test_half_a_cosine_is_half_way_down_in_the_middle() -> None:
    rates = [
        learning_rate(step, 100, peak=2.0, warmup=0.2, schedule="cosine") for step in range(100)
    ]
    assert rates[0] == pytest.approx(0.1)
    assert rates[19] == rates[20] == 2.0
    assert rates[60] == pytest.approx(1.0)
    assert rates[99] < 0.01


# -------------------------------------------------------------------------------- what a run leaves


@pytest.fixture(scope="module")
def run(tiny: Path, words_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six epochs."""
    folder = tmp_path_factory.mktemp("run") / "six"
    trained(tiny, folder, words_root, {"training.epochs": 6}, command="ocrkit train …")
    return folder


def test_a_run_leaves_its_pipeline_its_weights_and_its_log(run: Path, words_root: Path) -> None:
    assert sorted(path.name for path in run.iterdir()) == [
        "best.safetensors",
        "curves.svg",
        "last.safetensors",
        "log.jsonl",
        "pipeline.toml",
        "run.json",
    ]
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert [line["step"] for line in lines] == [3, 6, 9, 12, 15, 18]
    assert [line["images"] for line in lines] == [24] * 6
    assert lines[-1]["loss"] < 0.7 * lines[0]["loss"]
    assert lines[-1]["validation"].keys() == {"cer", "levenshtein"}
    svg = (run / "curves.svg").read_text()
    assert "Character error rate (cer), validation" in svg
    assert "at epoch 6, the last" in svg
    about = json.loads((run / "run.json").read_text())
    assert about["command"] == "ocrkit train …"
    assert about["data"] == {
        "name": "iam",
        "root": str(words_root),
        "split": "aachen/train",
        "limit": None,
        "is_sample": False,
    }
    assert (about["samples"], about["forms"]) == (24, ["a01-000u", "a01-003", "a01-007"])
    assert about["validation"] == {
        "split": "aachen/validation",
        "samples": 7,
        "forms": ["c04-156", "c06-083"],
        "notes": [],
    }
    assert about["init"] is None
    assert (about["backend"], about["seed"], about["skipped"]) == ("torch", 0, [])


def test_samples_of_other_readers_are_trained_on_as_well(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    also = [
        {"use": "iam", "root": str(words_root), "split": "aachen/validation"},
        {"use": "iam", "root": str(words_root)},
    ]
    _, events = trained(
        tiny, tmp_path / "run", words_root, {"training.epochs": 1, "training.also": also}
    )
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    counts = [
        len(open_dataset(load_spec(tiny).reader, root=words_root, split=name))
        for name in ("aachen/train", "aachen/validation", "all")
    ]
    assert about["samples"] == sum(counts)
    assert [(each["name"], each["split"], each["samples"]) for each in about["also"]] == [
        ("iam", "aachen/validation", counts[1]), ("iam", "all", counts[2]),
    ]  # fmt: skip
    assert [event["images"] for event in events if event["event"] == "epoch"] == [sum(counts)]
    progress, _ = trained(tmp_path / "run", tmp_path / "run", words_root, resume=True)
    assert progress.epoch == 1
    with pytest.raises(ConfigError, match=r"training.also\[0\].split: 3; expected a text"):
        load_spec(tiny, {"training.also": [{"use": "iam", "split": 3}]})


def test_the_best_weights_are_those_of_the_epoch_with_the_best_score(
    run: Path, words_root: Path
) -> None:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    scores = [line["validation"]["cer"] for line in lines]
    best = scores.index(min(scores))
    assert [line["best"] for line in lines] == [
        score < min([2.0, *scores[:index]]) for index, score in enumerate(scores)
    ]
    about = weight_files.read(run / "best.safetensors").about
    assert about["training"] == {"epoch": best + 1, "validation": lines[best]["validation"]}
    result = ocrkit.load(run).evaluate("aachen/validation", data=words_root)
    assert {name: score.value for name, score in result.metrics.items()} == lines[best][
        "validation"
    ]


def test_another_metric_may_choose_the_best_epoch(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    settings = {"training.metric": "levenshtein", "training.epochs": 4}
    progress, _ = trained(tiny, tmp_path / "run", words_root, settings)
    scores = [line["validation"]["levenshtein"] for line in progress.history]
    assert progress.best_score == max(scores)
    assert progress.best_epoch == scores.index(max(scores)) + 1


def test_without_validation_the_last_epoch_is_the_best(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    progress, _ = trained(tiny, tmp_path / "run", words_root, {"training.validation": ""})
    assert progress.best_epoch == 2
    assert "validation" not in progress.history[0]
    last = arrays_of(tmp_path / "run" / "last.safetensors")
    for name, array in arrays_of(tmp_path / "run" / "best.safetensors").items():
        np.testing.assert_array_equal(last[f"network.{name}"], array)


def test_events_say_where_training_is(tiny: Path, words_root: Path, tmp_path: Path) -> None:
    _, events = trained(
        tiny, tmp_path / "run", words_root, {"training.schedule": "cosine", "training.warmup": 0.5}
    )
    epoch = ["step"] * 3 + ["validate", "epoch"]
    assert [event["event"] for event in events] == ["start", *epoch, *epoch]
    steps = [event for event in events if event["event"] == "step"]
    assert [(event["epoch"], event["batch"], event["step"]) for event in steps] == [
        (1, 1, 1), (1, 2, 2), (1, 3, 3), (2, 1, 4), (2, 2, 5), (2, 3, 6),
    ]  # fmt: skip
    assert all((event["batches"], event["steps"]) == (3, 6) for event in steps)
    assert [event["learning_rate"] for event in steps] == [
        learning_rate(step, 6, peak=0.03, warmup=0.5, schedule="cosine") for step in range(6)
    ]
    assert all(event["images_per_second"] > 0 for event in steps)
    assert (events[0]["samples"], events[0]["epochs"], events[-1]["epochs"]) == (24, 2, 2)


def test_data_are_narrowed_as_the_options_say(tiny: Path, words_root: Path, tmp_path: Path) -> None:
    (tmp_path / "tune.txt").write_text("a01-003\n")
    settings = {
        "training.exclude": str(tmp_path / "tune.txt"),
        "training.validation": "aachen/train",
        "training.validation_only": str(tmp_path / "tune.txt"),
        "training.epochs": 1,
    }
    trained(tiny, tmp_path / "run", words_root, settings)
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (about["samples"], about["forms"]) == (16, ["a01-000u", "a01-007"])
    assert about["validation"] == {
        "split": "aachen/train",
        "samples": 8,
        "forms": ["a01-003"],
        "notes": [],
    }
    trained(tiny, tmp_path / "few", words_root, {"training.epochs": 1}, split="all", limit=5)
    about = json.loads((tmp_path / "few" / "run.json").read_text())
    assert (about["samples"], about["data"]["split"], about["data"]["limit"]) == (5, "all", 5)


def test_averaged_weights_are_validated_and_kept_as_the_best(
    tiny: Path, words_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training.averaging, "AVERAGE_EVERY", 5)
    settings = {"training.ema_decay": 0.8, "training.batch_size": 2, "training.epochs": 8}
    assembly = assemble(load_spec(tiny, settings), training=True)
    kept = {}

    def keep(event: dict[str, Any]) -> None:
        if event["event"] == "epoch" and event["best"]:
            kept.update(arrays_of(tmp_path / "run" / "last.safetensors"))

    run = training.Run(assembly, tmp_path / "run", report=keep)
    step, states = run.trainer.step, []

    def recorded(*batch: Any, **options: Any) -> float:
        loss = step(*batch, **options)
        states.append(run.network.state())
        return loss

    monkeypatch.setattr(run.trainer, "step", recorded)
    run.start({})
    average, updated = run.network.state(), 0
    data = training.collect(
        assembly, open_dataset(assembly.spec.reader, root=words_root, split="aachen/train")
    )
    progress = run.train(
        data, open_dataset(assembly.spec.reader, root=words_root, split="aachen/validation")
    )

    for count, state in enumerate(states, start=1):
        if count % 5 == 0 or count % 12 == 0:
            share = max(1 - 0.8 ** (count - updated), min(1, 10 * (count - updated) / count))
            average = {
                name: share * state[name] + (1 - share) * array for name, array in average.items()
            }
            updated = count
    last = arrays_of(tmp_path / "run" / "last.safetensors")
    for name, array in average.items():
        np.testing.assert_allclose(last[f"average.{name}"], array, atol=1e-5)
        np.testing.assert_array_equal(last[f"network.{name}"], states[-1][name])
        assert not np.allclose(array, states[-1][name], atol=1e-4)
    for name, array in arrays_of(tmp_path / "run" / "best.safetensors").items():
        np.testing.assert_array_equal(array, kept[f"average.{name}"])
    result = ocrkit.load(tmp_path / "run").evaluate("aachen/validation", data=words_root)
    assert {name: score.value for name, score in result.metrics.items()} == progress.history[
        progress.best_epoch - 1
    ]["validation"]


# -------------------------------------------------------------------------------- repeating exactly


@pytest.fixture(scope="module")
def rough(tiny: Path, words_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run with everything that is random."""
    folder = tmp_path_factory.mktemp("rough") / "run"
    trained(tiny, folder, words_root, ROUGH)
    return folder


def test_the_same_seed_gives_the_same_weights_with_any_number_of_threads_that_read_images(
    tiny: Path, words_root: Path, rough: Path, tmp_path: Path
) -> None:
    """``rough`` has one a processor; the network computes with one thread in both, as
    OMP_NUM_THREADS says."""
    trained(tiny, tmp_path / "run", words_root, ROUGH, threads=1)
    assert same(tmp_path / "run" / "last.safetensors", rough / "last.safetensors")
    assert (tmp_path / "run" / "best.safetensors").read_bytes() == (
        rough / "best.safetensors"
    ).read_bytes()


def test_another_seed_gives_other_weights(
    tiny: Path, words_root: Path, rough: Path, tmp_path: Path
) -> None:
    trained(tiny, tmp_path / "run", words_root, ROUGH | {"training.seed": 6})
    other, weights = (
        arrays_of(tmp_path / "run" / "last.safetensors"),
        arrays_of(rough / "last.safetensors"),
    )
    assert all(
        not np.array_equal(other[name], weights[name])
        for name in weights
        if name != "optimizer.steps"
    )


SPY = """
from dataclasses import dataclass

import ocrkit

drawn = []

@dataclass(frozen=True)
class Spy:
    def __call__(self, image, rng):
        drawn.append((int(rng.integers(2**40)), image.tobytes()))
        return image

@ocrkit.hookimpl
def ocrkit_augmentations(register):
    register("spy", Spy)
"""


def test_every_epoch_has_its_own_order_and_augmentation(
    install: Callable[[str, str], Path], tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    install("spy", SPY)
    trained(tiny, tmp_path / "run", words_root, {"training.augment": [{"use": "spy"}]}, threads=1)
    numbers, images = zip(*sys.modules["spy"].drawn, strict=True)
    assert len(set(numbers)) == len(numbers) == 48
    assert sorted(images[:24]) == sorted(images[24:])
    assert images[:24] != images[24:]


def test_where_widths_vary_a_batch_has_words_of_about_one_width_and_an_epoch_still_has_each_once(
    tiny: Path, words_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        "preprocessor.use": "fit-height",
        "preprocessor.height": 16,
        "training.batch_size": 4,
        "training.epochs": 2,
    }
    assembly = assemble(load_spec(tiny, settings), training=True)
    run = Run(assembly, tmp_path / "run")
    batches: list[Batch] = []
    step = run.trainer.step

    def watched(batch: Batch, **options: Any) -> float:
        batches.append(batch)
        return step(batch, **options)

    monkeypatch.setattr(run.trainer, "step", watched)
    run.start({})
    data = collect(
        assembly, open_dataset(assembly.spec.reader, root=words_root, split="aachen/train")
    )
    run.train(data, None)

    assert [batch.count for batch in batches] == [4] * 12
    shuffled = []
    for epoch in batches[:6], batches[6:]:
        for first, end in windows_of(6, 32):
            widths = [batch.inputs["widths"] for batch in epoch[first:end]]
            found = [(each.min(), each.max()) for each in widths]
            ranges = sorted(found)
            assert all(one[1] <= other[0] for one, other in pairwise(ranges)), (
                "sorted by width, then cut into batches"
            )
            shuffled.append(found != ranges)
        labels = [
            tuple(row[:length])
            for batch in epoch
            for row, length in zip(*batch.targets.values(), strict=True)
        ]
        assert sorted(labels) == sorted(map(tuple, data.targets))
    assert any(shuffled), "and shuffled after that"


@pytest.mark.parametrize("feed", ["files", "memory"])
def test_a_batch_with_a_very_wide_image_is_computed_in_pieces(
    tiny: Path, words_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feed: str
) -> None:
    """None of them has more columns than a full batch of images 40 times as wide as high; the
    batches are those that they would be anyway."""
    make_folder(words_root, tmp_path / "data")
    widest = min((tmp_path / "data" / "train").glob("*.png"))
    Image.new("L", (2000, 16), 200).save(widest)
    settings = FOLDER | {
        "preprocessor.use": "fit-height",
        "preprocessor.height": 16,
        "training.validation": "",
        "training.batch_size": 4,
        "training.epochs": 1,
        "training.feed": feed,
    }
    run = Run(assemble(load_spec(tiny, settings), training=True), tmp_path / "run")
    batches: list[Batch] = []
    step = run.trainer.step

    def watched(batch: Batch, **options: Any) -> float:
        batches.append(batch)
        return step(batch, **options)

    monkeypatch.setattr(run.trainer, "step", watched)
    run.start({})
    data = open_dataset(run.assembly.spec.reader, root=tmp_path / "data", split="train")
    run.train(collect(run.assembly, data), None)
    assert [batch.count for batch in batches] == [4] * 6
    wide = [batch.inputs["images"].shape[3] > 1000 for batch in batches]
    assert sum(wide) == 1
    assert [batch.pieces for batch in batches] == [4 if each else 1 for each in wide]


@given(st.integers(0, 300), st.integers(1, 40))
def test_windows_follow_each_other_and_grow_from_one_batch(batches: int, most: int) -> None:
    windows = list(windows_of(batches, most))
    assert [index for first, end in windows for index in range(first, end)] == list(range(batches))
    sizes = [end - first for first, end in windows]
    assert sizes[:1] == [1] * bool(batches)
    assert all(size <= most for size in sizes)
    assert all(later == min(2 * size, most) for size, later in pairwise(sizes[:-1]))


def test_the_first_step_waits_for_no_more_images_than_its_own(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    """Where widths vary many batches are made together; an epoch that began with these would begin
    late."""
    settings = {
        "preprocessor.use": "fit-height",
        "preprocessor.height": 16,
        "training.batch_size": 4,
        "training.epochs": 1,
    }
    assembly = assemble(load_spec(tiny, settings), training=True)
    stepped = threading.Event()
    run = Run(
        assembly,
        tmp_path / "run",
        threads=2,
        report=lambda event: event["event"] == "step" and stepped.set(),
    )
    data = collect(
        assembly, open_dataset(assembly.spec.reader, root=words_root, split="aachen/train")
    )
    order = random_at(0, ORDER, 0).permutation(24)
    came = []

    def late(sample: Sample) -> Sample:
        def load() -> np.ndarray:
            came.append(stepped.wait(20))
            return sample.load()

        return replace(sample, load=load)

    for index in order[12:]:  # the next two batches are made while a device is at the first
        data.samples[index] = late(data.samples[index])
    run.start({})
    run.train(data, None)
    assert came == [True] * 12


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_weights(
    tiny: Path, words_root: Path, rough: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.with_suffix(".toml").write_bytes((rough / "pipeline.toml").read_bytes())
    # In the first step, before any was saved; in the middle of an epoch; when an epoch is complete
    # but not yet validated.
    for resume, event, count, steps in [
        ("start", "step", 1, 0),
        ("resume", "step", 5, 4),
        ("resume", "validate", 1, 6),
    ]:
        checkpoint = killed(run, words_root, "torch", resume, event, count)
        saved = checkpoint.about["progress"]["step"]
        assert saved == checkpoint.arrays["optimizer.steps"]
        assert saved in (steps, max(0, steps - 1))  # the last may have been in writing
    progress, events = trained(run, run, words_root, resume=True)
    assert events[1] == {"event": "resume", "epoch": 1, "step": saved}
    assert (progress.epoch, progress.step) == (3, 9)
    assert same(run / "last.safetensors", rough / "last.safetensors")
    assert (run / "best.safetensors").read_bytes() == (rough / "best.safetensors").read_bytes()
    logs = [
        [json.loads(line) for line in (each / "log.jsonl").read_text().splitlines()]
        for each in (run, rough)
    ]
    for line in logs[0] + logs[1]:
        del line["seconds"], line["images_per_second"]
    assert logs[0] == logs[1]


def test_going_on_with_a_finished_run_changes_nothing(rough: Path, words_root: Path) -> None:
    before = arrays_of(rough / "last.safetensors")
    progress, events = trained(rough, rough, words_root, resume=True)
    assert progress.epoch == 3
    assert [event["event"] for event in events] == ["start", "resume"]
    assert all(
        np.array_equal(array, before[name])
        for name, array in arrays_of(rough / "last.safetensors").items()
    )


def test_a_kill_between_the_last_checkpoint_and_its_log_costs_no_epoch_of_the_log(
    rough: Path, words_root: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(rough, tmp_path / "run")
    log, curves = (run / "log.jsonl").read_text(), (run / "curves.svg").read_text()
    (run / "log.jsonl").write_text("".join(log.splitlines(keepends=True)[:-1]))
    (run / "curves.svg").unlink()
    trained(run, run, words_root, resume=True)
    assert list(map(json.loads, (run / "log.jsonl").read_text().splitlines())) == list(
        map(json.loads, log.splitlines())
    )
    assert (run / "curves.svg").read_text() == curves


# ----------------------------------------------------------------------------------- early stopping


@pytest.mark.parametrize("metric", ["cer", "levenshtein"])
def test_training_stops_when_the_score_gets_no_better(
    metric: str, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    standstill = {
        "training.learning_rate": 0.0,
        "training.epochs": 9,
        "training.patience": 2,
        "training.metric": metric,
    }
    progress, _ = trained(tiny, tmp_path / "run", words_root, standstill)
    assert progress.epoch == progress.best_epoch + 2 < 9, (
        "only running statistics change, and they soon change no score"
    )
    assert [line["best"] for line in progress.history[-3:]] == [True, False, False]
    again, _ = trained(tmp_path / "run", tmp_path / "run", words_root, resume=True)
    assert again.epoch == progress.epoch, "it stays stopped"


def test_stopping_early_needs_a_validation_split(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigError, match=r"training\.patience: stopping early needs training\.validation"
    ):
        trained(
            tiny, tmp_path / "run", words_root, {"training.patience": 2, "training.validation": ""}
        )


# --------------------------------------------------------------------------------- unusable samples


def relabel(root: Path, changes: dict[str, str]) -> None:
    file = root / "ascii" / "words.txt"
    rows = [line.split() for line in file.read_text().splitlines()]
    file.write_text(
        "".join(" ".join([*row[:8], changes.get(row[0], row[8])]) + "\n" for row in rows)
    )


def test_labels_that_the_network_cannot_write_are_left_out_and_named(
    tiny: Path, words_copy: Path, tmp_path: Path
) -> None:
    relabel(
        words_copy,
        {"a01-000u-00-00": "One", "a01-003-00-01": "tttttttt", "a01-003-00-02": "ehnotehnotehn"},
    )
    trained(tiny, tmp_path / "run", words_copy, {"training.epochs": 1})
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert about["samples"] == 21
    assert about["skipped"] == [
        {"id": "a01-000u-00-00", "reason": "'One' has O, which the alphabet lacks"},
        {"id": "a01-003-00-01", "reason": "'tttttttt' needs 15 steps, the network has 12"},
        {"id": "a01-003-00-02", "reason": "'ehnotehnotehn' needs 13 steps, the network has 12"},
    ]


def test_labels_that_the_network_cannot_write_may_be_refused(
    tiny: Path, words_copy: Path, tmp_path: Path
) -> None:
    relabel(words_copy, {"a01-000u-00-00": "One", "a01-003-00-01": "tttttttt"})
    with pytest.raises(
        DataError, match="2 labels cannot be learnt; the first: a01-000u-00-00: 'One' has O"
    ):
        trained(tiny, tmp_path / "run", words_copy, {"training.unfit": "refuse"})
    assert not (tmp_path / "run").exists()


def test_images_too_narrow_for_their_labels_are_named_once(
    tiny: Path, words_copy: Path, tmp_path: Path
) -> None:
    relabel(words_copy, {"a01-003-00-04": "t" * 30})
    settings = {"preprocessor.use": "fit-height", "preprocessor.height": 16}
    progress, events = trained(tiny, tmp_path / "run", words_copy, settings)
    skipped = [event for event in events if event["event"] == "skipped"]
    assert [event["id"] for event in skipped] == ["a01-003-00-04"]
    assert "needs 59 steps, the network has" in skipped[0]["reason"]
    assert [line["images"] for line in progress.history] == [23, 23]


def test_a_damaged_image_is_named_once_and_training_goes_on(
    tiny: Path, words_copy: Path, tmp_path: Path
) -> None:
    next(words_copy.glob("words/a01/a01-003/*-03.png")).write_bytes(b"\x89PNG\r\n\x1a\n")
    progress, events = trained(tiny, tmp_path / "run", words_copy, {"training.batch_size": 1})
    (skipped,) = [event for event in events if event["event"] == "skipped"]
    assert skipped["id"] == "a01-003-00-03"
    assert "damaged" in skipped["reason"]
    assert [line["images"] for line in progress.history] == [23, 23]
    assert progress.step == 48, (
        "a step without an image counts, so that the schedule stays what it was"
    )


def test_a_split_of_which_no_image_can_be_read_is_an_error(
    tiny: Path, words_copy: Path, tmp_path: Path
) -> None:
    for path in words_copy.glob("words/a01/*/*.png"):
        path.write_bytes(b"<html>")
    with pytest.raises(
        DataError, match="no image of the training split can be used; the first: a01-"
    ):
        trained(tiny, tmp_path / "run", words_copy)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"alphabet": "xyz"},
            "no sample can be trained on; the first: a01-000u-00-00: 'one' has o, n, e,",
        ),
        ({"training.split": "aachen/test"}, "none of the forms of aachen/test"),
        ({"training.validation": "aachen/tset"}, "no split named 'aachen/tset'"),
        ({"training.only": "gone.txt"}, "gone.txt: no such file"),
    ],
)
def test_data_that_cannot_be_trained_on_are_refused_before_anything_is_written(
    settings: dict[str, Any], message: str, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        trained(tiny, tmp_path / "run", words_root, settings)
    assert not (tmp_path / "run").exists()


# --------------------------------------------------------------------------------------------- init


def test_what_fits_is_taken_and_the_heads_rows_follow_their_characters(
    tiny: Path, run: Path
) -> None:
    assembly = assemble(load_spec(tiny, {"alphabet": "Tton eh"}), training=True)
    network = build_network(assembly)
    network.initialize(3)
    fresh, old = network.state(), arrays_of(run / "best.safetensors")
    taken = take_what_fits(assembly, network, str(run))
    state = network.state()
    assert taken == {"arrays": len(state), "fresh": [], "characters": 5}
    for name, array in state.items():
        if not name.startswith("head."):
            np.testing.assert_array_equal(array, old[name])
            continue
        for index, character in enumerate("Tton eh"):
            source = (
                old[name]["ehnot".index(character)] if character in "ehnot" else fresh[name][index]
            )
            np.testing.assert_array_equal(array[index], source)
        np.testing.assert_array_equal(array[-1], old[name][-1], err_msg="the blank")


def test_what_does_not_fit_starts_fresh(tiny: Path, run: Path) -> None:
    assembly = assemble(load_spec(tiny, {"encoder.layers": 2, "encoder.hidden": 6}), training=True)
    network = build_network(assembly)
    network.initialize(3)
    fresh, old = network.state(), arrays_of(run / "best.safetensors")
    taken = take_what_fits(assembly, network, str(run / "best.safetensors"))
    state = network.state()
    for name, array in state.items():
        source = old if name.startswith("featurizer.") else fresh
        np.testing.assert_array_equal(array, source[name], err_msg=name)
    assert taken["fresh"] == [name for name in state if not name.startswith("featurizer.")]
    assert taken["arrays"] == len(state) - len(taken["fresh"])
    assert taken["characters"] == 0


def test_fine_tuning_starts_from_what_was_learnt(
    tiny: Path, words_root: Path, run: Path, tmp_path: Path
) -> None:
    settings = {"training.epochs": 1, "training.learning_rate": 0.0, "training.seed": 9}
    cold, _ = trained(tiny, tmp_path / "cold", words_root, settings)
    warm, events = trained(tiny, tmp_path / "warm", words_root, settings, init=str(run))
    assert warm.history[1]["loss"] < 0.7 * cold.history[0]["loss"]
    arrays = len(arrays_of(run / "best.safetensors"))
    assert events[1] == {
        "event": "init",
        "from": str(run),
        "arrays": arrays,
        "fresh": [],
        "characters": 5,
    }


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        ("gone", WeightsError, "gone: no such weights"),
        ("zoo:gone", OcrkitError, "no zoo model named 'gone'"),
        ("last", WeightsError, "last.safetensors: none of its arrays fits the network"),
    ],
)
def test_weights_that_nothing_can_be_taken_from_are_refused(
    reference: str,
    error: type[Exception],
    message: str,
    tiny: Path,
    words_root: Path,
    run: Path,
    tmp_path: Path,
) -> None:
    init = str(run / "last.safetensors") if reference == "last" else reference
    with pytest.raises(error, match=message):
        trained(tiny, tmp_path / "new", words_root, init=init)


# ---------------------------------------------------------------------------------- what is refused


def test_a_folder_that_is_in_use_is_refused(
    tiny: Path, words_root: Path, run: Path, tmp_path: Path
) -> None:
    before = (run / "last.safetensors").read_bytes()
    with pytest.raises(
        OcrkitError, match="not empty; name a new folder, or go on with the run in it: --resume"
    ):
        trained(tiny, run, words_root)
    assert (run / "last.safetensors").read_bytes() == before
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(OcrkitError, match=r"file.*: cannot be used as the run's folder"):
            trained(tiny, folder, words_root)


def test_an_empty_folder_may_be_used(tiny: Path, words_root: Path, tmp_path: Path) -> None:
    assert trained(tiny, tmp_path, words_root, {"training.epochs": 1})[0].epoch == 1


def remove_run(folder: Path) -> None:
    (folder / "run.json").unlink()


def empty_run(folder: Path) -> None:
    (folder / "run.json").write_text("[]")


@pytest.mark.parametrize("damage", [remove_run, empty_run])
def test_there_must_be_a_run_to_resume(damage: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    damage(tmp_path)
    with pytest.raises(OcrkitError, match="no training run to resume here") as caught:
        resume_options(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_run_knows_what_it_was_started_with(run: Path, words_root: Path) -> None:
    stored = resume_options(run)
    assert (stored.data.root, stored.data.split, stored.data.limit, stored.backend) == (
        str(words_root),
        "aachen/train",
        None,
        "torch",
    )


def test_a_run_without_a_checkpoint_cannot_be_resumed(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    with pytest.raises(OcrkitError, match="no training run to resume here"):
        trained(tiny, tmp_path / "nothing", words_root, resume=True)
    assert not (tmp_path / "nothing").exists()


def test_a_run_is_not_resumed_with_another_network_or_other_data(
    run: Path, words_root: Path, words_copy: Path
) -> None:
    with pytest.raises(
        WeightsError,
        match=r"last\.safetensors: of another network: encoder.hidden is 9, for the weights 8",
    ):
        trained(run, run, words_root, {"encoder.hidden": 9}, resume=True)
    trained(run, run, words_copy, resume=True)
    (words_copy / "words/a01/a01-003/a01-003-00-03.png").unlink()
    with pytest.raises(
        DataError,
        match="23 samples of 3 forms to train on; the run was started with 24 of 3; resume it with",
    ):
        trained(run, run, words_copy, resume=True)


def test_a_damaged_checkpoint_is_one_clear_line(
    run: Path, words_root: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    for path in run.iterdir():
        (folder / path.name).write_bytes(
            path.read_bytes()[: -1 if path.name == "last.safetensors" else None]
        )
    with pytest.raises(WeightsError, match=r"last\.safetensors: not a safetensors checkpoint"):
        trained(folder, folder, words_root, resume=True)
    (folder / "last.safetensors").write_bytes((run / "best.safetensors").read_bytes())
    with pytest.raises(WeightsError, match=r"last\.safetensors: no checkpoint of a training run"):
        trained(folder, folder, words_root, resume=True)


def test_images_on_which_nothing_is_written_are_learnt(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    """Their labels are empty texts, which a network that has seen none of them never reads."""
    data = tmp_path / "data"
    data.mkdir()
    rows = []
    for index, path in enumerate(sorted(words_root.glob("words/*/a01-000u/*.png"))[:4]):
        (data / path.name).write_bytes(path.read_bytes())
        Image.fromarray(np.full((24, 60), 250 - index, np.uint8)).save(data / f"blank{index}.png")
        rows.append(f"{path.name}\tone\nblank{index}.png\t\n")
    (data / "labels.tsv").write_text("".join(rows))
    options = {"split": "all", "validation": "", "patience": 0, "epochs": 40, "batch_size": 4}
    settings = {
        "reader.use": "folder",
        **{f"training.{name}": value for name, value in options.items()},
    }
    trained(tiny, tmp_path / "run", data, settings)
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (about["samples"], about["skipped"]) == (8, [])
    pipeline = ocrkit.load(tmp_path / "run")
    assert [pipeline.read(path).text for path in sorted(data.glob("blank*.png"))] == [""] * 4
    assert all(pipeline.read(path).text for path in sorted(data.glob("a01*.png")))
