"""Pipelines put together: seams, weights, reading, evaluation."""

import json
import shutil
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import ocrkit
from ocrkit import ConfigError, DataError, ImageError, OcrkitError, Skipped, WeightsError
from ocrkit.images import read_image
from ocrkit.interfaces import Sample, SequenceSize
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.backends import choose_device
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec, read_spec
from ocrkit.pipelines.stages import stages_of
from ocrkit.pipelines.trained import fitting_weights
from ocrkit.reading.values import Reading, Seconds
from ocrkit.scoring.rules import Outcome
from ocrkit.training import train

Install = Callable[[str, str], Path]

NUMPY_FEATURIZER = """
from dataclasses import dataclass

import numpy as np

import ocrkit

@dataclass(frozen=True)
class Bands:
    bands: int = ocrkit.option(4, "horizontal bands of an image, each a feature", minimum=1)
    stride: int = ocrkit.option(4, "columns in a step", minimum=1)

    def output_size(self, input):
        if input.height % self.bands:
            raise ocrkit.ConfigError([f"bands: {input.height} rows cannot be cut into {self.bands} bands"])
        return ocrkit.SequenceSize(self.bands, input.width and input.width // self.stride)

    def lengths(self, widths):
        return widths // self.stride

    def parameters(self, input):
        return {}

def build(definition, input):
    def bands(images, widths):
        count, _, height, width = images.shape
        cut = images.reshape(count, definition.bands, height // definition.bands, -1, definition.stride)
        return cut.mean(axis=(2, 4)).transpose(0, 2, 1).astype(np.float32), definition.lengths(widths)

    return bands

@dataclass(frozen=True)
class Nowhere(Bands):
    pass

@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("bands", Bands)
    register("bands", build, backend="numpy")
    register("nowhere", Nowhere)

@ocrkit.hookimpl
def ocrkit_backends(register):
    register("heavy", "package_that_is_missing:Backend", extra="heavy")

@ocrkit.hookimpl
def ocrkit_encoders(register):
    register("bilstm", "ocrkit_torch.bilstm:BiLstm", backend="heavy")

@ocrkit.hookimpl
def ocrkit_objectives(register):
    register("ctc", "ocrkit_torch.ctc:Ctc", backend="heavy")
"""  # noqa: E501


def assembled(source: Path, *settings: str, **options: Any) -> Assembly:
    return assemble(load_spec(source, settings), **options)


