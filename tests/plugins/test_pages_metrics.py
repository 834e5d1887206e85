"""Scores of pages, held against the same written plainly."""

import math
from dataclasses import replace
from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrkit import Line, Page, Word
from ocrkit.parts.options import PartSpec, make_part
from ocrkit_pages.assignment import assignment
from ocrkit_pages.matching import matched, tolerance_of

NAMES = (
    "page-cer",
    "page-wer",
    "order-free-cer",
    "matched-cer",
    "bag-of-words-f1",
    "line-recall",
    "line-precision",
    "line-f1",
    "word-box-f1",
)
PERFECT = {name: 0.0 if name.endswith("er") else 1.0 for name in NAMES}


def score(name, reference, prediction):
    share, of = make_part(PartSpec("metric", name, {})).counts(reference, prediction)
    return share / of if of else None


def scores(reference, prediction):
    return {name: score(name, reference, prediction) for name in NAMES}


def page(*lines):
    return Page("page", 1000, 1000, lines=lines)


def line(y, text="", left=100.0, right=500.0, name=None):
    """A level line, its words' places at equal widths."""
    words = text.split()
    width = (right - left) / max(len(words), 1)
    placed = tuple(
        Word(
            word,
            tuple(
                (left + width * (n + x), y + dy) for x, dy in ((0, -20), (1, -20), (1, 8), (0, 8))
            ),
        )
        for n, word in enumerate(words)
    )
    return Line(name or f"{y}-{left}", ((left, y), (right, y)), text=text, words=placed)


LETTER = page(line(100, "Dear Ann,"), line(200, "it rains a lot"), line(300, "here."))


def test_a_page_that_is_read_rightly_is_perfect():
    assert scores(LETTER, LETTER) == PERFECT


def test_lines_in_another_order_cost_what_depends_on_the_order_alone():
    turned = replace(LETTER, lines=LETTER.lines[::-1])
    found = scores(LETTER, turned)
    assert found["page-cer"] > 0.4
    assert found["page-wer"] > 0.4
    rest = {name: value for name, value in found.items() if name not in ("page-cer", "page-wer")}
    assert rest == {name: PERFECT[name] for name in rest}


def test_a_lost_line_and_an_invented_one():
    lost = replace(LETTER, lines=LETTER.lines[1:])
    found = scores(LETTER, lost)
    assert found["line-recall"] == pytest.approx(2 / 3)
    assert found["line-precision"] == 1
    assert found["line-f1"] == pytest.approx(4 / 5)
    assert found["matched-cer"] == 0
    assert found["order-free-cer"] == pytest.approx(9 / 28)
    assert found["page-cer"] == pytest.approx(10 / 30)  # with the end of the line
    assert found["bag-of-words-f1"] == found["word-box-f1"] == pytest.approx(2 * 5 / 12)
    found = scores(lost, LETTER)
    assert found["line-recall"] == 1
    assert found["line-precision"] == pytest.approx(2 / 3)
    assert found["order-free-cer"] == pytest.approx(9 / 19)
    assert found["matched-cer"] == 0


def test_a_line_in_two_pieces_is_found_by_half():
    pieces = page(line(100, "one", 100, 300), line(100, "two", 300, 500))
    found = scores(page(line(100, "one two"), line(200)), pieces)
    assert 0.25 < found["line-recall"] < 0.32  # what is within the tolerance of a piece's end, too
    assert found["line-precision"] == 0.5
    assert found["order-free-cer"] == pytest.approx((4 + 3) / 7)
    assert found["matched-cer"] == pytest.approx(4 / 7)
    assert found["page-cer"] == pytest.approx(1 / 7)  # a line's end in place of a space
    assert found["word-box-f1"] == 1


@pytest.mark.parametrize(("away", "expected"), [(24, 1), (50, 0.5), (75, 0), (-50, 0.5)])
def test_a_baseline_scores_by_its_distance_from_the_true_one(away, expected):
    """Lines are 100 apart, so that 25 is near enough, and 75 too far."""
    truth = page(line(100), line(200), line(300))
    moved = replace(truth, lines=(line(100), line(200), line(300 + away, name="moved")))
    assert score("line-recall", truth, moved) == pytest.approx((2 + expected) / 3)


