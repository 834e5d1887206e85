"""hOCR as the programs that read it look for things."""

import io
import re

from lxml import etree

from ocrkit import Line, Page, PageImage, Word
from ocrkit.parts.formats import make_format

LETTER = Page(
    "letter",
    400,
    300,
    PageImage('scans/"letter".jpg', 3),
    lines=(
        Line(
            "l1",
            ((20, 60), (380, 78)),
            ((20, 30), (380, 48), (380, 90), (20, 72)),
            text="Dear <Ann>,",
            words=(
                Word("Dear", ((20, 30), (180, 30), (180, 70), (20, 70)), 0.904),
                Word("<Ann>,", ((200, 40.4), (380, 48), (380, 90), (200, 80)), 0.96),
            ),
        ),
        Line("l2", ((20, 120), (380, 120)), above=20, below=8, text="and bread"),
        Line("l3", ((390, 290), (390, 20)), above=8, below=4, text="note"),
    ),
)


def written() -> bytes:
    file = io.BytesIO()
    make_format("hocr").write([(LETTER, None)], file)
    return file.getvalue()


def spans(name: str) -> list[tuple[str, dict[str, str]]]:
    """The text of every element of a class, and its properties by name."""
    found = etree.fromstring(written()).iterfind(f".//*[@class='{name}']")
    return [
        (
            "".join(each.itertext()).strip(),
            dict(part.strip().split(" ", 1) for part in each.get("title").split(";")),
        )
        for each in found
    ]


def test_the_page_names_its_image_and_its_size() -> None:
    ((_, said),) = spans("ocr_page")
    assert said == {"image": "\"scans/'letter'.jpg\"", "bbox": "0 0 400 300", "ppageno": "2"}


def test_words_have_whole_boxes_and_confidences() -> None:
    """OCRmyPDF reads digits alone."""
    words = spans("ocrx_word")
    assert [text for text, _ in words] == ["Dear", "<Ann>,", "and", "bread", "note"]
    assert words[0][1] == {"bbox": "20 30 180 70", "x_wconf": "90"}
    assert words[1][1] == {"bbox": "200 40 380 90", "x_wconf": "96"}
    assert words[2][1] == {"bbox": "20 100 140 128"}  # 3 of 9 letters of a line 360 pixels long
    assert all(re.fullmatch(r"\d+( \d+){3}", said["bbox"]) for _, said in words)


def test_baselines_begin_at_the_lower_left_corner_and_steep_lines_have_an_angle() -> None:
    (_, sloping), (_, level), (_, upright) = spans("ocr_line")
    assert sloping["baseline"] == "0.0500 -30"  # at x = 20 it is 30 above the box's foot
    assert level["baseline"] == "0.0000 -8"
    assert upright["textangle"] == "90"
    assert "baseline" not in upright
    assert sloping["poly"] == "20 30 380 48 380 90 20 72"


def test_lines_are_in_paragraphs() -> None:
    """OCRmyPDF finds no others."""
    lines = etree.fromstring(written()).findall(".//*[@class='ocr_line']")
    assert [line.getparent().get("class") for line in lines] == ["ocr_par"] * 3
