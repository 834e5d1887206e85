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

_SHORTEST = 3
"""Columns of a piece of a baseline that is looked at."""
_STEEP = 0.7
"""How much a line may rise in a column where it is continued."""
_CONTINUED = 16
"""Columns at a piece's end that say where it goes on."""
_END = 0.5
"""From which value on the map of ends shows one."""
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
    ``least`` higher than the second, which shows ends of lines; one for each set of neighbours."""
    baseline, ends = maps[:2]
    smooth = np.asarray(cv2.blur(baseline, (3, 1)), np.float32)
    beside = cv2.dilate(smooth, np.ones((3, 1), np.uint8))
    ridge = (smooth >= beside) & (smooth - ends > least)
    # With a row on either side, a ridge that steps up or down stays in one.
    grown = cv2.dilate(ridge.astype(np.uint8), np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(grown, connectivity=8)
    rows, columns = np.nonzero(ridge)
    order = np.lexsort((columns, labels[rows, columns]))
    rows, columns = rows[order], columns[order]
    bounds = np.searchsorted(labels[rows, columns], np.arange(1, count + 1))
    for start, stop in pairwise(bounds):
        if columns[stop - 1] - columns[start] + 1 >= _SHORTEST:
            yield _piece(maps, smooth, rows[start:stop], columns[start:stop])


def _piece(
    maps: FloatArray,
    smooth: FloatArray,
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
) -> Piece:
    """The piece of these pixels, which are in order of their columns: in each the mean of its rows,
    as they are sure. Where it was cut at the end of a line it goes on to there."""
    sure = smooth[rows, columns].astype(np.float64)
    across, starts = np.unique(columns, return_index=True)
    down = np.add.reduceat(sure * (rows + 0.5), starts) / np.add.reduceat(sure, starts)
    points = np.column_stack([across + 0.5, down])
    before = [points[0] - _step(points[:_CONTINUED])] * _ends_at(maps[1], points[0], -1)
    behind = [points[-1] + _step(points[-_CONTINUED:])] * _ends_at(maps[1], points[-1], 1)
    above, below = (float(np.median(maps[index, rows, columns])) for index in (4, 5))
    points = np.vstack([*before, points, *behind])
    return Piece(points, above, below, float(sure.mean()))


def _ends_at(ends: FloatArray, point: Array, direction: int) -> bool:
    """Whether a line ends beyond a point."""
    column, row = point.astype(int)
    first, last = sorted((column + direction, column + direction * RADIUS))
    seen = ends[row, max(first, 0) : last + 1]
    return bool(seen.size and seen.max() > _END)


def _step(points: Array) -> Array:
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
        for left, one in enumerate(found)
        for right, other in enumerate(found)
        if left != right and (gap := _gap(one, other, ends, reach, unit)) is not None
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
    return Piece(np.vstack([each.points for each in chain]), above, below, confidence)
