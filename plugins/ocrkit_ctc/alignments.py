"""What CTC says of a text: its probability, the sum over all alignments; its best alignment; how
sure every character is.

An alignment is a path of classes, one a step, that spells the text once runs are merged and blanks
dropped. Source: Graves et al., "Connectionist Temporal Classification", ICML 2006, section 4.1 (the
forward variables).

Axes: N samples, T steps, C columns of which the last is the blank's, M texts of at most L
characters. Texts are columns' numbers, padded with −1.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ocrkit_ctc.inputs import whole
from ocrkit_ctc.outputs import Float64Array, Ids, Outputs

_TOLERANCE = 1e-5
"""Where the rest may change a character's confidence by more, all classes are looked at."""
_SURE_TO_BE_EXACT = 1e-250
"""Larger sums of products have lost nothing to the smallest float64, 1e-308; smaller ones are
computed in logarithms."""


class _Arithmetic(NamedTuple):
    """How the probabilities of steps become one of an alignment, and those of alignments one of a
    text."""

    plus: np.ufunc
    times: np.ufunc
    zero: float
    one: float


_SUMS = _Arithmetic(np.add, np.multiply, 0.0, 1.0)
_LOG_SUMS = _Arithmetic(np.logaddexp, np.add, -np.inf, 0.0)
_LOG_MAXIMA = _Arithmetic(np.maximum, np.add, -np.inf, 0.0)


class Alignments(NamedTuple):
    """Texts, and where they are written: every character's column, padded with −1, and its steps
    [start, end), (N, L) each."""

    labels: Ids
    starts: Ids
    ends: Ids


def text_log_probs(outputs: Outputs, labels: Ids, samples: Ids) -> Float64Array:
    """The log-probability of texts, summed over all alignments: (M,), at most 0, −inf for texts
    that cannot be.

    ``labels`` (M, L): columns, padded with −1; ``samples`` (M,): whose text each is. A text of no
    characters is as probable as blanks alone.
    """
    steps = outputs.lengths[samples]
    totals = _sums(_SUMS, outputs.probs, steps, labels, samples)
    with np.errstate(divide="ignore"):
        result = np.log(totals)
    small = (totals < _SURE_TO_BE_EXACT).nonzero()[0]
    if len(small):
        result[small] = _sums(
            _LOG_SUMS, outputs.log_probs, steps[small], labels[small], samples[small]
        )
    return np.minimum(result, 0.0)


def _sums(
    arithmetic: _Arithmetic, scores: Float64Array, steps: Ids, labels: Ids, samples: Ids
) -> Float64Array:
    """The last forward variables of every text, added up: (M,)."""
    order = np.argsort(-steps, kind="stable")
    labels = labels[order]
    *_, (blanks, characters) = _forward(arithmetic, scores, steps[order], labels, samples[order])
    rows, size = np.arange(len(labels)), (labels >= 0).sum(axis=1)
    total = blanks[rows, size]
    written = (size > 0).nonzero()[0]
    total[written] = arithmetic.plus(total[written], characters[written, size[written] - 1])
    result = np.empty(len(total))
    result[order] = total
    return result


def _forward(
    arithmetic: _Arithmetic, scores: Float64Array, steps: Ids, labels: Ids, samples: Ids
) -> Iterator[tuple[Float64Array, Float64Array]]:
    """The forward variables before the first step and after every step: of blanks (M, L + 1) and of
    characters (M, L).

    Blank l is the one before character l. The arrays change in place. Rows are ordered by how many
    steps they have, most first.
    """
    plus, times, zero, one = arithmetic
    classes = scores.shape[2]
    flat = scores.reshape(-1)
    begin = samples * (scores.shape[1] * classes)
    at_blank, at_label = (begin + classes - 1)[:, None], begin[:, None] + np.maximum(labels, 0)
    skips = labels[:, 1:] != labels[:, :-1]  # between equal characters there has to be a blank
    blanks, characters = (
        np.full((len(labels), labels.shape[1] + 1), zero),
        np.full(labels.shape, zero),
    )
    blanks[:, 0] = one
    yield blanks, characters
    for active in np.searchsorted(-steps, -np.arange(steps.max(initial=0))):
        b, c = blanks[:active], characters[:active]
        into = plus(b[:, :-1], c)
        plus(into[:, 1:], c[:, :-1], out=into[:, 1:], where=skips[:active])
        plus(b[:, 1:], c, out=b[:, 1:])
        times(b, flat[at_blank[:active]], out=b)
        times(into, flat[at_label[:active]], out=c)
        at_blank += classes
        at_label += classes
        yield blanks, characters


