"""Scores of many samples with intervals, what they are made of, and how far confidences can be
trusted.

A metric gives every sample's share of a numerator and of a denominator; a score is the ratio of the
two sums. It is therefore the same for any order of the samples and any batches, and exact when
parts of a data set are merged.
"""

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from ocrkit.parts.page_protocols import PageMetric
from ocrkit.parts.protocols import Metric
from ocrkit.scoring.bootstrap import Score, Table, _draw, _score, cluster_sums, clusters_of
from ocrkit.scoring.confidence import Confidence, Kept, _gaps
from ocrkit.scoring.confusions import Character, Confusion, Confusions
from ocrkit.scoring.counts import counts_of
from ocrkit.scoring.rules import RAW, Outcome, Rules

_PIECE = 65536
"""Samples that are looked at together once all have come."""
_PERCENT = range(100, 0, -5)
"""Of samples that are kept, at the points of a curve."""
_LENGTHS = (
    *((length, length) for length in range(1, 11)),
    (11, 15),
    (16, 20),
    (21, 40),
    (41, math.inf),
)
"""First and last length of every group of samples by length."""


# -------------------------------------------------------------------------------------------- rules


# ------------------------------------------------------------------------------------------- scores


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the samples, and what they score."""

    name: str
    samples: int
    metrics: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Details:
    """What the scores are made of."""

    writers: list[Part] = field(default_factory=list)
    """By name; samples of unknown writers are in none."""
    lengths: list[Part] = field(default_factory=list)
    """By characters of the reference: 1, 2, … 10, 11-15, 16-20, 21-40, and from 41 on."""
    characters: list[Character] = field(default_factory=list)
    """The commonest first."""
    confusions: list[Confusion] = field(default_factory=list)
    """The commonest first."""
    wrong: int = 0
    """Samples that are not read exactly."""


class _Kind(NamedTuple):
    writer: str | None
    form: str | None
    length: int
    right: bool
    counts: tuple[float, ...]


class Scorer:
    """Adds up metrics over samples that come one by one. It keeps 8 bytes a sample, every kind of
    sample, and no text; confidences, and what they are compared with, have single precision (7
    digits).

    Intervals come from the percentile bootstrap (Efron & Tibshirani 1993, chapter 13) over
    clusters. Words of one writer resemble each other, and drawing words one by one would promise
    too much, so clusters are the writers if every sample has one, else the forms if every sample
    has one, else the samples. As many clusters as there are get drawn with replacement, 1,000
    times, and the interval runs from the 2.5th to the 97.5th percentile of the scores of these
    draws. All metrics see the same draws, the seed is fixed, and the order of the samples changes
    nothing.
    """

    def __init__(self, metrics: Mapping[str, Metric | PageMetric], rules: Rules = RAW) -> None:
        self.metrics = dict(metrics)
        self.rules = rules
        self._kinds: dict[_Kind, int] = {}
        """Samples that differ in nothing but their confidence are of one kind; of a million words
        there are few."""
        self._of_sample = array("I")
        self._confidences = array("f")
        self._confusions = Confusions()
        self.left_out = 0
        """Samples that do not count by the rules."""

    def __len__(self) -> int:
        """How many samples count."""
        return len(self._of_sample)

    def add(self, outcome: Outcome) -> None:
        """Adds a sample. Raises PluginError, and adds nothing, where a metric cannot tell what it
        counts."""
        scored = self.rules.apply(outcome)
        if scored is None:
            self.left_out += 1
            return
        counts = [counts_of(name, metric, scored) for name, metric in self.metrics.items()]
        right = scored.reference == scored.prediction
        kind = _Kind(
            scored.writer,
            scored.form,
            len(scored.reference),
            right,
            tuple(chain.from_iterable(counts)),
        )
        self._of_sample.append(self._kinds.setdefault(kind, len(self._kinds)))
        self._confidences.append(math.nan if scored.confidence is None else scored.confidence)
        self._confusions.add(scored.reference, scored.prediction)

    def merge(self, other: Self) -> None:
        """Adds all samples of another scorer. Raises ValueError if its metrics or its rules
        differ."""
        if other.metrics != self.metrics or list(other.metrics) != list(self.metrics):
            raise ValueError(
                f"scores of {list(other.metrics)} cannot be merged into scores of "
                f"{list(self.metrics)}"
            )
        if other.rules != self.rules:
            raise ValueError(
                f"scores by {other.rules} cannot be merged into scores by {self.rules}"
            )
        numbers = [self._kinds.setdefault(kind, len(self._kinds)) for kind in other._kinds]
        self._of_sample.extend(numbers[index] for index in other._of_sample)
        self._confidences.extend(other._confidences)
        self._confusions.merge(other._confusions)
        self.left_out += other.left_out

    def result(self) -> dict[str, Score]:
        """The score of every metric, by name."""
        if not self or not self.metrics:
            return {name: Score(None, None, None) for name in self.metrics}
        numbers = self._numbers()
        _, names = clusters_of(
            [kind.writer for kind in self._kinds], [kind.form for kind in self._kinds]
        )
        clusters = cluster_sums(self._table * numbers[:, None], names) if names else self._table
        # Equal clusters are counted, not repeated: of a million words there are few kinds, which
        # makes drawing them cheap.
        kinds, inverse = np.unique(clusters, axis=0, return_inverse=True)
        sizes = np.bincount(inverse.ravel(), None if names else numbers).astype(np.int64)
        totals = (kinds * sizes[:, None]).sum(axis=0)
        draws = _draw(kinds, sizes) if sizes.sum() > 1 else None
        return {name: _score(totals, draws, 2 * index) for index, name in enumerate(self.metrics)}

    @property
    def _table(self) -> Table:
        """The counts of every kind."""
        return np.array([kind.counts for kind in self._kinds]).reshape(
            len(self._kinds), 2 * len(self.metrics)
        )

    @property
    def _right(self) -> npt.NDArray[np.bool_]:
        """Whether samples of every kind are read exactly."""
        return np.array([kind.right for kind in self._kinds], np.bool_)

    def _numbers(self, min_confidence: float | None = None) -> npt.NDArray[np.int64]:
        """How many samples there are of every kind, with this confidence at least."""
        numbers = np.zeros(len(self._kinds), np.int64)
        for confidences, kinds in self._pieces():
            chosen = (
                kinds
                if min_confidence is None
                else kinds[confidences >= np.float32(min_confidence)]
            )
            numbers += np.bincount(chosen, minlength=len(numbers))
        return numbers

    def _pieces(self) -> Iterator[tuple[Table, npt.NDArray[np.uint32]]]:
        """All samples' confidences and kinds, piece by piece: beside a million of them no second
        million is needed."""
        for start in range(0, len(self), _PIECE):
            end = start + _PIECE
            yield (
                np.array(self._confidences[start:end], np.float64),
                np.array(self._of_sample[start:end]),
            )

    def _values(self, counts: Table, numbers: npt.NDArray[np.int64]) -> dict[str, float | None]:
        """The metrics of kinds with these counts, of which there are so many samples."""
        totals = (counts * numbers[:, None]).sum(axis=0)
        return {
            name: float(totals[column] / totals[column + 1]) if totals[column + 1] else None
            for column, name in zip(range(0, len(totals), 2), self.metrics, strict=True)
        }

    def details(self) -> Details:
        """What the scores are made of."""
        table, numbers = self._table, self._numbers()
        of_writer: dict[str, list[int]] = {}
        by_length: list[list[int]] = [[] for _ in _LENGTHS]
        firsts = [first for first, _ in _LENGTHS]
        for index, kind in enumerate(self._kinds):
            if kind.writer is not None:
                of_writer.setdefault(kind.writer, []).append(index)
            if kind.length:
                by_length[bisect_right(firsts, kind.length) - 1].append(index)

        def part(name: str, chosen: list[int]) -> Part:
            of_part = numbers[chosen]
            return Part(name, int(of_part.sum()), self._values(table[chosen], of_part))

        writers = [part(name, chosen) for name, chosen in sorted(of_writer.items())]
        lengths = [
            part(
                str(first)
                if first == last
                else f"{first}-{last}"
                if last < math.inf
                else f"from {first}",
                chosen,
            )
            for (first, last), chosen in zip(_LENGTHS, by_length, strict=True)
            if chosen
        ]
        return Details(
            writers,
            lengths,
            self._confusions.characters(),
            self._confusions.result(None),
            wrong=int(numbers[~self._right].sum()),
        )

    def confidence(self) -> Confidence | None:
        """How far the confidences can be trusted; None without samples, or where one has no
        confidence."""
        if not self:
            return None
        ordered = np.sort(np.frombuffer(self._confidences, np.float32))[
            ::-1
        ]  # what is not a number comes first
        if np.isnan(ordered[0]):
            return None
        ranks = (-(-percent * len(self) // 100) for percent in _PERCENT)  # rounded up
        thresholds = dict.fromkeys(float(ordered[rank - 1]) for rank in ranks)
        del ordered
        table, right = self._table, self._right
        gaps = sum(_gaps(confidences, right[kinds]) for confidences, kinds in self._pieces())
        kept = [self._kept(threshold, table, right) for threshold in thresholds]
        return Confidence(float(np.abs(gaps).sum() / len(self)), kept)

    def kept(self, min_confidence: float) -> Kept:
        """What is left where samples with less confidence than this are put aside."""
        return self._kept(min_confidence, self._table, self._right)

    def _kept(self, min_confidence: float, table: Table, right: npt.NDArray[np.bool_]) -> Kept:
        numbers = self._numbers(min_confidence)
        count = int(numbers.sum())
        return Kept(
            min_confidence,
            count,
            count / len(self) if len(self) else 0.0,
            1 - int(numbers[right].sum()) / count if count else None,
            self._values(table, numbers),
        )


# ----------------------------------------------------------------------------------------- clusters


# --------------------------------------------------------------------------------------- confusions
