"""The network that finds lines, trained as others are: from pages with their lines to a model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lettered_pages
from ocrkit import ConfigError
from ocrkit.networks.network_file import network_files
from ocrkit.networks.weights import read
from ocrkit.pipelines.build import assemble, build_network, surround
from ocrkit.pipelines.file import load_spec
from ocrkit.publishing.export import export
from ocrkit.training import train

pytest.importorskip("torch", reason="PyTorch is not installed")

PIPELINE = """
schema = 1
task = "segment"
objective = "pixels"
name = "lines"
backends = ["torch"]

[reader]
use = "page-xml"
level = "pages"

[preprocessor]
use = "fit-page"
longest = 320

[model]
use = "baseline-net"
stem = 4
widths = [8, 12]
blocks = [1, 1]
pyramid = 8
head = 8

[training]
split = "learning"
validation = "choosing"
epochs = 2
batch_size = 4
optimizer = "adamw"
learning_rate = 1e-2
ema_decay = 0.9
augment = [{ use = "page-crop", size = 128, longest = 320 }, { use = "shading" }]
"""


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    path = tmp_path / "lines.toml"
    path.write_text(PIPELINE, "utf-8")
    return path


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lettered_pages.write(tmp_path_factory.mktemp("pages"), 14)


def trained(pipeline: Path, folder: Path, pages: Path, *settings: str, **options: Any) -> Path:
    assembly = assemble(load_spec(pipeline, settings), training=True)
    train(assembly, folder, data=pages, device="cpu", threads=1, **options)
    return folder


def test_it_learns_where_lines_are(pipeline: Path, pages: Path, tmp_path: Path) -> None:
    assembly = assemble(load_spec(pipeline, ["training.epochs=24"]), training=True)
    progress = train(assembly, tmp_path / "run", data=pages, device="cpu", threads=1)
    assert progress.best_score is not None
    assert progress.best_score > 0.6
    assert progress.history[-1]["validation"].keys() == {"baseline-dice"}


def test_it_goes_on_exactly_where_it_was_stopped(
    pipeline: Path, pages: Path, tmp_path: Path
) -> None:
    whole = trained(pipeline, tmp_path / "whole", pages, "training.checkpoint_minutes=0")

    def stop(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(pipeline, tmp_path / "part", pages, "training.checkpoint_minutes=0", report=stop)
    part = trained(pipeline, tmp_path / "part", pages, "training.checkpoint_minutes=0", resume=True)
    for name in ("last.safetensors", "best.safetensors"):
        one, other = read(whole / name).arrays, read(part / name).arrays
        assert one.keys() == other.keys()
        assert all(one[each].tobytes() == other[each].tobytes() for each in one)


def test_it_is_exported_for_pages_of_any_size(pipeline: Path, pages: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="the exporter's package is not installed")
    run = trained(pipeline, tmp_path / "run", pages, "training.epochs=1")
    path = tmp_path / "lines.onnx"
    done = export(load_spec(run), path)
    assert done.differences["torch"] < 1e-3
    described = network_files(path).metadata(path)
    assert "(N, 1, H, W)" in described["input"]
    assert "H a multiple of 8" in described["input"]

    around, _ = surround(load_spec(path))
    file = network_files(path).open(path, around.objective.outputs, device="cpu", threads=1)
    assembly = assemble(load_spec(run))
    own = build_network(assembly, "cpu")
    own.load_state(read(run / "best.safetensors").arrays)
    for height, width in ((32, 64), (200, 96), (96, 200)):
        image = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
        inputs = around.make_batch([image, image])
        found = file.run(inputs)["maps"]
        assert found.shape == (2, 6, height // 4, width // 4)
        np.testing.assert_allclose(found, own.run(inputs)["maps"], atol=1e-3)


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ('training.augment=[{ use = "elastic" }]', "augmentation 'elastic' does not say where its"),
        ("training.feed=memory", "training.feed: 'memory' is not for 'pixels'"),
        ("model.maps=4", "model: gives 4 maps; expected 6"),
        ("segmenter.use=none-such", "no segmenter named 'none-such'"),
    ],
)
def test_what_does_not_fit_is_said(pipeline: Path, setting: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        assemble(load_spec(pipeline, [setting]), training=True)
    assert any(line.startswith(problem) for line in caught.value.problems), caught.value.problems


def test_a_reader_of_texts_takes_no_pages_of_any_height() -> None:
    with pytest.raises(ConfigError, match="'fit-page' gives images of any height"):
        assemble(load_spec("iam-crnn", ["preprocessor.use=fit-page"]))
