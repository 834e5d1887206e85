"""The order in which the lines of a page are read, on layouts of which it is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrkit import Line, Page, Region
from ocrkit_pages.top_down import TopDown

STEP = 40.0


def line(name: str, left: float, right: float, base: float, region: str | None = None) -> Line:
    return Line(name, ((left, base), (right, base)), (), 26, 8, region)


def lines(name: str, left: float, right: float, top: float, count: int) -> list[Line]:
    """A column of lines, ``name`` and a number each."""
    return [line(f"{name}{n}", left, right, top + STEP * n) for n in range(count)]


def ragged(column: list[Line], ends: list[float]) -> list[Line]:
    """The lines of a column, each ended so much earlier."""
    return [
        replace(each, baseline=(each.baseline[0], (each.baseline[1][0] - end, each.baseline[1][1])))
        for each, end in zip(column, ends, strict=False)
    ] + column[len(ends) :]


def turned(page: Page, degrees: float) -> Page:
    """The page with all on it turned around its middle."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.array([page.width, page.height]) / 2

    def moved(each: Line) -> Line:
        points = (np.array(each.baseline) - middle) @ turn + middle
        return replace(each, baseline=tuple((float(x), float(y)) for x, y in points))

    return replace(page, lines=tuple(map(moved, page.lines)))


def order_of(expected: list[Line], seed: int = 0, degrees: float = 0.0) -> list[str]:
    """How lines are ordered that come in another order, on a page that lies aslant."""
    shuffled = np.random.default_rng(seed).permutation(len(expected))
    page = Page("page", 1600, 1600, lines=tuple(expected[n] for n in shuffled))
    return [each.id for each in TopDown()(turned(page, degrees)).lines]


