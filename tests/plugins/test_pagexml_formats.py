"""ALTO and PAGE XML of every origin as pages; what is none of it, in one line."""

import os
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

import exports
from ocrkit import DataError
from ocrkit.parts.page import Word
from ocrkit.parts.page_json import page_from_json, page_to_json
from ocrkit_pagexml import alto
from ocrkit_pagexml import page as page_xml
from ocrkit_pagexml.formats import parse
from ocrkit_pagexml.xml import MAX_BYTES, MAX_MARKS, points

EXPORTS = {
    name: text for name, text in vars(exports).items() if isinstance(text, str) and "<?xml" in text
}


def alto_of(layout: str, head: str = "") -> bytes:
    return f'<alto xmlns="{exports.ALTO}">{head}<Layout>{layout}</Layout></alto>'.encode()


def alto_line(inside: str = "", **attributes: str) -> bytes:
    written = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return alto_of(
        f'<Page WIDTH="400" HEIGHT="300"><PrintSpace><TextBlock><TextLine {written}>{inside}'
        "</TextLine></TextBlock></PrintSpace></Page>"
    )


def page_line(inside: str, attributes: str = "") -> bytes:
    return (
        f'<PcGts xmlns="{exports.PAGE_2019}"><Page imageWidth="400" imageHeight="300"><TextRegion>'
        f"<TextLine {attributes}>{inside}</TextLine></TextRegion></Page></PcGts>"
    ).encode()


def test_alto_of_escriptorium_has_its_lines_texts_and_types():
    page = parse(exports.ESCRIPTORIUM_ALTO.encode())
    assert (page.width, page.height, page.image.path) == (400, 300, "letter.png")
    assert [line.text for line in page.lines] == ["Dear Ann,", "cafe\u0301 & bread", ""]
    first = page.lines[0]
    assert first.baseline == ((20, 60), (380, 64))
    assert first.boundary == ((20, 30), (380, 34), (380, 74), (20, 70))
    assert (first.kind, page.lines[1].kind, page.regions[0].kind) == (
        "HeadingLine",
        "text",
        "MainZone",
    )
    assert first.words == ()  # its String is the line


def test_alto_of_kraken_has_words_confidences_and_a_reading_order():
    page = parse(exports.KRAKEN_ALTO.encode())
    assert [line.text for line in page.lines] == ["every mor¬", "it rains."]
    second, first = page.lines
    assert first.words[0] == Word("it", ((20, 30), (120, 30), (120, 70), (20, 70)), 0.9)
    assert first.confidence == pytest.approx(0.8)
    assert second.baseline == ((20, 120), (380, 120))
    assert (first.corrected, second.corrected) == (False, True)


def test_page_of_escriptorium_takes_the_text_of_the_lowest_index():
    page = parse(exports.ESCRIPTORIUM_PAGE.encode())
    assert [line.text for line in page.lines] == ["Dear Ann,", "cafe\u0301 & bread"]
    assert [line.kind for line in page.lines] == ["HeadingLine", "text"]
    assert page.lines[1].confidence == 0.8
    assert page.regions[0].kind == "MainZone"


def test_page_of_transkribus_is_in_its_reading_order_with_tables_last():
    page = parse(exports.TRANSKRIBUS_PAGE.encode())
    texts = [line.text for line in page.lines]
    assert texts == ["Dear Ann,", "it rains.", "1911", "3 francs"]
    assert [(each.id, each.kind) for each in page.regions] == [
        ("r_main", "paragraph"),
        ("r_note", "marginalia"),
        ("c1", "tablecell"),
    ]
    assert page.lines[2].boundary[0] == (300, -2.5)
    assert page.lines[3].baseline == ()


@pytest.mark.parametrize("name", EXPORTS)
def test_what_is_parsed_is_a_page_as_json_has_it(name):
    page = parse(EXPORTS[name].encode())
    assert page_from_json(page_to_json(page) | {"id": "letter"}).lines == page.lines


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8-sig"])
def test_other_encodings_are_read_as_they_say(encoding):
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    text = exports.KRAKEN_ALTO.replace("UTF-8", declared)
    assert parse(text.encode(encoding)).lines[0].text == "every mor¬"


def test_regions_without_a_reading_order_are_in_the_order_of_their_custom_index():
    start = exports.TRANSKRIBUS_PAGE.index("<ReadingOrder>")
    end = exports.TRANSKRIBUS_PAGE.index("</ReadingOrder>") + len("</ReadingOrder>")
    table = exports.TRANSKRIBUS_PAGE.index("<TableRegion")
    text = (
        exports.TRANSKRIBUS_PAGE[:start] + exports.TRANSKRIBUS_PAGE[end:table] + "</Page></PcGts>"
    )
    assert [line.text for line in parse(text.encode()).lines] == ["Dear Ann,", "it rains.", "1911"]


def test_tenths_of_millimetres_stay_what_they_are():
    page = alto.parse(
        alto_of(
            '<Page WIDTH="2100.4" HEIGHT="2970"><PrintSpace><TextBlock><TextLine HPOS="100.5" '
            'VPOS="50" WIDTH="800" HEIGHT="60"><String CONTENT="a"/></TextLine></TextBlock>'
            "</PrintSpace></Page>",
            "<Description><MeasurementUnit>mm10</MeasurementUnit></Description>",
        )
    )
    assert (page.width, page.height, page.image) == (2100, 2970, None)
    assert page.lines[0].boundary[0] == (100.5, 50)


