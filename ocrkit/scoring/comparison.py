"""Two runs over the same samples: what differs in their scores, and whether that is more than
chance."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from ocrkit.errors import OcrkitError
from ocrkit.parts.page_protocols import PageMetric
from ocrkit.parts.protocols import Metric
from ocrkit.scoring.bootstrap import PERCENTILES, RESAMPLES, SEED, Table, cluster_sums, clusters_of
from ocrkit.scoring.counts import counts_of, full_name
from ocrkit.scoring.result_file import Results
from ocrkit.scoring.rules import RAW, Outcome, Rules

_LONGEST = 120
"""Characters of a value that is named where the files differ."""
_LISTED = 3
"""So many samples are named where the files differ."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of both runs, and B's value less A's with its 95 % interval.

    None are values without a denominator, and ``low`` and ``high`` where there are fewer than two
    clusters.
    """

    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None
    better: str | None
    """``a`` or ``b`` where the interval excludes zero, else None: no difference can be told."""


@dataclass(frozen=True, slots=True)
class Right:
    """How many samples are read exactly, by which run."""

    both: int
    only_a: int
    only_b: int
    neither: int


@dataclass(frozen=True, slots=True)
class HeaderDifference:
    """What differs in the headers of two result files, by dotted name; None where one has no such
    value."""

    what: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Comparison:
    """What two runs over the same samples differ in."""

    samples: int
    left_out: int
    """Samples that do not count by the rules."""
    clusters: tuple[str, int]
    """What the bootstrap draws (``writer``, ``form`` or ``sample``), and how many there are."""
    metrics: dict[str, Difference]
    right: Right
    same_texts: bool
    """Whether both runs read every sample the same."""
    summary: list[str] = field(default_factory=list)
    """The same in sentences."""
    differences: list[HeaderDifference] = field(default_factory=list)
    """What differs in how the runs were made."""

    def as_json(self) -> dict[str, Any]:
        by, count = self.clusters
        return asdict(self) | {"clusters": {"by": by, "count": count}}


def compare(
    a: Sequence[Outcome],
    b: Sequence[Outcome],
    metrics: Mapping[str, Metric | PageMetric],
    rules: Rules = RAW,
) -> Comparison:
    """Compares what two runs made of the same samples, in whichever order.

    The interval is a paired bootstrap: writers, else forms, else samples are drawn as
    :class:`ocrkit.scoring.scores.Scorer` draws them, 1,000 times, from the same seed, and each draw
    scores both runs on the very same samples. What is hard or easy for both cancels out, so the
    interval of the difference is narrower than those of the scores (Koehn, "Statistical
    Significance Tests for Machine Translation Evaluation", EMNLP 2004; clusters in place of
    sentences).

    Comparing B with A gives the negative of comparing A with B. Raises OcrkitError where ids or
    texts differ, and names them.
    """
    pairs = [(rules.apply(first), rules.apply(second)) for first, second in _pairs(a, b)]
    counted = [(first, second) for first, second in pairs if first and second]
    if not counted:
        raise OcrkitError("no sample to compare" + (" is left" if pairs else ""))
    kind, names = clusters_of(
        [first.writer for first, _ in counted], [first.form for first, _ in counted]
    )
    table = _counts(counted, metrics)
    clusters = cluster_sums(table, names) if names else table
    same = all(first.prediction == second.prediction for first, second in counted)
    return Comparison(
        len(counted),
        len(pairs) - len(counted),
        (kind, len(clusters)),
        _differences(clusters, metrics),
        _right(counted),
        same,
    )


def _counts(
    counted: Sequence[tuple[Outcome, Outcome]], metrics: Mapping[str, Metric | PageMetric]
) -> Table:
    """Of every pair a row: the counts of A's metrics, then those of B's."""
    rows = [
        [counts_of(name, metric, each) for each in pair for name, metric in metrics.items()]
        for pair in counted
    ]
    return np.array(rows, np.float64).reshape(len(rows), -1)


def _differences(
    clusters: Table, metrics: Mapping[str, Metric | PageMetric]
) -> dict[str, Difference]:
    """Every metric's difference over the clusters, with its interval where there are several."""
    # The draws may not depend on the counts, or comparing B with A would draw others: clusters are
    # drawn by their names' order.
    rng = np.random.default_rng(SEED)
    size = len(clusters)
    draws = np.stack(
        [
            np.bincount(rng.integers(size, size=size), minlength=size) @ clusters
            for _ in range(RESAMPLES)
        ]
    )
    totals = clusters.sum(axis=0)
    of_b = 2 * len(metrics)  # the first column of B's counts
    return {
        name: _difference(
            totals,
            draws if size > 1 else None,
            (2 * index, of_b + 2 * index),
            metric.higher_is_better,
        )
        for index, (name, metric) in enumerate(metrics.items())
    }


def _right(counted: Sequence[tuple[Outcome, Outcome]]) -> Right:
    """How many samples both read exactly, A alone, B alone, and neither."""
    exact = Counter(
        (first.prediction == first.reference, second.prediction == second.reference)
        for first, second in counted
    )
    return Right(exact[True, True], exact[True, False], exact[False, True], exact[False, False])


