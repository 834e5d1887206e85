"""ALTO and PAGE as ocrkit writes them: valid by the official schemas, as other programs take them,
and with nothing lost that they can say."""

import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from lxml import etree

import exports
import some_pages
from ocrkit import Line, Page, PageImage, Region, Word
from ocrkit.parts.formats import make_format, parse_page
from ocrkit_pagexml.alto_format import Alto
from ocrkit_pagexml.page_format import PageXml
from ocrkit_pagexml.xml import root_of
from official_schemas import faults, faults_of_2013

EXPORTS = {
    name: text for name, text in vars(exports).items() if isinstance(text, str) and "<?xml" in text
}
LETTER = Page(
    "letter",
    400,
    300,
    PageImage("scans/letter.jpg", 3),
    regions=(Region("r1", "paragraph", ((10, 20), (390, 20), (390, 220), (10, 220))),),
    lines=(
        Line(
            "l1",
            ((20.5, 60), (200, 62.25), (380, 64)),
            ((20, 30), (380, 34), (380, 74), (20, 70)),
            region="r1",
            text="Dear Ann,",
            confidence=0.93,
            words=(
                Word("Dear", ((20, 30), (180, 30), (180, 70), (20, 70)), 0.9),
                Word("Ann,", ((200, 30), (380, 34), (380, 74), (200, 70)), 0.96),
            ),
            corrected=True,
        ),
        Line("l2", ((20, 120), (380, 120)), region="r1", text="come\u00ac", kind="heading"),
    ),
)


def written(page: Page, name: str, **options: int) -> bytes:
    file = io.BytesIO()
    make_format(name, options).write([(page, None)], file)
    return file.getvalue()


@pytest.mark.parametrize("schema", ["alto-4-2.xsd", "alto-4-4.xsd"])
@settings(max_examples=40, deadline=None)
@given(page=some_pages.pages(0.25))
def test_alto_is_valid(page: Page, schema: str) -> None:
    for each in (page, some_pages.odd(page), replace(page, lines=(), regions=(), image=None)):
        assert faults(written(each, "alto"), schema) == []


@settings(max_examples=40, deadline=None)
@given(page=some_pages.pages(0.25))
def test_page_is_valid(page: Page) -> None:
    for each in (page, some_pages.odd(page), replace(page, lines=(), regions=(), image=None)):
        assert faults(written(each, "page"), "page-2019-07-15.xsd") == []
        assert faults_of_2013(written(each, "page", schema=2013)) == []


def test_a_schema_finds_a_fault() -> None:
    data = written(LETTER, "alto").replace(b"<TextBlock", b"<TextBlok", 1)
    assert faults(data.replace(b"</TextBlock>", b"</TextBlok>", 1), "alto-4-2.xsd")
    newer = written(replace(LETTER, dpi=300.0), "page").replace(b"2019-07-15", b"2013-07-15")
    assert faults_of_2013(newer)


@settings(max_examples=60, deadline=None)
@given(page=some_pages.pages(0.25))
def test_alto_says_all_that_it_can(page: Page) -> None:
    """Confidences of lines are those of their words there, or of the whole String."""
    read = parse_page(written(page, "alto"))
    assert replace(read, lines=()) == replace(page, turned=0, lines=(), dpi=None)
    for line, back in zip(page.lines, read.lines, strict=True):
        confidence = back.confidence if line.words else line.confidence
        assert back == replace(line, confidence=confidence)


@settings(max_examples=60, deadline=None)
@given(page=some_pages.pages())
def test_page_says_all_that_it_can(page: Page) -> None:
    """The id of a page has no place there."""
    assert parse_page(written(page, "page")) == replace(page, id="")


