"""Searchable PDF: the picture as it was, and the text over the ink, for whatever reads it."""

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from lxml import etree
from PIL import Image as Pillow

from drawn_pages import PLUGIN, column, page, words, written
from ocrkit import ImageError, Line, Page, load, read_image
from ocrkit.interfaces import Picture
from ocrkit.parts.formats import make_format, save_page

pikepdf = pytest.importorskip("pikepdf", reason="pikepdf is not installed (extra documents)")


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"{program} is not installed here"
    )


NEEDS_POPPLER, NEEDS_QPDF = needs("pdftotext"), needs("qpdf")
WRITTEN = ["clocks", "leaves", "number", "seven", "alarms", "correct", "baker"]


def pdf_of(*pages: tuple[Page, Picture]) -> bytes:
    file = io.BytesIO()
    make_format("pdf").write(iter(pages), file)
    return file.getvalue()


def texts_in(path: Path, *options: str) -> list[str]:
    found = subprocess.run(
        ["pdftotext", *options, path, "-"], capture_output=True, text=True, check=True
    )
    return [" ".join(row.split()) for row in found.stdout.split("\n") if row.strip()]


def boxes_in(path: Path) -> list[tuple[str, np.ndarray]]:
    """Words and their boxes (left, top, right, bottom), in pixels of a page at 300 dots an inch."""
    found = subprocess.run(
        ["pdftotext", "-bbox", path, "-"], capture_output=True, text=True, check=True
    )
    sides = ("xMin", "yMin", "xMax", "yMax")
    return [
        (word.text, np.array([float(word.get(side)) for side in sides]) * 300 / 72)
        for word in etree.fromstring(found.stdout.encode()).iter("{*}word")
    ]


def overlap(box: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    low, high = np.maximum(box[:2], other[:2]), np.minimum(box[2:], other[2:])
    both = np.prod(np.maximum(high - low, 0))
    return float(both / (np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2]) - both))


TEXTS = [
    "Dear Ann, it rains every morning now, “été” & ÿ ſ",
    "is what I wrote in 𝓐 1634; come before the end",
    "of the week, and bring the children with you all",
]


def slanted(texts: list[str], angle: float) -> Page:
    """Lines of 1,000 pixels around the middle of a page, all at this angle."""
    along = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    down = np.array([-along[1], along[0]])
    lines = []
    for number, text in enumerate(texts):
        middle = np.array([600.0, 600.0]) + down * 90 * (number - len(texts) / 2)
        ends = tuple(tuple(float(each) for each in middle + along * far) for far in (-500, 500))
        lines.append(Line(str(number), ends, above=40, below=15, text=text))
    return Page("slanted", 1200, 1200, lines=tuple(lines))


@NEEDS_POPPLER
@pytest.mark.parametrize(
    "angle", [0, 1, -1, 2, -5, 12, -20, 30, 45, 60, -80, 90, 130, 180, 200, 270]
)
def test_each_line_is_found_in_order_however_it_runs(tmp_path: Path, angle: float) -> None:
    save_page(slanted(TEXTS, angle), tmp_path / "a.pdf", "pdf", np.full((1200, 1200), 255, "u1"))
    assert " ".join(texts_in(tmp_path / "a.pdf", "-raw")) == " ".join(TEXTS)
    found = texts_in(tmp_path / "a.pdf")
    assert (sorted(found) if angle in (-80, 270) else found) == (
        sorted(TEXTS) if angle in (-80, 270) else TEXTS  # there it orders lines by its own lights
    )


@pytest.mark.parametrize("angle", [0, 3, -20, 45, 90, 180, 270])
def test_what_is_found_is_marked_where_it_stands(tmp_path: Path, angle: float) -> None:
    """In PDFium, with which browsers show documents; on lines that do not run to the right it knows
    no letters' places."""
    pdfium = pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")
    page = slanted(TEXTS[:1], angle)
    save_page(page, tmp_path / "a.pdf", "pdf", np.full((1200, 1200), 255, "u1"))
    with pdfium.PdfDocument(tmp_path / "a.pdf") as document:
        text = document[0].get_textpage()
        first, count = text.search("morning").get_next()
        left, bottom, right, top = np.array(text.get_rect(text.count_rects(first, count) - 1))
    start, end = np.array(page.lines[0].baseline) * 72 / 300
    assert (right - left) * (top - bottom) > 25
    if angle >= 90:  # somewhere on the line
        low, high = np.minimum(start, end) - 12, np.maximum(start, end) + 12
        assert low[0] < left < right < high[0]
        assert low[1] < 288 - top < 288 - bottom < high[1]
        return
    x, y = start + (end - start) * (TEXTS[0].index("morning") + 3.5) / len(TEXTS[0])
    assert left < x < right
    assert bottom < 288 - y + 3 < top


@NEEDS_POPPLER
def test_words_that_were_read_lie_over_the_ink(
    tmp_path: Path, install: Callable[[str, str], Path]
) -> None:
    """On 20 pages: each text in its order, and its box over the word's, by 0.6 at least."""
    install("rows", PLUGIN)
    worst, count = 1.0, 0
    with load(written(tmp_path), device="cpu", threads=1) as pages:
        for number in range(20):
            chosen = [WRITTEN[(number + each) % 7] for each in range(5)]
            placed = column(chosen, x=60 + 31 * number, y=40 + 9 * number)
            drawn = page(placed)
            read = pages.read(drawn)
            assert isinstance(read, Page)
            path = tmp_path / f"{number}.pdf"
            save_page(read, path, "pdf", drawn)
            found = boxes_in(path)
            assert [text for text, _ in found] == [line.text for line in read.lines]
            for (_, box), (text, x, y) in zip(found, placed, strict=True):
                height, width = words()[text].shape
                ink = np.array([x, y, x + width, y + height], float)
                worst, count = min(worst, overlap(box, ink)), count + 1
    assert count == 100
    assert worst >= 0.6, worst


