"""Prefix beam search itself: what is kept at every step, of a whole batch at a time.

The beam of one sample, here with 3 places, and what a step makes of it:

    place           0       1       2
    prefix         "a"     "ab"    none     never stored: told apart by 64-bit fingerprints
    sums         .2  .1   0  .3   0   0     alignments that end in a blank; in the last character

    candidates      0       1       2
      stays        .21     .17      0
      slot 1: a    .05     .02      0       slots are the characters that the step considers
      slot 2: b     0*     .01      0       * this is "ab", of place 1: its sum has gone there

The largest three candidates are the next beam. ``came_from`` and ``added`` keep, for every step and
place, the place before and the column that was added, −1 for none: the texts are read from them.

Axes: N samples, T steps, W places, S slots, C columns, P pairs of a sample and a character that is
considered, G guides.
"""

import sys
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ocrkit.interfaces import IntArray
from ocrkit_ctc.guides import Guides
from ocrkit_ctc.outputs import Float64Array, Ids, Outputs

_ROOT, _DEAD, _NOBODY = 2, 0, 1
"""Fingerprints: of the empty prefix, of a place in the beam that holds none, and of what is before
the empty prefix."""


class Found(NamedTuple):
    """What is left in the beam after every sample's last step."""

    texts: Ids
    """Columns, padded with −1 (N, W, L); all that are there are different."""
    there: npt.NDArray[np.bool_]
    """Which of them are there (N, W): the beam has less where there are no more."""
    kept: Float64Array
    """The product over the steps of the beam's share of all prefixes' sums, 0 to 1 (N,)."""


class _Pairs(NamedTuple):
    """Characters that are considered in a step: whose, in which slot, from 1 on, which column, (P,)
    each."""

    samples: Ids
    slots: Ids
    columns: Ids


class _Grown(NamedTuple):
    """What the guides say of every pair behind every prefix: factors (P, W), states (G, P, W)."""

    factors: Float64Array
    states: IntArray


