"""The example packages of the documentation, installed, tested and used as an outsider would; no
file of ocrkit knows them."""

import json
import os
import shlex
import shutil
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

import pytest
from PIL import Image

from ocrkit.networks.seen_forms import of_model
from ocrkit.zoo.manifest import checked_manifest
from outsiders import PROGRAM, install, outcomes_of, run

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PACKAGES = {
    "ocrkit-csv": "csv",
    "ocrkit-profile": "ink-profile",
    "ocrkit-resnet": "resnet",
    "ocrkit-zoo-example": "sample-tiny",
}
"""What each package registers."""
SHORT = ["--set", "training.epochs=1", "--set", "encoder.hidden=16", "--limit", "32"]


def ocrkit(
    environment: dict[str, str], *commands: list[object], before: str = "", cwd: Path | None = None
) -> str:
    """What these commands print, one after the other."""
    lines = json.dumps([[str(word) for word in command] for command in commands])
    return run(sys.executable, "-c", before + PROGRAM, stdin=lines, env=environment, cwd=cwd)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with copies of the packages: installing and testing them writes beside them."""
    folder = tmp_path_factory.mktemp("packages")
    for name in PACKAGES:
        shutil.copytree(EXAMPLES / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def environment(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process in which they all are installed."""
    return install(packages, PACKAGES, tmp_path_factory.mktemp("site-packages"))


@pytest.fixture(scope="module")
def outcomes(packages: Path, environment: dict[str, str]) -> dict[str, list[str]]:
    """What became of each package's own tests, by package: ``passed``, or the others with their
    reason."""
    return outcomes_of(packages, PACKAGES, environment)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_passes_its_own_tests(name: str, outcomes: dict[str, list[str]]) -> None:
    assert [
        outcome for outcome in outcomes[name] if not outcome.startswith(("passed", "skipped"))
    ] == []
    assert outcomes[name].count("passed") >= 2


def test_their_parts_are_listed_with_their_owner(environment: dict[str, str]) -> None:
    listed = json.loads(ocrkit(environment, ["plugins", "list", "--json"]))
    owners = {part["name"]: part["distribution"] for part in listed["parts"]}
    assert {name: owners.get(part) for name, part in PACKAGES.items()} == {
        name: name for name in PACKAGES
    }


def test_a_network_learns_on_hand_made_features(
    environment: dict[str, str], tmp_path: Path
) -> None:
    profile = ["--set", "featurizer.use=ink-profile"]
    output = ocrkit(
        environment,
        ["check", "iam-crnn", *profile],
        ["train", "--pipeline", "iam-crnn", *profile, *SHORT, "--out", tmp_path / "run"],
        ["run", "--pipeline", tmp_path / "run", "--limit", "8", "--json"],
    )
    assert "32 steps × 3" in output
    assert '"samples": 8' in output


def test_a_table_of_images_is_read_and_trained_on(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """Split by split; a row whose image is not there is left out and named."""
    splits = ["test", "test", "validation", "train", "train", "train", "train"]
    for index in range(6):
        Image.new("L", (60, 30), 40 * index).save(tmp_path / f"{index}.png")
    rows = [f"{index}.png,word,writer{index},{split}\n" for index, split in enumerate(splits)]
    (tmp_path / "labels.csv").write_text(
        "path,text,writer,split\n" + "".join(rows), encoding="utf-8"
    )
    table = ["--set", "reader.use=csv", "--data", tmp_path]
    named = ["--set", "training.split=train", "--set", "training.validation=validation"]
    output = ocrkit(
        environment,
        ["run", *table, "--split", "test", "--json"],
        ["train", "--pipeline", "iam-crnn", *table, *named, *SHORT, "--out", tmp_path / "run"],
    )
    assert '"samples": 2' in output
    assert "3 samples of train" in output
    assert "validation: 1 samples of validation" in output
    assert "6.png: no such file" in output


@pytest.fixture
def iam(words_root: Path, tmp_path: Path) -> Path:
    """The drawn words, those of one writer as a form of aachen/test."""
    root = shutil.copytree(words_root, tmp_path / "IAM")
    (root / "words" / "a01" / "a01-007").rename(root / "words" / "c04" / "c04-110")
    for image in (root / "words" / "c04" / "c04-110").iterdir():
        image.rename(image.with_name(image.name.replace("a01-007", "c04-110")))
    for table in (root / "ascii").iterdir():
        table.write_text(table.read_text().replace("a01-007", "c04-110"))
    return root


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_the_residual_network_is_measured_against_cnn_by_the_command_of_its_readme(
    environment: dict[str, str], iam: Path, tmp_path: Path
) -> None:
    """The lines as they stand there. What comes of them is then exported, and read with where
    PyTorch cannot be imported."""
    readme = (EXAMPLES / "ocrkit-resnet" / "README.md").read_text(encoding="utf-8")
    lines = readme[readme.index("    for part in") : readme.index("Each of the JSON files")]
    path = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    run("bash", "-e", "-c", dedent(lines), env={**environment, "PATH": path}, cwd=tmp_path)
    for part in ("cnn", "resnet"):
        measured = json.loads((tmp_path / f"{part}.json").read_text(encoding="utf-8"))
        assert (measured["backend"], measured["samples"], set(measured["metrics"])) == (
            "torch",
            8,
            {"cer", "wer", "levenshtein"},
        )

    if find_spec("onnxscript") is None:
        pytest.skip("onnxscript is not installed")
    export, read = (shlex.split(line)[1:] for line in readme.splitlines() if "resnet.onnx" in line)
    ocrkit(environment, export, cwd=tmp_path)
    elsewhere = {**os.environ, "OCRKIT_IAM": ""}  # without the package
    without = "import sys; sys.modules['torch'] = sys.modules['onnx'] = None\n"
    assert '"samples": 8' in ocrkit(elsewhere, [*read, "--json"], before=without, cwd=iam.parent)


def test_a_model_that_a_package_ships_is_listed_verified_and_read_with(
    environment: dict[str, str],
) -> None:
    output = ocrkit(
        environment,
        ["zoo", "list"],
        ["zoo", "verify", "sample-tiny"],
        ["run", "--pipeline", "sample-tiny", "--json"],
    )
    assert "Apache-2.0" in output
    assert output.count("golden set on ") >= 1
    scores = json.loads(output[output.index("\n{") : output.rindex("}") + 1])
    assert scores["samples"] == 312
    assert (
        scores["metrics"]["cer"]["value"] < 0.3
    )  # 257 of these words are those that it was trained on


def test_a_shipped_models_card_says_what_its_manifest_says() -> None:
    """Scores on forms that it has not seen, and the size that the package's README names."""
    folder = EXAMPLES / "ocrkit-zoo-example" / "ocrkit_zoo_example" / "sample-tiny"
    manifest = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    row = next(
        line for line in card.splitlines() if "held-out.txt" in line and line.startswith("|")
    )
    for score in manifest["results"]["metrics"].values():
        assert f"{score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})" in row
    lists = checked_manifest(manifest)
    seen = of_model(folder, lists.forms, lists.images).trained
    assert len(seen) == 9
    assert not seen & set((EXAMPLES / "ocrkit-zoo-example" / "held-out.txt").read_text().split())
    assert (folder / "weights.safetensors").stat().st_size < 50_000