def test_a_page_without_neighbours_takes_its_lines_height():
    single = page(replace(line(100), above=30.0, below=10.0))
    assert tolerance_of(single) == 10


def test_what_nobody_has_transcribed_does_not_count():
    silent = replace(LETTER, lines=(*LETTER.lines[:2], replace(LETTER.lines[2], text=None)))
    found = scores(silent, LETTER)
    assert {name: found[name] for name in NAMES[:8]} == {name: PERFECT[name] for name in NAMES[:8]}


def test_an_empty_page():
    empty = page()
    assert set(scores(empty, empty).values()) == {None}
    found = scores(empty, LETTER)
    assert found["line-precision"] == found["line-f1"] == found["bag-of-words-f1"] == 0
    assert found["page-cer"] is found["line-recall"] is None
    assert make_part(PartSpec("metric", "page-cer", {})).counts(empty, LETTER) == (30, 0)
    found = scores(LETTER, empty)
    assert found["page-cer"] == found["order-free-cer"] == 1
    assert found["line-recall"] == found["word-box-f1"] == 0


def test_boundaries_do_for_lines_without_baselines():
    area = ((100, 70), (500, 70), (500, 110), (100, 110))
    truth = page(Line("1", boundary=area, text="a"), line(200, "b"))
    assert score("line-recall", truth, page(line(98, "a"), line(200, "b"))) == 1


# ------------------------------------------------------------------------------- a plain reference


def plain_distance(one, other):
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row, before = [i], row
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
    return row[-1]


def plain_assignments(rows, columns):
    """Every way to pair rows and columns one to one, as many as can be."""
    if rows <= columns:
        for chosen in permutations(range(columns), rows):
            yield list(enumerate(chosen))
    else:
        for chosen in permutations(range(rows), columns):
            yield [(row, column) for column, row in enumerate(chosen)]


def plain_point_score(point, baseline, tolerance):
    (x, y), nearest = point, math.inf
    for (x1, y1), (x2, y2) in pairwise(baseline):
        square = (x2 - x1) ** 2 + (y2 - y1) ** 2
        share = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / square if square else 0
        share = min(max(share, 0), 1)
        nearest = min(nearest, math.hypot(x - x1 - share * (x2 - x1), y - y1 - share * (y2 - y1)))
    return min(max((3 * tolerance - nearest) / (2 * tolerance), 0), 1)


def plain_coverage(baseline, other, tolerance):
    """At 500 points, where the implementation takes as few as do."""
    at = np.cumsum([0, *(math.dist(*pair) for pair in pairwise(baseline))])
    along = np.linspace(0, at[-1], 500)
    points = zip(*(np.interp(along, at, axis) for axis in zip(*baseline, strict=True)), strict=True)
    return sum(plain_point_score(point, other, tolerance) for point in points) / 500


words = st.lists(st.sampled_from(["to", "be", "or", "not", "two"]), max_size=3).map(" ".join)
coordinates = st.integers(0, 40).map(lambda n: 10.0 * n)
baselines = st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=3, unique=True)


@st.composite
def pages(draw, most=3):
    drawn = draw(st.lists(st.tuples(baselines, words), max_size=most))
    return page(
        *(
            Line(str(n), tuple(baseline), above=20.0, below=10.0, text=text)
            for n, (baseline, text) in enumerate(drawn)
        )
    )


