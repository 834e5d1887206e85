"""What is to be read: files, folders and documents, and the pages that are in them."""

import json
import os
import struct
import time
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from drawn_pages import page
from drawn_pdfs import HOSTILE, scanned
from drawn_pdfs import page as pdf_page
from ocrkit import DataError, ImageError, Line, Page, PageImage, page_to_json, read_image
from ocrkit.data.inputs import InputFile, InputPage, input_files, input_pages
from ocrkit.images import tiff_pages
from ocrkit.writing.names import endings, stems

PIXELS = page([("clocks", 30, 30), ("seven", 40, 200)], 420, 300)
TEXT = b"BT /F 90 Tf %d Tr 50 300 Td (text) Tj ET"


def jpeg(path: Path) -> bytes:
    Pillow.fromarray(PIXELS).save(path / "x.jpg", quality=90)
    return (path / "x.jpg").read_bytes()


def only(path: Path, data: bytes) -> InputPage:
    """The only page of a document."""
    path.write_bytes(data)
    (found,) = input_pages(str(path))
    return found


def test_a_scan_in_a_pdf_is_its_picture_as_it_is(tmp_path: Path) -> None:
    data = jpeg(tmp_path)
    shown = only(tmp_path / "a.pdf", scanned(data, 300, 420))
    assert shown.id == f"{tmp_path}/a.pdf#1"
    assert shown.picture() == data
    assert (shown.pixels() == read_image(data)).all()
    hidden = only(tmp_path / "b.pdf", scanned(data, 300, 420, content=TEXT % 3))
    assert hidden.picture() == data


