"""``ocrkit zoo import``: from a `.params` file to a folder that reads, trains on and says what it
is."""

import json
import resource
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from networks import NEEDS_GLUON, notebook_name
from ocrkit.cli import main
from ocrkit.networks.weights import read
from ocrkit.support.checksums import sha256_of
from ocrkit.zoo.manifest import manifest_problems
from ocrkit.zoo.models import model, read_model_weights

pytestmark = NEEDS_GLUON

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "plugins" / "ocrkit_iam" / "sample" / "words" / "z00" / "z00-000"


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def save(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """A `.params` file with these arrays, given by canonical name, as MXNet writes it for the
    notebook's network."""
    from ocrkit_gluon.mxnet import mxnet

    mxnet.nd.save(
        str(path),
        {
            notebook_name(name): mxnet.nd.array(array, dtype="float32")
            for name, array in arrays.items()
        },
    )
    return path


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zoo's model, as the notebook would have saved it."""
    return save(
        tmp_path_factory.mktemp("params") / "test.params",
        read_model_weights(model("iam-crnn")).arrays,
    )


@pytest.fixture(scope="module")
def imported(params: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imported") / "models" / "mine"
    done = ocrkit("zoo", "import", "--params", params, "--to", folder, "--licence", "CC-BY-4.0")
    assert (done.exit_code, done.stdout) == (0, "")
    assert (
        done.stderr
        == f"ocrkit: {params} is now {folder}; read with it: ocrkit run --pipeline {folder}\n"
    )
    return folder


def test_the_folder_holds_pipeline_weights_and_manifest(imported: Path, params: Path) -> None:
    assert sorted(path.name for path in imported.iterdir()) == [
        "manifest.toml",
        "pipeline.toml",
        "weights.safetensors",
    ]
    weights, zoo = read(imported / "weights.safetensors"), read_model_weights(model("iam-crnn"))
    assert weights.about == zoo.about
    assert weights.arrays.keys() == zoo.arrays.keys()
    for name, array in zoo.arrays.items():
        assert weights.arrays[name].dtype == np.float32
        np.testing.assert_array_equal(weights.arrays[name], array, err_msg=name)

    manifest = tomllib.loads((imported / "manifest.toml").read_text())
    assert manifest_problems(manifest) == []
    assert manifest == {
        "schema": 2,
        "name": "mine",
        "summary": "iam-crnn, with weights imported from test.params",
        "licence": "CC-BY-4.0",
        "weights": {
            "file": "weights.safetensors",
            "sha256": sha256_of(imported / "weights.safetensors"),
            "bytes": (imported / "weights.safetensors").stat().st_size,
            "dtype": "float32",
            "parameters": 2_028_544,
        },
        "network": zoo.about,
        "source": {"file": "test.params", "sha256": sha256_of(params), "importer": "params"},
    }


def test_it_reads_as_the_network_did(imported: Path) -> None:
    words = sorted(SAMPLE.glob("*.png"))[:6]
    found, expected = (
        ocrkit("run", *words, "--pipeline", imported),
        ocrkit("run", *words, "--pipeline", "iam-crnn"),
    )
    assert found.exit_code == 0
    assert found.stdout == expected.stdout
    assert "'mine'" in found.stderr
    assert "weights weights.safetensors: CC-BY-4.0." in found.stderr
    scores, of_the_zoo = (
        json.loads(ocrkit("run", "--pipeline", pipeline, "--json").stdout)["metrics"]
        for pipeline in (imported, "iam-crnn")
    )
    assert scores == of_the_zoo
    assert scores["cer"]["value"] < 0.6
    assert ocrkit("check", imported).stdout.endswith("weights: weights.safetensors\n")


def test_weights_that_are_not_the_manifests_are_refused(imported: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(imported, tmp_path / "copy")
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    read_with = ocrkit("run", next(SAMPLE.glob("*.png")), "--pipeline", folder)
    assert (read_with.exit_code, read_with.stdout) == (1, "")
    assert "but its manifest says" in read_with.stderr.splitlines()[-1]
    (folder / "manifest.toml").write_text("schema = 1")
    assert "manifest.toml: schema: 1; expected 2" in ocrkit("check", folder).stderr


def test_training_goes_on_from_it(imported: Path, tmp_path: Path) -> None:
    done = ocrkit(
        "train",
        "--pipeline",
        imported,
        "--init",
        imported,
        "--out",
        tmp_path / "run",
        "--limit",
        8,
        "--set",
        "training.epochs=1",
        "--set",
        "training.split=all",
        "--set",
        "training.validation=",
        "--set",
        "training.patience=0",
    )
    assert done.exit_code == 0, done.stderr
    assert f"starting from {imported}: 30 arrays, 95 characters shared\n" in done.stderr


def test_settings_of_the_network_go_into_its_pipeline(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    settings = [
        "featurizer.channels=2",
        "encoder.hidden=3",
        "preprocessor.height=8",
        "alphabet=ehno",
    ]
    shapes = {
        name: array.shape for name, array in read_model_weights(model("iam-crnn")).arrays.items()
    }
    smaller = {32: 2, 800: 12, 200: 3, 1024: 16, 400: 6, 96: 5}
    arrays = {
        name: rng.random([smaller.get(n, n) for n in shape], np.float32)
        for name, shape in shapes.items()
    }
    source = save(tmp_path / "small.params", arrays)
    sets = [argument for setting in settings for argument in ("--set", setting)]
    assert (
        ocrkit("zoo", "import", "--params", source, "--to", tmp_path / "small", *sets).exit_code
        == 0
    )
    table = tomllib.loads((tmp_path / "small" / "pipeline.toml").read_text())
    assert (table["alphabet"], table["encoder"]["hidden"], table["name"]) == ("ehno", 3, "small")
    read_with = ocrkit("run", next(SAMPLE.glob("*.png")), "--pipeline", tmp_path / "small")
    assert read_with.exit_code == 0
    assert (
        "weights weights.safetensors: unknown. Nobody has said what these weights may be used for."
        in read_with.stderr
    )
    refused = ocrkit("zoo", "import", "--params", source, "--to", tmp_path / "other", *sets[:-2])
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "'2.weight' is (5, 6), expected (96, 6)" in refused.stderr


def test_an_empty_folder_is_taken(params: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert ocrkit("zoo", "import", "--params", params, "--to", tmp_path / "empty").exit_code == 0
    assert (tmp_path / "empty" / "manifest.toml").is_file()


def refused(message: str, *arguments: object) -> None:
    result = ocrkit("zoo", "import", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def test_what_cannot_be_imported_is_one_line_and_leaves_nothing(
    params: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.params"
    page.write_text("<html>not found</html>")
    arrays = dict(read_model_weights(model("iam-crnn")).arrays)
    arrays["encoder.bias_hh_l0"] = np.full(800, np.nan, np.float32)
    diverged = save(tmp_path / "diverged.params", arrays)
    used = tmp_path / "used"
    used.mkdir()
    (used / "notes.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))

    refused("it begins with b'<html>no'", "--params", page, "--to", tmp_path / "new")
    refused(
        "encoder.bias_hh_l0 has infinite numbers or NaN",
        "--params",
        diverged,
        "--to",
        tmp_path / "new",
    )
    refused("no such file to import", "--params", tmp_path / "none", "--to", tmp_path / "new")
    refused("no such file to import", "--params", used, "--to", tmp_path / "new")
    refused(f"{used}: not empty; name a new folder", "--params", params, "--to", used)
    refused(f"{page}: cannot be used", "--params", params, "--to", page)
    refused("cannot be used", "--params", params, "--to", page / "below")
    refused(
        "no importer named 'param'. Did you mean 'params'?",
        "--params",
        params,
        "--to",
        tmp_path / "new",
        "--importer",
        "param",
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_leaves_nothing_behind(params: Path, tmp_path: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)
        )  # as if the disk were full after a megabyte

    command = [
        sys.executable,
        "-m",
        "ocrkit",
        "zoo",
        "import",
        "--params",
        str(params),
        "--to",
        str(tmp_path / "a" / "new"),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=small_files, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot be written (File too large)" in done.stderr
    assert list((tmp_path / "a").iterdir()) == []


IMPORTER = """
from dataclasses import dataclass
import numpy as np
import ocrkit

@dataclass(frozen=True)
class Npz:
    def __call__(self, path, plan):
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file}

@ocrkit.hookimpl
def ocrkit_importers(register):
    register("npz", Npz, summary="NumPy's archives")
"""


def test_an_importer_of_a_third_party_is_used_and_what_it_gives_is_checked(
    install: Callable[[str, str], Path], tmp_path: Path
) -> None:
    install("npz-weights", IMPORTER)
    arrays = dict(read_model_weights(model("iam-crnn")).arrays)
    np.savez(tmp_path / "w.npz", **arrays)
    assert "npz" in ocrkit("plugins", "list").stdout
    done = ocrkit(
        "zoo",
        "import",
        "--importer",
        "npz",
        "--params",
        tmp_path / "w.npz",
        "--to",
        tmp_path / "new",
    )
    assert done.exit_code == 0, done.stderr
    assert (
        tomllib.loads((tmp_path / "new" / "manifest.toml").read_text())["source"]["importer"]
        == "npz"
    )
    del arrays["head.bias"]
    np.savez(tmp_path / "w.npz", **arrays, surplus=np.ones(3))
    refused(
        "head.bias is missing; surplus is not part of the network",
        "--importer", "npz", "--params", tmp_path / "w.npz", "--to", tmp_path / "other",
    )  # fmt: skip