@NEEDS_QPDF
def test_qpdf_finds_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    read = slanted(["a b", "c"], 30)
    pixels = np.full((1200, 1200), 200, np.uint8)
    path.write_bytes(pdf_of((read, pixels), (replace(read, lines=()), pixels)))
    checked = subprocess.run(["qpdf", "--check", path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "No syntax or stream encoding errors" in checked.stdout


def picture_in(data: bytes) -> "pikepdf.Object":
    with pikepdf.open(io.BytesIO(data)) as pdf:
        (image,) = pdf.pages[0].Resources.XObject.values()
        return pikepdf.PdfImage(image).obj.read_raw_bytes()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_is_there_byte_by_byte(tmp_path: Path, mode: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    Pillow.fromarray(noise).convert(mode).save(tmp_path / "a.jpg", quality=60, dpi=(144, 144))
    data = (tmp_path / "a.jpg").read_bytes()
    blank = Page("a", 60, 40)
    made = pdf_of((blank, tmp_path / "a.jpg"))
    assert picture_in(made) == data
    assert made == pdf_of((blank, data))
    assert size_of(made) == (30, 20)
    assert size_of(pdf_of((replace(blank, dpi=72.0), data))) == (60, 40)


def size_of(data: bytes) -> tuple[float, float]:
    """Of the first page, in points."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        _, _, width, height = map(float, pdf.pages[0].MediaBox)
    return width, height


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_as_its_exif_says(tmp_path: Path, orientation: int) -> None:
    pdfium = pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")
    pixels = np.full((80, 120), 255, np.uint8)
    pixels[:20, :30], pixels[60:, :15], pixels[:10, 100:] = 0, 90, 160
    exif = Pillow.Exif()
    exif[0x112] = orientation
    Pillow.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=95, dpi=(72, 72))
    upright = read_image(tmp_path / "a.jpg")
    height, width = upright.shape
    data = pdf_of((Page("a", width, height), tmp_path / "a.jpg"))
    document = pdfium.PdfDocument(data)
    shown = document[0].render(scale=1, grayscale=True).to_numpy().reshape(height, width)
    document.close()
    assert np.abs(shown.astype(int) - upright).mean() < 4


def test_pictures_of_every_kind_are_shown_without_loss(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (40, 60), np.uint8)
    colour = rng.integers(0, 256, (40, 60, 3), np.uint8)
    deep = rng.integers(0, 65_536, (40, 60), np.uint16)
    clear = Pillow.fromarray(np.dstack([colour, np.full((40, 60), 128, np.uint8)]))
    cases = {
        "grey.png": (Pillow.fromarray(grey), grey),
        "colour.png": (Pillow.fromarray(colour), colour),
        "colour.tiff": (Pillow.fromarray(colour), colour),
        "bilevel.png": (Pillow.fromarray(grey > 127), (grey > 127) * np.uint8(255)),
        "clear.png": (clear, None),
        "deep.png": (Pillow.fromarray(deep), deep),
    }
    for name, (image, expected) in cases.items():
        image.save(tmp_path / name)
        with pikepdf.open(io.BytesIO(pdf_of((Page("a", 60, 40), tmp_path / name)))) as pdf:
            (shown,) = pdf.pages[0].Resources.XObject.values()
            pixels = np.asarray(pikepdf.PdfImage(shown).as_pil_image())
        if expected is None:  # half ink, half paper
            expected = ((colour.astype(int) + 255) / 2).astype(np.uint8)
            assert np.abs(pixels.astype(int) - expected).max() <= 1, name
        else:
            assert np.array_equal(pixels * (255 if pixels.dtype == bool else 1), expected), name


def test_what_is_no_picture_is_one_line_that_names_it(tmp_path: Path) -> None:
    for name, content in {"a.png": b"", "b.png": b"no image", "c.jpg": b"\xff\xd8\xff"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError) as raised:
            pdf_of((Page("a", 60, 40), tmp_path / name))
        assert str(tmp_path / name) in str(raised.value)
        assert len(str(raised.value).splitlines()) == 1


BOOK = """
import sys
from pathlib import Path
from ocrkit import Line, Page
from ocrkit.parts.formats import make_format

picture, out, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
lines = tuple(
    Line(str(n), ((50, 60 * n + 60), (900, 60 * n + 60)), text=f"line {n} of a long book")
    for n in range(2)
)
pages = ((Page(str(n), 1000, 1400, lines=lines), picture) for n in range(count))
with out.open("wb") as file:
    make_format("pdf").write(pages, file)
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
"""VmHWM is this process's own; ru_maxrss begins with what the one that started it has held."""


def test_300_pages_take_the_memory_of_some(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 500), np.uint8)
    cv2.imwrite(str(tmp_path / "a.jpg"), noise, [cv2.IMWRITE_JPEG_QUALITY, 98])
    assert (tmp_path / "a.jpg").stat().st_size > 350_000

    def kilobytes(count: int) -> int:
        command = [sys.executable, "-c", BOOK, tmp_path / "a.jpg", tmp_path / "a.pdf", str(count)]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    some, book = kilobytes(100), kilobytes(300)
    assert (tmp_path / "a.pdf").stat().st_size > 100_000_000
    assert book < some + 30_000