def best_alignments(outputs: Outputs, labels: Ids, samples: Ids) -> Alignments:
    """The likeliest alignment of each text.

    ``labels`` (M, L) and ``samples`` (M,) as for :func:`text_log_probs`. Every text must fit its
    sample, which has at least
    :func:`ocrkit.parts.codec.steps_needed` steps.
    """
    scores = np.maximum(outputs.log_probs, -1e30)  # of impossible alignments, too, one is the best
    order = np.argsort(-outputs.lengths[samples], kind="stable")
    labels, samples = labels[order], samples[order]
    steps = outputs.lengths[samples]
    skips = np.zeros(labels.shape, bool)
    skips[:, 1:] = labels[:, 1:] != labels[:, :-1]
    # By step: whether blank l + 1 follows character l; and what character l follows: 0 itself, 1
    # blank l, 2 character l − 1.
    from_character, origin = [], []
    for blanks, characters in _forward(_LOG_MAXIMA, scores, steps, labels, samples):
        from_character.append(characters > blanks[:, 1:])
        before = np.full(labels.shape, -np.inf)
        before[:, 1:] = characters[:, :-1]
        before[~skips] = -np.inf
        first = np.where(blanks[:, :-1] > characters, np.int8(1), np.int8(0))
        origin.append(np.where(before > np.maximum(characters, blanks[:, :-1]), np.int8(2), first))
    starts, ends = np.zeros((2, *labels.shape), np.int64)
    size = (labels >= 0).sum(axis=1)
    rows = np.arange(len(labels))
    # The path, followed from its end: at character `at`, or at the blank ahead of it. The last
    # pointers say how it ends.
    shown = np.zeros(len(labels), bool)
    at = size.copy()
    written = (size > 0).nonzero()[0]
    shown[written] = from_character[-1][written, size[written] - 1]
    at[shown] -= 1
    for step in range(len(origin) - 2, -1, -1):
        active = rows[: np.searchsorted(-steps, -step)]
        here, blank = active[shown[active]], active[~shown[active]]
        starts[here, at[here]] = step
        ends[here, at[here]] = np.maximum(ends[here, at[here]], step + 1)
        move = origin[step][here, at[here]]
        at[here] -= move == 2
        shown[here] = move != 1
        blank = blank[at[blank] > 0]
        blank = blank[from_character[step][blank, at[blank] - 1]]
        at[blank] -= 1
        shown[blank] = True
    unsorted = np.argsort(order)
    return Alignments(labels[unsorted], starts[unsorted], ends[unsorted])


def character_confidences(
    outputs: Outputs, labels: Ids, samples: Ids, starts: Ids, ends: Ids
) -> Float64Array:
    """How sure the network is of single characters: (M,), 0 to 1.

    M characters in reading order: their columns ``labels``, their ``samples`` in ascending order,
    their steps [starts, ends). A sample's steps are cut into one window for each character, half
    way between the spans of neighbours. The number is the probability that the window reads as the
    character and nothing else, over the probability that it reads as any one character or none, all
    alignments summed.
    """
    first, last = np.ones(len(samples), bool), np.ones(len(samples), bool)
    first[1:] = last[:-1] = samples[1:] != samples[:-1]
    cuts = (ends[:-1] + starts[1:] + 1) // 2
    begin, end = np.zeros(len(samples), np.int64), outputs.lengths[samples]
    begin[~first], end[~last] = cuts[~first[1:]], cuts[~first[1:]]
    shares, doubt = _shares(outputs, labels, samples, begin, end)
    for row in (doubt > _TOLERANCE).nonzero()[0].tolist():
        window = whole(outputs, samples[row], slice(begin[row], end[row]))
        ids, only = outputs.ids(labels[[row]], samples[[row]]), np.zeros(1, np.int64)
        shares[[row]], _ = _shares(window, ids, only, only, window.lengths)
    return shares


def _shares(
    outputs: Outputs, labels: Ids, samples: Ids, begin: Ids, end: Ids
) -> tuple[Float64Array, Float64Array]:
    """The shares of characters ``labels`` in their windows, the steps [begin, end) (M,), and by how
    much at most they are too large, relatively.

    Classes without a column are added up as one. That is exact as far as each is written in one
    step. In two steps running it must be the same class, of which the outputs say between what it
    lies, and in more, what it has at most. So the sum is computed twice, too small and too large.
    """
    order = np.argsort(begin - end, kind="stable")
    begin, sizes, of = begin[order], (end - begin)[order], samples[order]
    most = np.exp(outputs.most)[:, :, None] * (0, 1)
    # Sums of the window's paths so far, up to a factor of each window: blanks alone; one character,
    # showing; behind it, blanks.
    nothing = np.ones((len(order), 1))
    showing, behind = np.zeros((2, len(order), outputs.probs.shape[2] - 1))
    once, more, rest_behind = np.zeros((3, len(order), 2))  # at least, at most; once is exact
    for step, active in enumerate(np.searchsorted(-sizes, -np.arange(sizes.max(initial=0)))):
        at = of[:active], begin[:active] + step
        scores = outputs.probs[at]
        blank = scores[:, -1:]
        n, s, b = nothing[:active], showing[:active], behind[:active]
        rest_o, rest_m, rest_b = once[:active], more[:active], rest_behind[:active]
        for before, after in ((s, b), (rest_o + rest_m, rest_b)):
            after += before
            after *= blank
        s += n
        s *= scores[:, :-1]
        rest_m *= most[at]
        rest_m += rest_o * outputs.again[at]
        rest_o[...] = n * outputs.rest[at][:, None]
        n *= blank
        if step % 8 == 7:  # often enough for the smallest float64
            largest = np.maximum(np.maximum(s.max(axis=1), b.max(axis=1)), n[:, 0])[:, None]
            rest = np.maximum(np.maximum(rest_o, rest_m), rest_b)
            largest = np.maximum(largest, rest.max(axis=1, keepdims=True))
            for each in (n, s, b, rest_o, rest_m, rest_b):
                np.divide(each, largest, out=each, where=largest > 0)
    rows = np.arange(len(order))
    ours = showing[rows, labels[order]] + behind[rows, labels[order]]
    least, highest = (once + more + rest_behind).T
    total = nothing[:, 0] + showing.sum(axis=1) + behind.sum(axis=1) + least
    shares, doubt = np.empty((2, len(order)))
    shares[order] = np.divide(ours, total, out=np.zeros_like(ours), where=total > 0)
    doubt[order] = np.divide(highest - least, total, out=np.zeros_like(ours), where=total > 0)
    return shares, doubt
