"""Models out of counts: modified Kneser-Ney smoothing, and pruning."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ocrkit.errors import OcrkitError
from ocrkit_ngrams.counting import Counts
from ocrkit_ngrams.trie import NGrams

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


@dataclass
class _Level:
    """The n-grams of one length, sorted by parent and last symbol."""

    parents: _Ints
    symbols: _Ints
    suffixes: _Ints
    """Each n-gram without its first symbol: its place among the shorter ones."""
    begins: npt.NDArray[np.bool_]
    """Whether it is the beginning of a text."""
    counts: _Ints
    probs: _Floats
    backoffs: _Floats
    """Of the parents."""


def train(
    counts: Counts, *, keep: int | None = None, about: Mapping[str, Any] | None = None
) -> NGrams:
    """A model with interpolated modified Kneser-Ney smoothing (Chen & Goodman 1999, section 3), one
    of the n-grams counted.

    Single symbols are interpolated with the uniform distribution over the characters and the end,
    so that what was never seen gets its share. Where counts are too few for the estimate of a
    discount, the discounts of that length are 0.5, 1 and 1.5.

    ``keep`` leaves so many n-grams, besides the single symbols: those without which the texts
    counted would lose the most likelihood (Seymore & Rosenfeld 1996), and with each the n-grams
    that it needs. Their probabilities stay; the back-offs take up what the others had. Raises
    OcrkitError where nothing was counted.
    """
    if not counts.texts:
        raise OcrkitError(
            f"no text to train on: {counts.left_out:,} texts have characters outside "
            f"{counts.characters!r}"
        )
    levels = _smoothed(counts)
    if keep is not None and keep < sum(len(level.symbols) for level in levels[1:]):
        levels = _pruned(levels, keep)
    with np.errstate(divide="ignore"):
        log_probs = np.log(np.concatenate([level.probs for level in levels]))
        backoffs = np.log(np.concatenate([level.backoffs for level in levels]))
    sizes = [1, *(len(level.symbols) for level in levels)]
    return NGrams(
        characters=counts.characters,
        order=counts.order,
        children=np.concatenate(
            [
                np.bincount(level.parents, minlength=size)
                for level, size in zip(levels, sizes, strict=False)
            ]
        ),
        symbols=np.concatenate([level.symbols for level in levels]),
        log_probs=log_probs.astype(np.float32),
        backoffs=np.maximum(backoffs, -100).astype(np.float32),
        about={**(about or {}), "ngrams": sizes[1:]},
    )


def _smoothed(counts: Counts) -> list[_Level]:
    width = counts.width
    levels = [_empty_text()]
    for keys, count in zip(counts.keys, counts.counts, strict=True):
        shorter, parents, symbols = levels[-1], keys // width, keys % width
        if len(levels) == 1:
            suffixes, begins = np.zeros(width, np.int64), symbols == width - 1
        else:
            suffixes = np.searchsorted(
                counts.keys[len(levels) - 2], shorter.suffixes[parents] * width + symbols
            )
            begins = shorter.begins[parents]
        levels.append(_Level(parents, symbols, suffixes, begins, count, np.zeros(0), np.zeros(0)))
    for length, level in enumerate(levels[1:], start=1):
        adjusted = level.counts
        if length < counts.order:
            # In how many different contexts a text goes on, not how often; before the beginning
            # there is no context.
            contexts = np.bincount(levels[length + 1].suffixes, minlength=len(level.counts))
            adjusted = np.where(level.begins, level.counts, contexts)
        if length == 1:
            adjusted = np.where(level.begins, 0, adjusted)  # a beginning is given, never foretold
        _smooth(level, levels[length - 1], adjusted)
    levels[1].probs[-1] = 0
    return levels[1:]


def _empty_text() -> _Level:
    nothing = np.zeros(1, np.int64)
    return _Level(nothing, nothing, nothing, np.zeros(1, bool), nothing, np.zeros(1), np.zeros(1))


def _smooth(level: _Level, shorter: _Level, adjusted: _Ints) -> None:
    """Sets probabilities, and the back-offs of the parents."""
    discounts = _discounts(adjusted)[np.minimum(adjusted, 3)]
    size = len(shorter.symbols)
    totals = np.bincount(level.parents, adjusted, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = (adjusted - discounts) / totals[level.parents]
        level.backoffs = np.where(
            totals > 0, np.bincount(level.parents, discounts, size) / totals, 1.0
        )
    lower = shorter.probs[level.suffixes] if size > 1 else 1 / (len(adjusted) - 1)
    level.probs = own + level.backoffs[level.parents] * lower


def _discounts(counts: _Ints) -> _Floats:
    """What is taken from counts of 0, 1, 2, and 3 or more."""
    one, two, three, four = (int((counts == count).sum()) for count in (1, 2, 3, 4))
    if min(one, two, three) > 0:
        share = one / (one + 2 * two)
        found = [
            1 - 2 * share * two / one,
            2 - 3 * share * three / two,
            3 - 4 * share * four / three,
        ]
        if all(0 <= discount <= count for count, discount in enumerate(found, start=1)):
            return np.array([0.0, *found])
    return np.array([0.0, 0.5, 1.0, 1.5])


def _pruned(levels: list[_Level], keep: int) -> list[_Level]:
    """The levels with the n-grams that matter most; the single symbols stay."""
    with np.errstate(
        divide="ignore"
    ):  # a context that has lost nothing to discounts cannot do without any n-gram
        losses = [
            level.counts
            * (
                np.log(level.probs)
                - np.log(level.backoffs[level.parents] * shorter.probs[level.suffixes])
            )
            for shorter, level in pairwise(levels)
        ]
    for level, loss, shorter in reversed(list(zip(levels[2:], losses[1:], losses, strict=False))):
        np.maximum.at(shorter, level.parents, loss)
        np.maximum.at(shorter, level.suffixes, loss)
    ranked = np.argsort(-np.concatenate(losses), kind="stable")
    chosen = np.zeros(len(ranked), bool)
    chosen[ranked[:keep]] = True
    kept = [levels[0]]
    places = np.arange(len(levels[0].symbols))
    for level, mask in zip(
        levels[1:], np.split(chosen, np.cumsum([len(loss) for loss in losses])[:-1]), strict=True
    ):
        shorter = kept[-1]
        parents, suffixes, probs = (
            places[level.parents[mask]],
            places[level.suffixes[mask]],
            level.probs[mask],
        )
        size = len(shorter.symbols)
        left = 1 - np.bincount(parents, probs, size)
        lower = 1 - np.bincount(parents, shorter.probs[suffixes], size)
        backoffs = np.where((left > 1e-9) & (lower > 1e-9), left / np.maximum(lower, 1e-9), 1e-9)
        kept.append(
            _Level(
                parents,
                level.symbols[mask],
                suffixes,
                level.begins[mask],
                level.counts[mask],
                probs,
                backoffs,
            )
        )
        places = np.cumsum(mask) - 1
    return kept
