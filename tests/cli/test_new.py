"""``ocrkit new pipeline``: a copy to edit that reads as its source does."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import ocrkit
from ocrkit.cli import main
from ocrkit.config import find_pipeline


def new(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["new", "pipeline", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def test_the_copy_is_the_source_but_for_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = new("--from", "iam-crnn")
    assert (result.exit_code, result.stdout) == (0, "wrote my-iam-crnn.toml; after editing it: ocrkit check my-iam-crnn.toml\n")
    copy, source = (path.read_text() for path in (tmp_path / "my-iam-crnn.toml", find_pipeline("iam-crnn")))
    assert tomllib.loads(copy) == tomllib.loads(source) | {"name": "my-iam-crnn"}
    assert [line for line in copy.splitlines() if line.startswith("#")], "comments are kept"
    checked = CliRunner().invoke(main, ["check", "my-iam-crnn.toml"])
    assert (checked.exit_code, "weights: zoo:iam-crnn" in checked.stdout) == (0, True)


def test_a_copy_of_a_run_reads_with_the_runs_weights_from_anywhere(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    assert new("--from", tiny_run, "--to", tmp_path / "deep" / "mine.toml").exit_code == 0
    copy = ocrkit.load(tmp_path / "deep" / "mine.toml")
    assert (copy.spec.name, copy.weights.sha256) == ("mine", ocrkit.load(tiny_run).weights.sha256)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--from", "iam-crnn", "--to", "there.toml"], "there.toml: is there already; name another file with --to"),
        (["--from", "iam-crnn", "--to", "mine.txt"], "mine.txt: expected a name that ends in .toml"),
        (
            ["--from", "iam-crnn", "--to", "nowhere/mine.toml"],
            "nowhere/mine.toml: cannot be written: there is no folder nowhere",
        ),
        (["--from", "iam-crn"], "no zoo model named 'iam-crn'. Did you mean 'iam-crnn'?"),
    ],
)
def test_what_cannot_be_written_is_a_line(
    arguments: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.toml").write_text("mine")
    result = new(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"ocrkit: {reason}")
    assert [path.name for path in tmp_path.iterdir()] == ["there.toml"]
    assert Path("there.toml").read_text() == "mine"