def problems_of(call: Callable[[], Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        call()
    return caught.value.problems


def words(root: Path) -> list[Path]:
    return sorted(root.glob("words/*/*/*.png"))


# -------------------------------------------------------------------------------------------- seams


def test_sizes_flow_from_part_to_part(tiny: Path) -> None:
    plan = assembled(tiny).plan
    assert (plan.image.height, plan.image.width) == (16, 48)
    assert plan.parts["encoder"].size == SequenceSize(2 * 4 * 8, 12)
    assert plan.parts["head"].size == SequenceSize(16, 12)
    assert plan.outputs[0].axes == ("N", 12, 6)
    variable = assembled(tiny, "preprocessor.use=fit-height", "preprocessor.height=16").plan
    assert variable.image.width is None
    assert variable.parts["encoder"].size.steps is None
    assert variable.parts["head"].size.steps is None


def test_every_seam_is_shown_with_its_owner_and_its_parameters(tiny: Path, tiny_run: Path) -> None:
    rows = stages_of(assembled(tiny))
    assert [(row.part, row.use, row.owner) for row in rows] == [
        ("reader", "iam", "iam"),
        ("preprocessor", "fit-pad", "image"),
        ("featurizer", "cnn", "onnx"),
        ("encoder", "bilstm", "onnx"),
        ("head", "linear", "onnx"),
        ("decoder", "ctc-greedy", "ctc"),
    ]
    assert [row.output for row in rows[1:5]] == [
        "16 × 48 px",
        "12 steps × 64",
        "12 steps × 16",
        "12 steps × 6",
    ]
    assert all(first.output == second.input for first, second in pairwise(rows[1:]))
    stored = ocrkit.load(tiny_run).weights.arrays
    assert stored is not None
    assert sum(row.parameters for row in rows) == sum(array.size for array in stored.values())
    assert "any × any px" in stages_of(assembled(tiny, "preprocessor.use=fit-height"))[1].input
    assert stages_of(assembled(tiny, "preprocessor.use=fit-height"))[2].output.startswith(
        "any steps"
    )


def test_all_that_does_not_fit_is_said_at_once(tiny: Path) -> None:
    settings = [
        "preprocessor.use=shear",
        "training.augment=[{use='fit-pad'}, {use='shift'}]",
        "backends=['onx', 'tourch']",
    ]
    problems = problems_of(lambda: assemble(read_spec(tiny, settings)))
    assert len(problems) == 4
    assert problems[0].startswith(
        "no preprocessor named 'shear': it is an augmentation, which belongs into training.augment."
    )
    assert problems[1].startswith(
        "no augmentation named 'fit-pad': it is a preprocessor, which belongs into [preprocessor]."
    )
    assert problems[2].startswith("no backend named 'onx'. Did you mean 'onnx'?")
    assert problems[3].startswith("no backend named 'tourch'")


def test_options_that_contradict_each_other_are_said_together_with_the_rest(tiny: Path) -> None:
    problems = problems_of(
        lambda: assembled(
            tiny, "preprocessor.use=fit-height", "preprocessor.max_width=8", "backends=['nowhere']"
        )
    )
    assert len(problems) == 2
    assert problems[0].startswith("min_width 16")


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("preprocessor.height=1", "cnn needs images at least 2 pixels high, not 1"),
        ("preprocessor.width=3", "cnn needs images at least 4 pixels wide, not 3"),
    ],
)
def test_sizes_that_a_part_cannot_take_are_refused(tiny: Path, setting: str, problem: str) -> None:
    assert problems_of(lambda: assembled(tiny, setting)) == [problem]


# ----------------------------------------------------------------------------------------- backends


def test_the_first_backend_that_is_there_is_taken(install: Install, tiny: Path) -> None:
    install("bands", NUMPY_FEATURIZER)
    assert assembled(tiny, "backends=['no-such', 'heavy', 'torch']").backend_name == "torch"
    assert (
        assembled(
            tiny, "backends=['no-such']", "training.backends=['torch']", training=True
        ).backend_name
        == "torch"
    )
    assert assembled(tiny, "backends=['no-such']", backend="torch").backend_name == "torch"
    problems = problems_of(lambda: assembled(tiny, "featurizer.use=bands", backend="heavy"))
    assert problems == [
        (
            "backend 'heavy' needs package_that_is_missing, which is not installed. Try: pip "
            "install "
            "'bands-dist[heavy]'"
        )
    ]


def test_a_part_without_an_implementation_for_the_backend_is_named(
    install: Install, tiny: Path
) -> None:
    install("bands", NUMPY_FEATURIZER)
    assert problems_of(lambda: assembled(tiny, "featurizer.use=nowhere")) == [
        "no featurizer named 'nowhere' for backend 'onnx'. It has: none.",
        "no featurizer named 'nowhere' for backend 'torch'. It has: none.",
    ]
    (problem,) = problems_of(lambda: assembled(tiny, backend="heavy"))
    assert problem.startswith("no featurizer named 'cnn' for backend 'heavy'. It has: ")
    assert problem.endswith("onnx, torch.")


def test_a_device_that_is_not_there_is_refused(tiny: Path) -> None:
    backend = assembled(tiny).backend
    devices = backend.devices()
    assert choose_device("onnx", backend, "cpu") == "cpu"
    assert choose_device("onnx", backend, "auto") == devices[-1]
    with pytest.raises(OcrkitError, match="device 'tpu': backend 'onnx' sees cpu"):
        choose_device("onnx", backend, "tpu")


