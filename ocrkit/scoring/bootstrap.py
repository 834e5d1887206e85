"""Ratios of sums with their intervals: the percentile bootstrap over clusters of samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 1000


PERCENTILES = (2.5, 97.5)


SEED = 0


Table = npt.NDArray[np.float64]
"""Float64 (rows, 2 × metrics): of every sample or cluster, the metrics' numerators and denominators
in turn."""


@dataclass(frozen=True, slots=True)
class Score:
    """A metric over a data set with its 95 % interval.

    All are None where the denominator is 0 (say, no characters in any reference); ``low`` and
    ``high`` also where there are fewer than two clusters (see :class:`Scorer`).
    """

    value: float | None
    low: float | None
    high: float | None


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
