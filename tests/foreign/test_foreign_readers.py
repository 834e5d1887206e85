"""Other people's programs, each in an environment of its own, find in what ocrkit writes what it
has read. ``make test-foreign`` makes the environments; without them these tests are skipped."""

import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ocrkit_pagexml
from ocrkit import Line, Page, PageImage, Region, Word
from ocrkit.parts.formats import read_page, save_page
from ocrkit.parts.page import Points

HERE = Path(__file__).parent
READERS = HERE.parents[1] / "build" / "foreign"
SAMPLE = Path(ocrkit_pagexml.__file__).parent / "sample"
PAGES = ("letter", "columns", "odd")
ODD = Page(
    "odd",
    400,
    300,
    PageImage("odd.png"),
    regions=(Region("r1", "paragraph", ((10, 20), (390, 20), (390, 220), (10, 220))),),
    lines=(
        Line("l0", ((20, 14), (380, 14)), above=10, below=4, text="1911"),
        Line(
            "l1",
            ((20.5, 60), (200, 62.25), (380, 78)),
            ((20, 30), (380, 48), (380, 90), (20, 72)),
            region="r1",
            text='Dear <Ann> & "Bär",',
            words=(
                Word("Dear", ((20, 30), (100, 34), (100, 74), (20, 70)), 0.904),
                Word("<Ann>", ((110, 34), (180, 38), (180, 78), (110, 74)), 0.5),
                Word("&", ((190, 38), (210, 40), (210, 80), (190, 78)), 1.0),
                Word('"Bär",', ((220, 40), (380, 48), (380, 90), (220, 80)), 0.96),
            ),
            corrected=True,
        ),
        Line("l2", ((20, 120), (380, 120)), above=20, below=8, region="r1", text="and bread"),
        Line("l3", ((390, 290), (390, 20)), above=8, below=4, text="note", kind="heading"),
    ),
)
"""Markup in texts, a line that slopes, an upright one, lines in no region."""


def reader(name: str) -> Path:
    """The folder of its programs. Skips where its environment is not there."""
    failed = READERS / f"{name}.failed"
    if failed.exists():
        pytest.skip(f"{name} could not be installed: {failed.read_text(encoding='utf-8')}")
    if not (READERS / f"{name}.made").exists():
        pytest.skip(f"{name} is not installed; make test-foreign does that")
    return READERS / name / "bin"


def run(*command: object) -> "subprocess.CompletedProcess[str]":
    words = list(map(str, command))
    # Another Python finds no packages of ours.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(words, env=clean, capture_output=True, text=True, check=False)


def succeed(*arguments: object) -> None:
    done = run(sys.executable, "-m", "ocrkit", *arguments)
    assert not done.returncode, done.stderr


def said(programs: Path, script: str, file: Path) -> Any:
    done = run(programs / "python", HERE / script, file)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


# Tests name these before the folder, which takes half a minute to read.
@pytest.fixture(scope="module")
def htrvx() -> Path:
    return reader("htrvx")


@pytest.fixture(scope="module")
def hocr_spec() -> Path:
    return reader("hocr-spec")


@pytest.fixture(scope="module")
def kraken() -> Path:
    return reader("kraken")


@pytest.fixture(scope="module")
def ocrmypdf() -> Path:
    return reader("ocrmypdf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's two pages as a model reads them, and the odd one, as ``FORMAT/PAGE.*``."""
    out = tmp_path_factory.mktemp("read")
    images = [SAMPLE / "letter.png", SAMPLE / "columns.png"]
    options = ["--pipeline", "iam-pages", "--format", "json", "--out", out / "json"]
    succeed("run", *images, *options)
    save_page(ODD, out / "json" / "odd.json", "json")
    files = [out / "json" / f"{name}.json" for name in PAGES]
    for name in ("alto", "page", "hocr"):
        succeed("convert", *files, "--format", name, "--out", out / name)
    return out


def points(given: Points, page: Page, whole: Callable[[float], int]) -> list[list[int]]:
    """As kraken has them: whole, on the page, without repetitions."""
    found = []
    for x, y in given:
        found.append([whole(min(max(x, 0), page.width)), whole(min(max(y, 0), page.height))])
    return [point for point, _ in groupby(found)]


@pytest.mark.parametrize("name", ["alto", "page"])
def test_htrvx_finds_no_fault(htrvx: Path, folder: Path, name: str) -> None:
    command = [htrvx / "htrvx", "--xsd", "--check-empty", "--format", name, "--verbose"]
    files = sorted((folder / name).glob("*.xml"))
    assert len(files) == len(PAGES)
    done = run(*command, *files)
    assert not done.returncode, done.stdout
    bad = folder / f"bad-{name}.xml"
    bad.write_text(files[0].read_text(encoding="utf-8").replace("TextLine", "TextLin"))
    assert run(*command, bad).returncode


def test_hocr_spec_finds_no_fault(hocr_spec: Path, folder: Path, tmp_path: Path) -> None:
    """Its list of properties lacks ``x_size``, which Tesseract writes too."""
    command = [hocr_spec / "hocr-spec"]
    files = []
    for name in PAGES:
        text = (folder / "hocr" / f"{name}.hocr").read_text(encoding="utf-8")
        files.append(tmp_path / f"{name}.hocr")
        files[-1].write_text(re.sub(r"; x_size [\d.]+", "", text), encoding="utf-8")
    done = run(*command, *files)
    assert not done.returncode, done.stdout
    files[0].write_text(files[0].read_text(encoding="utf-8").replace("bbox", "box"))
    assert run(*command, *files).returncode


@pytest.mark.parametrize("page_name", PAGES)
@pytest.mark.parametrize("name", ["alto", "page"])
def test_kraken_reads_the_same_lines(kraken: Path, folder: Path, name: str, page_name: str) -> None:
    page = read_page(folder / "json" / f"{page_name}.json")
    found = said(kraken, "kraken_lines.py", folder / name / f"{page_name}.xml")
    assert found["image"] == f"{page_name}.png"
    assert found["size"] == [page.width, page.height]
    names = [line.id for line in page.lines]
    assert len(names) > 3
    assert set(map(tuple, found["orders"].values())) == {tuple(names)}
    whole = round if name == "page" else lambda value: int(round(value, 2))
    for line, back in zip(page.lines, found["lines"], strict=True):
        assert (back["id"], back["text"]) == (line.id, line.text)
        assert back["baseline"] == points(line.baseline, page, whole)
        if line.boundary:
            assert back["boundary"] == points(line.boundary, page, whole)


@pytest.mark.parametrize("page_name", PAGES)
def test_ocrmypdf_reads_the_same_lines(ocrmypdf: Path, folder: Path, page_name: str) -> None:
    page = read_page(folder / "json" / f"{page_name}.json")
    found = said(ocrmypdf, "ocrmypdf_lines.py", folder / "hocr" / f"{page_name}.hocr")
    lines = [line for line in page.lines if line.text]
    assert [back["text"] for back in found] == [
        unicodedata.normalize("NFKC", line.text or "") for line in lines
    ]
    for line, back in zip(lines, found, strict=True):
        if line.words:
            sure = [round(100 * (word.confidence or 0)) / 100 for word in line.words]
            assert back["confidences"] == sure
        x, y = np.mean(line.baseline, axis=0)
        if line.id == "l3" and page_name == "odd":
            assert back["baseline"] is None  # upright
        else:
            slope, offset = back["baseline"]
            left, bottom = back["box"][0], back["box"][3]
            assert bottom + offset + slope * (x - left) == pytest.approx(y, abs=1)
