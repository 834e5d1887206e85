"""What all commands have in common: ``--quiet``, ``--reader``, arguments that are empty, names that
are nearly right."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ocrkit.cli import main


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def commands(command: click.Command = main, *names: str) -> Iterator[tuple[str, ...]]:
    """The names of every command."""
    if not isinstance(command, click.Group):
        yield names
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found
        yield from commands(found, *names, name)


@pytest.fixture
def labelled(words_root: Path, tmp_path: Path) -> Path:
    """A folder of eight images and a table with the texts of two."""
    images = sorted((words_root / "words" / "a01" / "a01-000u").iterdir())
    folder = tmp_path / "labelled"
    folder.mkdir()
    for image in images:
        shutil.copy(image, folder)
    (folder / "labels.tsv").write_text(f"{images[0].name}\tone\n{images[1].name}\then\n")
    return folder


# -------------------------------------------------------------------------------------------- quiet


@pytest.mark.parametrize("names", list(commands()), ids=" ".join)
def test_every_command_can_be_quiet(names: tuple[str, ...]) -> None:
    assert "-q, --quiet" in ocrkit(*names, "--help").stdout


def test_quiet_hides_information_and_no_warning(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    image = min(words_root.rglob("*.png"))
    loud, quiet = (ocrkit("run", image, "--pipeline", tiny_run, *flags) for flags in ((), ("-q",)))
    assert loud.stderr.startswith("ocrkit: pipeline ")
    assert (quiet.stdout, quiet.stderr) == (loud.stdout, "")
    missing = ocrkit("run", tmp_path / "gone.png", "--pipeline", tiny_run, "--quiet")
    assert missing.stderr == f"ocrkit: {tmp_path / 'gone.png'}: No such file or directory\n"
    output = ("--output", tmp_path / "results.jsonl", "--min-confidence", 0.5)
    scored = ocrkit(
        "run", "--pipeline", tiny_run, "--data", words_root, "--split", "all", "-q", *output
    )
    assert scored.exit_code == 0
    assert len(scored.stderr.splitlines()) == 2
    assert all(line.startswith("ocrkit: WARNING: ") for line in scored.stderr.splitlines())


def test_a_quiet_training_says_what_it_skips(tiny: Path, words_copy: Path, tmp_path: Path) -> None:
    broken = words_copy / "words" / "a01" / "a01-003" / "a01-003-00-03.png"
    broken.write_bytes(broken.read_bytes()[:60])
    trained = ocrkit(
        "train", "-q", "--pipeline", tiny, "--data", words_copy, "--out", tmp_path / "run"
    )
    assert trained.exit_code == 0
    assert [line.split(":")[0] for line in trained.stderr.splitlines()] == ["skipped a01-003-00-03"]


# ------------------------------------------------------------------------------------------- reader


def test_a_reader_is_named_by_one_word(tiny_run: Path, labelled: Path, tmp_path: Path) -> None:
    results = []
    for reader in (["--reader", "folder"], ["--set", "reader.use=folder"]):
        result = ocrkit("run", "--pipeline", tiny_run, *reader, "--data", labelled, "--json")
        assert result.exit_code == 0, result.stderr
        found = json.loads(result.stdout)
        results.append((found["dataset"]["name"], found["samples"], found["metrics"]))
    assert results[0] == results[1]
    assert results[0][:2] == ("folder", 2)
    options = ocrkit(
        "run", "--pipeline", tiny_run, "--reader", "folder", "--set", "reader.nonsense=1"
    )
    assert "nonsense" in options.stderr, (
        "other settings of the reader are of the one that was named"
    )
    assert (
        "Did you mean 'folder'?"
        in ocrkit("run", "--pipeline", tiny_run, "--reader", "foldr").stderr
    )


@pytest.mark.parametrize("command", ["run", "train", "check", "calibrate", "export", "lm tune"])
def test_every_command_that_reads_data_takes_a_reader(command: str) -> None:
    assert "--reader NAME" in ocrkit(*command.split(), "--help").stdout


def test_a_reader_is_for_data_sets_and_for_new_runs(tiny_run: Path, words_root: Path) -> None:
    image = min(words_root.rglob("*.png"))
    reading = ocrkit("run", image, "--pipeline", tiny_run, "--reader", "folder")
    assert (reading.exit_code, "--reader: for scoring a data set" in reading.stderr) == (2, True)
    resumed = ocrkit("train", "--resume", "--out", tiny_run, "--reader", "folder")
    assert (resumed.exit_code, "leave out --reader." in resumed.stderr) == (2, True)


# -------------------------------------------------------------------------------------------- words


def test_many_samples_that_are_skipped_for_one_reason_are_a_few_lines(
    tiny_run: Path, labelled: Path
) -> None:
    image = min(labelled.glob("*.png"))
    for number in range(100):
        shutil.copy(image, labelled / f"copy{number:03}.png")
    result = ocrkit("run", "--pipeline", tiny_run, "--reader", "folder", "--data", labelled)
    said = [line for line in result.stderr.splitlines() if "skipped" in line]
    assert len(said) == 7
    assert "101 more: " in said[-2]
    assert "--json names them all" in said[-2]
    assert said[-1] == "ocrkit: 106 samples skipped"


@pytest.mark.parametrize(
    "arguments", ["run '", "run --data=", "score '", "lm train --text ' --out x"]
)
def test_an_empty_argument_is_no_path(
    arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = ocrkit(*(word.strip("'") for word in arguments.split()))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "'': no such file" in result.stderr


@pytest.mark.parametrize(
    ("typed", "meant"), [(["rn"], "run"), (["lm", "trian"], "train"), (["zoo", "lst"], "list")]
)
def test_a_command_that_is_nearly_right_is_suggested(typed: list[str], meant: str) -> None:
    result = ocrkit(*typed)
    assert result.exit_code == 2
    assert f"No such command {typed[-1]!r}. Did you mean {meant!r}?" in result.stderr


def test_whatever_is_in_a_name_it_stays_on_its_line(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    name = "two\nlines\tand \x1b[31mred\u202e [bold]"
    shutil.copy(min(words_root.rglob("*.png")), tmp_path / f"{name}.png")
    (tmp_path / f"{name} broken.png").touch()
    shown = "two\\nlines\\tand \\x1b[31mred\\u202e [bold]"
    read = ocrkit("run", tmp_path, "--pipeline", tiny_run, "-q")
    assert [line.split("\t")[0] for line in read.stdout.splitlines()] == [f"{tmp_path}/{shown}.png"]
    assert read.stderr.splitlines() == [f"ocrkit: {tmp_path}/{shown} broken.png: empty file"]
    (tmp_path / f"{name}.gt.txt").write_text("one")
    scored = ocrkit("run", "--pipeline", tiny_run, "--reader", "folder", "--data", tmp_path)
    assert "\x1b" not in scored.output
    exact = json.loads(ocrkit("run", tmp_path, "--pipeline", tiny_run, "--json").stdout)
    assert f"{tmp_path}/{name}.png" in [item["id"] for item in exact["items"]]


def test_an_option_that_another_part_has_leads_to_it(tiny_run: Path) -> None:
    result = ocrkit("run", "--pipeline", tiny_run, "--set", "decoder.language_model=english")
    assert result.exit_code == 1
    assert "no option 'language_model'. 'ctc-beam' has it: decoder.use=ctc-beam." in result.stderr
