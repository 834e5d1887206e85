"""Which true lines were found, and how much of them.

After the scheme of cBAD (Grüning et al. 2017, arXiv 1705.03311), with sums over lines, and lines
matched one to one by the best assignment.
"""

from dataclasses import dataclass
from functools import lru_cache
from statistics import median

import numpy as np
import numpy.typing as npt

from ocrkit import Line, Page
from ocrkit.data.lines import line_distance, with_baseline, with_heights
from ocrkit_pages.assignment import assignment

Array = npt.NDArray[np.float64]

TOLERANCE = 0.25
"""Share of the page's line distance within which a point of a baseline scores fully."""
_NOTHING = 3
"""At so many times the tolerance it scores nothing."""
_FOUND = 0.5
"""Share of a true line that a found one must cover for its text to be compared."""


@dataclass(frozen=True, eq=False)
class Matches:
    """True and found lines of a page, one to one."""

    pairs: tuple[tuple[int, int], ...]
    """Places of a true line and of the found one that is its own, among the pages' lines."""
    covered: Array
    """Of every true line, how much of it its found line covers, 0 to 1; 0 where it has none."""
    right: Array
    """Of every found line, how much of it lies on its true line, 0 to 1."""

    @property
    def found(self) -> tuple[tuple[int, int], ...]:
        """The pairs whose true line is covered by half at least."""
        return tuple(pair for pair in self.pairs if self.covered[pair[0]] >= _FOUND)


@lru_cache(maxsize=4)
def matched(reference: Page, prediction: Page) -> Matches:
    """Matches the lines of a page as it is and as it was read.

    A point of a baseline scores 1 within ``TOLERANCE`` of the median distance between true lines of
    the other baseline, 0 from three times that on, and in between what lies between; a line scores
    the mean of points at equal distances along it. Of all one-to-one assignments that one is taken
    whose sum of both lines' scores is the greatest. A line without a baseline has one from its
    boundary.
    """
    truth, found = _baselines(reference), _baselines(prediction)
    tolerance = tolerance_of(reference)
    on_truth, on_found = (
        [_resampled(line, tolerance / 2) if len(line) else line for line in lines]
        for lines in (truth, found)
    )
    covered = np.zeros((len(truth), len(found)))
    right = np.zeros((len(truth), len(found)))
    for true, other in _near(truth, found, _NOTHING * tolerance):
        covered[true, other] = coverage(on_truth[true], found[other], tolerance)
        right[true, other] = coverage(on_found[other], truth[true], tolerance)
    pairs = [pair for pair in assignment(-(covered + right)) if covered[pair] + right[pair] > 0]
    matches = Matches(tuple(pairs), np.zeros(len(truth)), np.zeros(len(found)))
    for true, other in pairs:
        matches.covered[true] = covered[true, other]
        matches.right[other] = right[true, other]
    return matches


def tolerance_of(page: Page) -> float:
    """How far in pixels a baseline may be from the true one, at least half a pixel.

    A page without two lines one above the other has no distance between lines; the height of its
    lines stands for it.
    """
    distance = line_distance(tuple(map(with_baseline, page.lines)))
    if distance is None:
        heights = [
            line.above + line.below
            for line in with_heights(page).lines
            if line.above is not None and line.below is not None
        ]
        distance = median(heights) if heights else 0.0
    return max(TOLERANCE * distance, 0.5)


def coverage(points: Array, other: Array, tolerance: float) -> float:
    """How much of a baseline, whose points at equal distances are (n, 2), lies on another one
    (m, 2), 0 to 1."""
    distances = _distances(points, other)
    away = (distances - tolerance) / ((_NOTHING - 1) * tolerance)
    return float(np.clip(1 - away, 0, 1).mean())


def _baselines(page: Page) -> list[Array]:
    return [_points(with_baseline(line)) for line in page.lines]


def _points(line: Line) -> Array:
    return np.array(line.baseline, np.float64).reshape(-1, 2)


def _near(truth: list[Array], found: list[Array], reach: float) -> list[tuple[int, int]]:
    """The pairs of lines whose boxes are no farther apart than this."""
    one, other = _extents(truth), _extents(found)
    apart = np.maximum(one[:, None, :2] - other[:, 2:], other[:, :2] - one[:, None, 2:])
    return [(int(true), int(place)) for true, place in np.argwhere((apart <= reach).all(axis=2))]


def _extents(lines: list[Array]) -> Array:
    """Left, top, right and bottom of lines (n, 4); of one without a place no numbers, which are
    near to nothing."""
    nowhere = np.full(4, np.nan)
    extents = [
        np.concatenate([line.min(axis=0), line.max(axis=0)]) if len(line) > 1 else nowhere
        for line in lines
    ]
    return np.array(extents, np.float64).reshape(-1, 4)


def _resampled(line: Array, step: float) -> Array:
    """Points at equal distances along a line, no farther apart than ``step``, its ends among
    them."""
    lengths = np.concatenate([[0.0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()])
    along = np.linspace(0, lengths[-1], 2 + int(lengths[-1] / step))
    return np.column_stack([np.interp(along, lengths, line[:, axis]) for axis in (0, 1)])


def _distances(points: Array, line: Array) -> Array:
    """How far each point (n, 2) is from a line (m, 2)."""
    start, step = line[:-1], np.diff(line, axis=0)
    offset = points[:, None] - start
    square = np.maximum((step**2).sum(axis=1), 1e-9)
    share = np.clip((offset * step).sum(axis=2) / square, 0, 1)
    distances: Array = np.linalg.norm(offset - share[..., None] * step, axis=2).min(axis=1)
    return distances