def test_hand_made_features_go_ahead_of_any_network(
    install: Install, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    install("bands", NUMPY_FEATURIZER)
    changes = [
        "featurizer.use=bands",
        "featurizer.bands=8",
        "preprocessor.use=fit-height",
        "preprocessor.height=16",
    ]
    assembly = assembled(tiny, *changes, "training.epochs=2", training=True)
    assert [*assembly.plan.parts] == ["encoder", "head"]
    assert [row.owner for row in stages_of(assembly)[2:4]] == ["bands", "torch"]
    train(assembly, tmp_path / "run", data=words_root)
    pipeline = ocrkit.load(tmp_path / "run")
    arrays = pipeline.weights.arrays
    assert arrays is not None
    assert not [name for name in arrays if name.startswith("featurizer")]
    assert arrays["encoder.weight_ih_l0"].shape == (32, 8)
    together = list(pipeline.read_many(words(words_root)))
    for path, item in zip(words(words_root), together, strict=True):
        alone = pipeline.read(path)
        assert alone.text == item.text
        assert alone.confidence == pytest.approx(item.confidence, rel=1e-4)
    (problem,) = problems_of(lambda: assembled(tiny, *changes[:1], "featurizer.bands=7"))
    assert problem == "bands: 16 rows cannot be cut into 7 bands"


@settings(max_examples=30)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.integers(0, 2**32 - 1))
def test_a_batch_is_scaled_and_padded_with_zeros_to_whole_steps(
    tiny: Path, widths: list[int], seed: int
) -> None:
    assembly = assembled(tiny, "preprocessor.use=fit-height", "preprocessor.height=16")
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, 256, (16, width), np.uint8) for width in widths]
    batch = assembly.make_batch(images)
    inputs, sizes = batch["images"], batch["widths"]
    assert (inputs.dtype, sizes.dtype) == (np.float32, np.int32)
    assert sizes.tolist() == widths
    assert inputs.shape == (len(widths), 1, 16, -(-max(widths) // 4) * 4)
    for row, image, width in zip(inputs, images, widths, strict=True):
        np.testing.assert_allclose(row[0, :, :width], image / 255, rtol=1e-6)
        assert not row[0, :, width:].any()


@pytest.mark.parametrize(
    ("about", "differences"),
    [
        ({}, []),
        ({"height": 16}, []),
        ({"height": 17, "made": "by hand"}, ["height is 16, for the weights 17"]),
        ({"encoder": {"use": "gru"}}, ["encoder.use is 'bilstm', for the weights 'gru'"]),
        (
            {"encoder": {"use": "bilstm"}},
            [
                "encoder.dropout is 0.05, for the weights 'not there'",
                "encoder.hidden is 8, for the weights 'not there'",
                "encoder.layers is 1, for the weights 'not there'",
            ],
        ),
    ],
)
def test_weights_are_judged_by_what_they_say_of_themselves(
    tiny: Path, about: dict[str, Any], differences: list[str]
) -> None:
    """Those that another program wrote may say nothing; their shapes are held against the network's
    all the same."""
    assert assembled(tiny).differences(about) == differences


# ------------------------------------------------------------------------------------------ weights


def test_a_pipeline_without_weights_is_refused_in_one_line(tiny: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        ocrkit.load(tiny)
    assert (
        str(caught.value)
        == "pipeline 'tiny' is untrained: the pipeline names no weights. Train it with ocrkit train."  # noqa: E501
    )


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("featurizer.channels=5", "featurizer.channels is 5, for the weights 4"),
        ("encoder.layers=2", "encoder.layers is 2, for the weights 1"),
        ("alphabet=ehnos", "alphabet is 'ehnos', for the weights 'ehnot'"),
        ("alphabet=tonhe", "alphabet is 'tonhe', for the weights 'ehnot'"),
        ("preprocessor.height=18", "height is 18, for the weights 16"),
    ],
)
def test_weights_no_longer_apply_to_another_network(
    tiny_run: Path, setting: str, reason: str
) -> None:
    trained = fitting_weights(assembled(tiny_run, setting))
    assert trained.arrays is None
    assert trained.reason == f"weights 'best.safetensors' no longer apply: {reason}"
    with pytest.raises(
        WeightsError,
        match=r"pipeline 'tiny' is untrained: weights 'best\.safetensors' no longer apply",
    ):
        ocrkit.load(tiny_run, [setting])


def test_weights_no_longer_apply_to_another_featurizer(install: Install, tiny_run: Path) -> None:
    install("bands", NUMPY_FEATURIZER)
    reason = fitting_weights(assembled(tiny_run, "featurizer.use=bands")).reason
    assert reason.endswith("no longer apply: featurizer.use is 'bands', for the weights 'cnn'")


def test_weights_apply_whatever_else_is_changed(tiny_run: Path, words_root: Path) -> None:
    for setting in (
        "preprocessor.width=52",
        "training.epochs=9",
        "reader.split=all",
        "name=x",
        "metrics.cer.use=wer",
    ):
        assert fitting_weights(assembled(tiny_run, setting)).arrays is not None
    variable = ocrkit.load(tiny_run, ["preprocessor.use=fit-height", "preprocessor.height=16"])
    assert len(list(variable.read_many(words(words_root)))) == 31


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("gone.safetensors", "gone.safetensors: no such weights"),
        ("zoo:gone", "no zoo model named 'gone'"),
        ("pipeline.toml", "not a safe"),
    ],
)
def test_weights_that_are_not_there_are_one_clear_line(
    tiny_run: Path, reference: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_run)
    with pytest.raises(OcrkitError, match=message):
        ocrkit.load(tiny_run, {"weights": reference})


