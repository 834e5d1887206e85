"""``ocrkit data``, on the sample that ships and on a reader that can do nothing but read."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ocrkit.cli import main
from ocrkit.interfaces import FormCount, Sample, Skipped
from ocrkit.parts.plugins import Plugin
from ocrkit.parts.registry import Entry, registry
from ocrkit_iam.reader import Iam
from ocrkit_pagexml.reader import PageXml


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["data", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return Path(shutil.copytree(Iam.sample_root(), tmp_path / "sample"))


@dataclass
class Plain:
    """A reader without check and fetch, whose samples have no texts."""

    root: Path
    split: str = "all"
    skipped: tuple[Skipped, ...] = ()
    forms: FormCount | None = None

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Sample:
        return Sample(f"page{index}.png", None, None, lambda: np.full((8, 8), 50 * index, np.uint8))

    @classmethod
    def sample_root(cls) -> None:
        return None


@pytest.fixture
def _plain() -> Iterator[None]:
    plugin = Plugin("plain", "plain", "plain", "1")
    registry().add(Entry("reader", "plain", Plain, "", None, None, False, plugin))
    yield
    registry.cache_clear()


# -------------------------------------------------------------------------------------------- check


def test_check_says_what_is_there(sample: Path) -> None:
    result = run("check", "iam", sample)
    assert result.exit_code == 0
    assert f"IAM under {sample}" in result.stdout
    assert "Words and lines can be read." in result.stdout


def test_check_as_json_is_one_object(sample: Path) -> None:
    result = run("check", "iam", sample, "--json")
    report = json.loads(result.stdout)
    assert report["usable"] is True
    for count, level in (("images", "words"), ("line images", "lines")):
        there = len(list((sample / level).rglob("*.png")))
        assert report["counts"][count]["found"] == there > 0


def test_check_fails_where_nothing_can_be_read_and_still_says_why(sample: Path) -> None:
    shutil.rmtree(sample / "words")
    shutil.rmtree(sample / "lines")
    (sample / "words.tgz").write_text("<html>log in</html>")
    result = run("check", "iam", sample)
    assert result.exit_code == 1
    assert "words.tgz: a web page saved as an archive" in result.stdout
    assert "No word and no line can be read." in result.stdout


def test_check_of_no_folder_is_one_line(tmp_path: Path) -> None:
    result = run("check", "iam", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        (
            f"ocrkit: {tmp_path / 'nowhere'}: no such folder; expected one that words.tgz or "
            "lines.tgz, and ascii.tgz were extracted into"
        )
    ]


def test_an_unknown_data_set_names_the_nearest(sample: Path) -> None:
    result = run("check", "ian", sample)
    assert result.exit_code == 1
    assert "no reader named 'ian'. Did you mean 'iam'?" in result.stderr


@pytest.mark.usefixtures("_plain")
@pytest.mark.parametrize(
    "arguments", [("check", "plain", "root"), ("fetch", "plain", "--dest", "root")]
)
def test_a_reader_need_not_check_or_fetch(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"ocrkit: cannot {arguments[0]} data of the reader 'plain'; ")
    assert "class" not in result.stderr, "whoever has data need not know what a class is"


class Fetching(Plain):
    """One that fetches, and has no levels."""

    @classmethod
    def fetch(cls, dest: Path, url: str | None = None) -> None:
        (dest / "fetched").touch()


def test_a_level_is_asked_only_of_readers_that_have_levels(tmp_path: Path) -> None:
    plugin = Plugin("plain", "plain", "plain", "1")
    registry().add(Entry("reader", "fetching", Fetching, "", None, None, False, plugin))
    refused = run("fetch", "fetching", "--dest", tmp_path, "--level", "lines")
    assert refused.exit_code == 1
    assert "data of the reader 'fetching' have no levels; leave out --level" in refused.stderr
    assert not list(tmp_path.iterdir())
    assert run("fetch", "fetching", "--dest", tmp_path).exit_code == 0
    assert list(tmp_path.iterdir())
    registry.cache_clear()


# --------------------------------------------------------------------------------------------- show


def test_show_draws_the_same_samples_for_the_same_seed(sample: Path, tmp_path: Path) -> None:
    pictures = []
    for number, seed in enumerate([1, 1, 2]):
        output = tmp_path / f"{number}.png"
        result = run("show", "iam", sample, "--count", "7", "--seed", seed, "--output", output)
        assert result.exit_code == 0
        assert result.stdout == f"{output}\n"
        assert "7 of 312 samples of all" in result.stderr
        pictures.append(output.read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_show_writes_a_picture_named_after_the_data_set(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("show", "iam", sample).stdout == "iam-samples.png\n"
    with Image.open(tmp_path / "iam-samples.png") as picture:
        assert (np.array(picture) < 128).sum() > 1000, "ink"


@pytest.mark.usefixtures("_plain")
def test_show_works_for_any_reader_and_for_fewer_samples_than_asked_for(tmp_path: Path) -> None:
    result = run("show", "plain", tmp_path, "--count", "10", "--output", tmp_path / "plain.png")
    assert "3 of 3 samples of all" in result.stderr
    with Image.open(tmp_path / "plain.png") as picture:
        assert all((np.array(picture) == value).sum() >= 16 * 16 for value in (0, 50, 100))


def test_show_leaves_out_what_cannot_be_read(sample: Path, tmp_path: Path) -> None:
    reader = Iam(sample)
    broken = [reader[index].path for index in range(len(reader))]
    for path in broken[1:]:
        assert path
        Path(path).write_bytes(b"no image")
    result = run("show", "iam", sample, "--count", "312", "--output", tmp_path / "show.png")
    assert result.exit_code == 0
    assert "1 of 312 samples" in result.stderr
    assert result.stderr.count("; skipped") == 311
    assert broken[0]
    Path(broken[0]).write_bytes(b"no image")
    (tmp_path / "show.png").unlink()
    result = run("show", "iam", sample, "--output", tmp_path / "show.png")
    assert result.exit_code == 1
    assert "none of the 24 samples that were drawn can be read" in result.stderr.splitlines()[-1]
    assert not (tmp_path / "show.png").exists()


def test_show_of_an_unknown_split_names_those_that_exist(sample: Path, tmp_path: Path) -> None:
    result = run(
        "show", "iam", sample, "--split", "aachen/trian", "--output", tmp_path / "show.png"
    )
    assert result.exit_code == 1
    assert "Did you mean 'aachen/train'?" in result.stderr


def test_show_into_a_folder_that_does_not_exist_is_one_line(sample: Path, tmp_path: Path) -> None:
    result = run("show", "iam", sample, "--output", tmp_path / "nowhere" / "show.png")
    assert result.exit_code == 1
    assert "show.png: cannot be written: there is no folder" in result.stderr.splitlines()[-1]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, ocrkit.cli.data; sys.exit(bool({'numpy', 'PIL', 'cv2', 'rich'} & "
        "sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_show_draws_pages_with_their_lines(tmp_path: Path) -> None:
    target = tmp_path / "pages.png"
    result = run("show", "page-xml", PageXml.sample_root(), "--level", "pages", "--output", target)
    assert result.exit_code == 0, result.output
    assert "2 of 2 samples of all" in result.stderr
    with Image.open(target) as picture:
        colours = np.asarray(picture.convert("RGB")).astype(int)
    assert colours.shape[0] > 560
    drawn = np.ptp(colours, axis=2) > 60
    assert drawn.sum() > 1000, "lines are drawn in colour over the grey pages"
    words = run("show", "page-xml", PageXml.sample_root(), "--output", target)
    assert "16 of 16 samples" in words.stderr, "lines, unless another level is asked for"
    refused = run("show", "folder", PageXml.sample_root(), "--level", "pages")
    assert "no option 'level'" in refused.stderr
