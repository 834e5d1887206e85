"""``ocrkit new pipeline``: a copy to edit that reads as its source does."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import ocrkit
from ocrkit.cli import main
from ocrkit.pipelines.file import find_pipeline


def new(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["new", "pipeline", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def test_the_copy_is_the_source_but_for_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = new("--from", "iam-crnn")
    assert (result.exit_code, result.stdout) == (
        0,
        "wrote my-iam-crnn.toml; after editing it: ocrkit check my-iam-crnn.toml\n",
    )
    copy, source = (
        path.read_text() for path in (tmp_path / "my-iam-crnn.toml", find_pipeline("iam-crnn"))
    )
    assert tomllib.loads(copy) == tomllib.loads(source) | {"name": "my-iam-crnn"}
    assert [line for line in copy.splitlines() if line.startswith("#")], "comments are kept"
    checked = CliRunner().invoke(main, ["check", "my-iam-crnn.toml"])
    assert (checked.exit_code, "weights: zoo:iam-crnn" in checked.stdout) == (0, True)


def test_a_copy_of_a_run_reads_with_the_runs_weights_from_anywhere(
    tiny_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "deep").mkdir()
    assert new("--from", tiny_run, "--to", tmp_path / "deep" / "mine.toml").exit_code == 0
    copy = ocrkit.load(tmp_path / "deep" / "mine.toml")
    assert (copy.spec.name, copy.weights.sha256) == ("mine", ocrkit.load(tiny_run).weights.sha256)


WRITTEN = {
    "single quotes": ("name = 'tiny'", "weights = 'best.safetensors'"),
    "another spacing": ('name="tiny"', 'weights   =\t"best.safetensors"'),
    "comments behind": (
        'name = "tiny"  # "tiny", don\'t',
        'weights = "best.safetensors" # name = "tiny"',
    ),
    "keys in quotes": ('"name" = "tiny"', "'weights' = \"best.safetensors\""),
    "escapes": ('name = "\\u0074iny"', 'weights = "best\\u002esafetensors"'),
    "no name": ("", 'weights = "best.safetensors"'),
    "on several lines": ('name = """\ntiny"""', "weights = '''\nbest.safetensors'''"),
    "the same text elsewhere before": (
        'summary = "tiny"\nname = "tiny"',
        'weights = "best.safetensors"',
    ),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_a_copy_reads_however_the_source_is_written(
    written: str, tiny: Path, tiny_run: Path, tmp_path: Path
) -> None:
    name, weights = WRITTEN[written]
    text = tiny.read_text().replace('name = "tiny"', f'# a remark on "tiny"\n{name}\n{weights}')
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "best.safetensors").symlink_to(tiny_run / "best.safetensors")
    (folder / "source.toml").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert new("--from", folder / "source.toml", "--to", tmp_path / "copy.toml").exit_code == 0
    copied, source = (
        tomllib.loads(found) for found in ((tmp_path / "copy.toml").read_text(), text)
    )
    assert copied == source | {"name": "copy", "weights": str(folder / "best.safetensors")}
    assert ocrkit.load(tmp_path / "copy.toml").spec.name == "copy"
    if written != "on several lines":
        assert '# a remark on "tiny"' in (tmp_path / "copy.toml").read_text()


def test_a_copy_elsewhere_finds_all_the_files_of_its_source_and_one_beside_it_is_left_as_it_was(
    tiny: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "words.txt").write_text("hen ten\n")
    text = (
        tiny.read_text()
        .replace('use = "ctc-greedy"', 'use = "ctc-beam"\nlexicon = "words.txt"  # "words.txt"')
        .replace("[training]", "[training]\nalso = [ { use = 'iam', root = 'words.txt' } ]  # both")
    )
    (folder / "source.toml").write_text(text)
    for to, lexicon in (
        (tmp_path / "copy.toml", str(folder / "words.txt")),
        (folder / "copy.toml", "words.txt"),
    ):
        assert new("--from", folder / "source.toml", "--to", to).exit_code == 0
        table = tomllib.loads(to.read_text())
        assert (table["decoder"]["lexicon"], table["training"]["also"][0]["root"]) == (
            lexicon,
            lexicon,
        )
        assert "# both" in to.read_text()
        assert CliRunner().invoke(main, ["check", str(to)]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ["--from", "iam-crnn", "--to", "there.toml"],
            "there.toml: is there already; name another file with --to",
        ),
        (
            ["--from", "iam-crnn", "--to", "mine.txt"],
            "mine.txt: expected a name that ends in .toml",
        ),
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