def test_weights_of_another_shape_are_refused_though_they_call_themselves_the_same(
    tiny_run: Path, tmp_path: Path
) -> None:
    from ocrkit.networks import weights as files

    run = shutil.copytree(tiny_run, tmp_path / "run")
    best = files.read(run / "best.safetensors")
    files.write(
        run / "best.safetensors", best.arrays | {"head.bias": np.zeros(5, np.float32)}, best.about
    )
    with pytest.raises(
        WeightsError,
        match=r"made for another network: head.bias is \(5,\), the network's is \(6,\)",
    ):
        ocrkit.load(run)


def test_weights_are_found_beside_the_pipelines_file(
    tiny: Path, tiny_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "deep").mkdir()
    shutil.copy(tiny_run / "best.safetensors", tmp_path / "w.safetensors")
    file = tmp_path / "deep" / "pipeline.toml"
    for reference in ("../w.safetensors", str(tmp_path / "w.safetensors"), str(tiny_run)):
        file.write_text(tomli_w.dumps(tomllib.loads(tiny.read_text()) | {"weights": reference}))
        assert ocrkit.load(file).weights.sha256 == ocrkit.load(tiny_run).weights.sha256


# ------------------------------------------------------------------------------------------ reading


@pytest.fixture(scope="module")
def pipeline(tiny_run: Path) -> ocrkit.Pipeline:
    return ocrkit.load(tiny_run, batch_size=4)


def test_a_path_a_file_and_pixels_are_read_alike(
    pipeline: ocrkit.Pipeline, words_root: Path
) -> None:
    path = words(words_root)[0]
    results = [
        pipeline.read(source)
        for source in (path, str(path), path.read_bytes(), ocrkit.read_image(path))
    ]
    assert results[0].text == "one"
    assert 0 < results[0].confidence <= 1
    assert len(results[0].spans) == 3
    assert all(result == results[0] for result in results)


def test_many_are_read_in_order_as_one_by_one(pipeline: ocrkit.Pipeline, words_root: Path) -> None:
    paths = words(words_root)
    items = list(pipeline.read_many(paths))
    assert [item.id for item in items] == [str(path) for path in paths]
    assert len({item.text for item in items}) > 10
    for path, item in zip(paths, items, strict=True):
        alone = pipeline.read(path)
        assert (item.text, item.error) == (alone.text, None)
        assert item.confidence == pytest.approx(alone.confidence, rel=1e-4)
    assert list(pipeline.read_many([])) == []


