"""Lines out of maps: what is drawn into them as truth is found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lettered_pages
from ocrkit import Page
from ocrkit_pages.baselines import Baselines
from ocrkit_pages.maps import drawn, truth_of

PAPER = np.full((320, 256), 255, np.uint8)
PAPER[0] = 0  # no column of one level, as those that the preprocessor adds


def maps_of(page: Page) -> np.ndarray:
    """The maps that a network would give that had learnt all there is."""
    maps, _ = drawn(truth_of(page, complete=True), lambda points: points, PAPER.shape)
    maps[4:] *= 16
    return maps


def found(maps: np.ndarray, **options: float) -> Page:
    return Baselines(**options)(PAPER, {"maps": maps})


def assert_same(page: Page, other: Page) -> None:
    """The same lines, to two pixels of the maps, in the order of their beginnings."""
    assert len(page.lines) == len(other.lines)
    for line, true in zip(page.lines, other.lines, strict=True):
        base, expected = np.array(line.baseline), np.array(true.baseline)
        assert np.abs(base[[0, -1], 0] - expected[[0, -1], 0]).max() <= 8
        rows = np.interp(base[:, 0], expected[:, 0], expected[:, 1])
        assert np.abs(base[:, 1] - rows).max() <= 4
        assert line.above == pytest.approx(true.above, abs=1)
        assert line.below == pytest.approx(true.below, abs=1)
        assert len(line.boundary) == 2 * len(line.baseline)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.integers(26, 40), min_size=1, max_size=8),
    slopes=st.lists(st.integers(-8, 8), min_size=8, max_size=8),
    starts=st.lists(st.integers(16, 90), min_size=8, max_size=8),
    ends=st.lists(st.integers(130, 236), min_size=8, max_size=8),
)
def test_baselines_are_found_to_a_pixel_or_two(
    rows: list[int], slopes: list[int], starts: list[int], ends: list[int]
) -> None:
    levels = [float(level) for level in 20 + np.cumsum(rows) if level < 300]
    lines = zip(levels, sorted(slopes), starts, ends, strict=False)
    page = lettered_pages.page_of(
        *(
            ((float(start), level), (float(end), level + slope))
            for level, slope, start, end in lines
        )
    )
    assert_same(found(maps_of(page)), page)


def test_a_curved_line_is_followed() -> None:
    x = np.linspace(20, 220, 30)
    wave = tuple((float(a), float(b)) for a, b in zip(x, 150 + 8 * np.sin(x / 30), strict=True))
    page = lettered_pages.page_of(wave)
    assert_same(found(maps_of(page)), page)


def test_a_gap_is_closed_unless_a_line_ends_there() -> None:
    page = lettered_pages.page_of(((20, 100), (220, 104)))
    maps = maps_of(page)
    maps[0, :, 27:32] = 0
    assert_same(found(maps), page)
    assert len(found(maps, reach=0.1).lines) == 2
    maps[1, 24:27, 28:31] = 1
    assert len(found(maps).lines) == 2


def test_lines_side_by_side_stay_two() -> None:
    page = lettered_pages.page_of(((20, 100), (110, 100)), ((126, 100), (220, 100)))
    assert_same(found(maps_of(page)), page)


def test_close_lines_stay_apart() -> None:
    page = lettered_pages.page_of(
        *(((20, row), (220, row)) for row in range(40, 280, 16)), above=11, below=4
    )
    assert_same(found(maps_of(page)), page)


def test_lines_that_touch_stay_two() -> None:
    page = lettered_pages.page_of(((20, 100), (220, 100)), ((20, 136), (220, 136)))
    maps = maps_of(page)
    for step in range(10):  # a stroke from one line to the other, as of a long letter
        maps[0, 25 + step, 26 + 2 * step : 29 + 2 * step] = 0.9
    assert_same(found(maps), page)


def test_a_faint_page_has_its_lines_too() -> None:
    page = lettered_pages.letter(3)
    maps = maps_of(page)
    maps[:2] *= 0.25
    assert len(found(maps).lines) == len(page.lines)
    maps[0] = 0.02
    assert found(maps).lines == ()


def test_confidence_is_that_of_the_map() -> None:
    maps = maps_of(lettered_pages.page_of(((20, 100), (220, 100))))
    maps[0] *= 0.5
    assert found(maps).lines[0].confidence == pytest.approx(0.5, abs=0.05)


def test_small_writing_is_to_be_looked_at_again_larger() -> None:
    segmenter = Baselines(height=40, again=1.5)
    line = ((20, 100), (220, 100))
    for height, factor in ((20, 2.0), (38, None), (100, 0.4)):
        page = lettered_pages.page_of(line, above=height * 0.7, below=height * 0.3)
        assert segmenter.scale(page) == (factor and pytest.approx(factor))
    assert segmenter.scale(Page("", 10, 10)) is None
    assert Baselines(again=0).scale(lettered_pages.page_of(line)) is None


def cells(width: float) -> Page:
    """A narrow column of short lines beside a wide one of long ones."""
    rows = [float(row) for row in range(60, 280, 36)]
    return lettered_pages.page_of(
        *(((20.0, row), (20 + width, row)) for row in rows),
        *(((100.0, row), (236.0, row)) for row in rows),
    )


@pytest.mark.parametrize("width", [16, 24, 32, 44])
def test_numbers_in_a_table_are_lines_though_their_ends_cover_them(width: float) -> None:
    page = cells(width)
    lines = found(maps_of(page)).lines
    assert len(lines) == len(page.lines)
    short = [line for line in lines if line.baseline[0][0] < 60]
    assert all(abs(line.baseline[-1][0] - line.baseline[0][0] - width) <= 12 for line in short)


def test_a_number_whose_ridge_goes_on_beyond_its_ends_is_a_line() -> None:
    page = lettered_pages.page_of(((60, 100), (84, 100)), ((20, 140), (220, 140)))
    maps = maps_of(page)
    maps[0, 25, 12:29] = np.maximum(maps[0, 25, 12:29], 0.6)
    short, long = found(maps).lines
    assert short.baseline[0][0] <= 64
    assert 80 <= short.baseline[-1][0] <= 120
    assert long.baseline[-1][0] - long.baseline[0][0] > 180


def test_a_short_stroke_that_does_not_end_is_no_line() -> None:
    page = cells(44)
    maps = maps_of(page)
    maps[1, :, :20] = 0
    assert len(found(maps).lines) == len(page.lines) // 2
    assert len(found(maps, doubted=0.5).lines) == len(page.lines)


def test_what_the_edge_of_the_picture_cuts_off_is_no_line_beside_whole_ones() -> None:
    whole = [((60.0, row), (200.0, row)) for row in (60.0, 100.0, 140.0)]
    piece = ((220.0, 100.0), (255.0, 100.0))
    beside = maps_of(lettered_pages.page_of(*whole, piece))
    assert len(found(beside).lines) == 3
    assert len(found(maps_of(lettered_pages.page_of(piece))).lines) == 1