ONE = lines("a", 100, 1500, 100, 12)
TWO = [*lines("a", 100, 750, 100, 12), *lines("b", 850, 1500, 117, 12)]
HEADED = [line("head", 400, 1200, 60), *[replace(x, id=f"x{x.id}") for x in TWO]]
LAYOUTS = {
    "a column": ONE,
    "two columns": TWO,
    "two columns on the same levels": [
        *lines("a", 100, 750, 100, 12),
        *lines("b", 850, 1500, 100, 12),
    ],
    "two columns below a heading": HEADED,
    "columns, a heading across, and columns": [
        *lines("a", 100, 750, 100, 5),
        *lines("b", 850, 1500, 110, 5),
        line("head", 150, 1450, 400),
        *lines("c", 100, 750, 480, 7),
        *lines("d", 850, 1500, 490, 7),
    ],
    "three columns of long lines": [
        *lines("a", 50, 500, 100, 20),
        *lines("b", 560, 1010, 100, 20),
        *lines("c", 1070, 1520, 100, 20),
    ],
    "a column with a note in its left margin": [
        *lines("a", 400, 1500, 100, 20),
        *lines("note", 60, 330, 380, 3),
    ],
    "a column with a number in its margin": [
        *lines("a", 400, 1500, 100, 20),
        line("number", 200, 260, 500),
    ],
    "a page number above": [line("number", 1420, 1480, 40), *lines("a", 100, 1500, 110, 12)],
    "a page number below": [*lines("a", 100, 1500, 100, 12), line("number", 100, 150, 620)],
    "a spread with a page number on both": [
        line("left", 100, 150, 40),
        *lines("a", 100, 740, 110, 15),
        line("right", 1450, 1500, 40),
        *lines("b", 860, 1500, 118, 15),
    ],
    "a letter with date and signature": [
        line("date", 1000, 1450, 60),
        line("dear", 100, 400, 160),
        *lines("a", 100, 1500, 220, 10),
        line("name", 1000, 1400, 680),
    ],
    "a line in two pieces": [
        *lines("a", 100, 1500, 100, 3),
        line("left", 100, 600, 220),
        line("right", 800, 1500, 223),
        *lines("b", 100, 1500, 260, 3),
    ],
    "a line that reaches into the next column": [
        *lines("a", 100, 750, 100, 6),
        line("long", 100, 910, 340),
        *lines("b", 100, 750, 380, 6),
        *lines("c", 850, 1500, 117, 14),
    ],
    "a table": [
        line(f"{row} {column}", left, left + 40 + 30 * ((row + column) % 3), 100 + STEP * row)
        for row in range(12)
        for column, left in enumerate([60, 400, 800, 1200])
    ],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("degrees", [0, -3, 3, 90, 180, 270])
def test_a_layout_is_read_as_it_is_meant(layout: str, degrees: float) -> None:
    expected = LAYOUTS[layout]
    assert order_of(expected, 1, degrees) == [each.id for each in expected]


@given(
    st.lists(st.floats(0, 500), min_size=12, max_size=12),
    st.lists(st.floats(0, 300), min_size=12, max_size=12),
    st.floats(-2, 2),
    st.floats(0, STEP),
    st.integers(0, 9),
)
def test_ragged_columns_that_lie_aslant(
    first: list[float], second: list[float], degrees: float, down: float, seed: int
) -> None:
    left = ragged(lines("a", 100, 750, 100, 12), first)
    right = ragged(lines("b", 850, 1500, 100 + down, 12), second)
    assert order_of([*left, *right], seed, degrees) == [each.id for each in (*left, *right)]


@given(st.lists(st.floats(0, 1200), min_size=12, max_size=12), st.integers(0, 9))
def test_a_ragged_column(ends: list[float], seed: int) -> None:
    column = ragged(ONE, ends)
    assert order_of(column, seed) == [each.id for each in column]


@given(
    st.lists(
        st.tuples(st.floats(0, 1500), st.floats(0, 1500), st.floats(1, 700), st.floats(-90, 90)),
        max_size=25,
    )
)
def test_whatever_lies_on_a_page_is_kept(placed: list[tuple[float, float, float, float]]) -> None:
    all_lines = tuple(
        Line(str(number), ((x, y), (x + length, y + rise)), (), 20, 5)
        for number, (x, y, length, rise) in enumerate(placed)
    )
    page = Page("page", 1600, 1600, lines=all_lines)
    ordered = TopDown()(page)
    assert sorted(each.id for each in ordered.lines) == sorted(each.id for each in all_lines)
    assert TopDown()(replace(page, lines=all_lines[::-1])).lines == ordered.lines


def test_regions_stay_together() -> None:
    right = [line(f"b{n}", 850, 1500, 100 + STEP * n, "right") for n in range(6)]
    left = [line(f"a{n}", 100, 750, 100 + STEP * n, "left") for n in range(6)]
    below = lines("c", 100, 1500, 400, 3)
    page = Page(
        "page",
        1600,
        1600,
        regions=(Region("right"), Region("empty"), Region("left", "list")),
        lines=(*below, *right, *left),
    )
    ordered = TopDown()(page)
    assert [each.id for each in ordered.lines] == [each.id for each in (*left, *right, *below)]
    assert [(each.id, each.kind) for each in ordered.regions] == [
        ("left", "list"),
        ("right", "text"),
        ("r1", "text"),
        ("empty", "text"),
    ]
    assert {each.region for each in ordered.lines[-3:]} == {"r1"}


def test_found_regions_are_columns_with_their_places() -> None:
    ordered = TopDown()(Page("page", 1600, 1600, lines=tuple(TWO)))
    assert [each.region for each in ordered.lines] == ["r1"] * 12 + ["r2"] * 12
    left, right = (np.array(each.boundary) for each in ordered.regions)
    assert left.min(axis=0).tolist() == [100, 74]
    assert left.max(axis=0).tolist() == [750, 100 + 11 * STEP + 8]
    assert right.min(axis=0).tolist() == [850, 91]


def test_lines_without_a_place_come_last() -> None:
    page = Page(
        "page", 100, 100, lines=(Line("nowhere"), line("b", 0, 90, 80), line("a", 0, 90, 40))
    )
    assert [each.id for each in TopDown()(page).lines] == ["a", "b", "nowhere"]
