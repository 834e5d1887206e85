"""Trained models that come in plugins."""

import re
from pathlib import Path

import pytest
import tomli_w

import ocrkit
from ocrkit.errors import OcrkitError, WeightsError
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.trained import fitting_weights
from ocrkit.support.checksums import sha256_of
from ocrkit.zoo.models import model, models, read_model_weights


def write_manifest(folder: Path, manifest: dict[str, object]) -> None:
    (folder / "manifest.toml").write_text(tomli_w.dumps(manifest))


def test_a_model_of_a_third_party_is_found_and_reads(
    folder: Path, tiny_run: Path, words_root: Path
) -> None:
    found = model("tiny")
    assert (found.name, found.owner, found.folder) == ("tiny", "small-zoo", folder)
    assert found.manifest.weights.file == "w.safetensors"
    from_zoo, from_run = ocrkit.load("tiny"), ocrkit.load(tiny_run)
    assert from_zoo.weights.reference == "zoo:tiny"
    paths = sorted(words_root.glob("words/*/*/*.png"))[:5]
    assert list(from_zoo.read_many(paths)) == list(from_run.read_many(paths))


def test_damaged_weights_are_refused(folder: Path) -> None:
    (folder / "w.safetensors").write_bytes(
        (folder / "w.safetensors").read_bytes()[:-4] + b"\1\2\3\4"
    )
    with pytest.raises(WeightsError, match="damaged or replaced; install it anew"):
        ocrkit.load("tiny")
    (folder / "w.safetensors").unlink()
    with pytest.raises(WeightsError, match="no such weights"):
        read_model_weights(model("tiny"))


@pytest.mark.parametrize(
    "manifest",
    [
        None,
        "not TOML",
        {"schema": 3, "weights": {"file": "w.safetensors", "sha256": "0"}},
        {"schema": 2},
        {"schema": 2, "weights": "w.safetensors"},
        {"schema": 2, "weights": {"file": "w.safetensors"}},
        {"schema": 2, "weights": {"sha256": "0"}},
    ],
)
def test_a_manifest_that_makes_no_sense_is_one_clear_line(
    folder: Path, manifest: dict[str, object] | str | None
) -> None:
    (folder / "manifest.toml").unlink()
    if isinstance(manifest, dict):
        write_manifest(folder, manifest)
    elif manifest:
        (folder / "manifest.toml").write_text(manifest)
    with pytest.raises(WeightsError) as caught:
        model("tiny")
    assert str(caught.value).startswith(f"{folder / 'manifest.toml'}: ")
    assert "\n" not in str(caught.value)


def test_a_manifest_cannot_name_files_outside_its_folder(folder: Path) -> None:
    digest = sha256_of(folder / "w.safetensors")
    (folder / "w.safetensors").rename(folder.parent / "w.safetensors")
    write_manifest(folder, {"schema": 2, "weights": {"file": "../w.safetensors", "sha256": digest}})
    with pytest.raises(
        WeightsError,
        match=r"'\.\./w\.safetensors'; expected the name of a file beside the manifest",
    ):
        read_model_weights(model("tiny"))


@pytest.mark.usefixtures("folder")
def test_a_model_whose_package_is_missing_is_one_clear_line() -> None:
    reason = r"zoo model 'gone' of plugin 'small-zoo'.*no_such_package"
    for call in (model, load_spec):
        with pytest.raises(OcrkitError, match=reason):
            call("gone")
    found, problems = models()
    assert {"tiny", "iam-crnn"} <= {each.name for each in found}
    assert len(problems) == 1
    assert re.search(reason, problems[0])


def test_a_model_without_its_pipeline_is_one_clear_line(folder: Path) -> None:
    (folder / "pipeline.toml").unlink()
    with pytest.raises(OcrkitError, match=r"pipeline\.toml: no such file"):
        load_spec("tiny")


@pytest.mark.usefixtures("folder")
def test_weights_of_a_model_no_longer_apply_to_a_changed_network() -> None:
    trained = fitting_weights(
        assemble(load_spec("tiny", ["decoder.use=ctc-greedy", "reader.split=all"]))
    )
    assert trained.arrays is not None
    changed = fitting_weights(assemble(load_spec("tiny", ["encoder.hidden=9"])))
    assert changed.arrays is None
    assert changed.reason.startswith("weights 'zoo:tiny' no longer apply: encoder.hidden is 9, ")


@pytest.mark.usefixtures("folder")
def test_an_unknown_model_is_answered_with_the_nearest() -> None:
    for call in (
        lambda: model("tinny"),
        lambda: load_spec("tinny"),
        lambda: ocrkit.load("iam-crnn", {"weights": "zoo:tinny"}),
    ):
        with pytest.raises(OcrkitError, match="no zoo model named 'tinny'"):
            call()
