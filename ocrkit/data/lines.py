"""The geometry of lines of writing: how far their letters reach, and the band of the page that a
line is cut out of.

A band is straightened in one step: every point of the line image has its place in the page, found
by going along the baseline and then across it (as Kodym and Hradiš cut lines, arXiv 2102.11838).
"""

from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import numpy.typing as npt

from ocrkit.parts.page import Line, Page, Points

Array = npt.NDArray[np.float64]

_ABOVE, _BELOW = 0.7, 0.3
"""Shares of the distance between lines that letters take above and below the baseline, where
nothing else is known."""
_REACHED = 0.9
"""Share of a boundary's points that heights reach: a single tall stroke does not shrink the
letters."""
_BACKWARD = 1.25
"""How many times as far as above them the boundaries of lines reach below them that were drawn
backwards."""
_LONG = 2.0
"""How many times as long as high a boundary is that says which way its line runs."""
_ALONE = 1 / 15
"""Height of a line by its length, where nothing else is known."""


def drawn_forward(page: Page) -> Page:
    """The page with baselines that were drawn backwards, from the lines' ends to their beginnings,
    the other way round: as they are, their lines would be cut upside down.

    Letters reach further above the baseline than below it, though not in every line. So the lines
    that run to the left are turned if, taken together, their boundaries reach a quarter further
    below them, as they are drawn, than above. Pages and lines that are truly upside down stay as
    they are, and so do lines without any boundary to tell by, lines that run up or down, and those
    that have heights of their own.

    >>> line = Line("1", ((90, 80), (0, 80)), ((0, 40), (90, 40), (90, 100), (0, 100)))
    >>> drawn_forward(Page("note", 99, 120, lines=(line,))).lines[0].baseline
    ((0, 80), (90, 80))
    """
    leftward = [n for n, line in enumerate(page.lines) if _runs_left(line)]
    reaches = [_reach(page.lines[n]) for n in leftward if page.lines[n].boundary]
    above, below = (sum(each) for each in zip((0.0, 0.0), *reaches, strict=True))
    if below <= _BACKWARD * above:
        return page
    lines = list(page.lines)
    for n in leftward:
        lines[n] = replace(lines[n], baseline=lines[n].baseline[::-1])
    return replace(page, lines=tuple(lines))


def _runs_left(line: Line) -> bool:
    """Whether its baseline does, and no heights say which side of it is up."""
    if not line.baseline or (line.above, line.below) != (None, None):
        return False
    across, down = np.subtract(line.baseline[-1], line.baseline[0])
    return bool(across < -abs(down))


def with_heights(page: Page) -> Page:
    """The page with ``above`` and ``below`` for every line: its own, else from its boundary, else
    from the median distance between the page's lines.

    A line without a baseline gets one from its boundary; lines without either stay as they are.

    >>> line = Line("1", ((0, 50), (200, 50)), ((0, 20), (200, 20), (200, 60), (0, 60)))
    >>> with_heights(Page("note", 300, 100, lines=(line,))).lines[0].above
    30.0
    """
    lines = tuple(with_baseline(line) for line in page.lines)
    distance = line_distance(lines)
    return replace(page, lines=tuple(_with_heights(line, distance) for line in lines))


def with_baseline(line: Line) -> Line:
    """The line with a baseline and heights out of its boundary, where it has no baseline."""
    if line.baseline or not line.boundary:
        return line
    import cv2  # only where lines are cut

    area = np.array(line.boundary, np.float64)
    _, sides, angle = cv2.minAreaRect(area.astype(np.float32))
    along = np.array([1.0, 0.0])
    if max(sides) >= _LONG * min(sides):
        turned = np.deg2rad(angle if sides[0] >= sides[1] else angle + 90)
        along = np.array([np.cos(turned), np.sin(turned)])
        if along @ (1.0, 0.01) < 0:  # to the right; a line that stands, down
            along = -along
    up = _up(along)
    left, right = (area @ along).min(), (area @ along).max()
    bottom, top = (area @ up).min(), (area @ up).max()
    height = top - bottom
    level = bottom + height * _BELOW
    ends = [float(end) * along + level * up for end in (left, right)]
    return replace(
        line,
        baseline=tuple((float(x), float(y)) for x, y in ends),
        above=float(top - level) if line.above is None else line.above,
        below=float(level - bottom) if line.below is None else line.below,
    )


def line_distance(lines: tuple[Line, ...]) -> float | None:
    """The median distance, in pixels, of baselines to the nearest one beside them; None where no
    two lie one above the other."""
    ends = np.array([(each.baseline[0], each.baseline[-1]) for each in lines if each.baseline])
    if len(ends) < 2:
        return None
    chords = ends[:, 1] - ends[:, 0]
    total = chords.sum(axis=0)
    if not np.any(total):
        return None
    along = total / np.linalg.norm(total)
    starts, stops = np.sort(ends @ along, axis=1).T
    across = (ends @ _up(along)).mean(axis=1)
    distances = []
    for n in range(len(ends)):
        overlap = np.minimum(stops, stops[n]) - np.maximum(starts, starts[n])
        beside = overlap > 0.5 * np.minimum(stops - starts, stops[n] - starts[n])
        apart = np.abs(across - across[n])[beside]
        if (apart > 1).any():
            distances.append(float(apart[apart > 1].min()))
    return median(distances) if distances else None


def _with_heights(line: Line, distance: float | None) -> Line:
    if not line.baseline or None not in (line.above, line.below):
        return line
    above, below = _reach(line) if line.boundary else (0.0, 0.0)
    if above + below < 1:
        height = distance or _ALONE * float(_lengths(np.array(line.baseline))[-1])
        above, below = _ABOVE * height, _BELOW * height
    return replace(
        line,
        above=above if line.above is None else line.above,
        below=below if line.below is None else line.below,
    )


