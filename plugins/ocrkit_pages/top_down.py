"""Lines in the order in which they are read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, groupby

import numpy as np
import numpy.typing as npt

from ocrkit import Line, Page, Region
from ocrkit.data.lines import as_points, with_heights
from ocrkit_pages.blocks import Boxes, blocks

Array = npt.NDArray[np.float64]

_SMALL = 0.6
"""Height of small letters, as a share of that of tall ones."""


@dataclass(frozen=True)
class TopDown:
    """From top to bottom, by regions first and then by lines; columns and the pages of a spread
    from left to right, what is written in a margin after the column beside it, tables row by row.

    Regions are the page's. Lines that are in none get one: those that are read one after another
    without a leap to another column or into a margin are of one region. Writing may run aslant, or
    the page be turned: what is up and what is left follows from the baselines.
    """

    def __call__(self, page: Page, /) -> Page:
        """The page with its lines, and its regions, in reading order.

        >>> lines = (Line("b", ((0, 90), (200, 90))), Line("a", ((0, 50), (200, 50))))
        >>> [line.id for line in TopDown()(Page("note", 300, 100, lines=lines)).lines]
        ['a', 'b']
        """
        lines = sorted(
            (line for line in with_heights(page).lines if line.baseline),
            key=lambda line: (line.baseline, line.id),  # whatever their order was before
        )
        if not lines:
            return page
        upright = _upright(lines)
        own = {line.id: line for line in page.lines}
        ordered: list[Line] = []
        regions: list[Region] = []
        free = _free_names(page)
        for region, block in _ordered(lines, upright):
            if region is None:
                region = next(free)
                regions.append(Region(region, boundary=_around(block, upright, page)))
            else:
                regions += [each for each in page.regions if each.id == region]
            ordered += [replace(own[line.id], region=region) for line in block]
        placed, known = {line.id for line in lines}, {region.id for region in regions}
        return replace(
            page,
            lines=(*ordered, *(line for line in page.lines if line.id not in placed)),
            regions=(*regions, *(each for each in page.regions if each.id not in known)),
        )


def _upright(lines: Sequence[Line]) -> Array:
    """The matrix (2, 2) that turns points (n, 2) so that the lines run to the right."""
    chords = [np.subtract(line.baseline[-1], line.baseline[0]) for line in lines]
    x, y = np.sum(chords, axis=0)
    length = float(np.hypot(x, y))
    if not length:
        return np.eye(2)
    return np.array([[x, -y], [y, x]]) / length


def _ordered(lines: Sequence[Line], upright: Array) -> Iterator[tuple[str | None, list[Line]]]:
    """Regions with their lines, in order; what lies in no region in blocks, which have no name."""
    of_region: dict[str, list[Line]] = {}
    for line in lines:
        if line.region is not None:
            of_region.setdefault(line.region, []).append(line)
    items = [*of_region.values(), *([line] for line in lines if line.region is None)]
    for block in blocks(_boxes(items, upright), np.arange(len(items))):
        found = [items[number] for number in block.tolist()]
        for region, pieces in groupby(found, key=lambda item: item[0].region):
            inside = [line for item in pieces for line in item]
            yield region, _in_order(inside, upright) if region is not None else inside


def _in_order(lines: list[Line], upright: Array) -> list[Line]:
    """The lines of one region."""
    found = blocks(_boxes([[line] for line in lines], upright), np.arange(len(lines)))
    return [lines[number] for number in np.concatenate(found).tolist()]


def _boxes(items: Sequence[Sequence[Line]], upright: Array) -> Boxes:
    """The boxes of lines or of groups of them."""
    rows = []
    for item in items:
        ends = [np.array(line.baseline) @ upright for line in item]
        levels = [float(_level(each)) for each in ends]
        tops = [
            level - _SMALL * (line.above or 0.0) for level, line in zip(levels, item, strict=True)
        ]
        x = np.concatenate(ends)[:, 0]
        rows.append((x.min(), x.max(), min(tops), max(levels), len(item)))
    return Boxes(*np.array(rows, np.float64).T)


def _level(points: Array) -> float:
    """The height on which a baseline (n, 2) lies, on the average over its length."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    middles = (points[1:, 1] + points[:-1, 1]) / 2
    return float(np.average(middles, weights=steps)) if steps.any() else float(points[0, 1])


def _around(lines: Sequence[Line], upright: Array, page: Page) -> tuple[tuple[float, float], ...]:
    """The area around lines, along them and across, within the page."""
    corners = []
    for line in lines:
        points = np.array(line.baseline) @ upright
        reach = np.array([[0, -(line.above or 0.0)], [0, line.below or 0.0]])
        corners += [points + each for each in reach]
        if line.boundary:
            corners.append(np.array(line.boundary) @ upright)
    (left, top), (right, bottom) = (
        find(np.concatenate(corners), axis=0).tolist() for find in (np.min, np.max)
    )
    around = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return as_points(np.clip(around @ upright.T, 0, (page.width, page.height)))


def _free_names(page: Page) -> Iterator[str]:
    """Names that no region of the page has."""
    taken = {region.id for region in page.regions}
    return (name for name in map("r{}".format, count(1)) if name not in taken)
