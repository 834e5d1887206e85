"""The worst, the best and some random readings, kept for a page or a picture."""

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from ocrkit.errors import ImageError
from ocrkit.parts.values import Image, Skipped
from ocrkit.reading.preparing import loaded
from ocrkit.reading.values import Reading
from ocrkit.reports.grid import Cell, Line, draw_grid
from ocrkit.scoring.evaluate import outcome
from ocrkit.scoring.rules import Outcome

_GRID = (6, 3)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A sample as it was read. ``image``: uint8 (H, W) as the network saw it, None where a result
    file is all there is; ``confidence``: 0 to 1, None where the decoder gives none."""

    id: str
    image: Image | None
    truth: str
    prediction: str
    confidence: float | None
    load: Callable[[], Image] | None = None
    """Gives its pixels as the data set has them; None where a result file is all there is."""

    def original(self) -> Image | None:
        """Its pixels as the data set has them: uint8 (H, W) or (H, W, 3) in RGB. None where they
        can no longer be read."""
        try:
            return loaded(self.load) if self.load else None
        except ImageError:
            return None

    @property
    def errors(self) -> float:
        """Edits a character of the truth."""
        return Levenshtein.distance(self.truth, self.prediction) / max(len(self.truth), 1)


class Gallery:
    """Keeps the worst, the best and some random readings of any number of samples in constant
    memory.

    The worst have the most edits for their length; of equally bad ones, those the decoder was least
    sure of. The best are read without a mistake, and are the longest of those. Which samples are
    the random ones depends on the seed and their ids alone, so that two models can be compared on
    the same words.
    """

    def __init__(self, worst: int = 30, random: int = 30, seed: int = 0, *, best: int = 30) -> None:
        self._seed = seed
        self._worst = _First(worst)
        self._best = _First(best)
        self._random = _First(random)

    def add(self, reading: Reading | Skipped) -> None:
        """Is told of every sample; skipped ones and those without a text change nothing."""
        if isinstance(reading, Reading) and reading.sample.text is not None:
            self.add_outcome(outcome(reading), reading.image, reading.sample.load)

    def add_outcome(
        self,
        outcome: Outcome,
        image: Image | None = None,
        load: Callable[[], Image] | None = None,
    ) -> None:
        """Is told of a sample of which only a result file knows."""
        exhibit = Exhibit(
            outcome.id, image, outcome.reference, outcome.prediction, outcome.confidence, load
        )
        ranks: list[tuple[_First, Any]] = []
        if errors := exhibit.errors:
            ranks.append((self._worst, (-errors, exhibit.confidence or 0.0, exhibit.id)))
        else:
            sureness = exhibit.confidence or 0.0
            ranks.append((self._best, (-len(exhibit.truth), -sureness, exhibit.id)))
        key = f"{self._seed} {exhibit.id}".encode(errors="surrogatepass")
        ranks.append((self._random, blake2b(key, digest_size=8).digest()))
        takers = [(kept, rank) for kept, rank in ranks if kept.takes(rank)]
        if takers and image is not None:
            exhibit = replace(
                exhibit, image=np.array(image)
            )  # a copy: it may be a view into an array of many
        for kept, rank in takers:
            kept.add(rank, exhibit)

    @property
    def worst(self) -> list[Exhibit]:
        """The worst first; none that is right."""
        return self._worst.exhibits

    @property
    def best(self) -> list[Exhibit]:
        """Those read without a mistake, the longest first."""
        return self._best.exhibits

    @property
    def random(self) -> list[Exhibit]:
        """In random order, so that the first few are a random choice too."""
        return self._random.exhibits

    def write_grid(self, path: Path, heading: Sequence[str] = ()) -> None:
        """Writes 18 random images as a PNG, 6 rows of 3, below the ``heading``. What was read right
        is green and ticked; what was not is red and crossed out, below what is written there.
        Raises OcrkitError."""
        rows, columns = _GRID
        chosen = [(item, item.image) for item in self.random if item.image is not None]
        cells = [_cell(item, image) for item, image in chosen[: rows * columns]]
        draw_grid(cells, columns, path, heading=heading)


def _cell(item: Exhibit, as_seen: Image) -> Cell:
    original = item.original()
    image = as_seen if original is None else original
    if item.truth == item.prediction:
        return Cell(image, [Line(item.truth, "right")], item.id)
    return Cell(image, [Line(item.truth), Line(item.prediction, "wrong")], item.id)


class _First:
    """The exhibits with the lowest ranks, the lowest first, of all that were added."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._ranked: list[tuple[Any, Exhibit]] = []

    def takes(self, rank: Any) -> bool:
        """Whether an exhibit of this rank would be kept for now."""
        return len(self._ranked) < self._size or (bool(self._ranked) and rank < self._ranked[-1][0])

    def add(self, rank: Any, exhibit: Exhibit) -> None:
        insort(self._ranked, (rank, exhibit), key=itemgetter(0))
        del self._ranked[self._size :]

    @property
    def exhibits(self) -> list[Exhibit]:
        return [exhibit for _, exhibit in self._ranked]
