"""``ocrkit run … --out DIR``: a file a page, whatever happens meanwhile."""

import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image as Pillow

from drawn_pages import PLUGIN, column, page, written
from drawn_pdfs import HOSTILE
from ocrkit import Maker, page_from_json, page_to_json
from ocrkit.cli import main
from processes import run_with

Install = Callable[[str, str], Path]
WRITTEN = ["clocks", "leaves", "number", "seven"]


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture
def pipeline(install: Install, tmp_path: Path) -> Path:
    install("rows", PLUGIN)
    return written(tmp_path)


def small(word: str) -> np.ndarray:
    """A page with this word, and two more below."""
    return page(column([word, "number", "seven"], 30, 30, 100), 360, 480)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of pages, one of them in a folder of its own, and a bad one."""
    folder = tmp_path / "scans"
    (folder / "more").mkdir(parents=True)
    for name, word in {"a.png": "clocks", "b.png": "leaves", "more/a.png": "seven"}.items():
        cv2.imwrite(str(folder / name), small(word))
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    return folder


def document(path: Path, texts: list[str]) -> Path:
    """A PDF or a TIFF with pages that begin with these words."""
    first, *more = [Pillow.fromarray(small(text)) for text in texts]
    first.save(
        path,
        save_all=True,
        append_images=more,
        **({"resolution": 150} if path.suffix == ".pdf" else {}),
    )
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_page_gets_its_file(pipeline: Path, scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("run", scans, "--pipeline", pipeline, "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "3 pages read into" in result.stderr
    assert "1 failed" in result.stderr
    found = contents(out)
    assert {name: data for name, data in found.items() if name.endswith(".txt")} == {
        "a.txt": b"clocks\nnumber\nseven\n",
        "b.txt": b"leaves\nnumber\nseven\n",
        "more/a.txt": b"seven\nnumber\nseven\n",
    }
    assert found.keys() - {"run.json", "failures.jsonl"} == {"a.txt", "b.txt", "more/a.txt"}
    (failure,) = map(json.loads, found["failures.jsonl"].decode().splitlines())
    assert failure["id"] == str(scans / "bad.png")
    assert "damaged" in failure["error"]
    assert run("run", scans / "bad.png", "--pipeline", pipeline, "--out", out).exit_code == 1


def test_json_has_words_with_places_and_confidences(
    pipeline: Path, scans: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("run", scans, "--pipeline", pipeline, "--out", out, "--format", "json,text")
    read = page_from_json(json.loads((out / "a.json").read_bytes()))
    line = read.lines[0]
    (word,) = line.words
    assert word.text == line.text == "clocks"
    assert len(word.boundary) == 4
    assert 0 < (word.confidence or 0) <= 1
    assert read.image is not None
    assert read.image.path == str(scans / "a.png")
    assert (out / "a.txt").read_text() == read.text + "\n"


def test_pages_of_documents_are_numbered(pipeline: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    document(folder / "scan.pdf", WRITTEN[:3])
    document(folder / "fax.tif", WRITTEN[1:])
    result = run("run", folder, "--pipeline", pipeline, "--out", out, "--format", "json")
    assert result.exit_code == 0, result.output
    names = {name for name in contents(out) if name not in ("run.json",)}
    expected = {f"{stem}-{number:04}.json" for stem in ("scan", "fax") for number in (1, 2, 3)}
    assert names == expected
    for stem, texts, path in (("scan", WRITTEN[:3], "scan.pdf"), ("fax", WRITTEN[1:], "fax.tif")):
        for number, text in enumerate(texts, 1):
            read = page_from_json(json.loads((out / f"{stem}-{number:04}.json").read_bytes()))
            assert read.lines[0].text == text
            assert read.id == f"{folder / path}#{number}"
            assert read.image is not None
            assert (read.image.path, read.image.page) == (str(folder / path), number)
    printed = run("run", folder / "scan.pdf", "--pipeline", pipeline)
    assert printed.stdout.startswith(f"==> {folder / 'scan.pdf'}#1 <==\nclocks\n")


def test_names_that_clash_keep_their_endings(pipeline: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a.png", "A.jpg", "run.png", "scan-0002.png"):
        cv2.imwrite(str(folder / name), small("clocks"))
    document(folder / "scan.pdf", WRITTEN[:2])
    run("run", folder, "--pipeline", pipeline, "--out", out, "--format", "json")
    assert contents(out).keys() == {
        "run.json", "run.png.json", "a.png.json", "A.jpg.json", "scan-0002.png.json",
        "scan.pdf-0001.json", "scan.pdf-0002.json",
    }  # fmt: skip


def test_what_is_there_stops_the_run_or_is_kept_or_replaced(
    pipeline: Path, scans: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    asked = ("run", scans, "--pipeline", pipeline, "--out", out)
    run(*asked)
    before = contents(out)
    stopped = run(*asked)
    assert stopped.exit_code == 1
    assert "a.txt: is there already" in stopped.stderr
    (out / "a.txt").write_text("mine\n")
    (out / "b.txt").unlink()
    kept = run(*asked, "--existing", "skip")
    assert kept.exit_code == 0, kept.output
    assert "1 page read into" in kept.stderr
    assert "2 were there already" in kept.stderr
    assert contents(out) == before | {"a.txt": b"mine\n"}
    run(*asked, "--existing", "overwrite")
    assert contents(out) == before


def test_a_folder_of_another_run_is_left_alone(pipeline: Path, scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = ("run", scans, "--pipeline", pipeline, "--out", out, "--existing", "skip")
    run(*asked)
    before = contents(out)
    for more in (("--format", "json"), ("--set", "text.decoder.use=ctc-beam")):
        result = run(*asked, *more)
        assert result.exit_code == 1
        assert "the results of another run" in result.stderr
    assert contents(out) == before


def test_shards_do_together_what_one_run_does(pipeline: Path, scans: Path, tmp_path: Path) -> None:
    document(scans / "scan.pdf", WRITTEN[:2])
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    asked = ("run", scans, "--pipeline", pipeline, "--format", "json")
    run(*asked, "--out", whole)
    for share in (1, 2, 3):
        run(*asked, "--out", parts, "--shard", f"{share}/3")
    ours, theirs = contents(parts), contents(whole)
    failures = [ours.pop(name) for name in list(ours) if name.startswith("failures-")]
    assert b"".join(failures) == theirs.pop("failures.jsonl")
    assert ours == theirs


@pytest.mark.parametrize("wrong", ["0/3", "4/3", "1", "x/y", "-1/2"])
def test_shards_are_numbered_from_one(pipeline: Path, scans: Path, wrong: str) -> None:
    result = run("run", scans, "--pipeline", pipeline, "--out", scans / "out", "--shard", wrong)
    assert result.exit_code == 2


def test_what_does_not_go_together_is_a_mistake_of_usage(
    pipeline: Path, scans: Path, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "out")
    page_run = ("run", scans / "a.png", "--pipeline", pipeline)
    for arguments in (
        (*page_run, "--existing", "skip"),
        (*page_run, "--format", "text,json"),
        (*page_run, "--format", "nothing"),
        (*page_run, *out, "--format", "csv"),
        (*page_run, *out, "--output", tmp_path / "x.jsonl"),
        ("run", "--pipeline", pipeline, *out),
        ("run", scans / "a.png", "--pipeline", "iam-words-resnet", *out),
    ):
        assert run(*arguments).exit_code == 2, arguments
    assert not (tmp_path / "out").exists()


def test_a_run_that_is_killed_goes_on_to_the_same_files(
    pipeline: Path, install: Install, tmp_path: Path
) -> None:
    """Killed at twenty moments; what the next one finds is what the last one left. As many pages as
    the environment's ``OCRKIT_TRIALS`` says, 60 unless it is set."""
    count, site = int(os.environ.get("OCRKIT_TRIALS") or 60), install("unused", "")
    folder, whole, parts = tmp_path / "many", tmp_path / "whole", tmp_path / "parts"
    folder.mkdir()
    for number in range(count):
        texts = [WRITTEN[number % 4], WRITTEN[number // 4 % 4]]
        cv2.imwrite(str(folder / f"{number:03}.png"), page(column(texts, 20, 10, 70), 160, 300))
    asked = ("run", folder, "--pipeline", pipeline, "--format", "json,text", "--threads", 1)
    assert run(*asked, "--out", whole).exit_code == 0
    moments = random.Random(0)
    for kill in range(20):
        process = run_with(
            site, *asked, "--out", parts, "--existing", "skip", output=tmp_path / "said.txt"
        )
        while process.is_alive() and len(list(parts.glob("*.txt"))) < count // 20 * kill:
            time.sleep(0.01)
        time.sleep(moments.random() / 20)
        process.kill()
        process.join()
        assert process.exitcode == -9, (tmp_path / "said.txt").read_text()
    assert run(*asked, "--out", parts, "--existing", "skip").exit_code == 0
    assert contents(parts) == contents(whole)


def test_lines_that_are_drawn_are_read_and_none_looked_for(pipeline: Path, tmp_path: Path) -> None:
    """In their order, in a picture of another size, with texts that a person has corrected."""
    cv2.imwrite(str(tmp_path / "a.png"), small("clocks"))
    read = run("run", tmp_path / "a.png", "--pipeline", pipeline, "--json")
    found = page_from_json(json.loads(read.stdout)["items"][0]["page"])
    first, second, third = found.lines
    twice = replace(
        found,
        width=2 * found.width,
        height=2 * found.height,
        lines=tuple(
            replace(
                line, **{name: points(getattr(line, name)) for name in ("baseline", "boundary")}
            )
            for line in (third, replace(first, text="what I say", corrected=True))
        ),
        made_by=(Maker("segment", "a person"),),
    )
    file = tmp_path / "drawn.json"
    file.write_text(json.dumps(page_to_json(twice)))
    out = tmp_path / "out"
    assert run("run", file, "--pipeline", pipeline, "--out", out).exit_code == 0
    assert (out / "drawn.txt").read_text() == "seven\nwhat I say\n"
    shown = run("run", file, "--pipeline", pipeline, "--json")
    again = page_from_json(json.loads(shown.stdout)["items"][0]["page"])
    assert [line.id for line in again.lines] == [third.id, first.id]
    assert [maker.task for maker in again.made_by] == ["segment", "text"]
    assert again.made_by[0].name == "a person"
    assert (again.width, again.height) == (found.width, found.height)
    assert np.abs(np.subtract(again.lines[0].baseline, third.baseline)).max() < 1
    assert again.image is not None
    assert again.image.path == str(tmp_path / "a.png")
    assert second.id not in {line.id for line in again.lines}


def points(found: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    return tuple((2 * x, 2 * y) for x, y in found)


def test_hostile_documents_do_not_end_a_run(pipeline: Path, scans: Path, tmp_path: Path) -> None:
    names = ("a text", "a huge page", "encrypted", "a million pages")
    for name in names:
        (scans / f"{name}.pdf").write_bytes(HOSTILE[name])
    out = tmp_path / "out"
    result = run("run", scans, "--pipeline", pipeline, "--out", out)
    assert result.exit_code == 0, result.output
    assert {"a.txt", "b.txt", "more/a.txt"} <= contents(out).keys()
    rows = [json.loads(row) for row in (out / "failures.jsonl").read_text().splitlines()]
    assert {row["id"].removeprefix(f"{scans}/").partition("#")[0] for row in rows} == {
        "bad.png", *(f"{name}.pdf" for name in names)
    }  # fmt: skip
    assert all(row["error"] and "\n" not in row["error"] for row in rows)
    assert "encrypted; save it without a password" in result.stderr


def test_one_page_in_a_format_goes_to_standard_output(
    pipeline: Path, scans: Path, install: Install
) -> None:
    install("tables", TABLES)
    asked = ("--pipeline", pipeline, "--format", "lines")
    shown = run("run", scans / "a.png", *asked)
    assert shown.stdout == "clocks|number|seven\n"
    several = run("run", scans, *asked)
    assert several.exit_code == 1
    assert "--out DIR" in several.stderr
    assert run("run", scans / "bad.png", *asked).exit_code == 1


def test_a_format_of_several_pages_has_a_file_a_document(
    pipeline: Path, install: Install, tmp_path: Path
) -> None:
    """With a page of it that fails left out, and pictures where it asks for them."""
    install("tables", TABLES)
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    document(folder / "fax.tif", WRITTEN[:3])
    document(folder / "scan.pdf", WRITTEN[:2])
    cv2.imwrite(str(folder / "note.png"), small("seven"))
    (folder / "bad.pdf").write_bytes(b"")
    asked = ("run", folder, "--pipeline", pipeline, "--out", out, "--format", "lines,text")
    result = run(*asked)
    assert result.exit_code == 0, result.output
    found = contents(out)
    assert found["scan.lines"] == b"clocks|number|seven\nleaves|number|seven\n"
    assert found["note.lines"] == b"seven|number|seven\n"
    assert found["fax.lines"].count(b"\n") == 3
    assert found["fax-0002.txt"] == b"leaves\nnumber\nseven\n"
    assert "bad.lines" not in found
    (out / "scan.lines").unlink()
    (out / "fax-0002.txt").unlink()
    assert run(*asked, "--existing", "skip").exit_code == 0
    assert contents(out) == found
    both = run(*asked[:-1], "lines,more-lines", "--existing", "overwrite")
    assert both.exit_code == 2


TABLES = """
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import ocrkit

@ocrkit.hookimpl
def ocrkit_formats(register):
    register("lines", "tables:Lines")
    register("more-lines", "tables:Lines")

@dataclass(frozen=True)
class Lines:
    ending: ClassVar[str] = ".lines"
    takes_several: ClassVar[bool] = True
    takes_pictures: ClassVar[bool] = True

    def write(self, pages, file):
        for page, picture in pages:
            pixels = ocrkit.read_image(picture) if isinstance(picture, Path | bytes) else picture
            assert pixels.shape[:2] == (page.height, page.width)
            file.write(("|".join(line.text for line in page.lines) + "\\n").encode())
"""


def test_documents_go_where_people_work(pipeline: Path, tmp_path: Path) -> None:
    """All formats that ship, at a time: of a PDF one searchable PDF, in the order of its pages."""
    pdfium = pytest.importorskip("pypdfium2")
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    scan = document(folder / "scan.pdf", WRITTEN[:3])
    asked = ("run", folder, "--pipeline", pipeline, "--out", out)
    formats = ("--format", "alto,page,hocr,pdf,json,text")
    result = run(*asked, *formats)
    assert result.exit_code == 0, result.output
    endings = (".alto.xml", ".page.xml", ".hocr", ".json", ".txt")
    pages = {f"scan-{number:04}{ending}" for number in (1, 2, 3) for ending in endings}
    assert contents(out).keys() == pages | {"scan.pdf", "run.json"}
    with pdfium.PdfDocument(out / "scan.pdf") as shown, pdfium.PdfDocument(scan) as given:
        texts = [page.get_textpage().get_text_range().split() for page in shown]
        sizes = [page.get_size() for page in shown]
        assert sizes == [pytest.approx(page.get_size(), abs=0.1) for page in given]
    assert json.loads((out / "scan-0001.json").read_text())["dpi"] == pytest.approx(150)
    assert "scan_res 150 150" in (out / "scan-0001.hocr").read_text()
    assert texts == [[text, "number", "seven"] for text in WRITTEN[:3]]
    for named in (folder, folder / "more"):
        refused = run(*asked[:-1], named, *formats)
        assert refused.exit_code == 1
        assert "the next run would read the .pdf files" in refused.stderr
        assert not (named / "run.json").exists()


@pytest.mark.parametrize("format_", ["alto", "page", "json"])
def test_what_was_written_is_read_with_the_lines_that_it_has(
    pipeline: Path, scans: Path, tmp_path: Path, format_: str
) -> None:
    """ALTO and PAGE go where lines are drawn, and come back beside their images."""
    asked = ("--pipeline", pipeline, "--format", f"{format_},text")
    run("run", scans / "a.png", *asked, "--out", scans / "drawn")
    file = next(path for path in (scans / "drawn").rglob("a.*") if path.suffix != ".txt")
    beside = file.replace(scans / file.name)
    result = run("run", beside, *asked, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    (text,) = (tmp_path / "out").rglob("a.txt")
    assert text.read_text() == "clocks\nnumber\nseven\n"


HOSTILE_XML = {
    "an entity": b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><alto>&x;</alto>""",
    "a bomb": b"<!DOCTYPE a ["
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 20) for n in range(1, 12))
    + b"]><alto>&a11;</alto>",
    "deep": b"<alto>" + b"<a>" * 100_000,
    "half": b"<alto><Layout>",
    "nothing": b"",
    "UTF-16": "<alto/>".encode("utf-16"),
    "another encoding": b'<?xml version="1.0" encoding="x-none"?><alto/>',
    "something else": b"<svg/>",
}


def test_hostile_files_of_lines_are_a_line_each(
    pipeline: Path, scans: Path, tmp_path: Path
) -> None:
    files = []
    for number, data in enumerate(HOSTILE_XML.values()):
        files.append(scans / f"{number}.xml")
        files[-1].write_bytes(data)
    out = tmp_path / "out"
    result = run("run", scans / "b.png", *files, "--pipeline", pipeline, "--out", out)
    assert result.exit_code == 1
    rows = [json.loads(row) for row in (out / "failures.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == list(map(str, files))
    assert all(row["error"] and "\n" not in row["error"] for row in rows)
    assert "root:" not in (out / "failures.jsonl").read_text()
    assert len(list(out.rglob("*.txt"))) == 1
