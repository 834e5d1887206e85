"""Whole pages of folders as eScriptorium, Transkribus and kraken export them."""

import cv2
import numpy as np
import pytest

import exports
from ocrkit import DataError, ImageError, page_from_json, page_to_json
from ocrkit_pagexml.reader import PageXml


@pytest.fixture
def root(tmp_path):
    """A document with a page of eScriptorium, at half its size, and one of kraken."""
    folder = tmp_path / "letters"
    folder.mkdir()
    for name, xml, size in (
        ("first", exports.ESCRIPTORIUM_ALTO.replace("letter.png", "first.png"), (200, 150)),
        ("second", exports.KRAKEN_ALTO.replace("scans/letter.png", "second.png"), (400, 300)),
    ):
        picture = np.full((size[1], size[0]), 230, np.uint8)
        picture[size[1] // 5, :] = 20
        cv2.imwrite(str(folder / f"{name}.png"), picture)
        (folder / f"{name}.xml").write_text(xml, "utf-8")
    return tmp_path


def test_a_sample_is_the_picture_with_its_lines_in_its_pixels(root):
    reader = PageXml(root, level="pages")
    first, second = reader
    assert (first.id, first.form, first.writer) == ("letters/first", "letters", None)
    assert first.load().shape == (150, 200)
    assert (first.page.width, first.page.height) == (200, 150)
    assert first.page.lines[0].baseline == ((10, 30), (190, 32))
    assert first.page.lines[0].boundary == ((10, 15), (190, 17), (190, 37), (10, 35))
    assert first.page.regions[0].boundary == ((5, 10), (195, 10), (195, 110), (5, 110))
    assert first.page.image.path == "letters/first.png"
    assert second.load().shape == (300, 400)
    for sample in reader:
        assert page_from_json(page_to_json(sample.page)) == sample.page


def test_its_text_is_that_of_its_lines_in_reading_order(root):
    first, second = PageXml(root, level="pages")
    assert first.text == "Dear Ann,\ncaf\u00e9 & bread"
    assert second.text == "every mor\u00ac\nit rains."
    assert [line.id for line in second.page.lines] == ["l2", "l1"]
    word = second.page.lines[1].words[0]
    assert (word.text, word.boundary[0]) == ("it", (20, 30))


def test_lines_without_a_text_stay_and_those_without_a_place_are_named(root):
    xml = root / "letters" / "first.xml"
    placeless = '<TextLine ID="lost"><String CONTENT="lost"/></TextLine></TextBlock>'
    xml.write_text(xml.read_text("utf-8").replace("</TextBlock>", placeless), "utf-8")
    reader = PageXml(root, level="pages")
    assert [line.id for line in reader[0].page.lines] == ["line_1", "line_2", "line_3"]
    assert [each.id for each in reader.skipped] == ["letters/first#lost"]


def test_a_page_of_which_nobody_has_said_what_it_says_has_no_text(root):
    xml = root / "letters" / "first.xml"
    silent = "\n".join(row for row in xml.read_text("utf-8").split("\n") if "<String" not in row)
    xml.write_text(silent, "utf-8")
    first, second = PageXml(root, level="pages")
    assert first.text is None
    assert len(first.page.lines) == 3
    assert second.text
    (root / "letters" / "second.xml").unlink()
    report = PageXml.check(root)
    assert report.usable
    assert report.lines()[-1] == "Pages can be read, to find lines in; no line can."


def test_an_empty_page_is_one_without_writing(root):
    page = (
        f'<PcGts xmlns="{exports.PAGE_2019}"><Page imageFilename="second.png" imageWidth="400" '
        'imageHeight="300"/></PcGts>'
    )
    (root / "letters" / "second.xml").write_text(page, "utf-8")
    assert PageXml(root, level="pages")[1].text == ""


def test_kinds_can_be_left_out(root):
    first = PageXml(root, level="pages", leave_out=("HeadingLine",))[0]
    assert first.text == "caf\u00e9 & bread"
    first = PageXml(root, level="pages", leave_out=("MainZone",))[0]
    assert (first.page.lines, first.page.regions, first.text) == ((), (), "")


def test_pages_whose_image_is_not_theirs_are_named(root):
    cv2.imwrite(str(root / "letters" / "first.png"), np.full((300, 200), 200, np.uint8))
    reader = PageXml(root, level="pages")
    assert [sample.id for sample in reader] == ["letters/second"]
    (skipped,) = reader.skipped
    assert skipped.id == "letters/first"
    assert "200 × 300 pixels, its XML says 400 × 300" in skipped.reason
    (root / "letters" / "second.png").write_bytes(b"")
    with pytest.raises(DataError, match="none of the pages"):
        PageXml(root, level="pages")


def test_an_image_that_changes_afterwards_is_refused(root):
    sample = PageXml(root, level="pages")[0]
    cv2.imwrite(str(root / "letters" / "first.png"), np.full((300, 400), 200, np.uint8))
    with pytest.raises(ImageError, match="another size"):
        sample.load()
