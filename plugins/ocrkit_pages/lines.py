"""Lines out of a network's maps: pieces of baselines, joined across gaps."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from ocrkit.interfaces import FloatArray
from ocrkit_pages.maps import RADIUS

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

_SHORTEST = 3
"""Columns of a piece of a baseline that is looked at."""
_STEEP = 0.7
"""How much a line may rise in a column where it is continued."""
_CONTINUED = 16
"""Columns at a piece's end that say where it goes on."""
_END = 0.5
"""From which value on the map of ends shows one."""
_EDGE = 3
"""Pixels from the left or the right edge of the maps where no line ends."""
_COVERED = 20
"""Columns of the longest ridge that is a line though ends of lines cover it."""
_APART = 3
"""Rows between the pixels of a column from which on they are of two lines."""
_STEP = 2
"""Rows by which a ridge rises or falls from a column to the next at most."""
_LEVEL = 0.3
"""How far beside its continuation a piece may go on, as a share of the line's height."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a baseline, from the left to the right, in pixels of the maps."""

    points: Array
    """(n, 2), one a column."""
    above: float
    below: float
    confidence: float
    """The mean of the baseline's map along it, 0 to 1."""
    left: float
    """How surely a line begins at its first point: what the map of ends shows there, 0 to 1."""
    right: float
    """How surely it ends at its last one."""

    @property
    def height(self) -> float:
        return self.above + self.below


def threshold(baseline: FloatArray, highest: float) -> float:
    """From which value on the map shows a baseline: ``highest`` or, on a faint page, where all
    values are low, half of what the surest hundredth of the pixels have, but never less than a
    third of ``highest`` (as Surya's detector chooses its thresholds by the page)."""
    sure = float(np.quantile(baseline, 0.99))
    return float(np.clip(sure / 2, highest / 3, highest))


def pieces(maps: FloatArray, least: float) -> Iterator[Piece]:
    """The pieces of baselines in maps (6, H, W): the ridges of the first map, as far as it is
    ``least`` higher than the second, which shows ends of lines.

    A ridge so short that ends of lines cover most of it, a number in a table for example, is a
    piece as it is.
    """
    baseline, ends = maps[:2]
    smooth = np.asarray(cv2.blur(baseline, (3, 1)), np.float32)
    ridge = (smooth >= cv2.dilate(smooth, np.ones((3, 1), np.uint8))) & (smooth > least)
    short = np.zeros_like(ridge)
    for rows, columns in _ridges(ridge):
        if columns[-1] - columns[0] < _COVERED and ends[rows, columns].mean() > _END:
            short[rows, columns] = True
            yield _piece(maps, smooth, rows, columns, cut=False)
    for rows, columns in _ridges(ridge & ~short & (smooth - ends > least)):
        yield _piece(maps, smooth, rows, columns, cut=True)


