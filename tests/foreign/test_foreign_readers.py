"""Other people's programs, each in an environment of its own, find in what ocrkit writes what it
has read. ``make test-foreign`` makes the environments; without them these tests are skipped.

What they look at are a few pages or, where the environment's ``OCRKIT_READ`` names one, all of a
folder that ``ocrkit run --format json,alto,page,hocr --out FOLDER`` has written.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

import ocrkit
import ocrkit_pagexml
from ocrkit import Line, Page, PageImage, Region, Word
from ocrkit.parts.formats import read_page, save_page
from ocrkit.parts.page import Points
from official_schemas import faults, faults_of_2013

HERE = Path(__file__).parent
READERS = HERE.parents[1] / "build" / "foreign"
SAMPLE = Path(ocrkit_pagexml.__file__).parent / "sample"
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


def run(*command: object, said: str = "") -> "subprocess.CompletedProcess[str]":
    words = list(map(str, command))
    # Another Python finds no packages of ours.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(words, env=clean, capture_output=True, text=True, input=said, check=False)


def succeed(*arguments: object) -> None:
    done = run(sys.executable, "-m", "ocrkit", *arguments)
    assert not done.returncode, done.stderr


def found_in(programs: Path, script: str, files: list[Path]) -> list[Any]:
    """What a script of this folder says of each file."""
    done = run(programs / "python", HERE / script, said="\n".join(map(str, files)))
    assert not done.returncode, done.stderr
    return [json.loads(row) for row in done.stdout.splitlines()]


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
    """The sample's two pages as a model reads them, and the odd one."""
    if read := os.environ.get("OCRKIT_READ"):
        return Path(read)
    out = tmp_path_factory.mktemp("read")
    images = [SAMPLE / "letter.png", SAMPLE / "columns.png"]
    succeed(
        "run", *images, "--pipeline", "iam-pages", "--format", "json,alto,page,hocr", "--out", out
    )
    for name, ending in {"json": "json", "alto": "alto.xml", "page": "page.xml"}.items():
        save_page(ODD, out / f"odd.{ending}", name)
    save_page(ODD, out / "odd.hocr", "hocr")
    return out


@pytest.fixture(scope="module")
def pages(folder: Path) -> list[tuple[Path, Page]]:
    """What was read, each page with its file's path but for its ending."""
    found = sorted(path for path in folder.rglob("*.json") if path != folder / "run.json")
    assert len(found) >= 3
    return [(path.with_suffix(""), read_page(path)) for path in found]


def files_of(pages: list[tuple[Path, Page]], ending: str) -> list[Path]:
    return [path.with_name(path.name + ending) for path, _ in pages]


def points(given: Points, page: Page, whole: Callable[[float], int]) -> list[list[int]]:
    """As kraken has them: whole, on the page, without repetitions."""
    found = []
    for x, y in given:
        found.append([whole(min(max(x, 0), page.width)), whole(min(max(y, 0), page.height))])
    return [point for point, _ in groupby(found)]


@pytest.mark.parametrize(
    ("ending", "schema"),
    [
        (".alto.xml", "alto-4-2.xsd"),
        (".alto.xml", "alto-4-4.xsd"),
        (".page.xml", "page-2019-07-15.xsd"),
    ],
)
def test_official_schemas_find_no_fault(
    pages: list[tuple[Path, Page]], ending: str, schema: str
) -> None:
    for file in files_of(pages, ending):
        assert faults(file.read_bytes(), schema) == [], file


def test_page_of_2013_has_no_fault(pages: list[tuple[Path, Page]], tmp_path: Path) -> None:
    for path, page in pages:
        save_page(page, tmp_path / "a.xml", "page", schema=2013)
        assert faults_of_2013((tmp_path / "a.xml").read_bytes()) == [], path


@pytest.mark.parametrize("name", ["alto", "page"])
def test_htrvx_finds_no_fault(
    htrvx: Path, pages: list[tuple[Path, Page]], tmp_path: Path, name: str
) -> None:
    command = [htrvx / "htrvx", "--xsd", "--check-empty", "--format", name, "--verbose"]
    files = files_of(pages, f".{name}.xml")
    done = run(*command, *files)
    assert not done.returncode, done.stdout
    bad = tmp_path / f"bad-{name}.xml"
    bad.write_text(files[0].read_text(encoding="utf-8").replace("TextLine", "TextLin"))
    assert run(*command, bad).returncode


