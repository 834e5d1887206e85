"""Models at an address, from a real server on this machine."""

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from click.testing import CliRunner

import ocrkit
from ocrkit.cli import main
from ocrkit.errors import DownloadError, WeightsError
from ocrkit.support.checksums import sha256_of

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def far(folder: Path, site: Any) -> dict[str, bytes]:
    """The files of a model that no package brings, on the server under ``hub``."""
    weights = (folder / "w.safetensors").read_bytes()
    pipeline = tomllib.loads((folder / "pipeline.toml").read_text()) | {"weights": "zoo:far"}
    stated = {
        "file": "w.safetensors",
        "sha256": sha256_of(folder / "w.safetensors"),
        "bytes": len(weights),
    }
    manifest = {"schema": 2, "name": "far", "licence": "CC0-1.0", "weights": stated}
    put(site, pipeline, manifest)
    site.files["hub/w.safetensors"] = weights
    files: dict[str, bytes] = site.files
    return files


def put(site: Any, pipeline: dict[str, Any], manifest: dict[str, Any]) -> None:
    site.files["hub/pipeline.toml"] = tomli_w.dumps(pipeline).encode()
    site.files["hub/manifest.toml"] = tomli_w.dumps(manifest).encode()


def address(site: Any) -> str:
    return f"{site.url}/hub/pipeline.toml"


def pin(files: dict[str, bytes]) -> str:
    both = files["hub/pipeline.toml"] + files["hub/manifest.toml"]
    return f"#sha256={hashlib.sha256(both).hexdigest()}"


def test_a_model_at_an_address_reads_and_is_fetched_once(
    far: dict[str, bytes], site: Any, tiny_run: Path, words_root: Path
) -> None:
    path = sorted(words_root.glob("words/*/*/*.png"))[0]
    pinned = address(site) + pin(far)
    with ocrkit.load(pinned, backend="onnx") as model, ocrkit.load(tiny_run) as same:
        assert model.read(path).text == same.read(path).text
    asked = [path for path, _ in site.asked]
    assert asked == ["/hub/pipeline.toml", "/hub/manifest.toml", "/hub/w.safetensors"]
    result = CliRunner().invoke(main, ["run", str(path), "--pipeline", pinned])
    assert result.exit_code == 0, result.output
    assert "CC0-1.0" in result.stderr
    assert len(site.asked) == 3


@pytest.mark.usefixtures("far")
def test_what_is_there_is_read_offline(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ocrkit.load(address(site)).close()
    monkeypatch.setenv("OCRKIT_OFFLINE", "1")
    ocrkit.load(address(site)).close()
    with pytest.raises(DownloadError, match="not downloaded, since OCRKIT_OFFLINE is set"):
        ocrkit.load(f"{site.url}/other/pipeline.toml")


def test_without_a_pin_the_address_with_one_is_said(
    far: dict[str, bytes], site: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ocrkit.load(address(site)).close()
    said = f"ocrkit: fetched a model that may be pinned: {address(site)}{pin(far)}"
    assert said in [record.getMessage() for record in caplog.records]


def test_another_model_than_the_pinned_one_is_refused_before_its_weights_are_fetched(
    far: dict[str, bytes], site: Any
) -> None:
    pinned = address(site) + pin(far)
    far["hub/pipeline.toml"] += b"# changed\n"
    with pytest.raises(WeightsError, match="not the model that was asked for"):
        ocrkit.load(pinned)
    assert "/hub/w.safetensors" not in [path for path, _ in site.asked]
    ocrkit.load(address(site)).close()
    with pytest.raises(WeightsError, match=r"have the sha256 .+; where the model has changed"):
        ocrkit.load(pinned)


def test_weights_that_are_not_the_manifest_s_are_not_kept(far: dict[str, bytes], site: Any) -> None:
    good = far["hub/w.safetensors"]
    far["hub/w.safetensors"] = good[:-1] + bytes([good[-1] ^ 1])
    with pytest.raises(WeightsError, match=r"w\.safetensors: not the file that the model's"):
        ocrkit.load(address(site))
    far["hub/w.safetensors"] = good + b"more"
    with pytest.raises(DownloadError, match="the most that the file may have"):
        ocrkit.load(address(site))
    far["hub/w.safetensors"] = good
    ocrkit.load(address(site)).close()


@pytest.mark.parametrize(
    "name", ["../w.safetensors", "pipeline.toml", "a/b.onnx", "w.safetensors.py"]
)
def test_names_that_lead_elsewhere_are_refused(far: dict[str, bytes], site: Any, name: str) -> None:
    manifest = tomllib.loads(far["hub/manifest.toml"].decode())
    manifest["weights"]["file"] = name
    put(site, tomllib.loads(far["hub/pipeline.toml"].decode()), manifest)
    with pytest.raises(WeightsError, match=r"refused|the name of a file beside the manifest"):
        ocrkit.load(address(site))


@pytest.mark.parametrize("value", ["/etc/passwd", "../../secret", r"C:\secret", r"..\secret"])
def test_a_pipeline_that_names_files_outside_its_folder_is_refused(
    far: dict[str, bytes], site: Any, value: str
) -> None:
    pipeline = tomllib.loads(far["hub/pipeline.toml"].decode())
    pipeline["decoder"]["language_model"] = value
    put(site, pipeline, tomllib.loads(far["hub/manifest.toml"].decode()))
    with pytest.raises(WeightsError, match="leads out of the model's folder; refused"):
        ocrkit.load(address(site))


@pytest.mark.parametrize(
    "wrong", ["/hub/", "/hub/pipeline.toml#main", "/hub/pipeline.toml#sha256=12"]
)
def test_an_address_that_is_none_of_a_model_is_said(site: Any, wrong: str) -> None:
    with pytest.raises(WeightsError, match=r"expected the address of a model.s pipeline\.toml"):
        ocrkit.load(site.url + wrong)
    assert not site.asked


def test_a_copy_of_a_model_s_folder_reads_with_the_weights_in_it(
    far: dict[str, bytes], tmp_path: Path, words_root: Path
) -> None:
    copied = tmp_path / "copied"
    copied.mkdir()
    for name in ("pipeline.toml", "manifest.toml", "w.safetensors"):
        (copied / name).write_bytes(far[f"hub/{name}"])
    path = sorted(words_root.glob("words/*/*/*.png"))[0]
    with ocrkit.load(copied) as model:
        assert model.read(path).text
