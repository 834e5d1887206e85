"""Scores of many samples with intervals, what they are made of, and how far confidences can be
trusted.

A metric gives every sample's share of a numerator and of a denominator; a score is the ratio of the
two sums. It is therefore the same for any order of the samples and any batches, and exact when
parts of a data set are merged.
"""

import math
import unicodedata
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from ocrkit.errors import PluginError
from ocrkit.guests import failure
from ocrkit.interfaces import Metric
from ocrkit.registry import registry

RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)
SEED = 0
_PIECE = 65536
"""Samples that are looked at together once all have come."""
BINS = 15
"""Of confidences, for their calibration error."""
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

Table = npt.NDArray[np.float64]
"""Float64 (rows, 2 × metrics): of every sample or cluster, the metrics' numerators and denominators
in turn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is written in a sample, what was read, and who wrote it on which page, as far as that is
    known."""

    id: str
    reference: str
    prediction: str
    writer: str | None = None
    form: str | None = None
    confidence: float | None = None
    """How sure the decoder was of the prediction, 0 to 1."""


# -------------------------------------------------------------------------------------------- rules


@dataclass(frozen=True, slots=True)
class Rules:
    """What the field argues over: how texts are compared, and which samples count. As they are, and
    all, unless said."""

    lowercase: bool = False
    """Both texts are put into small letters."""
    unicode: Literal["NFC", "NFKC"] | None = None
    """Both texts are put into this normalisation form (Unicode Standard Annex 15)."""
    skip_punctuation: bool = False
    """Samples whose reference is nothing but punctuation and symbols are left out."""

    def apply(self, outcome: Outcome) -> Outcome | None:
        """The outcome as it is to be scored, or None where it is left out."""
        if self.skip_punctuation and _is_punctuation(outcome.reference):
            return None
        return replace(
            outcome,
            reference=self._text(outcome.reference),
            prediction=self._text(outcome.prediction),
        )

    def _text(self, text: str) -> str:
        text = text.lower() if self.lowercase else text
        return unicodedata.normalize(self.unicode, text) if self.unicode else text


RAW = Rules()


def _is_punctuation(text: str) -> bool:
    return bool(text.strip()) and all(unicodedata.category(letter)[0] in "PSZ" for letter in text)


# ------------------------------------------------------------------------------------------- scores


def full_name(metric: str) -> str:
    """A metric's full name, which is what its summary says before the colon; its own where the
    pipeline has named it."""
    try:
        summary = registry().get("metric", metric).summary
    except PluginError:
        return metric
    return summary.partition(":")[0] or metric