def test_a_bad_image_is_an_item_with_its_error_and_the_others_are_read(
    pipeline: ocrkit.Pipeline, words_root: Path
) -> None:
    good = words(words_root)[0]
    sources = ["gone.png", good, b"", np.zeros((3, 3), np.int64), good, *["gone.png"] * 6, good]
    items = list(pipeline.read_many(sources))
    assert [item.text for item in items] == [None, "one", None, None, "one", *[None] * 6, "one"]
    assert items[0] == ocrkit.reading.items.Item(
        "gone.png", None, None, "gone.png: No such file or directory"
    )
    assert [item.id for item in items[2:4]] == ["2", "3"]
    assert all(item.error and item.error.startswith(f"{item.id}: ") for item in items[2:4])
    with pytest.raises(ImageError, match="No such file"):
        pipeline.read("gone.png")


def test_images_of_any_width_are_read_in_order_and_as_alone(
    tiny_run: Path, words_root: Path
) -> None:
    """Batches are sorted by width, within windows of some batches."""
    pipeline = ocrkit.load(
        tiny_run, ["preprocessor.use=fit-height", "preprocessor.height=16"], batch_size=3
    )
    paths = words(words_root)
    paths = [*paths, "gone.png", *reversed(paths)]
    items = list(pipeline.read_many(paths))
    assert [item.id for item in items] == [str(path) for path in paths]
    assert [item.text for item in items] == [
        None if path == "gone.png" else pipeline.read(path).text for path in paths
    ]
    assert len({item.text for item in items}) > 10


def test_several_threads_may_read_with_one_pipeline(
    pipeline: ocrkit.Pipeline, words_root: Path
) -> None:
    paths = words(words_root) * 3
    expected = [pipeline.read(path) for path in words(words_root)] * 3
    with ThreadPoolExecutor(6) as threads:
        batched = [
            threads.submit(lambda: [item.text for item in pipeline.read_many(paths)])
            for _ in range(2)
        ]
        assert list(threads.map(pipeline.read, paths)) == expected
        for each in batched:
            assert each.result() == [decoded.text for decoded in expected]


