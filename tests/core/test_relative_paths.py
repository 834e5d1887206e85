"""Relative paths start at the file that names them, those on the command line at the current
folder."""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import ocrkit
from ocrkit.cli import main
from ocrkit.data.datasets import open_dataset
from ocrkit.errors import OcrkitError
from ocrkit.pipelines.file import load_spec

Install = Callable[[str, str], Path]


@pytest.fixture
def project(tiny: Path, tiny_run: Path, words_root: Path, tmp_path: Path) -> Path:
    """A folder with a pipeline that names files beside it: weights, a lexicon, data and lists of
    forms."""
    folder = tmp_path / "project"
    (folder / "lists").mkdir(parents=True)
    (folder / "lists" / "words.txt").write_text("hen toe not one the oh\n")
    (folder / "lists" / "held-out.txt").write_text("a01-007\n")
    (folder / "lists" / "chosen.txt").write_text("c04-156\n")
    (folder / "data").symlink_to(words_root)
    (folder / "best.safetensors").symlink_to(tiny_run / "best.safetensors")
    text = tiny.read_text()
    text = text.replace('use = "iam"', 'use = "iam"\nroot = "data"\nexclude = "lists/held-out.txt"')
    text = text.replace('use = "ctc-greedy"', 'use = "ctc-beam"\nlexicon = "lists/words.txt"')
    text = text.replace(
        "[training]",
        '[training]\nexclude = "lists/held-out.txt"\nvalidation_only = "./lists/chosen.txt"',
    )
    text = text.replace("alphabet =", 'weights = "best.safetensors"\nalphabet =')
    (folder / "mine.toml").write_text(
        text + 'also = [{ use = "iam", root = "data", only = "lists/chosen.txt" }]\n'
    )
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, away from the project."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def check(*arguments: object) -> str:
    done = CliRunner().invoke(main, ["check", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("relative", [True, False])
def test_a_pipeline_is_right_from_any_folder(
    project: Path, elsewhere: Path, words_root: Path, relative: bool
) -> None:
    source = Path(os.path.relpath(project / "mine.toml")) if relative else project / "mine.toml"
    assert "weights: best.safetensors" in check(source)
    pipeline = ocrkit.load(source)
    assert pipeline.read(next(words_root.rglob("*.png"))).text in {
        "hen",
        "toe",
        "not",
        "one",
        "the",
        "oh",
        "",
    }
    assert {sample.form for sample in open_dataset(pipeline.spec.reader, split="all")} == {
        "a01-000u", "a01-003", "c04-156", "c06-083",
    }  # fmt: skip


def test_every_kind_of_option_that_names_a_file_starts_at_the_pipeline_s(
    project: Path, elsewhere: Path
) -> None:
    spec = load_spec(project / "mine.toml")
    assert spec.reader.options == {
        "root": f"{project}/data",
        "exclude": f"{project}/lists/held-out.txt",
    }
    assert spec.decoder.options == {"lexicon": f"{project}/lists/words.txt"}
    assert (spec.training.exclude, spec.training.validation_only) == (
        f"{project}/lists/held-out.txt", f"{project}/lists/chosen.txt",
    )  # fmt: skip
    assert (spec.training.only, spec.also[0].options) == (
        "", {"root": f"{project}/data", "only": f"{project}/lists/chosen.txt"},
    )  # fmt: skip


def test_settings_start_at_the_current_folder(
    project: Path, elsewhere: Path, tiny_run: Path
) -> None:
    """Those of Python as those of the command line; and what they do not change keeps to its
    file."""
    for settings in (
        ["decoder.lexicon=near.txt", "training.only=here/ids.txt", "weights=w.safetensors"],
        {
            "decoder.lexicon": Path("near.txt"),
            "training.only": "here/ids.txt",
            "weights": "w.safetensors",
        },
    ):
        spec = load_spec(project / "mine.toml", settings)
        assert spec.decoder.options == {"lexicon": f"{elsewhere}/near.txt"}
        assert spec.training.only == f"{elsewhere}/here/ids.txt"
        assert spec.weights == f"{elsewhere}/w.safetensors"
        assert spec.reader.options["root"] == f"{project}/data"
    (elsewhere / "w.safetensors").symlink_to(tiny_run / "best.safetensors")
    assert f"weights: {elsewhere}/w.safetensors" in check(
        project / "mine.toml", "--set", "weights=w.safetensors"
    )
    assert load_spec("iam-crnn", ["weights=zoo:iam-crnn"]).weights == "zoo:iam-crnn"


def test_a_language_model_is_a_name_or_a_file_beside_the_pipeline(
    project: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (project / "mine.toml").read_text()
    for language_model, found in (
        ("english", "english"),
        ("lm.safetensors", f"{project}/lm.safetensors"),
    ):
        changed = text.replace(
            'lexicon = "lists/words.txt"', f'language_model = "{language_model}"'
        )
        (project / "other.toml").write_text(changed)
        assert load_spec(project / "other.toml").decoder.options == {"language_model": found}
    with pytest.raises(
        OcrkitError,
        match=r"project/lm.safetensors: no such language model; expected a file, or the name",
    ):
        ocrkit.load(project / "other.toml")
    (elsewhere / "english").write_text("no language model")
    assert load_spec(
        "iam-crnn", ["decoder.language_model=english", "decoder.use=ctc-beam"]
    ).decoder.options == {"language_model": "english"}
    assert ocrkit.load(
        "iam-crnn", {"decoder.use": "ctc-beam", "decoder.language_model": "english"}
    ).decoder
    own = load_spec(
        "iam-crnn", ["decoder.language_model=./english", "decoder.use=ctc-beam"]
    ).decoder.options
    assert own == {"language_model": f"{elsewhere}/english"}


def test_a_run_keeps_its_files_wherever_it_was_started(
    project: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths of the file and of the settings alike; it goes on, and is read with, from another
    folder."""
    (elsewhere / "more.txt").write_text("hen toe not\n")
    commands = [
        "train",
        "--pipeline",
        "../project/mine.toml",
        "--data",
        "../project/data",
        "--out",
        "run",
    ]
    settings = ["--set", "decoder.lexicon=more.txt", "--set", "training.epochs=1"]
    done = CliRunner().invoke(main, [*commands, *settings])
    assert done.exit_code == 0, done.output
    monkeypatch.chdir(tmp_path)
    table = tomllib.loads((elsewhere / "run" / "pipeline.toml").read_text())
    assert table["decoder"]["lexicon"] == str(elsewhere / "more.txt")
    assert table["training"]["exclude"] == f"{project}/lists/held-out.txt"
    assert "untrained" not in check(elsewhere / "run")
    done = CliRunner().invoke(main, ["train", "--resume", "--out", "elsewhere/run"])
    assert done.exit_code == 0, done.output


PLUGIN = """
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
import ocrkit
from ocrkit import option

@dataclass(frozen=True)
class Listed:
    higher_is_better: ClassVar[bool] = True
    files: tuple[Path, ...] = option((), "lists of words")
    other: Path | None = option(None, "one more")
    word: str = option("", "a word")

    def counts(self, reference, prediction):
        return 1.0, 1.0

@ocrkit.hookimpl
def ocrkit_metrics(register):
    register("listed", Listed)
"""


def test_paths_of_parts_of_others_start_at_the_file_too(
    install: Install, project: Path, elsewhere: Path
) -> None:
    install("listed", PLUGIN)
    text = (
        (project / "mine.toml")
        .read_text()
        .replace(
            'use = "levenshtein"',
            'use = "listed"\nfiles = ["a.txt", "/b.txt"]\nother = "c.txt"\nword = "d.txt"',
        )
    )
    (project / "listed.toml").write_text(text)
    assert load_spec(project / "listed.toml").metrics["listed"].options == {
        "files": [f"{project}/a.txt", "/b.txt"], "other": f"{project}/c.txt", "word": "d.txt",
    }  # fmt: skip


def test_a_name_of_the_zoo_is_the_model_s_and_a_file_or_folder_of_that_name_is_reached_by_its_path(
    elsewhere: Path, tiny: Path
) -> None:
    Path("iam-crnn").write_text(tiny.read_text())
    assert load_spec("iam-crnn").name == "iam-crnn"
    assert load_spec("./iam-crnn").name == "tiny"
    Path("iam-crnn").unlink()
    Path("iam-crnn").mkdir()
    (Path("iam-crnn") / "pipeline.toml").write_text(tiny.read_text())
    assert load_spec("iam-crnn").name == "iam-crnn"
    assert load_spec("./iam-crnn").name == "tiny"


def test_an_option_is_taken_away_by_none(project: Path) -> None:
    assert load_spec(project / "mine.toml", {"decoder.lexicon": None}).decoder.options == {}
