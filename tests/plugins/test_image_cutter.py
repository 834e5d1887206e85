"""Lines cut out of pages: their geometry, and the pixels."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ocrkit import ImageError
from ocrkit.data.lines import drawn_forward, line_distance, with_heights
from ocrkit.parts.page import Line, Page
from ocrkit_image.cutter import Baseline

PLAIN = Baseline(height=40, margin=0, sides=0)


def page_with_text(height=200, width=500):
    """Blurred letters on light paper, in one line at 100 down."""
    page = np.full((height, width), 240, np.uint8)
    cv2.putText(page, "Dear Ann, it rains", (60, 105), cv2.FONT_HERSHEY_SIMPLEX, 1, 30, 2)
    return cv2.GaussianBlur(page, (5, 5), 1)


LINE = Line("1", ((50, 105), (450, 105)), above=30, below=10)


def turned(points, matrix):
    return tuple(map(tuple, (np.array(points) @ matrix[:, :2].T + matrix[:, 2]).tolist()))


def test_a_level_baseline_gives_the_crop():
    page = page_with_text()
    assert np.array_equal(PLAIN(page, LINE), page[75:115, 50:450])


@pytest.mark.parametrize("degrees", [-90, -40, -5, 3, 30, 90, 180])
def test_a_line_of_a_turned_page_is_the_same(degrees):
    page = page_with_text(500, 500)
    around = cv2.getRotationMatrix2D((250.0, 250.0), degrees, 1.0)
    # the matrix takes middles of pixels, whose coordinates are whole in OpenCV, a half in pages
    pixels = around.copy()
    pixels[:, 2] += around[:, :2] @ (0.5, 0.5) - 0.5
    other = cv2.warpAffine(page, pixels, (500, 500), flags=cv2.INTER_CUBIC, borderValue=240)
    line = Line("1", turned(LINE.baseline, around), above=30, below=10)
    difference = PLAIN(other, line).astype(int) - PLAIN(page, LINE)
    assert np.abs(difference).mean() < 2
    assert np.abs(difference).max() < 40


def test_a_larger_page_gives_the_same_line():
    page = page_with_text()
    large = cv2.resize(page, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    line = Line("1", ((200, 420), (1800, 420)), above=120, below=40)
    difference = PLAIN(large, line).astype(int) - PLAIN(page, LINE)
    assert np.abs(difference).mean() < 2


def test_a_wave_is_straightened():
    page = page_with_text()
    down, across = np.mgrid[:200, :500].astype(np.float32)
    wave = 8 * np.sin(across / 60)
    wavy = cv2.remap(page, across, down - wave, cv2.INTER_LINEAR, borderValue=240)
    x = np.arange(50, 451, 5)
    baseline = tuple(zip(x.tolist(), (105 + 8 * np.sin(x / 60)).tolist(), strict=True))
    line = Line("1", baseline, above=30, below=10)
    cut, crop = PLAIN(wavy, line), PLAIN(wavy, LINE)
    ink = [(image < 128).any(axis=1).sum() for image in (PLAIN(page, LINE), cut, crop)]
    assert abs(ink[1] - ink[0]) <= 5
    assert ink[2] > ink[1] + 3


def test_what_lies_outside_the_boundary_is_paper():
    page = page_with_text()
    page[80:84, 50:450] = 0  # a rule above the boundary
    area = ((50, 86), (450, 86), (450, 115), (50, 115))
    line = Line("1", LINE.baseline, area, 30, 10)
    assert Baseline(height=40, margin=0, sides=0)(page, line)[:10].min() == 240
    assert Baseline(height=40, margin=0, sides=0, outside="page")(page, line)[:10].min() == 0


def test_a_line_without_a_baseline_is_cut_by_its_boundary():
    page = page_with_text()
    area = ((50, 75), (450, 75), (450, 115), (50, 115))
    difference = PLAIN(page, Line("1", (), area)).astype(int) - page[75:115, 50:450]
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(
    "baseline",
    [((60, 100), (60, 100)), ((60, 100), (400, 100), (60, 101)), ((9, 9), (9.1, 9))],
)
def test_a_line_that_cannot_be_cut_well_is_cut_by_its_box(baseline):
    area = ((50, 75), (450, 75), (450, 115), (50, 115))
    image = PLAIN(page_with_text(), Line("1", baseline, area, 40, 40))
    assert (image < 128).sum() > 150


def test_a_line_off_the_page_is_refused():
    with pytest.raises(ImageError, match="line x: it lies off the page"):
        PLAIN(page_with_text(), Line("x", ((0, 900), (90, 900)), above=9, below=9))


def test_heights_come_from_the_line_its_boundary_or_the_distance_of_lines():
    area = ((0, 70), (300, 70), (300, 112), (0, 112))
    lines = (
        Line("own", ((0, 100), (300, 100)), area, 8, 4),
        Line("boundary", ((0, 100), (300, 100)), area),
        *(Line(f"{y}", ((0, y), (300, y))) for y in (150, 200, 250)),
    )
    found = with_heights(Page("p", 300, 300, lines=lines)).lines
    heights = [(round(each.above, 3), round(each.below, 3)) for each in found]
    assert heights == [(8, 4), (30, 12), *[(35, 15)] * 3]


def test_columns_beside_each_other_are_no_lines_beneath_each_other():
    lines = tuple(
        Line(f"{x} {y}", ((x, y + x / 50), (x + 90, y + x / 50)))
        for x in (0, 100, 200)
        for y in (50, 90, 130)
    )
    assert line_distance(lines) == pytest.approx(40)


coordinates = st.floats(20, 480)
lines = st.builds(
    Line,
    st.just("1"),
    st.lists(st.tuples(coordinates, coordinates), max_size=6).map(tuple),
    st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=6).map(tuple),
    st.none() | st.floats(0, 60),
    st.none() | st.floats(0, 30),
).filter(lambda line: len(line.baseline) != 1)


@settings(deadline=None)
@given(lines)
def test_no_line_is_lost_and_its_corners_are_found(line):
    image = Baseline(height=16)(np.full((500, 500), 200, np.uint8), line)
    assert image.shape[0] == 16
    corners = np.array([[0, 0], [image.shape[1], 0], [0, 16], image.shape[::-1]], float)
    assert np.isfinite(Baseline(height=16).to_source(line)(corners)).all()


@settings(deadline=None)
@given(st.floats(-0.4, 0.4), st.floats(-30, 30), st.floats(0.2, 0.8), st.floats(-0.4, 0.4))
def test_a_blot_is_found_back_on_a_slanted_bent_line(slope, bend, along, across):
    x = np.linspace(60, 440, 12)
    y = 250 + slope * (x - 250) + bend * np.sin((x - 60) / 380 * np.pi)
    line = Line("1", tuple(zip(x.tolist(), y.tolist(), strict=True)), above=30, below=15)
    cutter = Baseline(height=45)
    size = cutter(np.full((500, 500), 255, np.uint8), line).shape
    middle = np.array([[size[1] * along, 22.5 + 22.5 * across]])
    place = cutter.to_source(line)(middle)[0]
    page = np.full((500, 500), 255, np.uint8)
    cv2.circle(
        page, tuple((place * 16 - 8).round().astype(int).tolist()), 64, 0, -1, cv2.LINE_AA, 4
    )
    ink = 255.0 - cutter(page, line)
    rows, columns = np.indices(ink.shape) + 0.5
    seen = np.array([(columns * ink).sum(), (rows * ink).sum()]) / ink.sum()
    assert np.linalg.norm(seen - middle[0]) < 1


def backwards(line):
    return replace(line, baseline=line.baseline[::-1])


def upside_down(line):
    baseline, boundary = (
        tuple((500 - x, 500 - y) for x, y in points) for points in (line.baseline, line.boundary)
    )
    return replace(line, baseline=baseline, boundary=boundary)


@st.composite
def ordinary_lines(draw):
    """Lines to the right on a page of 500 pixels, with boundaries that reach twice as far above
    them as below, but for those that have none."""
    lines = []
    for n in range(draw(st.integers(1, 6))):
        left, right = draw(st.floats(0, 100)), draw(st.floats(200, 500))
        level, slope = 60 + 70 * n, draw(st.floats(-20, 20))
        baseline = ((left, level), ((left + right) / 2, level + slope / 2), (right, level + slope))
        edges = [(x, y - 40) for x, y in baseline], [(x, y + 20) for x, y in baseline[::-1]]
        boundary = (*edges[0], *edges[1]) if n == 0 or draw(st.booleans()) else ()
        lines.append(Line(str(n), baseline, boundary))
    return tuple(lines)


@settings(deadline=None)
@given(ordinary_lines(), st.data())
def test_baselines_that_were_drawn_backwards_are_turned(lines, data):
    some = data.draw(st.sets(st.sampled_from(range(len(lines)))))
    assume(not some or any(lines[n].boundary for n in some))
    page = Page("p", 500, 500, lines=lines)
    mixed = replace(
        page, lines=tuple(backwards(line) if n in some else line for n, line in enumerate(lines))
    )
    assert drawn_forward(page) == page
    assert drawn_forward(mixed) == page


@settings(deadline=None)
@given(ordinary_lines(), st.data())
def test_lines_that_are_upside_down_stay_as_they_are(lines, data):
    some = data.draw(st.sets(st.sampled_from(range(len(lines)))))
    turned = (upside_down(line) if n in some else line for n, line in enumerate(lines))
    page = Page("p", 500, 500, lines=tuple(turned))
    assert drawn_forward(page) == page


def test_a_line_with_heights_of_its_own_is_as_it_says():
    line = Line("1", ((90, 80), (0, 80)), ((0, 40), (90, 40), (90, 100), (0, 100)), 20, 40)
    page = Page("p", 100, 120, lines=(line,))
    assert drawn_forward(page) == page