@settings(max_examples=40, deadline=None)
@given(page=some_pages.pages())
def test_nothing_that_both_can_say_is_lost_on_a_round_trip(page: Page) -> None:
    once = parse_page(written(page, "alto"))
    there = parse_page(written(once, "page"))
    back = parse_page(written(there, "alto"))
    assert replace(back, id=once.id) == once
    assert parse_page(written(page, "json")) == page


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("format", ["alto", "page"])
def test_other_programs_files_are_written_again_as_they_were_read(name: str, format: str) -> None:
    """All but a place that is rounded: texts, words, kinds and order."""

    def said(page: Page) -> list[object]:
        kinds = {region.id: region.kind for region in page.regions}
        return [(line.text or "", line.kind, kinds[line.region or ""]) for line in page.lines]

    page = parse_page(EXPORTS[name].encode())
    again = parse_page(written(page, format))
    assert said(again) == said(page)
    assert [line.id for line in again.lines] == [line.id for line in page.lines]


def test_escriptorium_finds_what_it_looks_for_in_alto() -> None:
    """Its parser wants ``fileName``, and numbers of baselines apart by spaces."""
    root = root_of(written(LETTER, "alto"))
    ns = {"a": exports.ALTO}
    assert root.findtext(".//a:fileName", None, ns) == "scans/letter.jpg"
    first, second = root.findall(".//a:TextLine", ns)
    assert tuple(map(float, first.get("BASELINE").split(" "))) == (20.5, 60, 200, 62.25, 380, 64)
    assert (first.get("CS"), second.get("CS")) == ("true", None)
    strings = first.findall("a:String", ns)
    assert [(each.get("CONTENT"), float(each.get("WC"))) for each in strings] == [
        ("Dear", 0.9),
        ("Ann,", 0.96),
    ]
    assert first.find("a:SP", ns) is not None
    labels = {tag.get("ID"): tag.get("LABEL") for tag in root.find("a:Tags", ns)}
    assert labels[second.get("TAGREFS")] == "heading"
    assert len(second.find("a:Shape/a:Polygon", ns).get("POINTS").split()) == 8


def test_an_alto_file_does_not_say_where_its_page_lay_but_as_its_picture() -> None:
    here, there = (replace(LETTER, id=f"{place}/letter.png") for place in ("/scans", "s3://a/b"))
    assert written(here, "alto") == written(there, "alto")
    assert b'<Page ID="letter.png"' in written(here, "alto")


def test_page_has_whole_points_on_the_page_and_its_parts_in_order() -> None:
    page = replace(LETTER, lines=(replace(LETTER.lines[0], baseline=((-3.4, 60.5), (999, 64))),))
    root = root_of(written(page, "page"))
    (line,) = root.iter("{*}TextLine")
    assert line.find("{*}Baseline").get("points") == "0,60 400,64"
    names = [etree.QName(each).localname for each in line]
    assert names == ["Coords", "Baseline", "Word", "Word", "TextEquiv"]
    assert line.find("{*}TextEquiv").get("conf") == "0.9300"
    assert line.find("{*}Word/{*}TextEquiv").get("conf") == "0.9000"
    assert root.find(".//{*}RegionRefIndexed").get("regionRef") == "r1"


def test_words_that_a_correction_has_overtaken_are_not_written() -> None:
    """Programs that prefer the words would read the old text."""
    line = replace(LETTER.lines[0], text="Dear Anna,")
    for name in ("alto", "page"):
        (read,) = parse_page(written(replace(LETTER, lines=(line,)), name)).lines
        assert (read.text, read.words) == ("Dear Anna,", ())


def test_lines_of_no_region_keep_their_place() -> None:
    loose = Line("l0", ((20, 30), (380, 30)), text="1911")
    page = replace(LETTER, lines=(loose, *LETTER.lines))
    for name in ("alto", "page"):
        read = parse_page(written(page, name))
        assert [line.text for line in read.lines] == ["1911", "Dear Ann,", "come\u00ac"]


@pytest.mark.parametrize("part", [Alto(), PageXml()])
def test_a_file_is_told_by_its_root_however_it_begins(part: Alto | PageXml) -> None:
    name = "alto" if isinstance(part, Alto) else "page"
    text = written(LETTER, name).decode()
    assert part.claims(text.replace("UTF-8", "UTF-16", 1).encode("utf-16"))
    assert part.claims(text.replace("?>", "?>\n<!-- <svg> -->\n", 1).encode())
    assert part.claims(b"\xef\xbb\xbf" + text.encode())
    assert not part.claims(f"<svg>{text[39:]}</svg>".encode())
