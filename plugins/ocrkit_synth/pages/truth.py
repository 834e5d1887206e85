"""The truth of a page that was made: what was written where, moved as its pixels are."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ocrkit import Line, Page, Region, Word
from ocrkit.data.lines import as_points
from ocrkit_synth.pages.camera import Points, Turn, View, turned_points
from ocrkit_synth.pages.ink import Written
from ocrkit_synth.pages.layout import Layout

_STEP = 40.0
"""Pixels of the sheet between the points of a baseline or a boundary: between them what is curved
in the picture is straight in the truth."""


def truth(id_: str, layout: Layout, lines: Sequence[Written], seen_by: View, turn: Turn) -> Page:
    """The page in pixels of the picture, which is turned clockwise after it was taken."""
    of_region = {
        name: [line for line in lines if line.slot.region == name] for name in layout.regions
    }
    areas = [_stepped(_around(inside)) for inside in of_region.values() if inside]
    shapes = [*areas, *(shape for line in lines for shape in _shapes(line))]
    size = (seen_by.width, seen_by.height)
    width, height = size if turn in (0, 180) else size[::-1]
    if not shapes:
        return Page(id_, width, height, turned=turn)
    # All at once, since moving a point takes no longer than moving thousands.
    moved = turned_points(seen_by.to_picture(np.concatenate(shapes)), *size, turn)
    parts = iter(np.split(moved, np.cumsum([len(shape) for shape in shapes])[:-1]))
    regions = tuple(
        Region(name, layout.regions[name], as_points(next(parts)))
        for name, inside in of_region.items()
        if inside
    )
    found = tuple(_line(f"l{n}", line, parts) for n, line in enumerate(lines, 1))
    return Page(id_, width, height, None, turn, regions, found)


def _shapes(line: Written) -> Iterator[Points]:
    """A line's baseline, what is above it and below, and its words' corners, on the sheet."""
    base = _stepped(line.baseline, closed=False)
    yield base
    yield base - np.array([0, line.above])
    yield base + np.array([0, line.below])
    for word in line.legible:
        yield line.band(word.ink.above, max(word.ink.below, 0), word)


def _line(id_: str, line: Written, shapes: Iterator[Points]) -> Line:
    """The line of its shapes in the picture, in the order of :func:`_shapes`."""
    under, above, below = next(shapes), next(shapes), next(shapes)
    return Line(
        id_,
        as_points(under),
        as_points(np.concatenate([above, below[::-1]])),
        float(np.linalg.norm(above - under, axis=1).mean()),
        float(np.linalg.norm(below - under, axis=1).mean()),
        line.slot.region,
        line.text,
        words=tuple(Word(word.ink.text, as_points(next(shapes))) for word in line.legible),
        kind="printed" if line.slot.hand == "print" else "text",
    )


def _around(lines: Sequence[Written]) -> Points:
    """The corners of the box around lines, with a little room."""
    corners = np.concatenate([line.band(line.above, line.below) for line in lines])
    room = 0.3 * lines[0].below
    (left, top), (right, bottom) = corners.min(axis=0) - room, corners.max(axis=0) + room
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def _stepped(points: Points, *, closed: bool = True) -> Points:
    """The same way with a point every ``_STEP`` pixels at least."""
    ends = np.concatenate([points, points[:1]]) if closed else points
    pieces = []
    for start, end in pairwise(ends):
        count = 1 + int(np.linalg.norm(end - start) / _STEP)
        pieces.append(start + np.arange(count)[:, None] / count * (end - start))
    return np.concatenate([*pieces, *([] if closed else [ends[-1:]])])
