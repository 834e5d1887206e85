"""What weights are made for, where definitions have options that are paths or None."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import ocrkit
from ocrkit.cli import main
from ocrkit.errors import WeightsError
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.publishing.pack import pack_run
from ocrkit.training import train

Install = Callable[[str, str], Path]

PLUGIN = """
from dataclasses import dataclass
from pathlib import Path

import ocrkit
from ocrkit import option
from ocrkit_crnn.cnn import Cnn


@dataclass(frozen=True)
class Coded(Cnn):
    codebook: Path = option(Path("codes.txt"), "a file")
    more: tuple[Path, ...] = option((), "further files")
    heads: int | None = option(None, "none, or how many", minimum=1)


@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("coded", Coded)
    for backend in ("onnx", "torch", "gluon"):
        register("coded", f"ocrkit_{backend}.cnn:Cnn", backend=backend)
"""


@pytest.fixture
def coded(install: Install, tiny: Path, tmp_path: Path) -> Path:
    """A pipeline whose featurizer has such options; its codebook lies beside it."""
    install("coded", PLUGIN)
    (tmp_path / "codes.txt").write_text("one\n")
    path = tmp_path / "coded.toml"
    path.write_text(
        tiny.read_text().replace(
            'use = "cnn"', 'use = "coded"\ncodebook = "codes.txt"\nmore = ["codes.txt"]'
        )
    )
    return path


# What starts from weights that read, and learns nothing, is trained at once.
AT_ONCE = {"training.epochs": 1, "training.learning_rate": 0.0}


@pytest.fixture
def run(coded: Path, words_root: Path, tiny_run: Path, tmp_path: Path) -> Path:
    assembly = assemble(load_spec(coded, AT_ONCE), training=True)
    train(assembly, tmp_path / "run", data=words_root, init=str(tiny_run))
    return tmp_path / "run"


def test_such_a_network_is_trained_checked_and_read_with(run: Path, words_root: Path) -> None:
    done = CliRunner().invoke(main, ["check", str(run)])
    assert done.exit_code == 0, done.output
    assert "untrained" not in done.output
    assert ocrkit.load(run).read(next(words_root.rglob("*.png"))).text


def test_a_file_counts_by_its_content_wherever_it_lies(
    run: Path, coded: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "codes.txt").rename(tmp_path / "other" / "codes.txt")
    moved = [
        f"featurizer.codebook={tmp_path}/other/codes.txt",
        f"featurizer.more=['{tmp_path}/other/codes.txt']",
    ]
    check = ["check", str(run), *(word for each in moved for word in ("--set", each))]
    assert "untrained" not in CliRunner().invoke(main, check).output
    (tmp_path / "other" / "codes.txt").write_text("two\n")
    assert "featurizer.codebook.sha256 is" in CliRunner().invoke(main, check).output


def test_an_option_that_is_set_where_the_weights_have_none_is_told(run: Path) -> None:
    told = CliRunner().invoke(main, ["check", str(run), "--set", "featurizer.heads=2"]).output
    assert "featurizer.heads is 2, for the weights 'not there'" in told


def test_a_definition_with_none_is_packed(
    coded: Path, words_root: Path, tiny_run: Path, tmp_path: Path
) -> None:
    """TOML has no null: the manifest leaves the option out."""
    assembly = assemble(
        load_spec(coded, {"featurizer.codebook": None, "featurizer.more": None, **AT_ONCE}),
        training=True,
    )
    train(assembly, tmp_path / "run", data=words_root, init=str(tiny_run))
    pack_run(tmp_path / "run", tmp_path / "model", name="coded-model", licence="MIT")
    network = tomllib.loads((tmp_path / "model" / "manifest.toml").read_text())["network"]
    assert network["featurizer"] == {
        "use": "coded",
        "channels": 4,
        "columns": 2,
        "dropout": 0.05,
        "codebook": "codes.txt",
        "more": [],
    }


def test_a_model_that_names_files_of_this_machine_is_not_packed(run: Path, tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError,
        match=(
            r"names files of this machine.*featurizer\.codebook = '.*codes\.txt'; "
            r"featurizer\.more"
        ),
    ):
        pack_run(run, tmp_path / "model", name="coded-model", licence="MIT")
    assert not (tmp_path / "model").exists()