def _ridges(ridge: npt.NDArray[np.bool_]) -> Iterator[tuple[Whole, Whole]]:
    """Rows and columns of the pixels of every ridge that is long enough, from the left to the
    right: of sets of neighbours, and where lines touch each other, of each line."""
    # With a row on either side, a ridge that steps up or down stays in one.
    grown = cv2.dilate(ridge.astype(np.uint8), np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(grown, connectivity=8)
    rows, columns = np.nonzero(ridge)
    order = np.lexsort((rows, columns, labels[rows, columns]))
    rows, columns = rows[order], columns[order]
    bounds = np.searchsorted(labels[rows, columns], np.arange(1, count + 1))
    for start, stop in pairwise(bounds):
        if columns[stop - 1] - columns[start] + 1 < _SHORTEST:
            continue
        down, across = rows[start:stop], columns[start:stop]
        if (np.diff(down)[np.diff(across) == 0] > _APART).any():
            yield from _touching(down, across)
        else:
            yield down, across


def _touching(rows: Whole, columns: Whole) -> Iterator[tuple[Whole, Whole]]:
    """The same of lines that touch each other, whose pixels are in order of their columns and rows:
    each pixel is followed by the nearest one in the next column, unless that has a nearer one."""
    column = int(rows.max()) + _STEP + 1
    places = columns * column + rows
    after, before = _nearest(places, column), _nearest(places, -column)
    numbers = np.arange(len(places))
    followed = (after >= 0) & (before[after] == numbers)
    first = numbers.copy()
    first[after[followed]] = numbers[followed]
    while (first[first] != first).any():
        first = first[first]
    order = np.argsort(first, kind="stable")
    bounds = np.flatnonzero(np.diff(first[order], prepend=-1, append=len(first)))
    for start, stop in pairwise(bounds):
        if stop - start >= _SHORTEST:
            yield rows[order[start:stop]], columns[order[start:stop]]


def _nearest(places: Whole, away: int) -> Whole:
    """Of every place, which are in order, the number of the one that is nearest to that so far
    away; -1 where there is none within a ridge's step."""
    wanted = places + away
    behind = np.searchsorted(places, wanted).clip(0, len(places) - 1)
    ahead = (behind - 1).clip(0)
    nearer = np.abs(places[ahead] - wanted) <= np.abs(places[behind] - wanted)
    found = np.where(nearer, ahead, behind)
    return np.where(np.abs(places[found] - wanted) <= _STEP, found, -1)


def _piece(
    maps: FloatArray,
    smooth: FloatArray,
    rows: Whole,
    columns: Whole,
    *,
    cut: bool,
) -> Piece:
    """The piece of these pixels, which are in order of their columns: in each the mean of its rows,
    as they are sure. One that was ``cut`` at the end of a line goes on to there."""
    sure = smooth[rows, columns].astype(np.float64)
    across, starts = np.unique(columns, return_index=True)
    down = np.add.reduceat(sure * (rows + 0.5), starts) / np.add.reduceat(sure, starts)
    points = np.column_stack([across + 0.5, down])
    left, right = _end_at(maps[1], points[0]), _end_at(maps[1], points[-1])
    before = [points[0] - _beyond(points[:_CONTINUED])] * (cut and left > _END)
    behind = [points[-1] + _beyond(points[-_CONTINUED:])] * (cut and right > _END)
    above, below = (float(np.median(maps[index, rows, columns])) for index in (4, 5))
    points = np.vstack([*before, points, *behind])
    # What the edge of the picture cuts off does not end there: it is part of another page.
    left *= bool(points[0, 0] >= _EDGE)
    right *= bool(points[-1, 0] <= maps.shape[2] - _EDGE)
    return Piece(points, above, below, float(sure.mean()), left, right)


def _end_at(ends: FloatArray, point: Array) -> float:
    """How surely a line ends at a point, or a little to the left or to the right of it."""
    column, row = point.astype(int)
    return float(ends[row, max(column - RADIUS, 0) : column + RADIUS + 1].max())


def _beyond(points: Array) -> Array:
    """From the first pixel beside an end's disc to its middle, in the direction of these points."""
    return np.array([RADIUS + 1.0, (RADIUS + 1) * _slope(points)])


def _slope(points: Array) -> float:
    """How much the points rise in a column."""
    across = points[:, 0] - points[:, 0].mean()
    square = float(across @ across)
    return float(np.clip(across @ points[:, 1] / square, -_STEEP, _STEEP)) if square else 0.0


def joined(found: list[Piece], ends: FloatArray, *, reach: float, unit: float) -> list[Piece]:
    """The pieces put together to lines, those with the narrowest gap first.

    A piece goes on with another that begins at its level, no more than ``reach`` times their height
    away, with no end of a line between. ``unit`` are pixels of the heights in one of the maps.
    """
    pairs = sorted(
        (gap, left, right)
        for left, right in _neighbours(found, reach, unit)
        if (gap := _gap(found[left], found[right], ends, reach, unit)) is not None
    )
    after: dict[int, int] = {}
    before: dict[int, int] = {}
    for _, left, right in pairs:
        if left not in after and right not in before:
            after[left], before[right] = right, left
    return [
        _together([found[number] for number in _chain(first, after)])
        for first in range(len(found))
        if first not in before
    ]


def _neighbours(found: list[Piece], reach: float, unit: float) -> list[tuple[int, int]]:
    """Pieces, and those that begin behind their ends where they may go on."""
    stops, starts = (
        np.array([each.points[end] for each in found]).reshape(-1, 2) for end in (-1, 0)
    )
    farthest = max(reach * max((each.height for each in found), default=0.0) / unit, 2)
    across, down = np.moveaxis(starts[None] - stops[:, None], 2, 0)
    near = (across > 0) & (across <= farthest) & (np.abs(down) <= 2 * farthest)
    return [(int(left), int(right)) for left, right in np.argwhere(near)]


def _chain(number: int, after: dict[int, int]) -> Iterator[int]:
    yield number
    while number in after:
        number = after[number]
        yield number


def _gap(one: Piece, other: Piece, ends: FloatArray, reach: float, unit: float) -> float | None:
    """How far the second piece begins behind the end of the first, in pixels of the maps; None
    where it does not go on with it."""
    stop, start = one.points[-1], other.points[0]
    gap = float(start[0] - stop[0])
    height = (one.height + other.height) / 2 / unit
    if not 0 < gap <= max(reach * height, 2):
        return None
    aside = min(
        abs(start[1] - stop[1] - gap * _slope(one.points[-_CONTINUED:])),
        abs(start[1] - stop[1] - gap * _slope(other.points[:_CONTINUED])),
    )
    low, high = sorted((one.height, other.height))
    if aside > max(_LEVEL * height, 1.5) or high > 2 * low + unit:
        return None
    between = np.linspace(stop, start, int(gap) + 2)
    columns, rows = np.minimum(between.astype(int), np.array(ends.shape[::-1]) - 1).T
    return gap if ends[rows, columns].max() <= _END else None


def _together(chain: list[Piece]) -> Piece:
    """One piece of several, from the left to the right; long ones have the more to say."""
    lengths = [len(each.points) for each in chain]
    above, below, confidence = (
        float(np.average([getattr(each, name) for each in chain], weights=lengths))
        for name in ("above", "below", "confidence")
    )
    points = np.vstack([each.points for each in chain])
    return Piece(points, above, below, confidence, chain[0].left, chain[-1].right)