def test_the_network_serves_one_thread_at_a_time(
    tiny_run: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that does not say that it takes several calls at a time: MXNet's blocks with static
    memory would mix them up."""
    shared = ocrkit.load(tiny_run, backend="torch")
    network = shared._engine.network
    run, busy, overlaps = network.run, threading.Lock(), []

    def watched(*arguments: Any) -> Any:
        overlaps.append(busy.locked())
        with busy:
            time.sleep(0.005)
            return run(*arguments)

    monkeypatch.setattr(network, "run", watched)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(shared.read, words(words_root)))
    assert overlaps == [False] * 31


@pytest.mark.parametrize("callers", [1, 3])
def test_a_network_gets_as_many_batches_at_a_time_as_it_takes(
    tiny_run: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch, callers: int
) -> None:
    """And the time in it is what passes while any does, not the sum of theirs: on a clock that
    moves while all are inside."""
    reader = ocrkit.load(tiny_run, batch_size=2)._engine
    monkeypatch.setattr(reader.network, "callers", callers, raising=False)
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    run, changed, inside, most = reader.network.run, threading.Condition(), 0, 0

    def watched(*arguments: Any) -> Any:
        nonlocal inside, most
        with changed:
            inside += 1
            most = max(most, inside)
            if inside == callers and not clock[0]:
                clock[0] += 7.0
                changed.notify_all()
            changed.wait_for(
                lambda: clock[0], timeout=0.3
            )  # some batches may have to do without company
        with changed:
            inside -= 1
            return run(*arguments)

    monkeypatch.setattr(reader.network, "run", watched)
    again = replace(reader)
    samples = [
        Sample(str(path), None, None, partial(read_image, path)) for path in words(words_root)
    ]
    seconds = Seconds()
    readings = list(again.readings(again.prepare(samples), seconds))
    assert [reading.sample.id for reading in readings if isinstance(reading, Reading)] == [
        sample.id for sample in samples
    ]
    assert (most, seconds.network) == (callers, 7.0)


def test_waiting_for_the_network_is_not_waiting_for_images(
    tiny_run: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock that stands still but while an image is read: all of it is waited for images."""
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    reader = ocrkit.load(tiny_run, batch_size=4)._engine
    prepared = reader.prepare(
        Sample(str(path), None, None, partial(read_image, path)) for path in words(words_root)[:12]
    )
    pairs = list(prepared)

    def slowly() -> Iterator[Any]:
        for pair in pairs:
            clock[0] += 2.0
            yield pair

    seconds = Seconds()
    assert len(list(reader.readings(slowly(), seconds))) == 12
    assert (seconds.wait_images, seconds.wait_network) == (24.0, 0.0)


# --------------------------------------------------------------------------------------- evaluation


def test_an_evaluation_says_what_was_scored(pipeline: ocrkit.Pipeline, words_root: Path) -> None:
    result = pipeline.evaluate("aachen/train", data=words_root)
    assert (result.backend, result.device, result.samples) == ("onnx", pipeline.device, 24)
    assert result.pipeline == pipeline.spec.title
    assert result.dataset == {
        "name": "iam",
        "root": str(words_root),
        "split": "aachen/train",
        "limit": None,
        "forms": {"found": 3, "expected": 747},
        "skipped": [],
    }
    assert list(result.metrics) == ["cer", "levenshtein"]
    cer = result.metrics["cer"]
    assert cer.low is not None
    assert cer.high is not None
    assert 0 <= cer.low <= (cer.value or 0) <= cer.high < 0.6
    assert {"ocrkit", "numpy", "onnxruntime"} <= result.versions.keys()
    assert result.samples_per_second == pytest.approx(24 / result.seconds.total)
    assert (
        min(
            result.seconds.read,
            result.seconds.preprocess,
            result.seconds.network,
            result.seconds.decode,
        )
        > 0
    )
    assert json.loads(json.dumps(result.as_json()))["metrics"]["cer"]["value"] == cer.value


def test_the_score_is_that_of_the_texts_read_one_by_one(
    pipeline: ocrkit.Pipeline, words_root: Path
) -> None:
    from ocrkit_levenshtein.metrics import CharacterErrorRate

    heard: list[Reading | Skipped] = []
    result = pipeline.evaluate("all", data=words_root, on_reading=heard.append)
    readings = [each for each in heard if isinstance(each, Reading)]
    assert len(readings) == len(heard) == 31
    edits, characters = 0.0, 0.0
    for reading in readings:
        assert reading.sample.text is not None
        assert reading.image.shape == (16, 48)
        assert reading.decoded.text == pipeline.read(reading.sample.load()).text
        one, of = CharacterErrorRate().counts(reading.sample.text, reading.decoded.text)
        edits, characters = edits + one, characters + of
    assert result.metrics["cer"].value == pytest.approx(edits / characters)


def test_the_size_of_batches_changes_no_score(
    tiny_run: Path, pipeline: ocrkit.Pipeline, words_root: Path
) -> None:
    first, second = (
        each.evaluate("all", data=words_root).metrics
        for each in (pipeline, ocrkit.load(tiny_run, batch_size=31))
    )
    assert first == second


def test_samples_that_cannot_be_used_are_named_and_the_others_scored(
    pipeline: ocrkit.Pipeline, words_copy: Path
) -> None:
    (words_copy / "words/a01/a01-003/a01-003-00-02.png").unlink()
    (words_copy / "words/a01/a01-003/a01-003-00-05.png").write_bytes(b"<html>")
    heard: list[Reading | Skipped] = []
    result = pipeline.evaluate("all", data=words_copy, on_reading=heard.append)
    assert result.samples == 29
    (missing, damaged) = result.dataset["skipped"]
    assert missing == {"id": "a01-003-00-02", "reason": "missing"}
    assert damaged["id"] == "a01-003-00-05"
    assert "not an image" in damaged["reason"]
    assert [each.id for each in heard if isinstance(each, Skipped)] == ["a01-003-00-05"]


def test_samples_without_a_text_are_named_and_not_scored(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    for name, path in zip(("a.png", "b.png"), words(words_root), strict=False):
        shutil.copy(path, folder / name)
    (folder / "labels.tsv").write_text("a.png\tone\n")
    own = ocrkit.load(tiny_run, ["reader.use=folder"])
    result = own.evaluate(data=folder)
    assert result.samples == 1
    assert result.dataset["skipped"] == [{"id": "b.png", "reason": "has no text to compare with"}]
    assert result.dataset["forms"] is None
    (folder / "labels.tsv").unlink()
    with pytest.raises(
        DataError,
        match=r"none of 2 samples can be used; the first: a\.png: has no text to compare with",
    ):
        own.evaluate(data=folder)


def test_a_data_set_of_which_nothing_can_be_read_is_an_error(
    pipeline: ocrkit.Pipeline, words_copy: Path
) -> None:
    for path in words(words_copy):
        path.write_bytes(b"<html>")
    with pytest.raises(
        DataError,
        match=r"none of 31 samples can be used; the first: a01-000u-00-00: .*not an image",
    ):
        pipeline.evaluate("all", data=words_copy)


def test_an_interrupted_evaluation_goes_on_with_what_it_had(
    pipeline: ocrkit.Pipeline, words_copy: Path
) -> None:
    (words_copy / "words/a01/a01-000u/a01-000u-00-03.png").write_bytes(b"<html>")
    heard: list[Reading | Skipped] = []
    whole = pipeline.evaluate("all", data=words_copy, on_reading=heard.append)
    earlier = [
        each
        if isinstance(each, Skipped)
        else Outcome(
            each.sample.id,
            each.sample.text or "",
            each.decoded.text,
            each.sample.writer,
            each.sample.form,
        )
        for each in heard[:10]
    ]
    again: list[Reading | Skipped] = []
    rest = pipeline.evaluate("all", data=words_copy, on_reading=again.append, earlier=earlier)
    assert len(again) == 21
    assert rest.samples == whole.samples == 30
    assert rest.metrics == whole.metrics
    assert rest.dataset == whole.dataset


def test_without_data_it_is_the_shipped_sample(pipeline: ocrkit.Pipeline) -> None:
    result = pipeline.evaluate(limit=5)
    assert result.samples == 5
    assert result.dataset["split"] == "all"


def test_texts_that_the_alphabet_cannot_write_are_counted_and_named(
    tiny_run: Path, words_copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A zero-width space in a label counts as a mistake, and nobody sees why."""
    table = words_copy / "ascii" / "words.txt"
    rows = table.read_text().splitlines()
    table.write_text("\n".join([f"{rows[0]}\u200b", f"{rows[1]}e\u0301", *rows[2:]]))
    ocrkit.load(tiny_run).evaluate("all", data=words_copy)
    (said,) = caplog.messages
    assert said == (
        "ocrkit: WARNING: 2 texts have characters that the alphabet lacks: U+200B ZERO WIDTH SPACE "
        "(1), é (1); these count as mistakes"
    )


def test_images_on_which_nothing_is_written_are_scored(tiny_run: Path, tmp_path: Path) -> None:
    rows = []
    for index in range(3):
        Image.fromarray(np.full((20, 60), 255 - index, np.uint8)).save(tmp_path / f"{index}.png")
        rows.append(f"{index}.png\t{'word' * (index == 2)}\n")
    (tmp_path / "labels.tsv").write_text("".join(rows))
    result = ocrkit.load(tiny_run, {"reader.use": "folder"}).evaluate(data=tmp_path)
    assert (result.samples, result.dataset["skipped"]) == (3, [])
