"""What people change on a page: texts, lines, their order. Each makes a new page of one."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np
import numpy.typing as npt

from ocrkit import Line, OcrkitError, Page
from ocrkit.data.lines import with_heights
from ocrkit.data.words import area_of
from ocrkit.parts.page import Points

Change = Callable[[Page], Page]
_Vector = npt.NDArray[np.float64]
_BESIDE = 0.5
"""Share of the shorter of two lines that is above or below the other one, in the same column."""


class Unknown(OcrkitError):  # noqa: N818  (what it is)
    """There is no such page, or no such line on it."""


def line_of(page: Page, id_: str) -> Line:
    """Raises Unknown."""
    for line in page.lines:
        if line.id == id_:
            return line
    raise Unknown(f"page {page.id!r} has no line {id_!r}")


def corrected(page: Page, id_: str, text: str) -> Page:
    """With what a person says is written in a line."""
    said = unicodedata.normalize("NFC", " ".join(text.split()))
    return _with(
        page,
        replace(
            line_of(page, id_),
            text=said,
            words=(),
            alternatives=(),
            confidence=None,
            corrected=True,
        ),
    )


def removed(page: Page, id_: str) -> Page:
    """Without a line."""
    gone = line_of(page, id_)
    return replace(page, lines=tuple(line for line in page.lines if line is not gone))


def placed(page: Page, id_: str, before: str | None) -> Page:
    """With a line before another one in reading order, or last; in the region of its neighbours
    there, since a region's lines are read one after the other."""
    line = line_of(page, id_)
    others = [each for each in page.lines if each is not line]
    at = len(others) if before is None else others.index(line_of(page, before))
    around = others[max(at - 1, 0) : at + 1]
    regions = [each.region for each in around]
    if regions and line.region not in regions:
        line = replace(line, region=regions[-1])
    return replace(page, lines=(*others[:at], line, *others[at:]))


def added(page: Page, line: Line) -> Page:
    """With another line, before the first one that lies below it; its id is one of its own."""
    taken = {each.id for each in page.lines}
    number = 1
    while (id_ := f"added-{number}") in taken:
        number += 1
    line = replace(line, id=id_)
    below = next((each.id for each in page.lines if _is_below(line, each)), None)
    return placed(replace(page, lines=(*page.lines, line)), id_, below)


def reread(page: Page, line: Line) -> Page:
    """With a line as it lies now and was read there, unless a person has said what is written in
    it."""
    old = line_of(page, line.id)
    if old.corrected:
        line = replace(old, baseline=line.baseline, boundary=line.boundary)
    return _with(page, line)


def _with(page: Page, line: Line) -> Page:
    lines = tuple(line if each.id == line.id else each for each in page.lines)
    return replace(page, lines=lines)


def drawn(page: Page, baseline: Points) -> Line:
    """A line that a person has drawn: as high as the page's others, and in their direction, since
    baselines are drawn from both ends."""
    others = [each for each in with_heights(page).lines if each.baseline]
    along = sum((_chord(each.baseline) for each in others), np.zeros(2))
    if not along.any():
        along = np.array([1.0, 0.01])
    forward = baseline if _chord(baseline) @ along >= 0 else baseline[::-1]
    above, below = (
        median(filter(None, (getattr(each, side) for each in others)) or [0.0]) if others else None
        for side in ("above", "below")
    )
    return _surrounded(Line("added", forward, above=above, below=below), page)


def moved(page: Page, id_: str, baseline: Points) -> Line:
    """A line of the page that stands on another baseline, as high as it was."""
    line_of(page, id_)
    (line,) = (each for each in with_heights(page).lines if each.id == id_)
    return _surrounded(replace(line, baseline=baseline, words=()), page)


def _surrounded(line: Line, page: Page) -> Line:
    area = np.array(area_of(replace(line, boundary=())))
    inside = np.clip(area, 0, (page.width, page.height))
    return replace(line, boundary=tuple((float(x), float(y)) for x, y in inside))


def _is_below(line: Line, other: Line) -> bool:
    """Whether another line lies under this one, for who reads along this one."""
    if not other.baseline:
        return False
    along = _chord(line.baseline) / np.linalg.norm(_chord(line.baseline))
    down = np.array([-along[1], along[0]])
    start, stop, level = _extent(line, along, down)
    first, last, other_level = _extent(other, along, down)
    overlap = min(stop, last) - max(start, first)
    return other_level > level and overlap > _BESIDE * min(stop - start, last - first)


def _extent(line: Line, along: _Vector, down: _Vector) -> tuple[float, float, float]:
    """Where a line begins and ends along a direction, and its level across it."""
    points = np.array(line.baseline)
    places = points @ along
    return float(places.min()), float(places.max()), float(np.mean(points @ down))


def _chord(points: Points) -> _Vector:
    return np.subtract(points[-1], points[0])