@settings(max_examples=40, deadline=None)
@given(pages(), pages())
def test_lines_are_matched_as_a_plain_reference_matches_them(truth, found):
    tolerance = tolerance_of(truth)
    covered, right = (
        [
            [plain_coverage(pair[way].baseline, pair[1 - way].baseline, tolerance) for pair in row]
            for row in [[(true, other) for other in found.lines] for true in truth.lines]
        ]
        for way in (0, 1)
    )
    best = max(
        sum(covered[t][p] + right[t][p] for t, p in pairs)
        for pairs in plain_assignments(len(truth.lines), len(found.lines))
    )
    matches = matched(truth, found)
    points = len(truth.lines) + len(found.lines)
    assert matches.covered.sum() + matches.right.sum() == pytest.approx(best, abs=0.05 * points)
    for t, p in matches.pairs:
        assert matches.covered[t] == pytest.approx(covered[t][p], abs=0.05)
        assert matches.right[p] == pytest.approx(right[t][p], abs=0.05)


@settings(max_examples=100, deadline=None)
@given(pages(), pages())
def test_texts_are_scored_as_by_a_plain_reference(truth, found):
    truth, found = (
        replace(each, lines=tuple(line for line in each.lines if line.text))
        for each in (truth, found)
    )
    true, read = ([line.text for line in each.lines] for each in (truth, found))
    expected = plain_distance("\n".join(read), "\n".join(true)), len("\n".join(true))
    assert make_part(PartSpec("metric", "page-cer", {})).counts(truth, found) == expected
    expected = plain_distance(" ".join(read).split(), " ".join(true).split())
    assert make_part(PartSpec("metric", "page-wer", {})).counts(truth, found)[0] == expected
    least = min(
        sum(plain_distance(read[p], true[t]) for t, p in pairs)
        + sum(len(text) for t, text in enumerate(true) if t not in {pair[0] for pair in pairs})
        + sum(len(text) for p, text in enumerate(read) if p not in {pair[1] for pair in pairs})
        for pairs in plain_assignments(len(true), len(read))
    )
    expected = (least, sum(map(len, true)))
    assert make_part(PartSpec("metric", "order-free-cer", {})).counts(truth, found) == expected


@settings(max_examples=60, deadline=None)
@given(
    *(
        st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 4)), max_size=4)
        for _ in range(2)
    )
)
def test_word_boxes_are_counted_as_by_a_plain_reference(truth, found):
    """Boxes of whole pixels, whose overlap can be counted pixel by pixel."""

    def pixels(box):
        left, top, size = box
        return {(left + x, top + y) for x in range(size) for y in range(size)}

    def written(boxes):
        placed = tuple(
            Word("x", ((x, y), (x + size, y), (x + size, y + size))) for x, y, size in boxes
        )
        return page(Line("1", ((0, 0), (9, 0)), words=placed))

    def same(one, other):
        return len(pixels(one) & pixels(other)) * 2 >= len(pixels(one) | pixels(other))

    most = max(
        sum(same(truth[t], found[p]) for t, p in pairs)
        for pairs in plain_assignments(len(truth), len(found))
    )
    expected = (2 * most, len(truth) + len(found)) if truth else (0, 0)
    metric = make_part(PartSpec("metric", "word-box-f1", {}))
    assert metric.counts(written(truth), written(found)) == expected


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 1 << 30))
def test_the_assignment_has_the_least_costs(rows, columns, seed):
    costs = np.random.default_rng(seed).integers(-5, 6, (rows, columns)).astype(float)
    found = assignment(costs)
    assert len(found) == min(rows, columns)
    for axis in (0, 1):
        assert len({pair[axis] for pair in found}) == len(found)
    least = min(sum(costs[pair] for pair in pairs) for pairs in plain_assignments(rows, columns))
    assert sum(costs[pair] for pair in found) == least


def test_a_large_assignment_cannot_be_bettered_by_any_exchange():
    costs = np.random.default_rng(3).random((80, 120))
    found = assignment(costs)
    for (a, b), (c, d) in combinations(found, 2):
        assert costs[a, b] + costs[c, d] <= costs[a, d] + costs[c, b] + 1e-12
    assert sum(costs[pair] for pair in found) == pytest.approx(
        sum(costs.T[pair] for pair in assignment(costs.T))
    )
    with pytest.raises(ValueError, match="not finite"):
        assignment(np.array([[np.nan]]))