def test_hocr_spec_finds_no_fault(
    hocr_spec: Path, pages: list[tuple[Path, Page]], tmp_path: Path
) -> None:
    """Its list of properties lacks ``x_size``, which Tesseract writes too."""
    command = [hocr_spec / "hocr-spec"]
    files = []
    for number, file in enumerate(files_of(pages, ".hocr")):
        text = file.read_text(encoding="utf-8")
        files.append(tmp_path / f"{number}.hocr")
        files[-1].write_text(re.sub(r"; x_size [\d.]+", "", text), encoding="utf-8")
    done = run(*command, *files)
    assert not done.returncode, done.stdout
    files[0].write_text(files[0].read_text(encoding="utf-8").replace("bbox", "box"))
    assert run(*command, *files).returncode


@pytest.mark.parametrize("name", ["alto", "page"])
def test_kraken_reads_the_same_lines(
    kraken: Path, pages: list[tuple[Path, Page]], name: str
) -> None:
    """But where nothing was read: of an empty String, which ALTO wants, and which kraken writes
    itself, it makes a space."""
    whole = round if name == "page" else lambda value: int(round(value, 2))
    all_found = found_in(kraken, "kraken_lines.py", files_of(pages, f".{name}.xml"))
    for (path, page), found in zip(pages, all_found, strict=True):
        assert page.image is not None
        assert found["image"] == Path(page.image.path).name, path
        assert found["size"] == [page.width, page.height], path
        names = [line.id for line in in_blocks(page)]
        assert set(map(tuple, found["orders"].values())) == {tuple(names)}, path
        for line, back in zip(in_blocks(page), found["lines"], strict=True):
            nothing = " " if name == "alto" else ""
            assert (back["id"], back["text"]) == (line.id, line.text or nothing), path
            assert back["baseline"] == points(line.baseline, page, whole), path
            if line.boundary:
                assert back["boundary"] == points(line.boundary, page, whole), path


def in_blocks(page: Page) -> list[Line]:
    """The lines as ALTO and PAGE have them: by region, in the order of their first lines."""
    places: dict[str | int, int] = {}
    for place, line in enumerate(page.lines):
        places.setdefault(line.region or place, place)
    numbered = sorted(enumerate(page.lines), key=lambda each: places[each[1].region or each[0]])
    return [line for _, line in numbered]


def test_ocrmypdf_reads_the_same_lines(ocrmypdf: Path, pages: list[tuple[Path, Page]]) -> None:
    """hOCR has words alone, so of several spaces between two nothing is known."""
    all_found = found_in(ocrmypdf, "ocrmypdf_lines.py", files_of(pages, ".hocr"))
    for (path, page), found in zip(pages, all_found, strict=True):
        lines = [line for line in page.lines if (line.text or "").strip()]
        texts = [" ".join(unicodedata.normalize("NFKC", line.text or "").split()) for line in lines]
        assert [back["text"] for back in found] == texts, path
        for line, back in zip(lines, found, strict=True):
            if line.words:
                sure = [round(100 * (word.confidence or 0)) / 100 for word in line.words]
                assert back["confidences"] == sure, path
            x, y = np.mean(line.baseline, axis=0)
            across, down = np.subtract(line.baseline[-1], line.baseline[0])
            if across < abs(down):
                assert back["baseline"] is None, path
            else:
                slope, offset = back["baseline"]
                left, bottom = back["box"][0], back["box"][3]
                assert bottom + offset + slope * (x - left) == pytest.approx(y, abs=1), path


def test_ocrmypdf_reads_with_ocrkit(ocrmypdf: Path, tmp_path: Path) -> None:
    """A scan in a PDF becomes one in which its words are found, by OCRmyPDF's own command."""
    if shutil.which("tesseract") is None or shutil.which("pdftotext") is None:
        pytest.skip("Tesseract, which OCRmyPDF wants to be there, or pdftotext is not installed")
    scan, read = tmp_path / "scan.pdf", tmp_path / "read.pdf"
    Pillow.open(SAMPLE / "letter.png").convert("L").save(scan, resolution=150)
    done = run(ocrmypdf / "ocrmypdf", "--output-type", "pdf", scan, read)
    assert not done.returncode, done.stderr
    found = run("pdftotext", "-raw", read, "-").stdout.split()
    with ocrkit.load("iam-pages", device="cpu", threads=1) as pipeline:
        page = pipeline.read(SAMPLE / "letter.png")
    assert isinstance(page, Page)
    words = page.text.split()
    assert len(words) > 20
    # Its picture went through JPEG, and through OCRmyPDF's own rendering.
    assert sum(word in found for word in words) > 0.75 * len(words)
