"""The worst pages of a run, and which of their lines were found, lost and invented."""

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from ocrkit.data.lines import with_heights
from ocrkit.parts.page import Line, Page, Points
from ocrkit.parts.values import Image, Skipped
from ocrkit.reading.page_readings import PageReading
from ocrkit.scoring.rules import Outcome

_POINTS = 24
"""Of every baseline, at which two lines are compared."""
_NEAR = 0.5
"""Baselines are on each other that are nearer than this share of the true line's height."""
_SHARED = 0.3
"""Share of the shorter of two lines that lies on the other where they are the same line."""


@dataclass(frozen=True, slots=True)
class PageExhibit:
    """A page with its truth."""

    load: Callable[[], Image] | None
    """Gives its pixels; None for a page of which only a result file knows."""
    truth: Page
    page: Page
    doubtful: tuple[str, ...]
    errors: float
    """Edits from the text that was read to the true one, by the true one's length."""


class PageGallery:
    """Keeps the pages with the most edits for their length, in constant memory."""

    def __init__(self, worst: int = 20) -> None:
        self._size = worst
        self._ranked: list[tuple[tuple[float, str], PageExhibit]] = []

    def add(self, reading: PageReading | Skipped) -> None:
        """Is told of every page; skipped ones, and those of which nobody has said what is on them,
        change nothing."""
        if isinstance(reading, Skipped) or reading.sample.page is None:
            return
        self._add(reading.sample.load, reading.sample.page, reading.page, reading.doubtful)

    def add_outcome(self, outcome: Outcome) -> None:
        """Is told of a page of which only a result file knows."""
        if outcome.pages:
            self._add(None, *outcome.pages, ())

    def _add(
        self,
        load: Callable[[], Image] | None,
        truth: Page,
        page: Page,
        doubtful: tuple[str, ...],
    ) -> None:
        errors = Levenshtein.distance(page.text, truth.text) / max(len(truth.text), 1)
        exhibit = PageExhibit(load, truth, page, doubtful, errors)
        insort(self._ranked, ((-errors, page.id), exhibit), key=itemgetter(0))
        del self._ranked[self._size :]

    @property
    def worst(self) -> list[PageExhibit]:
        """The worst first."""
        return [exhibit for _, exhibit in self._ranked]


def paired(truth: Page, page: Page) -> list[tuple[Line | None, Line | None]]:
    """True lines and those that were found, in reading order of what was found: pairs of which the
    first is None where a line was invented, and at the end those of which the second is None, since
    the line was lost."""
    wanted, found = with_heights(truth).lines, with_heights(page).lines
    shares = sorted(
        (
            (_shared(one, other), -row, -column)
            for row, one in enumerate(wanted)
            for column, other in enumerate(found)
        ),
        reverse=True,
    )
    of_found: dict[int, int] = {}
    for share, row, column in shares:
        if share >= _SHARED and -column not in of_found and -row not in of_found.values():
            of_found[-column] = -row
    lost = [line for row, line in enumerate(truth.lines) if row not in of_found.values()]
    pairs: list[tuple[Line | None, Line | None]] = [
        (truth.lines[of_found[column]] if column in of_found else None, line)
        for column, line in enumerate(page.lines)
    ]
    return [*pairs, *((line, None) for line in lost)]


def _shared(wanted: Line, found: Line) -> float:
    """How much of the shorter of two lines lies on the other, 0 to 1."""
    if not wanted.baseline or not found.baseline:
        return 0.0
    near = _NEAR * max((wanted.above or 0.0) + (wanted.below or 0.0), 1.0)
    one, other = _along(wanted.baseline), _along(found.baseline)
    apart = np.linalg.norm(one[:, None] - other, axis=2)
    # Points lie apart on each line, so that one may be so far from the next on the other.
    steps = [np.linalg.norm(each[-1] - each[0]) / (_POINTS - 1) for each in (one, other)]
    within = apart <= near + max(steps) / 2
    return float(max(within.any(axis=1).mean(), within.any(axis=0).mean()))


def _along(points: Points) -> npt.NDArray[np.float64]:
    """Points (24, 2) at equal distances on a baseline."""
    line = np.array(points, np.float64)
    lengths = np.concatenate([[0.0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()])
    at = np.linspace(0, lengths[-1], _POINTS)
    return np.column_stack([np.interp(at, lengths, line[:, axis]) for axis in range(2)])
