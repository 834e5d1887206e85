"""Scores of many samples with intervals, and what is most often confused.

A metric gives every sample's share of a numerator and of a denominator; a score is the ratio of the two sums. It is
therefore the same for any order of the samples and any batches, and exact when parts of a data set are merged.
"""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from ocrkit.interfaces import Metric

RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)
_SEED = 0

_Table = npt.NDArray[np.float64]
"""Float64 (rows, 2 × metrics): of every sample or cluster, the metrics' numerators and denominators in turn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is written in a sample, what was read, and who wrote it on which page, as far as that is known."""

    id: str
    reference: str
    prediction: str
    writer: str | None = None
    form: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """A metric over a data set with its 95 % interval.

    All are None where the denominator is 0 (say, no characters in any reference); ``low`` and ``high`` also where there
    are fewer than two clusters (see :class:`Scorer`).
    """

    value: float | None
    low: float | None
    high: float | None


class Scorer:
    """Adds up metrics over samples that come one by one. It keeps some 64 bytes a sample with three metrics, and no text.

    Intervals come from the percentile bootstrap (Efron & Tibshirani 1993, chapter 13) over clusters. Words of one writer
    resemble each other, and drawing words one by one would promise too much, so clusters are the writers if every
    sample has one, else the forms if every sample has one, else the samples. As many clusters as there are get drawn
    with replacement, 1,000 times, and the interval runs from the 2.5th to the 97.5th percentile of the scores of
    these draws. All metrics see the same draws, the seed is fixed, and the order of the samples changes nothing.
    """

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self._metrics = dict(metrics)
        self._counts = array("d")
        self._writers: list[str | None] = []
        self._forms: list[str | None] = []

    def __len__(self) -> int:
        """How many samples were added."""
        return len(self._writers)

    def add(self, outcome: Outcome) -> None:
        for metric in self._metrics.values():
            self._counts.extend(metric.counts(outcome.reference, outcome.prediction))
        self._writers.append(outcome.writer)
        self._forms.append(outcome.form)

    def merge(self, other: Self) -> None:
        """Adds all samples of another scorer. Raises ValueError if its metrics differ."""
        if other._metrics != self._metrics or list(other._metrics) != list(self._metrics):
            raise ValueError(f"scores of {list(other._metrics)} cannot be merged into scores of {list(self._metrics)}")
        self._counts.extend(other._counts)
        self._writers.extend(other._writers)
        self._forms.extend(other._forms)

    def result(self) -> dict[str, Score]:
        """The score of every metric, by name."""
        if not self or not self._metrics:
            return {name: Score(None, None, None) for name in self._metrics}
        # Equal clusters are counted, not repeated: of a million words there are few kinds, which makes drawing them cheap.
        kinds, sizes = np.unique(self._clusters(), axis=0, return_counts=True)
        totals = (kinds * sizes[:, None]).sum(axis=0)
        draws = _draw(kinds, sizes) if sizes.sum() > 1 else None
        return {name: _score(totals, draws, 2 * index) for index, name in enumerate(self._metrics)}

    def _clusters(self) -> _Table:
        samples = np.array(self._counts).reshape(len(self), -1)
        for names in (self._writers, self._forms):
            known = [name for name in names if name is not None]
            if len(known) == len(names):
                return _sums(samples, known)
        return samples


def _sums(samples: _Table, names: Sequence[str]) -> _Table:
    """The sum of each name's samples."""
    ranks = {name: rank for rank, name in enumerate(sorted(set(names)))}
    clusters = np.array([ranks[name] for name in names])
    order = np.lexsort((*samples.T, clusters))  # by counts too: rounding must not depend on the order of the samples
    starts = np.searchsorted(clusters[order], np.arange(len(ranks)))
    return np.add.reduceat(samples[order], starts, axis=0)


def _draw(kinds: _Table, sizes: npt.NDArray[np.int64]) -> _Table:
    """The sums of every draw: of as many clusters as there are, where ``sizes[i]`` of them are of kind i."""
    rng = np.random.default_rng(_SEED)
    count = sizes.sum()
    return np.stack([rng.multinomial(count, sizes / count) @ kinds for _ in range(RESAMPLES)])


def _score(totals: npt.NDArray[np.float64], draws: _Table | None, column: int) -> Score:
    numerator, denominator = totals[column : column + 2]
    if denominator == 0:
        return Score(None, None, None)
    value = float(numerator / denominator)
    if draws is None:
        return Score(value, None, None)
    draws = draws[draws[:, column + 1] != 0]  # a draw can consist of clusters without a single character
    low, high = np.percentile(draws[:, column] / draws[:, column + 1], PERCENTILES)
    return Score(value, float(low), float(high))


@dataclass(frozen=True, slots=True)
class Confusion:
    """A character that is read as another, how often. ``reference`` is empty for an invented character, ``prediction`` for
    a missed one."""

    reference: str
    prediction: str
    count: int


class Confusions:
    """Counts character confusions over samples that come one by one, and keeps no text.

    They are the edits of one alignment of each pair of texts with the fewest edits, of which there can be several.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, reference: str, prediction: str) -> None:
        from rapidfuzz.distance.Levenshtein import editops

        for edit in editops(reference, prediction):
            missed = "" if edit.tag == "insert" else reference[edit.src_pos]
            written = "" if edit.tag == "delete" else prediction[edit.dest_pos]
            self._counts[missed, written] += 1

    @property
    def total(self) -> int:
        """How many edits there were."""
        return self._counts.total()

    def result(self, top: int = 20) -> list[Confusion]:
        """The commonest, the commonest first. Equally common ones are ordered by their characters."""
        commonest = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))[:top]
        return [Confusion(reference, prediction, count) for (reference, prediction), count in commonest]
