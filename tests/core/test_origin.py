"""What of the weights that a run begins from holds for its own: the licence with its terms, the
temperature of confidences."""

import shutil
import tomllib
from pathlib import Path

import pytest
import tomli_w

import ocrkit
from ocrkit.networks.network_file import network_files
from ocrkit.networks.weights import read
from ocrkit.pipelines.file import load_spec
from ocrkit.publishing.export import export
from ocrkit.publishing.pack import pack_run
from runs import trained

TERMS = {
    "licence": "LicenseRef-mine",
    "terms": "For tests only.",
    "confidence": {"temperature": 1.5},
}
LICENCE = "LicenseRef-mine. For tests only."
ONE = {"training.epochs": 1, "training.learning_rate": 0.0}


@pytest.fixture
def tuned(folder: Path, tiny: Path, words_root: Path, tmp_path: Path) -> Path:
    """A run from a run from the zoo's model ``tiny``, which has terms and a temperature."""
    manifest = folder / "manifest.toml"
    manifest.write_text(tomli_w.dumps(tomllib.loads(manifest.read_text()) | TERMS))
    trained(tiny, tmp_path / "first", words_root, ONE, init="zoo:tiny")
    trained(tiny, tmp_path / "tuned", words_root, ONE, init=str(tmp_path / "first"))
    return tmp_path / "tuned"


def test_a_run_from_a_run_from_a_model_has_the_models_terms_and_temperature(tuned: Path) -> None:
    reader = ocrkit.load(tuned)
    assert (reader.weights.licence, reader.weights.temperature) == (LICENCE, 1.5)
    assert reader.decoder.temperature == 1.5
    assert ocrkit.load(tuned, {"decoder.temperature": 2.0}).decoder.temperature == 2.0, (
        "calibrated anew"
    )


def test_weights_that_are_copied_out_of_their_run_keep_the_terms(
    tuned: Path, tiny: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere" / "mine.safetensors"
    copy.parent.mkdir()
    shutil.copy(tuned / "best.safetensors", copy)
    assert ocrkit.load(tiny, {"weights": str(copy)}).weights.licence == LICENCE


def test_a_copy_of_a_models_weights_is_known_as_the_models(
    folder: Path, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    manifest = folder / "manifest.toml"
    manifest.write_text(tomli_w.dumps(tomllib.loads(manifest.read_text()) | TERMS))
    shutil.copy(folder / "w.safetensors", tmp_path / "downloaded.safetensors")
    reader = ocrkit.load(tiny, {"weights": str(tmp_path / "downloaded.safetensors")})
    assert (reader.weights.licence, reader.weights.temperature) == (LICENCE, 1.5)
    trained(tiny, tmp_path / "run", words_root, ONE, init=str(tmp_path / "downloaded.safetensors"))
    assert ocrkit.load(tmp_path / "run").weights.licence == LICENCE


def test_a_run_that_was_stopped_and_goes_on_keeps_the_terms(
    folder: Path, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    manifest = folder / "manifest.toml"
    manifest.write_text(tomli_w.dumps(tomllib.loads(manifest.read_text()) | TERMS))

    class Stopped(Exception):  # noqa: N818
        pass

    def stop(event: dict[str, object]) -> None:
        if event["event"] == "validate":
            raise Stopped

    with pytest.raises(Stopped):
        ocrkit.training.train(
            ocrkit.pipelines.build.assemble(load_spec(tiny, ONE), training=True),
            tmp_path / "run",
            data=words_root,
            init="zoo:tiny",
            report=stop,
        )
    assert not (tmp_path / "run" / "best.safetensors").exists()
    trained(tmp_path / "run", tmp_path / "run", words_root, resume=True)
    assert read(tmp_path / "run" / "best.safetensors").about["licence"] == LICENCE


def test_a_run_from_nothing_has_no_terms(tiny_run: Path) -> None:
    assert (ocrkit.load(tiny_run).weights.licence, ocrkit.load(tiny_run).weights.temperature) == (
        "",
        None,
    )
    assert read(tiny_run / "best.safetensors").about.keys() == {
        "alphabet",
        "encoder",
        "featurizer",
        "height",
        "training",
    }


def test_an_exported_network_has_them_too(tuned: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = tmp_path / "mine.onnx"
    export(load_spec(tuned), path)
    assert network_files(path).metadata(path)["licence"] == LICENCE
    reader = ocrkit.load(path)
    assert (reader.weights.licence, reader.weights.temperature, reader.decoder.temperature) == (
        LICENCE,
        1.5,
        1.5,
    )


def test_a_model_that_is_packed_has_them_beside_its_own_licence(
    tuned: Path, tmp_path: Path
) -> None:
    manifest = pack_run(tuned, tmp_path / "model", name="mine", licence="CC-BY-4.0")
    assert manifest.licence == "CC-BY-4.0"
    assert manifest.terms == f"Trained from {tmp_path / 'first'}, of which holds on: {LICENCE}"
    assert manifest.confidence
    assert manifest.confidence.temperature == 1.5
    assert LICENCE in (tmp_path / "model" / "CARD.md").read_text()
