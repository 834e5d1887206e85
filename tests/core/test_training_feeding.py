"""Training out of memory: it repeats, goes on exactly after a kill, and says what it cannot do."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from networks import ROUGH
from ocrkit import ConfigError, DataError
from ocrkit.interfaces import Batch
from ocrkit.pipelines.build import assemble, build_network
from ocrkit.pipelines.file import load_spec
from ocrkit.training import memory_batches
from ocrkit.training.data import collect, open_data
from ocrkit.training.memory_batches import batches_of
from ocrkit.training.workers import workers_of
from processes import killed
from runs import same, trained

MEMORY = ROUGH | {"training.feed": "memory"}


@pytest.fixture(scope="module")
def run(tiny: Path, words_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run with everything that is random."""
    folder = tmp_path_factory.mktemp("memory") / "run"
    _, events = trained(tiny, folder, words_root, MEMORY)
    assert [event["images"] for event in events if event["event"] == "read"] == [*range(1, 25)]
    return folder


def test_it_learns(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["images"] for line in lines] == [24] * 3
    assert lines[-1]["loss"] < lines[0]["loss"]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    tiny: Path, words_root: Path, run: Path, tmp_path: Path
) -> None:
    trained(tiny, tmp_path / "same", words_root, MEMORY, threads=1)
    assert same(tmp_path / "same" / "last.safetensors", run / "last.safetensors")
    trained(tiny, tmp_path / "plain", words_root, MEMORY | {"training.augment": []})
    assert not same(tmp_path / "plain" / "last.safetensors", run / "last.safetensors")


def test_a_run_that_is_killed_ends_with_the_same_weights(
    words_root: Path, run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.with_suffix(".toml").write_bytes((run / "pipeline.toml").read_bytes())
    for resume, event, count, steps in [("start", "step", 5, 4), ("resume", "validate", 1, 6)]:
        checkpoint = killed(folder, words_root, "torch", resume, event, count)
        # the last may have been in writing
        assert checkpoint.about["progress"]["step"] in (steps - 1, steps)
    progress, _ = trained(folder, folder, words_root, resume=True)
    assert (progress.epoch, progress.step) == (3, 9)
    assert same(folder / "last.safetensors", run / "last.safetensors")
    assert (folder / "best.safetensors").read_bytes() == (run / "best.safetensors").read_bytes()


def test_a_damaged_image_is_named_once_and_training_goes_on(
    tiny: Path, words_copy: Path, tmp_path: Path
) -> None:
    next(words_copy.glob("words/a01/a01-003/*-03.png")).write_bytes(b"\x89PNG\r\n\x1a\n")
    settings = {"training.batch_size": 1, "training.feed": "memory"}
    progress, events = trained(tiny, tmp_path / "run", words_copy, settings)
    (skipped,) = [event for event in events if event["event"] == "skipped"]
    assert skipped["id"] == "a01-003-00-03"
    assert "damaged" in skipped["reason"]
    assert [line["images"] for line in progress.history] == [23, 23]
    assert progress.step == 48


def test_images_that_are_too_narrow_for_their_labels_are_left_out(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    """Which they are is found anew in every epoch, as augmentation makes them."""
    scale = {"use": "scale", "smallest": 1.0, "largest": 1.0, "narrowest": 0.4, "widest": 0.4}
    settings = {
        "preprocessor.use": "fit-height",
        "preprocessor.height": 16,
        "training.augment": [scale],
        "training.feed": "memory",
    }
    progress, events = trained(tiny, tmp_path / "run", words_root, settings)
    skipped = [event for event in events if event["event"] == "skipped"]
    assert "steps, the network has" in skipped[0]["reason"]
    counts = [line["images"] for line in progress.history]
    assert all(0 < count <= 24 for count in counts)
    assert min(counts) < 24, counts
    assert all(np.isfinite(line["loss"]) for line in progress.history)


def test_batches_are_parted_by_the_widths_that_augmentation_made_and_are_the_same_when_gone_on_with(
    tiny: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scale = {"use": "scale", "smallest": 1.0, "largest": 1.0, "narrowest": 0.7, "widest": 3.0}
    settings = MEMORY | {"training.batch_size": 2, "training.augment": [scale | {"probability": 1}]}
    assembly = assemble(load_spec(tiny, settings), training=True)
    network, workers = build_network(assembly, "cpu", 1), workers_of(assembly)
    data = collect(assembly, open_data(assembly, words_root, None, None).main)

    def epoch(done: int) -> list[Batch]:
        batches = batches_of(assembly, workers, network, 1, lambda _: None)
        return [batch for batch in batches.of_epoch(data, 0, done) if batch is not None]

    def padding(batches: list[Batch]) -> float:
        """The share of the columns that belong to no image."""
        columns = sum(batch.inputs["images"].shape[-1] * batch.count for batch in batches)
        return float(1 - sum(batch.inputs["widths"].sum() for batch in batches) / columns)

    whole = epoch(0)
    learnt = [
        label[label >= 0].tolist()
        for batch in whole
        for label in np.asarray(batch.targets["labels"])
    ]
    assert sorted(learnt) == sorted(data.targets)
    assert len(learnt) == 24
    for batch in whole:
        spare = batch.inputs["images"].shape[-1] - max(batch.inputs["widths"])
        assert 0 <= spare < assembly.plan.stride
    for done in range(len(whole) + 1):
        for one, other in zip(whole[done:], epoch(done), strict=True):
            np.testing.assert_array_equal(one.inputs["images"], other.inputs["images"])
    monkeypatch.setattr(memory_batches, "TOGETHER", 1)
    assert padding(whole) < 0.9 * padding(epoch(0))


def test_what_does_not_fit_into_memory_is_one_line(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    settings = {"training.feed": "memory", "training.feed_gigabytes": 1e-5}
    with pytest.raises(DataError, match=r"images the memory that they may take, 1e-05 GB, is full"):
        trained(tiny, tmp_path / "run", words_root, settings)


def test_writing_that_may_be_light_is_refused(tiny: Path, words_root: Path, tmp_path: Path) -> None:
    settings = {"training.feed": "memory", "preprocessor.ink": "auto"}
    with pytest.raises(ConfigError, match=r"needs preprocessor.ink = 'dark', not 'auto'"):
        trained(tiny, tmp_path / "run", words_root, settings)


NOISE = """
import ocrkit
from dataclasses import dataclass

@dataclass(frozen=True)
class Noise:
    def __call__(self, image, rng):
        return image

@ocrkit.hookimpl
def ocrkit_augmentations(register):
    register("noise", Noise)
"""


def test_an_augmentation_without_an_implementation_for_the_backend_is_named(
    install: Callable[[str, str], Path], tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    install("noise", NOISE)
    augment = [{"use": "noise"}, {"use": "shear"}]
    settings = {"training.feed": "memory", "training.augment": augment}
    with pytest.raises(
        ConfigError, match="'memory' is not for augmentation 'noise'; leave"
    ) as error:
        trained(tiny, tmp_path / "run", words_root, settings)
    assert "shear" not in str(error.value)
    assert not (tmp_path / "run").exists()