@pytest.mark.parametrize(
    "line",
    [
        alto_line(BASELINE="nonsense", HPOS="3"),
        alto_line(BASELINE="120"),
        page_line('<Coords points="1,2 3"/><Baseline points="1,inf 2,2"/>'),
        page_line('<Coords points=""/>'),
    ],
)
def test_a_line_whose_place_makes_no_sense_is_there_without_a_place(line):
    (found,) = parse(line).lines
    assert (found.baseline, found.boundary) == ((), ())


def test_confidences_beyond_one_are_none():
    text = '<TextEquiv conf="87"><Unicode>a</Unicode></TextEquiv>'
    assert parse(page_line(text)).lines[0].confidence is None


def test_ids_that_are_missing_or_twice_become_different_ones():
    doubled = exports.ESCRIPTORIUM_PAGE.replace('id="l2"', 'id="l1"').replace('id="r1"', "")
    page = parse(doubled.encode())
    assert [line.id for line in page.lines] == ["l1", "l1-2"]
    assert page.lines[0].region == page.regions[0].id


BOMB = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "lol">' for n in range(10)
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no whole XML"),
        (b"\x89PNG\r\n", "no whole XML"),
        (exports.ESCRIPTORIUM_ALTO.encode()[:900], "no whole XML"),
        (exports.KRAKEN_ALTO.encode("latin-1"), "no whole XML"),
        (b'<?xml version="1.0" encoding="no-such"?><alto/>', "no whole XML"),
        (b"<mets/>", "<mets>; expected ALTO"),
        (b"<alto/>", "0 pages"),
        (b"<PcGts/>", "without a <Page>"),
        (alto_of("<Page WIDTH='4' HEIGHT='3'/>" * 2), "2 pages"),
        (alto_of("<Page WIDTH='0' HEIGHT='3'/>"), "Page WIDTH: '0'"),
        (b'<PcGts><Page imageHeight="3"/></PcGts>', "Page imageWidth: None"),
        (f"<!DOCTYPE alto [{BOMB}]><alto>&l9;</alto>".encode(), "entities|no whole XML"),
        (f'<!DOCTYPE alto [{BOMB}]><alto ID="&l9;"/>'.encode(), "no whole XML"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><alto>&x;</alto>', "entities"),
        (b"<a>" * 5000, "no whole XML"),
        (b" " * (MAX_BYTES + 1), "the limit is"),
        (b"<alto>" + b"<a/>" * MAX_MARKS + b"</alto>", "elements and attributes; the limit is"),
    ],
)
def test_what_is_no_page_is_said_in_one_line(data, reason):
    with pytest.raises(DataError, match=reason) as raised:
        parse(data)
    assert "\n" not in str(raised.value)


def costly():
    """Files that could take long, or much memory."""
    entities = b'<!ENTITY a "%s">' % (b"a" * 100_000)
    yield f'<!DOCTYPE alto [{BOMB}]><alto ID="&l9;"/>'.encode()
    yield b"<!DOCTYPE alto [%s]><alto>%s</alto>" % (entities, b"&a;" * 100_000)
    yield b'<!DOCTYPE alto [<!ENTITY %% a "%%a;"> %%a;]><alto/>'
    yield b'<!DOCTYPE alto SYSTEM "http://127.0.0.1:1/a.dtd"><alto/>'
    yield b"<alto>" * 1_000_000
    yield b"<alto %s/>" % b" ".join(b'a%d=""' % number for number in range(200_000))
    yield b"<alto>%s</alto>" % (b"<a/>" * (MAX_MARKS - 2))
    yield b"<alto><!-- %s --></alto>" % (b"- " * 30_000_000)


def test_hostile_files_cost_little():
    """In a process of its own, which may take a gigabyte."""
    started = time.monotonic()
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
    program = limited + dedent(
        """
        import sys
        from test_pagexml_formats import costly
        from ocrkit import DataError
        from ocrkit_pagexml.formats import parse
        for data in costly():
            try:
                parse(data)
            except DataError as error:
                print(len(str(error).splitlines()))
        """
    )
    path = os.pathsep.join(map(str, [Path(__file__).parent, Path(__file__).parents[1]]))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout.split() == ["1"] * len(list(costly())), done.stderr
    assert time.monotonic() - started < 240


@given(st.data())
def test_damaged_files_are_pages_or_refused(data):
    """A piece of an export is cut out, doubled or overwritten."""
    text = data.draw(st.sampled_from(sorted(EXPORTS.values())))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 60)))
    piece = data.draw(st.sampled_from(["", text[start:end] * 2]) | st.text(max_size=5))
    damaged = (text[:start] + piece + text[end:]).encode("utf-8", "replace")
    try:
        page = parse(damaged)
    except DataError:
        return
    assert len({line.id for line in page.lines}) == len(page.lines)


@given(st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 2), min_size=2), st.sampled_from([",", " "]))
def test_points_are_those_that_were_written(written, comma):
    text = " ".join(f"{x}{comma}{y}" for x, y in written)
    assert points(text, 2) == tuple(written)


def test_each_parser_refuses_the_other_format():
    with pytest.raises(DataError, match="expected PAGE XML"):
        page_xml.parse(exports.KRAKEN_ALTO.encode())
    with pytest.raises(DataError, match="expected ALTO"):
        alto.parse(exports.ESCRIPTORIUM_PAGE.encode())