def _pairs(a: Sequence[Outcome], b: Sequence[Outcome]) -> list[tuple[Outcome, Outcome]]:
    """Both runs' outcomes of every sample, by id."""
    first, second = ({each.id: each for each in run} for run in (a, b))
    for name, run, of_id in (("A", a, first), ("B", b, second)):
        if len(of_id) < len(run):
            raise OcrkitError(
                f"{name} has several samples of one id, so that they cannot be told apart"
            )
    problems = [
        f"{_count(len(only))} only in {name} ({_list(only)})"
        for name, only in (
            ("A", sorted(first.keys() - second.keys())),
            ("B", sorted(second.keys() - first.keys())),
        )
        if only
    ]
    shared = sorted(first.keys() & second.keys())
    differing: dict[str, Callable[[Outcome], object]] = {
        "another text": lambda each: each.reference,
        "other lines in truth": lambda each: each.pages and each.pages[0],
        "another writer": lambda each: each.writer,
        "another form": lambda each: each.form,
    }
    for what, value in differing.items():
        changed = [id_ for id_ in shared if value(first[id_]) != value(second[id_])]
        if changed:
            values = (
                f"{_short(value(first[changed[0]]))} in A, {_short(value(second[changed[0]]))} in B"
            )
            problems.append(f"{_count(len(changed))} with {what} ({changed[0]}: {values})")
    if problems:
        raise OcrkitError(
            f"the runs are of different samples: {'; '.join(problems)}. Compare runs over the same "
            "data"
        )
    return [(first[id_], second[id_]) for id_ in shared]


def _count(samples: int) -> str:
    return f"{samples:,} sample{'s' * (samples > 1)}"


def _short(value: object) -> str:
    """A text of a line as it is, one of a page cut short."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _list(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_LISTED]) + ", …" * (len(ids) > _LISTED)


def _difference(
    totals: Table, draws: Table | None, columns: tuple[int, int], higher_is_better: bool
) -> Difference:
    if any(totals[column + 1] == 0 for column in columns):
        return Difference(None, None, None, None, None, None)
    a, b = (float(totals[column] / totals[column + 1]) for column in columns)
    if draws is None:
        return Difference(a, b, b - a, None, None, None)
    draws = draws[(draws[:, [column + 1 for column in columns]] != 0).all(axis=1)]
    first, second = (draws[:, column] / draws[:, column + 1] for column in columns)
    low, high = map(float, np.percentile(second - first, PERCENTILES))
    better = None if low <= 0 <= high else "b" if (low > 0) == higher_is_better else "a"
    return Difference(a, b, b - a, low, high, better)


def in_words(name: str, difference: Difference, clusters: tuple[str, int]) -> str:
    """A sentence on a metric for people. ``name`` is the metric's full name."""
    if difference.a is None or difference.b is None or difference.difference is None:
        return f"{name}: cannot be computed."
    values = (
        f"{name} {_percent(difference.a)} → {_percent(difference.b)}, a difference of "
        f"{_points(difference.difference)} points"
    )
    if difference.low is None or difference.high is None:
        return (
            f"No difference can be told: {values}, of a single {clusters[0]}, which is too few "
            "for an interval."
        )
    interval = f"95 % interval {_points(difference.low)} to {_points(difference.high)}"
    if difference.better is None:
        return f"No difference can be told: {values} ({interval}, which includes zero)."
    return f"{difference.better.upper()} is better: {values} ({interval}, which excludes zero)."


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def _points(value: float) -> str:
    return f"{100 * value:+.2f}".replace("-", "−") if round(100 * value, 2) else "0"


def compare_results(a: Results, b: Results, rules: Rules = RAW) -> Comparison:
    """Compares two result files by the metrics that both runs were scored by, and says what else
    differs.

    Raises OcrkitError where they are of different samples, or have no metric in common.
    """
    metrics = {name: metric for name, metric in a.metrics.items() if b.metrics.get(name) == metric}
    if not metrics:
        raise OcrkitError(
            f"{a.path} is scored by {', '.join(a.metrics)}, {b.path} by {', '.join(b.metrics)}: "
            "nothing in common"
        )
    found = compare(a.outcomes, b.outcomes, metrics, rules)
    summary = ["A and B read every sample the same."] if found.same_texts else []
    summary += [
        in_words(full_name(name), each, found.clusters) for name, each in found.metrics.items()
    ]
    first, second = _flat(a.table), _flat(b.table)
    differences = [
        HeaderDifference(name, first.get(name), second.get(name))
        for name in dict.fromkeys((*first, *second))
        if first.get(name) != second.get(name)
    ]
    return replace(found, summary=summary, differences=differences)


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values by dotted name."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        flat |= (
            _flat(value, f"{prefix}{name}.")
            if isinstance(value, Mapping)
            else {f"{prefix}{name}": value}
        )
    return flat
