"""``ocrkit convert``: pages that were read, in another format, without reading anything again."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

import exports
from ocrkit import Line, Page, PageImage, page_to_json
from ocrkit.cli import main
from ocrkit.parts.formats import parse_page, save_page

LETTER = Page(
    "letter.png",
    400,
    300,
    PageImage("letter.png"),
    lines=(
        Line("l1", ((20, 60), (380, 64)), ((20, 30), (380, 34), (380, 74), (20, 70)), text="Ann"),
        Line("l2", ((20, 120), (380, 120)), text="and bread"),
    ),
)
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE alto [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">'
    b"]><alto>&b;</alto>"
)
FILE = b'<!DOCTYPE alto [<!ENTITY x SYSTEM "file:///etc/passwd">]><alto><Layout>&x;</Layout></alto>'


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("letter.png", np.full((300, 400), 200, np.uint8))
    Path("alto.xml").write_text(exports.KRAKEN_ALTO, encoding="utf-8")
    Path("page.xml").write_text(exports.TRANSKRIBUS_PAGE, encoding="utf-8")
    save_page(LETTER, "letter.json", "json")
    return tmp_path


@pytest.mark.parametrize("format", ["alto", "page", "hocr", "json", "text"])
def test_files_become_files_of_another_format(here: Path, format: str) -> None:
    names = ["alto.xml", "page.xml", "letter.json"]
    done = ocrkit("convert", *names, "--format", format, "--out", "made")
    assert (done.exit_code, done.stdout) == (0, "")
    ending = {"alto": ".xml", "page": ".xml", "hocr": ".hocr", "json": ".json", "text": ".txt"}
    for name in names:
        made = (here / "made" / name).with_suffix(ending[format])
        texts = [line.text for line in parse_page((here / name).read_bytes()).lines if line.text]
        if format == "text":
            assert [row for row in made.read_text().split("\n") if row] == texts
        elif format != "hocr":
            found = [line.text for line in parse_page(made.read_bytes()).lines if line.text]
            assert found == texts


def test_one_page_is_printed_without_a_folder(here: Path) -> None:
    assert ocrkit("convert", "letter.json", "--format", "text").stdout == "Ann\nand bread\n"
    assert "name a folder" in ocrkit("convert", "alto.xml", "page.xml", "--format", "text").stderr


def test_an_option_of_the_format_is_set(here: Path) -> None:
    of_2013 = ("--format", "page", "--set", "schema=2013")
    assert "pagecontent/2013-07-15" in ocrkit("convert", "letter.json", *of_2013).stdout
    refused = ocrkit("convert", "letter.json", "--format", "page", "--set", "scheme=1")
    assert refused.exit_code == 1
    assert "schema" in refused.stderr


def test_rows_of_a_result_file_are_pages(here: Path) -> None:
    pages = [{**page_to_json(LETTER), "id": id_} for id_ in ("scans/a.png", "scan.pdf#3", "/x/b.c")]
    rows = [{"header": {}}, *({"id": page["id"], "page": page} for page in pages)]
    rows += [{"id": "gone", "error": "gone: no such file"}]
    Path("read.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    done = ocrkit("convert", "read.jsonl", "--format", "alto", "--out", "made")
    assert done.exit_code == 0, done.stderr
    made = sorted(str(each.relative_to("made")) for each in Path("made").rglob("*.xml"))
    assert made == ["b.xml", "scan-0003.xml", "scans/a.xml"]


def test_pdf_has_the_picture_beside_the_file_or_in_a_folder(here: Path) -> None:
    pytest.importorskip("pikepdf", reason="pikepdf is not installed (extra documents)")
    Path("page.xml").write_text(exports.TRANSKRIBUS_PAGE.replace("letter.jpg", "other.jpg"))
    done = ocrkit("convert", "letter.json", "page.xml", "--format", "pdf", "--out", "made")
    assert Path("made/letter.pdf").read_bytes().startswith(b"%PDF")
    assert done.exit_code == 1  # the picture is not there
    assert "page.xml: no image other.jpg" in done.stderr
    Path("elsewhere").mkdir()
    cv2.imwrite("elsewhere/other.jpg", np.full((300, 400), 200, np.uint8))
    again = ("page.xml", "--format", "pdf", "--out", "made", "--images", "elsewhere")
    assert ocrkit("convert", *again).exit_code == 0
    assert Path("made/page.pdf").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BOMB, "entities"),
        (FILE, "entities"),
        (b"<svg/>", "no page in any format"),
        (b"", "no page in any format"),
        (exports.KRAKEN_ALTO.encode()[:900], "no whole XML"),
        (b'{"id": "a", "width": 1}', "height"),
        (b"[" * 100_000, "no page in any format"),
        (b'{"a":' * 100_000, "JSON"),
    ],
)
def test_what_is_no_page_is_one_line_and_the_others_are_converted(
    here: Path, content: bytes, said: str
) -> None:
    Path("bad.xml").write_bytes(content)
    done = ocrkit("convert", "bad.xml", "letter.json", "--format", "alto", "--out", "made")
    assert done.exit_code == 1
    assert not Path("made/bad.xml").exists()
    assert Path("made/letter.xml").exists()
    (line,) = [each for each in done.stderr.splitlines() if "bad.xml" in each]
    assert said in line


def test_a_file_is_not_written_over_by_itself_or_by_another(here: Path) -> None:
    before = Path("alto.xml").read_bytes()
    refused = ocrkit("convert", "alto.xml", "--format", "page", "--out", ".")
    assert (refused.exit_code, Path("alto.xml").read_bytes()) == (1, before)
    Path("other").mkdir()
    Path("other/alto.xml").write_bytes(before)
    twice = ("convert", "alto.xml", str(here / "other" / "alto.xml"), "--format", "text")
    done = ocrkit(*twice, "--out", "made")
    assert done.exit_code == 1
    assert "written already" in done.stderr