@dataclass(frozen=True, slots=True)
class Score:
    """A metric over a data set with its 95 % interval.

    All are None where the denominator is 0 (say, no characters in any reference); ``low`` and
    ``high`` also where there are fewer than two clusters (see :class:`Scorer`).
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the samples, and what they score."""

    name: str
    samples: int
    metrics: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Kept:
    """The samples whose confidence is ``min_confidence`` or more, and how well they are read."""

    min_confidence: float
    samples: int
    share: float
    """Of all samples, 0 to 1."""
    wrong: float | None
    """The share of these samples that are not read exactly, 0 to 1; None where there are none."""
    metrics: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far confidences can be trusted."""

    ece: float
    """Expected calibration error, 0 to 1; see :func:`calibration_error`."""
    kept: list[Kept]
    """What is left where the least sure samples are put aside: all, 95 %, … 5 % of the samples, and
    more where several are equally sure. This is the risk-coverage curve of El-Yaniv and Wiener
    (JMLR 11, 2010)."""


@dataclass(frozen=True, slots=True)
class Character:
    """How often a character is written, and how often it was read as itself."""

    character: str
    count: int
    right: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """A character that is read as another, how often. ``reference`` is empty for an invented
    character, ``prediction`` for a missed one."""

    reference: str
    prediction: str
    count: int


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


class _Kind(NamedTuple):
    writer: str | None
    form: str | None
    length: int
    right: bool
    counts: tuple[float, ...]


def counts_of(name: str, metric: Metric, outcome: Outcome) -> tuple[float, float]:
    """What a metric counts of an outcome. Raises PluginError, whatever the metric raises, or where
    it gives no numbers."""
    try:
        share, of = metric.counts(outcome.reference, outcome.prediction)
        if not (math.isfinite(share) and math.isfinite(of)):
            raise ValueError(f"it gave {share!r} and {of!r}; expected two numbers")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(failure(f"metric {name!r}", error)) from error
    return float(share), float(of)


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

    def __init__(self, metrics: Mapping[str, Metric], rules: Rules = RAW) -> None:
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
            writers, lengths, self._confusions.characters(), self._confusions.result(None)
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


def calibration_error(confidences: Table, right: npt.NDArray[np.bool_]) -> float:
    """The expected calibration error of confidences (N,) in 0..1 where ``right`` (N,) says which
    readings are right.

    Samples are sorted by confidence into 15 bins of equal width; it is the distance between a bin's
    mean confidence and its share of right samples, averaged over the samples (Guo, Pleiss, Sun and
    Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 2).
    """
    return float(np.abs(_gaps(confidences, right)).sum() / len(confidences))


def _gaps(confidences: Table, right: npt.NDArray[np.bool_]) -> Table:
    """By how much the confidences of every bin add up to more than its right samples."""
    bins = np.minimum((confidences * BINS).astype(np.int64), BINS - 1)
    return np.asarray(np.bincount(bins, weights=confidences - right, minlength=BINS), np.float64)


# ----------------------------------------------------------------------------------------- clusters


def clusters_of(
    writers: Sequence[str | None], forms: Sequence[str | None]
) -> tuple[str, list[str]]:
    """What is drawn in a bootstrap (``writer``, ``form`` or ``sample``), and every sample's; for
    samples the list is empty."""
    for kind, names in (("writer", writers), ("form", forms)):
        known = [name for name in names if name is not None]
        if known and len(known) == len(names):
            return kind, known
    return "sample", []


def cluster_sums(samples: Table, names: Sequence[str]) -> Table:
    """The sum of each name's samples, in the order of the names."""
    ranks = {name: rank for rank, name in enumerate(sorted(set(names)))}
    clusters = np.array([ranks[name] for name in names])
    starts = np.searchsorted(np.sort(clusters), np.arange(len(ranks)))
    # Each column by its own counts: rounding must depend neither on the order of the samples nor on
    # what the others hold.
    sums = [np.add.reduceat(column[np.lexsort((column, clusters))], starts) for column in samples.T]
    return np.stack(sums, axis=1)


def _draw(kinds: Table, sizes: npt.NDArray[np.int64]) -> Table:
    """The sums of every draw: of as many clusters as there are, where ``sizes[i]`` of them are of
    kind i."""
    rng = np.random.default_rng(SEED)
    count = sizes.sum()
    return np.stack([rng.multinomial(count, sizes / count) @ kinds for _ in range(RESAMPLES)])


def _score(totals: npt.NDArray[np.float64], draws: Table | None, column: int) -> Score:
    numerator, denominator = totals[column : column + 2]
    if denominator == 0:
        return Score(None, None, None)
    value = float(numerator / denominator)
    if draws is None:
        return Score(value, None, None)
    draws = draws[
        draws[:, column + 1] != 0
    ]  # a draw can consist of clusters without a single character
    low, high = np.percentile(draws[:, column] / draws[:, column + 1], PERCENTILES)
    return Score(value, float(low), float(high))


# --------------------------------------------------------------------------------------- confusions


class Confusions:
    """Counts characters and their confusions over samples that come one by one, and keeps no text.

    Confusions are the edits of one alignment of each pair of texts with the fewest edits, of which
    there can be several.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._written: Counter[str] = Counter()

    def add(self, reference: str, prediction: str) -> None:
        from rapidfuzz.distance.Levenshtein import editops

        self._written.update(reference)
        for edit in editops(reference, prediction):
            missed = "" if edit.tag == "insert" else reference[edit.src_pos]
            written = "" if edit.tag == "delete" else prediction[edit.dest_pos]
            self._counts[missed, written] += 1

    def merge(self, other: Self) -> None:
        """Adds all that another has counted."""
        self._counts.update(other._counts)
        self._written.update(other._written)

    def result(self, top: int | None = 20) -> list[Confusion]:
        """The commonest, or all for None, the commonest first. Equally common ones are ordered by
        their characters."""
        commonest = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))[:top]
        return [
            Confusion(reference, prediction, count) for (reference, prediction), count in commonest
        ]

    def characters(self) -> list[Character]:
        """All that are written, the commonest first, with how often they were read as
        themselves."""
        wrong = Counter[str]()
        for (reference, _), count in self._counts.items():
            wrong[reference] += count
        commonest = sorted(self._written.items(), key=lambda item: (-item[1], item[0]))
        return [
            Character(character, count, count - wrong[character]) for character, count in commonest
        ]
