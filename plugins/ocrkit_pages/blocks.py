"""Blocks of lines on a page, in the order in which they are read: columns, headings above them,
notes in their margins, tables.

Cuts are looked for from the outside in, as recursive cuts along white space are (Nagy & Seth 1984).
But a heading across two columns, or a line that runs into the next one, must not hide the space
between them: a cut goes as far down the page as nothing lies across it, and what is above and below
is cut by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_ACROSS = 0.25
"""Share of its length that a line has on both sides of a cut that it lies across; one with less
belongs to the side with more."""
_OUTLIERS = 0.1
"""Share of a column's lines that may reach into the space beside it."""
_FEW = 3
"""Lines that one of two columns has at least."""
_BESIDE = 0.5
"""Share of the lower column's height that lies beside the other one."""
_NOTE = 0.35
"""What is written in a column's margin, as a share of what is written in the column."""
_CELLS = 0.7
"""Share of a table's cells that have another cell on their level beside them."""
_SHORT = 16.0
"""Length of a table's cells by the height of their small letters, the median of them."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """What is put in order, lines or whole regions (n,), turned so that writing runs to the right;
    in pixels. Of lines they are as high as small letters: where tall ones reach into the line
    above, that is above all the same."""

    left: Floats
    right: Floats
    top: Floats
    bottom: Floats
    lines: Floats
    """How many lines are in each."""

    def __len__(self) -> int:
        return len(self.left)

    def of(self, chosen: Indices) -> Boxes:
        return Boxes(*(getattr(self, each.name)[chosen] for each in fields(self)))

    @property
    def written(self) -> Floats:
        """How long the lines of each are together."""
        return (self.right - self.left) * self.lines


class Cut(NamedTuple):
    """Four lists of boxes: above the columns, the columns, below them."""

    before: Indices
    left: Indices
    right: Indices
    after: Indices


def blocks(boxes: Boxes, chosen: Indices) -> list[Indices]:
    """The chosen boxes in reading order, cut up where another column or a note begins."""
    if not len(chosen):
        return []
    cut = best_cut(boxes.of(chosen))
    if cut is None:
        return [chosen[rows(boxes.of(chosen))]]
    before, left, right, after = (chosen[part] for part in cut)
    beside = np.concatenate([left, right])
    if is_table(boxes, beside):
        middle = [beside[rows(boxes.of(beside))]]
    else:
        first, second = _sides(boxes, left, right)
        middle = [*blocks(boxes, first), *blocks(boxes, second)]
    return [*blocks(boxes, before), *middle, *blocks(boxes, after)]


def _sides(boxes: Boxes, left: Indices, right: Indices) -> tuple[Indices, Indices]:
    """Which of two columns is read first: the left one; but of a column and what is written in its
    margin, the column, unless the note begins above it."""
    small, large = sorted((left, right), key=lambda side: float(boxes.written[side].sum()))
    if boxes.written[small].sum() > _NOTE * boxes.written[large].sum():
        return left, right
    above = boxes.bottom[small].min() < boxes.top[large].min()
    return (small, large) if above else (large, small)


def best_cut(boxes: Boxes) -> Cut | None:
    """The cut between two columns that has most writing on both sides; None where there is none."""
    level = _levels(boxes)
    by_level = np.argsort(level, kind="stable")
    begins = np.flatnonzero(np.diff(level[by_level], prepend=-1))

    def down_to(values: npt.NDArray[Any]) -> Floats:
        """Sums of values (cuts, n) over the boxes down to each level, that included."""
        sums = np.add.reduceat(values[:, by_level], begins, axis=1, dtype=np.float64)
        return np.asarray(sums.cumsum(axis=1))

    cuts = np.unique(np.concatenate([boxes.left, boxes.right]))[:, None]
    within = np.minimum(cuts - boxes.left, boxes.right - cuts)
    across = within > _ACROSS * (boxes.right - boxes.left)
    to_left = boxes.left + boxes.right < 2 * cuts
    cut, first, last = _free(down_to(across))

    def between(values: npt.NDArray[Any]) -> Floats:
        """Sums of values (cuts, n) over the boxes on the levels of every free stretch."""
        sums = down_to(values)
        above = np.where(first > 0, sums[cut, np.maximum(first - 1, 0)], 0.0)
        return np.asarray(sums[cut, last] - above)

    written = boxes.written
    least = np.minimum(between(to_left * written), between(~to_left * written))
    number, of = between(to_left), between(np.ones_like(to_left))
    least[(number == 0) | (number == of)] = 0
    tried: set[tuple[int, ...]] = set()
    for n in np.lexsort((-last, -first, -cut, -least)).tolist():
        # Cuts with as many boxes on their left have the same ones there.
        same = (int(first[n]), int(last[n]), int(number[n]))
        if least[n] <= 0 or same in tried:
            continue
        tried.add(same)
        here = (level >= first[n]) & (level <= last[n])
        left, right = (np.flatnonzero(here & side) for side in (to_left[cut[n]], ~to_left[cut[n]]))
        if _are_columns(boxes, left, right):
            before, after = np.flatnonzero(level < first[n]), np.flatnonzero(level > last[n])
            return Cut(before, left, right, after)
    return None


def _free(across: Floats) -> tuple[Indices, Indices, Indices]:
    """Every stretch of levels in which nothing lies across a cut: the cut's number, the first and
    the last level. ``across`` (cuts, levels): how many boxes lie across it down to each level."""
    taken = np.ones((len(across), across.shape[1] + 2), np.int8)
    taken[:, 1:-1] = np.diff(across, axis=1, prepend=0.0) > 0
    edges = np.diff(taken, axis=1)
    cut, first = np.nonzero(edges < 0)
    return cut, first, np.nonzero(edges > 0)[1] - 1


def _levels(boxes: Boxes) -> Indices:
    """On which level of the page every box is, from the top: levels have nothing in common."""
    order = np.lexsort((boxes.bottom, boxes.top))
    reach = np.maximum.accumulate(boxes.bottom[order])
    begins = np.concatenate([[0], boxes.top[order][1:] >= reach[:-1]])
    level = np.empty(len(boxes), np.int64)
    level[order] = np.cumsum(begins)
    return level


def _are_columns(boxes: Boxes, left: Indices, right: Indices) -> bool:
    """Whether these are beside each other, with space between them, and enough of them."""
    if max(boxes.lines[left].sum(), boxes.lines[right].sum()) < _FEW:
        return False
    starts, ends = boxes.left[right], boxes.right[left]
    if np.quantile(starts, _OUTLIERS) < np.quantile(ends, 1 - _OUTLIERS):
        return False
    tops, bottoms = (
        [float(best(each[side])) for side in (left, right)]
        for best, each in ((np.min, boxes.top), (np.max, boxes.bottom))
    )
    beside = min(bottoms) - max(tops)
    heights = [bottom - top for top, bottom in zip(tops, bottoms, strict=True)]
    return beside > _BESIDE * min(heights)


def is_table(boxes: Boxes, chosen: Indices) -> bool:
    """Whether these are cells of a table: short, three columns or more, on common levels."""
    these = boxes.of(chosen)
    heights = np.maximum(these.bottom - these.top, 1)
    if np.median((these.right - these.left) / heights) > _SHORT:
        return False
    middle = (these.top + these.bottom) / 2
    apart = np.abs(middle[:, None] - middle)
    aligned = (apart < heights.min() / 2) & ~np.eye(len(these), dtype=np.bool_)
    return bool(aligned.any(axis=1).mean() >= _CELLS) and len(_columns(these)) >= 3


def _columns(boxes: Boxes) -> list[Indices]:
    """The columns that go down all the way."""

    def cut(chosen: Indices) -> list[Indices]:
        found = best_cut(boxes.of(chosen))
        if found is None or len(found.before) or len(found.after):
            return [chosen]
        return [*cut(chosen[found.left]), *cut(chosen[found.right])]

    return cut(np.arange(len(boxes)))


def rows(boxes: Boxes) -> Indices:
    """From top to bottom; those on one row, as the pieces of a line are, from left to right."""
    middle = (boxes.top + boxes.bottom) / 2
    left = list(np.lexsort((boxes.left, middle)))
    order: list[int] = []
    while left:
        # The pieces of the uppermost row: no two of them one above the other.
        row = [left[0]]
        for each in left[1:]:
            if middle[each] > boxes.bottom[left[0]]:
                break
            high = min(boxes.bottom[[each, left[0]]]) - max(boxes.top[[each, left[0]]])
            same = high > 0.5 * min((boxes.bottom - boxes.top)[[each, left[0]]])
            apart = all(
                min(boxes.right[[each, other]]) - max(boxes.left[[each, other]])
                < 0.2 * min((boxes.right - boxes.left)[[each, other]])
                for other in row
            )
            if same and apart:
                row.append(each)
        order += sorted(row, key=lambda each: float(boxes.left[each]))
        taken = set(row)
        left = [each for each in left if each not in taken]
    return np.array(order, np.int64)
