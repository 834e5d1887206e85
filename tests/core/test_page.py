"""Pages: their text, and their one JSON, which comes back as it went and is refused in one line
where it is wrong."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ocrkit
from ocrkit import Alternative, DataError, Line, Maker, Page, PageImage, Region, Sample, Word
from ocrkit.support.parsing import json_text, parse_json

DOCS = Path(__file__).parents[2] / "docs" / "pages.md"

numbers = st.floats(allow_nan=False, allow_infinity=False)
heights = st.none() | st.floats(min_value=0, allow_infinity=False)
shares = st.none() | st.floats(min_value=0, max_value=1)
texts = st.text(st.characters(codec="utf-8"), max_size=8)


def points(least: int) -> st.SearchStrategy[tuple[tuple[float, float], ...]]:
    some = st.lists(st.tuples(numbers, numbers), min_size=least, max_size=5)
    return some.map(tuple)


areas = st.just(()) | points(3)
words = st.builds(Word, texts, areas, shares)


@st.composite
def pages(draw: st.DrawFn) -> Page:
    names = draw(st.lists(texts, unique=True, max_size=3))
    ids = draw(st.lists(texts, unique=True, max_size=4))
    lines = [
        Line(
            id_,
            draw(points(2)),
            draw(areas),
            draw(heights),
            draw(heights),
            draw(st.sampled_from([None, *names])),
            draw(st.none() | texts),
            draw(shares),
            tuple(draw(st.lists(words, max_size=3))),
            tuple(draw(st.lists(st.builds(Alternative, texts, numbers), max_size=2))),
            draw(st.booleans()),
        )
        for id_ in ids
    ]
    return Page(
        draw(texts),
        draw(st.integers(1, 10**6)),
        draw(st.integers(1, 10**6)),
        draw(st.none() | st.builds(PageImage, texts, st.integers(1, 999))),
        draw(st.sampled_from([0, 90, 180, 270])),
        tuple(Region(name, draw(texts), draw(areas)) for name in names),
        tuple(lines),
        tuple(draw(st.lists(st.builds(Maker, texts, texts, texts), max_size=2))),
    )


@given(pages())
def test_a_page_comes_back_from_its_json_as_it_was(page: Page) -> None:
    assert ocrkit.page_from_json(json.loads(json.dumps(ocrkit.page_to_json(page)))) == page
    assert ocrkit.page_from_json(parse_json(json_text(ocrkit.page_to_json(page)))) == page


@given(pages())
def test_pages_that_are_equal_have_one_hash(page: Page) -> None:
    assert len({page, ocrkit.page_from_json(ocrkit.page_to_json(page))}) == 1


def test_points_of_numpy_become_plain_numbers() -> None:
    line = Line("1", tuple((x, np.float32(2.5)) for x in np.arange(3)))
    (written,) = ocrkit.page_to_json(Page("a", 9, 9, lines=(line,)))["lines"]
    assert json.dumps(written["baseline"]) == "[[0, 2.5], [1, 2.5], [2, 2.5]]"


LINE = Line("l1", ((0, 5), (9, 5)))
VALID: dict[str, Any] = ocrkit.page_to_json(
    Page("p", 20, 10, regions=(Region("r"),), lines=(replace(LINE, words=(Word("a"),)),))
)


def changed(**values: Any) -> dict[str, Any]:
    return VALID | values


def with_line(**values: Any) -> dict[str, Any]:
    return changed(lines=[VALID["lines"][0] | values])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "[]; expected a table"),
        ({"id": "a", "width": 3}, "height: missing; expected a whole number above 0"),
        (changed(height=0), "height: 0; expected a whole number above 0"),
        (changed(height=1.5), "height: 1.5; expected a whole number above 0"),
        (changed(turned=45), "turned: 45; expected one of 0, 90, 180, 270"),
        (changed(turned=False), "turned: False; expected one of 0, 90, 180, 270"),
        (changed(image={"path": "a", "page": 0}), "image.page: 0; expected a whole number above"),
        (changed(lines="ab"), "lines: 'ab'; expected a list of a table"),
        (changed(lines=[None]), "lines[0]: None; expected a table"),
        (with_line(text=3), "lines[0].text: 3; expected a text"),
        (with_line(corrected=1), "lines[0].corrected: 1; expected true or false"),
        (with_line(confidence=97), "lines[0].confidence: 97; expected a number from 0 to 1"),
        (with_line(confidence=True), "lines[0].confidence: True; expected a number from 0 to 1"),
        (with_line(above=float("nan")), "lines[0].above: nan; expected a number, 0 or more"),
        (with_line(above=10**400), "lines[0].above: 1000"),
        (with_line(baseline=[[0, "1"], [2, 3]]), "lines[0].baseline[0][1]: '1'; expected a finit"),
        (with_line(baseline=[[0, float("inf")], [2, 3]]), "lines[0].baseline[0][1]: inf; expecte"),
        (with_line(baseline=[0, 1]), "lines[0].baseline[0]: 0; expected a list of 2, each a fin"),
        (with_line(baseline=[[0, 1, 2]]), "lines[0].baseline[0]: [0, 1, 2]; expected a list of 2"),
        (with_line(baseline=[[0, 1]]), "lines[0].baseline: a single point; expected 2 or more"),
        (with_line(boundary=[[0, 1], [2, 3]]), "lines[0].boundary: 2 points; expected 3 or more"),
        (with_line(baseline=[]), "lines[0]: neither a baseline nor a boundary"),
        (with_line(region="s"), "lines[0].region: 's' is not among the page's regions"),
        (with_line(words=[{"text": "a", "boundary": [[1, 2]]}]), "lines[0].words[0].boundary: 1 p"),
        (changed(lines=VALID["lines"] * 3), "lines: 3 of them have the id 'l1'; expected one"),
        (changed(regions=[{"id": "r"}] * 2), "regions: 2 of them have the id 'r'; expected one"),
    ],
)
def test_json_that_is_no_page_is_refused_in_a_line_that_says_where(value: Any, said: str) -> None:
    with pytest.raises(DataError) as refused:
        ocrkit.page_from_json(value)
    assert str(refused.value).startswith(f"page: {said}")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_every_mistake_in_a_page_is_told() -> None:
    wrong = with_line(text=3, confidence=2) | {"height": 0}
    with pytest.raises(DataError) as refused:
        ocrkit.page_from_json(wrong)
    assert str(refused.value).split("; ")[::2] == [
        "page: height: 0",
        "lines[0].text: 3",
        "lines[0].confidence: 2",
    ]


def test_names_that_no_page_has_are_passed_over() -> None:
    assert ocrkit.page_from_json(with_line(colour="red") | {"later": [1]}) == ocrkit.page_from_json(
        VALID
    )


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*VALID, *VALID["lines"][0]]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*VALID]), values), values)
def test_any_json_is_a_page_or_a_data_error(some: dict[str, Any], other: Any) -> None:
    for value in (other, some, VALID | some, with_line(**some)):
        try:
            page = ocrkit.page_from_json(value)
        except DataError:
            continue
        assert ocrkit.page_from_json(ocrkit.page_to_json(page)) == page


def test_a_page_s_text_is_its_lines_with_a_blank_one_between_regions() -> None:
    of = {"a": "one", "b": "two", "c": "three", "d": "", "e": None, "f": "four"}
    regions = {"a": "r", "b": "r", "c": "s", "d": None, "e": None, "f": "s"}
    lines = tuple(replace(LINE, id=id_, text=of[id_], region=regions[id_]) for id_ in of)
    assert Page("p", 9, 9, lines=lines).text == "one\ntwo\n\nthree\nfour"
    assert Page("p", 9, 9).text == ""


def test_a_sample_has_its_page_last_and_by_default_none() -> None:
    assert [each.name for each in fields(Sample)][-2:] == ["variant", "page"]
    assert Sample("a", None, None, lambda: np.zeros((1, 1), np.uint8)).page is None


def test_the_page_in_the_documentation_is_one() -> None:
    text = DOCS.read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    page = ocrkit.page_from_json(json.loads(example))
    assert ocrkit.page_to_json(page) == json.loads(example)
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(program, {})  # noqa: S102  (the page's own example)


def test_the_documentation_names_every_field_of_a_page() -> None:
    table = DOCS.read_text(encoding="utf-8").partition("| field |")[2]
    rows = [line for line in table.splitlines() if line.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    for cls in (Page, PageImage, Region, Line, Word, Alternative, Maker):
        assert {each.name for each in fields(cls)} <= named
