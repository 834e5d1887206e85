"""A network that marks ink, of a plugin's own task, goes the way of those that read: trained,
resumed, packed, verified and exported by the same code."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from ink_marker import PIPELINE, PLUGIN, InkBox
from ocrkit import ConfigError, OcrkitError, load
from ocrkit.cli import main
from ocrkit.data.datasets import open_dataset
from ocrkit.interfaces import ImageSize
from ocrkit.networks.network_file import network_files
from ocrkit.networks.weights import read
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.build import assemble, build_network, surround
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.opened import make_parts
from ocrkit.pipelines.stages import stages_of
from ocrkit.publishing.export import export
from ocrkit.publishing.golden_set import read_golden
from ocrkit.publishing.pack import pack_run
from ocrkit.publishing.verify import verify
from ocrkit.reading.preparing import prepare
from ocrkit.testing import (
    ModelConformance,
    ObjectiveConformance,
    SegmenterConformance,
    examine,
)
from ocrkit.training import train

pytest.importorskip("torch", reason="PyTorch is not installed")

Install = Callable[[str, str], Path]


@pytest.fixture
def pipeline(install: Install, tmp_path: Path) -> Path:
    """The file of a pipeline whose parts a plugin brings."""
    install("ink", PLUGIN)
    path = tmp_path / "ink.toml"
    path.write_text(PIPELINE)
    return path


def trained(pipeline: Path, folder: Path, data: Path, *settings: str, **options: Any) -> Path:
    assembly = assemble(load_spec(pipeline, settings), training=True)
    train(assembly, folder, data=data, device="cpu", threads=1, **options)
    return folder


def test_it_learns_to_mark_ink(pipeline: Path, words_root: Path, tmp_path: Path) -> None:
    assembly = assemble(load_spec(pipeline, ["training.epochs=12"]), training=True)
    progress = train(assembly, tmp_path / "run", data=words_root, device="cpu", threads=1)
    assert progress.best_score is not None
    assert progress.best_score > 0.8
    assert progress.history[-1]["loss"] < progress.history[0]["loss"] / 2
    assert progress.history[-1]["validation"].keys() == {"ink-f1"}

    network = build_network(assembly, "cpu")
    network.load_state(read(tmp_path / "run" / "best.safetensors").arrays)
    sample = open_dataset(assembly.spec.reader, root=words_root, split="all")[0]
    image = np.asarray(prepare(sample.load, assembly).image)
    (ink,) = assembly.objective.valid(
        network.run(assembly.make_batch([image])), assembly.make_batch([image])
    )
    dark = image[:, : image.shape[1] // 4 * 4].reshape(6, 4, -1, 4).min(axis=(1, 3)) < 128
    assert ((ink["ink"][:, : dark.shape[1]] > 0.5) == dark).mean() > 0.85


def test_it_goes_on_exactly_where_it_was_stopped(
    pipeline: Path, words_root: Path, tmp_path: Path
) -> None:
    settings = ["training.checkpoint_minutes=0", "training.optimizer=adamw"]
    whole = trained(pipeline, tmp_path / "whole", words_root, *settings)

    def stop(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(pipeline, tmp_path / "part", words_root, *settings, report=stop)
    part = trained(pipeline, tmp_path / "part", words_root, *settings, resume=True)
    for name in ("last.safetensors", "best.safetensors"):
        one, other = read(whole / name).arrays, read(part / name).arrays
        assert one.keys() == other.keys()
        assert all(one[each].tobytes() == other[each].tobytes() for each in one)


def test_it_does_not_depend_on_what_else_is_in_the_batch(pipeline: Path) -> None:
    assembly = assemble(load_spec(pipeline))
    network = build_network(assembly, "cpu")
    network.initialize(1)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (24, width), np.uint8) for width in (9, 40, 90)]

    def maps(which: list[Any]) -> list[Any]:
        inputs = assembly.make_batch(which)
        return [each["ink"] for each in assembly.objective.valid(network.run(inputs), inputs)]

    for together, image in zip(maps(images), images, strict=True):
        np.testing.assert_allclose(together, maps([image])[0], atol=1e-6)


def test_it_is_packed_and_verified(
    pipeline: Path,
    words_root: Path,
    tmp_path: Path,
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("onnxscript", reason="the exporter's package is not installed")
    run = trained(pipeline, tmp_path / "run", words_root)
    site = install("ink_zoo", 'import ocrkit\n\n@ocrkit.hookimpl\ndef ocrkit_zoos(register):\n'
                   '    register("ink-small", "ink_zoo_models:small")\n')  # fmt: skip
    (site / "ink_zoo_models").mkdir()
    (site / "ink_zoo_models" / "__init__.py").write_text("")
    folder = site / "ink_zoo_models" / "small"
    manifest = pack_run(run, folder, name="ink-small", licence="CC0-1.0")
    assert manifest.network is not None
    assert manifest.network.model == {"use": "ink-net", "channels": 6}
    assert manifest.results is not None
    assert manifest.results.metrics.keys() == {"ink-f1"}
    items = read_golden(folder / "golden.safetensors")
    assert all(item.computed.valid["ink"].shape[0] == 6 for item in items)
    assert [item.computed.text for item in items] == [""] * 8
    result = verify("ink-small")
    assert result.problems == []
    between = {difference.between for difference in result.differences}
    assert between == {("torch", "network.onnx"), ("torch", "stored"), ("network.onnx", "stored")}

    parts = make_parts(load_spec("ink-small"), None)
    assert not isinstance(parts.around, Assembly)
    assert parts.around.backend_name == "onnx"
    assert isinstance(make_parts(load_spec("ink-small"), "torch").around, Assembly)
    assert isinstance(
        make_parts(load_spec("ink-small", ["model.channels=5"]), None).around, Assembly
    )
    graph = (folder / "network.onnx").read_bytes()
    (folder / "network.onnx").write_bytes(graph[:-1])
    assert "network.onnx: not the file that" in verify("ink-small").problems[0]
    (folder / "network.onnx").write_bytes(graph)

    other = trained(pipeline, tmp_path / "other", words_root, "training.seed=1")
    again = pack_run(other, site / "ink_zoo_models" / "other", name="x", licence="CC0-1.0")
    shutil.copy(site / "ink_zoo_models" / "other" / "golden.safetensors", folder)
    text = (folder / "manifest.toml").read_text()
    assert manifest.golden is not None
    assert again.golden is not None
    for name in ("sha256", "bytes"):
        text = text.replace(str(getattr(manifest.golden, name)), str(getattr(again.golden, name)))
    (folder / "manifest.toml").write_text(text)
    assert "maps of torch and stored differ by " in verify("ink-small").problems[0]


@pytest.mark.parametrize("width", [None, 64])
def test_it_is_exported_and_runs_without_pytorch(
    pipeline: Path, words_root: Path, tmp_path: Path, width: int | None
) -> None:
    pytest.importorskip("onnxscript", reason="the exporter's package is not installed")
    fixed = ["preprocessor.use=fit-pad", "preprocessor.height=24", "preprocessor.width=64"]
    run = trained(pipeline, tmp_path / "run", words_root, *(fixed if width else []))
    path = tmp_path / "ink.onnx"
    done = export(load_spec(run), path)
    assert done.differences["torch"] < 1e-5
    assert "float32 (N, 1, H, W)" in network_files(path).metadata(path)["output"]

    around, _ = surround(load_spec(path))
    assert around.image == ImageSize(24, width)
    network = network_files(path).open(path, around.objective.outputs, device="cpu", threads=1)
    assembly = assemble(load_spec(run))
    own = build_network(assembly, "cpu")
    own.load_state(read(run / "best.safetensors").arrays)
    images = [np.full((24, each), 200, np.uint8) for each in ([64, 64] if width else [20, 61])]
    for image in images:
        image[8:16, 4:12] = 10
    inputs = around.make_batch(images)
    np.testing.assert_allclose(network.run(inputs)["ink"], own.run(inputs)["ink"], atol=1e-5)


def test_its_stages_are_shown(pipeline: Path) -> None:
    shown = CliRunner().invoke(main, ["check", str(pipeline)])
    assert shown.exit_code == 0, shown.output
    assert "ink-net" in shown.output
    assert "6 × any px" in shown.output


def test_it_reads_no_text(pipeline: Path, words_root: Path, tmp_path: Path) -> None:
    run = trained(pipeline, tmp_path / "run", words_root)
    with pytest.raises(OcrkitError, match="reads no text: its task is 'segment'"):
        load(run)


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("task=page", "task: 'page'; expected one of text, segment"),
        ("objective=inc", "no objective named 'inc'"),
        ("decoder.use=ctc-greedy", "no table or key 'decoder'."),
        ("training.thorough=-1", "training.thorough: -1; expected"),
        ("training.shortcut=0.1", "training: no option 'shortcut'."),
        ("training.metric=cer", "training.metric: 'cer' is not one of the pipeline's metrics"),
        ("model.depth=3", "model: no option 'depth'."),
    ],
)
def test_what_is_wrong_with_its_file_is_said(pipeline: Path, setting: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        assemble(load_spec(pipeline, [setting]))
    assert any(line.startswith(problem) for line in caught.value.problems), caught.value.problems


def test_an_objective_of_other_networks_is_refused(pipeline: Path) -> None:
    spec = load_spec(pipeline, {"objective": "ctc", "training.thorough": None})
    with pytest.raises(ConfigError, match="'ctc' trains networks of featurizer, encoder, not of"):
        assemble(spec)


def test_its_parts_pass_the_conformance_kit(pipeline: Path) -> None:
    class Net(ModelConformance):
        name = "ink-net"

    class Objective(ObjectiveConformance):
        name = "ink"

    class Segmenter(SegmenterConformance):
        name = "ink-box"

    for findings in (examine(Net()), examine(Objective()), examine(Segmenter())):
        assert [each for each in findings if each.result != "ok"] == []


def test_the_kit_tells_a_segmenter_that_finds_no_lines_from_one_that_does(pipeline: Path) -> None:
    class Segmenter(SegmenterConformance):
        name = "blind"

    reasons = {each.check: each.reason for each in examine(Segmenter())}
    assert "gives a page of 10 × 10 pixels" in reasons["test_it_finds_lines_in_pixels_of_the_image"]
    assert "finds 1 lines on a blank page" in reasons["test_a_blank_page_has_no_lines"]


def test_a_segmenter_takes_what_the_objective_gives(pipeline: Path) -> None:
    assert assemble(load_spec(pipeline)).segmenter is None
    assembly = assemble(load_spec(pipeline, ["segmenter.use=ink-box"]))
    assert isinstance(assembly.segmenter, InkBox)
    assert [stage.use for stage in stages_of(assembly)][-1] == "ink-box"
    wrong = "segmenter: 'blind' takes baselines, which networks trained for 'ink' do not give"
    with pytest.raises(ConfigError, match=wrong):
        assemble(load_spec(pipeline, ["segmenter.use=blind"]))


def test_ctc_passes_the_conformance_kit() -> None:
    class Objective(ObjectiveConformance):
        name = "ctc"

    assert [each for each in examine(Objective()) if each.result != "ok"] == []