def _reach(line: Line) -> tuple[float, float]:
    """How far the boundary reaches above and below the baseline."""
    area = np.array((*line.boundary, line.boundary[0]), np.float64)
    at = _lengths(area)
    around = _at(area, at, np.linspace(0, at[-1], 256))
    base = np.array(line.baseline, np.float64)
    start, step = base[:-1], np.diff(base, axis=0)
    square = np.maximum((step**2).sum(axis=1), 1e-9)
    offset = around[:, None] - start
    share = np.clip((offset * step).sum(axis=2) / square, 0, 1)
    distance = np.linalg.norm(offset - share[..., None] * step, axis=2)
    nearest = distance.argmin(axis=1)
    rows = np.arange(len(around))
    inside = (share[rows, nearest] > 0) & (share[rows, nearest] < 1)
    high = (offset[rows, nearest] * _up(step[nearest])).sum(axis=1) / np.sqrt(square[nearest])
    sides = (high[inside & (high > 0)], -high[inside & (high < 0)])
    above, below = (float(np.quantile(each, _REACHED)) if each.size else 0.0 for each in sides)
    return above, below


@dataclass(frozen=True, eq=False)
class Band:
    """A part of the page along a line: ``above`` and ``below`` its baseline, with margins."""

    base: Array
    """Points (n, 2) of the baseline, no two of them the same one after the other."""
    above: float
    below: float
    before: float = 0.0
    """How far it goes on, straight, before the baseline begins and after it ends."""
    after: float = 0.0

    @property
    def length(self) -> float:
        """Along the baseline, margins included."""
        return float(_lengths(self.base)[-1]) + self.before + self.after

    @property
    def height(self) -> float:
        return self.above + self.below

    def to_page(self, points: Array) -> Array:
        """Points (N, 2) of the band, x along it from its beginning and y down from its upper edge,
        as points of the page (N, 2)."""
        origin, up = self._along(points[:, 0])
        return np.asarray(origin + (self.above - points[:, 1:]) * up)

    def grid(self, along: Array, down: Array) -> tuple[Array, Array]:
        """Where on the page all of these columns and rows of the band meet: x and y, (rows,
        columns) each."""
        origin, up = self._along(along)
        level = (self.above - down)[:, None]
        return origin[:, 0] + level * up[:, 0], origin[:, 1] + level * up[:, 1]

    def _along(self, along: Array) -> tuple[Array, Array]:
        """Points (N, 2) on the baseline, and what is up there.

        That is across the direction of the baseline around it, over the band's height, so that
        letters keep their shape where the baseline bends.
        """
        at = _lengths(self.base)
        along, wide = along - self.before, self.height / 2
        direction = _at(self.base, at, along + wide) - _at(self.base, at, along - wide)
        norm = np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
        return _at(self.base, at, along), _up(direction / norm)

    @property
    def folds(self) -> bool:
        """Whether the baseline bends so much that the band lies on itself."""
        along = np.linspace(0, self.length, 64)
        for level in (0.0, self.height):
            edge = np.diff(self.to_page(np.column_stack([along, np.full(64, level)])), axis=0)
            middle = np.diff(
                self.to_page(np.column_stack([along, np.full(64, self.above)])), axis=0
            )
            if ((edge * middle).sum(axis=1) <= 0).mean() > 0.1:
                return True
        return False


def band(line: Line) -> Band | None:
    """The band of a line, without margins; None where its baseline and heights give no good one, or
    one that lies on itself."""
    line = _with_heights(with_baseline(line), None)
    if not line.baseline:
        return None
    base = np.array(line.baseline, np.float64)
    base = base[np.concatenate([[True], np.any(np.diff(base, axis=0) != 0, axis=1)])]
    above, below = line.above or 0.0, line.below or 0.0
    if len(base) < 2 or above + below < 1:
        return None
    found = Band(base, above, below)
    return None if found.length < 1 or found.folds else found


def box(line: Line) -> Band | None:
    """The band of the upright box around all that is known of a line; None where nothing is."""
    known = np.array((*line.baseline, *line.boundary), np.float64)
    if not len(known):
        return None
    (left, top), (right, bottom) = known.min(axis=0), known.max(axis=0)
    if not line.boundary:
        top, bottom = top - (line.above or 0.0), bottom + (line.below or 0.0)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    return Band(np.array([[left, bottom], [right, bottom]]), float(bottom - top), 0.0)


def as_points(points: Array) -> Points:
    """Points (n, 2) as pages have them."""
    return tuple((float(x), float(y)) for x, y in points)


def _up(along: Array) -> Array:
    """What is up for whoever goes this way, y pointing down: (…, 2) → (…, 2)."""
    return np.stack([along[..., 1], -along[..., 0]], axis=-1)


def _lengths(points: Array) -> Array:
    """How far each point is along the way through all of them (n,)."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return np.concatenate([[0.0], steps.cumsum()])


def _at(points: Array, lengths: Array, along: Array) -> Array:
    """The points (N, 2) that are so far along a way; before its beginning and beyond its end it
    goes on straight."""
    found = np.column_stack([np.interp(along, lengths, points[:, n]) for n in range(2)])
    for end, other, beyond in (
        (points[0], points[1], np.minimum(along, 0)),
        (points[-1], points[-2], np.maximum(along - lengths[-1], 0)),
    ):
        step = end - other
        found += np.abs(beyond)[:, None] * step / max(float(np.linalg.norm(step)), 1e-9)
    return found