class Search:
    """A prefix beam search of samples that are ordered by length, longest first.

    Sums of probabilities are kept up to a factor of each sample, so that the largest is 1: what
    gets lost to float64 is 1e-308 of the likeliest prefix. Factors of guides are multiplied in.
    """

    def __init__(self, outputs: Outputs, width: int, least: float, guides: Guides) -> None:
        """``width``: places; ``least``: the probability from which on characters are considered."""
        size, steps, columns = outputs.probs.shape
        self._outputs, self._guides, self._width = outputs, guides, width
        self._begins, self._considered = _considered(outputs, least)
        self._sums = np.zeros((size, width, 2))
        self._sums[:, 0, 0] = 1.0
        # Of every prefix the last character, its fingerprint, and that of its parent, the prefix
        # without the last character.
        self._prefixes = np.empty((size, width, 3), np.int64)
        self._prefixes[...] = columns - 1, _DEAD, _NOBODY
        self._prefixes[:, 0, 1] = _ROOT
        self._factors = np.ones((size, width))
        """What the guides gave the last character."""
        self._states = guides.start((size, width))
        self._kept = np.ones(size)
        self._came_from = np.tile(np.arange(width), (steps, size, 1))
        self._added = np.full((steps, size, width), -1)

    def run(self) -> Found:
        lengths = self._outputs.lengths
        for step, active in enumerate(
            np.searchsorted(-lengths, -np.arange(lengths.max(initial=0)))
        ):
            self._advance(step, int(active))
        texts = _backtrace(self._came_from, self._added)
        return Found(texts, self._prefixes[:, :, 1] != _DEAD, np.minimum(self._kept, 1.0))

    def _advance(self, step: int, active: int) -> None:
        """One step of the first ``active`` samples, which have so many."""
        now = self._outputs.probs[:active, step]
        pairs = _Pairs(
            *(each[self._begins[step] : self._begins[step + 1]] for each in self._considered)
        )
        sums, grown = self._grow(pairs, now)
        candidates = np.zeros((active, 1 + pairs.slots.max(initial=0), self._width))
        candidates[pairs.samples, pairs.slots] = sums
        stays = self._stay(pairs, now, candidates)
        slots, source, best = self._choose(candidates)
        rows, places = slots.nonzero()
        pair = np.zeros(candidates.shape[:2], np.int64)
        pair[pairs.samples, pairs.slots] = np.arange(len(pairs.slots))
        of = pair[rows, slots[rows, places]]
        if grown is not None:
            self._guide(grown, source, (rows, places), of)
        self._move(stays, source, best, (rows, places), pairs.columns[of])
        self._came_from[step, :active] = source
        self._added[step, rows, places] = pairs.columns[of]

    def _grow(self, pairs: _Pairs, now: Float64Array) -> tuple[Float64Array, _Grown | None]:
        """The sums of every prefix with every character that is considered behind it (P, W)."""
        samples, _, columns = pairs
        in_blank, last = self._sums[samples, :, 0], self._prefixes[samples, :, 0]
        # One that is equal to the last needs a blank first.
        sums = np.where(last == columns[:, None], in_blank, in_blank + self._sums[samples, :, 1])
        sums *= now[samples, columns][:, None]
        if not self._guides:
            return sums, None
        rows, places = sums.nonzero()
        ids = self._outputs.ids(columns, samples)
        weights, behind = self._guides.step(self._states[:, samples[rows], places], ids[rows])
        factors = np.zeros(sums.shape)
        states = np.zeros((len(self._states), *sums.shape), np.int32)
        factors[rows, places], states[:, rows, places] = np.exp(weights), behind
        return sums * factors, _Grown(factors, states)

    def _stay(self, pairs: _Pairs, now: Float64Array, candidates: Float64Array) -> Float64Array:
        """The sums of prefixes that stay as they are (N, W, 2), which are also put in row 0."""
        active, columns = now.shape
        in_blank, in_last = self._sums[:active, :, 0], self._sums[:active, :, 1]
        last, fingerprint, parent = (self._prefixes[:active, :, index] for index in range(3))
        total, row = in_blank + in_last, np.arange(active)[:, None]
        stays = np.empty((active, self._width, 2))
        stays[:, :, 0] = total * now[:, -1:]
        stays[:, :, 1] = in_last * now[row, last]
        # Where its parent is in the beam as well, what the parent grows to is this prefix, too.
        rows, children, parents = (parent[:, :, None] == fingerprint[:, None, :]).nonzero()
        character = last[rows, children]
        joining = np.where(
            last[rows, parents] == character, in_blank[rows, parents], total[rows, parents]
        )
        stays[rows, children, 1] += joining * now[rows, character] * self._factors[rows, children]
        slot = np.zeros((active, columns), np.int64)
        slot[pairs.samples, pairs.columns] = pairs.slots
        candidates[rows, slot[rows, character], parents] = 0
        candidates[:, 0] = stays[:, :, 0] + stays[:, :, 1]
        return stays

    def _choose(self, candidates: Float64Array) -> tuple[Ids, Ids, Float64Array]:
        """The best candidates: their slots, places and sums (N, W); of equals the first ones, so
        that the batch makes no difference."""
        active, width = len(candidates), self._width
        flat = candidates.reshape(active, -1)
        least_kept = np.partition(flat, flat.shape[1] - width, axis=1)[:, -width, None]
        equal, better = flat == least_kept, flat > least_kept
        better |= equal & (np.cumsum(equal, axis=1) <= width - better.sum(axis=1, keepdims=True))
        chosen = better.nonzero()[1].reshape(active, width)
        best = flat[np.arange(active)[:, None], chosen]
        everything = flat.sum(axis=1)
        self._kept[:active] *= np.divide(
            best.sum(axis=1), everything, out=np.ones(active), where=everything > 0
        )
        return *np.divmod(chosen, width), best

    def _guide(self, grown: _Grown, source: Ids, new: tuple[Ids, Ids], of: Ids) -> None:
        """Moves what the guides say along: prefixes come from places ``source`` (N, W), and those
        at ``new`` have grown by the pairs ``of``."""
        active, row = len(source), np.arange(len(source))[:, None]
        origins = source[new]
        self._factors[:active] = self._factors[row, source]
        self._states[:, :active] = self._states[:, row, source]
        self._factors[new] = grown.factors[of, origins]
        self._states[:, *new] = grown.states[:, of, origins]

    def _move(
        self, stays: Float64Array, source: Ids, best: Float64Array, new: tuple[Ids, Ids], added: Ids
    ) -> None:
        """Makes the best candidates the beam; those at ``new`` have grown by ``added``."""
        active, row = len(source), np.arange(len(source))[:, None]
        sums, prefixes = stays[row, source], self._prefixes[row, source]
        sums[*new, 0], sums[*new, 1] = 0, best[new]
        sums /= np.maximum(best.max(axis=1), sys.float_info.min)[:, None, None]
        prefixes[*new, 2] = prefixes[*new, 1]
        prefixes[*new, 0] = added
        prefixes[*new, 1] = _fingerprint(prefixes[*new, 1], added)
        # Also what has become the same as another prefix.
        prefixes[best <= 0] = self._outputs.probs.shape[2] - 1, _DEAD, _NOBODY
        self._sums[:active], self._prefixes[:active] = sums, prefixes


def _considered(outputs: Outputs, least: float) -> tuple[Ids, _Pairs]:
    """Where every step begins among the pairs (T + 1,), and all of them, ordered by step."""
    size, steps, _ = outputs.probs.shape
    characters = outputs.probs[:, :, :-1]
    likeliest = characters.max(axis=2, keepdims=True)
    considered = characters >= np.minimum(likeliest, max(least, sys.float_info.min))
    considered &= (np.arange(steps) < outputs.lengths[:, None])[:, :, None]
    samples, of_step, columns = considered.nonzero()
    order = np.argsort(of_step, kind="stable")
    samples, of_step, columns = samples[order], of_step[order], columns[order]
    counts = np.bincount(of_step * size + samples, minlength=steps * size)
    slots = np.arange(1, len(columns) + 1) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.searchsorted(of_step, np.arange(steps + 1)), _Pairs(samples, slots, columns)


def _fingerprint(parent: Ids, character: Ids) -> Ids:
    """The fingerprints of prefixes, out of their parents' and their last characters: numbers mixed
    until every bit counts."""
    mixed = parent.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + character.view(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return (mixed ^ (mixed >> np.uint64(32))).view(np.int64)


def _backtrace(came_from: Ids, added: Ids) -> Ids:
    """The texts (N, W, L), padded with −1, of places in the beam that know where they came from (T,
    N, W)."""
    steps, size, width = added.shape
    written = np.empty_like(added)
    row, place = np.arange(size)[:, None], np.tile(np.arange(width), (size, 1))
    for step in range(steps - 1, -1, -1):
        written[step] = added[step][row, place]
        place = came_from[step][row, place]
    number = np.cumsum(written >= 0, axis=0)
    labels = np.full((size, width, int(number[-1].max(initial=0)) if steps else 0), -1)
    at, rows, places = (written >= 0).nonzero()
    labels[rows, places, number[at, rows, places] - 1] = written[at, rows, places]
    return labels