def test_a_scan_that_is_turned_in_a_pdf_lies_as_a_viewer_shows_it(tmp_path: Path) -> None:
    data = jpeg(tmp_path)
    for degrees in (90, 180, 270):
        turned = scanned(data, 300, 420, about=b"/Rotate %d" % degrees)
        pixels = only(tmp_path / f"{degrees}.pdf", turned).pixels()
        assert (pixels == np.rot90(read_image(data), -degrees // 90)).all()


@pytest.mark.parametrize("over", [TEXT % 0, b"9 w 100 100 m 400 700 l S"], ids=["text", "a line"])
def test_what_is_more_than_a_scan_is_rendered(tmp_path: Path, over: bytes) -> None:
    shown = only(tmp_path / "a.pdf", scanned(jpeg(tmp_path), 300, 420, content=over)).pixels()
    assert shown.shape == (3509, 2480)  # A4 with 300 dots an inch
    assert (shown < 128).mean() > 0.01


def test_a_rendered_page_has_its_colours_and_no_more_pixels_than_are_allowed(
    tmp_path: Path,
) -> None:
    red = b"1 0 0 rg 0 0 300 842 re f"
    shown = only(tmp_path / "red.pdf", pdf_page(red)).picture()
    assert isinstance(shown, np.ndarray)
    assert shown[1000, 200].tolist() == [255, 0, 0]
    assert shown[1000, -200].tolist() == [255, 255, 255]
    poster = only(tmp_path / "a0.pdf", pdf_page(b"", box=b"0 0 2384 3370")).pixels()
    assert 24_900_000 < poster.size < 25_100_000


def test_scans_in_black_and_white_are_taken_as_they_are(tmp_path: Path) -> None:
    Pillow.fromarray(PIXELS).point(lambda grey: 255 * (grey > 128)).convert("1").save(
        tmp_path / "bits.pdf"
    )
    (found,) = input_pages(str(tmp_path / "bits.pdf"))
    assert (found.pixels() == np.where(PIXELS > 128, 255, 0)).all()


def test_pages_know_how_large_their_sheets_are(tmp_path: Path) -> None:
    """A document says it of its pages, turned ones too, an image in its header."""
    data = jpeg(tmp_path)  # which does not say
    assert only(tmp_path / "a.pdf", scanned(data, 300, 420)).dpi(300) == pytest.approx(
        300 * 72 / 595
    )
    lying = scanned(data, 300, 420, about=b"/Rotate 90")
    assert only(tmp_path / "b.pdf", lying).dpi(420) == pytest.approx(420 * 72 / 842)
    for name, dpi in {"a.png": 150, "a.jpg": 150, "a.tif": 150, "b.png": 0, "c.png": 2}.items():
        said = {"dpi": (dpi, dpi)} if dpi else {}
        Pillow.fromarray(PIXELS).save(tmp_path / name, **said)
        found = InputPage(str(tmp_path / name)).dpi(300)
        assert found == (pytest.approx(150, abs=0.1) if dpi == 150 else None)


def refused(shown: InputPage) -> str:
    """Why a page has no picture; nothing where it has one of a size that is allowed."""
    try:
        pixels = shown.pixels()
    except ImageError as error:
        return str(error)
    assert pixels.size <= 25_000_000
    return ""


@pytest.mark.parametrize("named", HOSTILE)
def test_a_hostile_pdf_is_a_line_and_costs_little(tmp_path: Path, named: str) -> None:
    path = tmp_path / f"{named}.pdf"
    path.write_bytes(HOSTILE[named])
    start = time.monotonic()
    pages = input_pages(str(path))
    assert len(pages) <= 3
    for each in pages:
        reason = refused(each)
        assert not reason or reason.startswith(str(path))
        assert len(reason.splitlines()) <= 1
    assert time.monotonic() - start < 240


def test_no_script_of_a_pdf_is_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    script = b"app.launchURL('file://%s'); while (true) {}" % os.fsencode(made)
    action = b"/OpenAction<</S/JavaScript/JS(%s)>>" % script.replace(b"(", b"\\(").replace(
        b")", b"\\)"
    )
    data = pdf_page(b"", catalogue=action, about=b"/AA<</O<</S/Launch/F(x)>>>>")
    assert only(tmp_path / "a.pdf", data).pixels().min() == 255
    assert not made.exists()


def test_why_there_is_no_document_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder.pdf").mkdir()
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "empty.pdf").write_bytes(b"")
    for name, reason in {
        "gone.pdf": "no such file",
        "folder.pdf": "a folder",
        "pipe.pdf": "a pipe",
        "empty.pdf": "not a PDF document",
    }.items():
        (found,) = input_pages(str(tmp_path / name))
        assert found.error.startswith(f"{tmp_path / name}: ")
        assert reason in found.error
        with pytest.raises(ImageError, match=reason):
            found.sample().load()


def tiff(path: Path, *pages: np.ndarray) -> Path:
    first, *more = map(Pillow.fromarray, pages)
    first.save(path, save_all=True, append_images=more)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
def test_all_pages_of_a_tiff_are_read(tmp_path: Path, order: str) -> None:
    pages = [np.full((40 + number, 30), 50 * number, np.uint8) for number in range(3)]
    path = tiff(tmp_path / "a.tif", *pages)
    if order == ">":
        path.write_bytes(big_endian(pages))
    found = input_pages(str(path))
    assert [each.id for each in found] == [f"{path}#{number}" for number in (1, 2, 3)]
    for each, expected in zip(found, pages, strict=True):
        assert (each.pixels() == expected).all()
        image = each.sample().image
        assert image == PageImage(str(path), each.number or 0)


def test_a_page_of_a_tiff_is_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large the file is; what is odd is all of the file, which begins with that page."""
    noise = np.random.default_rng(0).integers(0, 256, (4, 200, 300), np.uint8)
    first, *more = map(Pillow.fromarray, noise)
    for compression in ("raw", "tiff_lzw", "jpeg"):
        for is_big in (False, True):
            path = tmp_path / "a.tif"
            first.save(
                path,
                save_all=True,
                append_images=more,
                compression=compression,
                big_tiff=is_big,
                dpi=(200, 200),
            )
            with Pillow.open(path) as whole:
                for number, page in enumerate(input_pages(str(path))):
                    data = page.picture()
                    assert isinstance(data, bytes)
                    assert len(data) < path.stat().st_size / 3
                    whole.seek(number)
                    assert (page.pixels() == np.asarray(whole)).all()
                    assert page.dpi(300) == 200
    monkeypatch.setattr(tiff_pages, "MAX_BYTES", path.stat().st_size // 3)
    assert input_pages(str(path))[3].pixels().shape == (200, 300)
    monkeypatch.setattr(tiff_pages, "MAX_BYTES", 1000)
    with pytest.raises(ImageError, match=r"a\.tif: .* bytes of a page; the limit is 1,000"):
        input_pages(str(path))[3].pixels()


def big_endian(pages: list[np.ndarray]) -> bytes:
    """Grey pages in one strip each."""
    data = b"MM\0*\0\0\0\x08"
    for number, pixels in enumerate(pages):
        height, width = pixels.shape
        after = len(data) + 2 + 12 * 8 + 4
        tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: after, 278: height}
        tags[279] = pixels.size
        data += struct.pack(">H", len(tags))
        data += b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags.items())
        end = after + pixels.size
        data += struct.pack(">I", end if number + 1 < len(pages) else 0) + pixels.tobytes()
    return data


def test_a_smaller_copy_in_a_tiff_is_no_page(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    small = Pillow.fromarray(PIXELS[::4, ::4])
    small.encoderinfo = {"tiffinfo": {254: 1}}
    Pillow.fromarray(PIXELS).save(path, save_all=True, append_images=[small])
    (found,) = input_pages(str(path))
    assert found.number is None
    assert (found.pixels() == PIXELS).all()


def test_pages_of_a_tiff_that_lead_back_are_refused(tmp_path: Path) -> None:
    pages = [np.full((4, 4), 9, np.uint8)] * 2
    data = bytearray(big_endian(pages))
    data[8 + 2 + 12 * 8 : 8 + 2 + 12 * 8 + 4] = struct.pack(">I", 8)
    path = tmp_path / "loop.tiff"
    path.write_bytes(data)
    (found,) = input_pages(str(path))
    assert found.error == f"{path}: its pages lead back to one another; save it anew"


@given(st.binary(max_size=60), st.sampled_from([b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b""]))
def test_any_bytes_are_a_tiff_of_some_pages_or_none(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.tif"
    path.write_bytes(head + data)
    assert 1 <= len(input_pages(str(path))) <= 30


def drawn(path: Path, **more: object) -> Page:
    """A file that says where two lines of ``scan.png``, beside it, are."""
    lines = (Line("one", ((10, 60), (290, 60)), text="old"), Line("two", ((10, 230), (290, 230))))
    page = replace(Page("x", 300, 420, PageImage("any/where/scan.png"), lines=lines), **more)
    path.write_text(json.dumps(page_to_json(page)))
    return page


def test_lines_that_are_drawn_come_with_the_image_beside_them(tmp_path: Path) -> None:
    Pillow.fromarray(PIXELS).save(tmp_path / "scan.png")
    page = drawn(tmp_path / "x.json")
    (found,) = input_pages(str(tmp_path / "x.json"))
    sample = found.sample()
    assert (sample.load() == PIXELS).all()
    assert sample.drawn == page
    assert sample.image == PageImage(str(tmp_path / "scan.png"))
    (tmp_path / "scan.png").rename(tmp_path / "x.png")
    assert found.sample().image == PageImage(str(tmp_path / "x.png"))
    (tmp_path / "page").mkdir()
    (tmp_path / "x.json").rename(tmp_path / "page" / "x.json")
    (above,) = input_pages(str(tmp_path / "page" / "x.json"))
    assert (above.sample().load() == PIXELS).all()


def test_lines_that_are_drawn_may_be_of_a_page_of_a_document(tmp_path: Path) -> None:
    tiff(tmp_path / "scan.tif", PIXELS, 255 - PIXELS)
    drawn(tmp_path / "x.json", image=PageImage("scan.tif", 2))
    (found,) = input_pages(str(tmp_path / "x.json"))
    sample = found.sample()
    assert (sample.load() == 255 - PIXELS).all()
    assert sample.image == PageImage(str(tmp_path / "scan.tif"), 2)


def test_a_file_never_names_an_image_elsewhere(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    Pillow.fromarray(PIXELS).save(tmp_path / "secret.png")
    for path in (str(tmp_path / "secret.png"), "../secret.png", "..\\secret.png", "..", "/"):
        drawn(home / "x.json", image=PageImage(path))
        (found,) = input_pages(str(home / "x.json"))
        with pytest.raises(ImageError, match="no image"):
            found.sample().load()


def test_a_broken_file_of_lines_is_said_when_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"id": "x"')
    (found,) = input_pages(str(tmp_path / "x.json"))
    with pytest.raises(ImageError, match=r"x\.json: no whole JSON"):
        found.sample().load()


def test_folders_are_searched_and_paths_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("scans/b.png", "scans/1634/a.pdf", "scans/notes.txt", "scans/a.xml", "c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path / "scans")
    found = input_files(
        [str(tmp_path / "scans"), "1634/a.pdf", "../c.png", str(tmp_path / "c.png")]
    )
    assert [(each.name, each.named) for each in found] == [
        ("1634/a.pdf", False),
        ("b.png", False),
        ("1634/a.pdf", True),
        ("c.png", True),
        ("c.png", True),
    ]
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="no images and no PDF documents"):
        input_files([str(tmp_path / "none")])


NAMES = (
    "a.png A.png a.jpg a.png.gif a.tif a-0001.png a-0001.tif a.tif-0001.png é.png e\u0301.png "
    "run.png failures-1-of-2.png b/a.png B/a.png b/a.pdf b/a-0002.jpg a.pdf a.PDF"
)


def plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


@given(st.lists(st.sampled_from(NAMES.split(" ")), unique=True), st.booleans())
def test_no_two_names_are_the_same(names: list[str], case_counts: bool) -> None:
    """Nor on a file system that takes A for a, if the inputs could be on it."""
    same = (lambda name: name) if case_counts else plain
    names = list({same(name): name for name in names}.values())
    found = stems([InputFile(name, name, True) for name in names])
    written = ["run", "failures", "failures-1-of-2"]
    for name, stem in zip(names, found, strict=True):
        assert name.startswith(stem)
        numbered = [f"{stem}-{number:04}" for number in (1, 2)]
        written += [stem, *(numbered if name.lower().endswith((".pdf", ".tif")) else [])]
    assert len(set(map(same, written))) == len(written)


def test_files_of_the_same_name_in_two_folders_are_refused() -> None:
    with pytest.raises(DataError, match="name the folder that both are in"):
        stems([InputFile("x/a.png", "a.png", False), InputFile("y/a.png", "a.png", False)])


def test_formats_with_the_same_ending_have_their_names() -> None:
    assert endings({"text": ".txt", "alto": ".xml", "page": ".xml"}) == {
        "text": ".txt",
        "alto": ".alto.xml",
        "page": ".page.xml",
    }
