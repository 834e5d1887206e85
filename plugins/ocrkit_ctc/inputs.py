"""What both decoders refuse, and what they do before they begin."""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ocrkit.errors import OcrkitError
from ocrkit.interfaces import Codec, FloatArray, IntArray
from ocrkit_ctc.outputs import Float64Array, Ids, Outputs

# log_softmax in float16 or float32 may end a little above 0, which log-probabilities never are;
# logits end far above it.
_ROUNDING = 0.01
_FEW = 256
"""Classes that all get columns: of so few it is not worth while to look for those that matter."""
_MATTERS = 1e-3
"""Characters that are as probable in any step of a sample get a column."""
_MARGIN = 1e-3
"""Nats by which a character may miss that, since float32 rounds."""
_NOTHING = 1e-6
"""A rest below it is what float32 has lost in adding up to 1."""
_TOGETHER = 1 << 22
"""Numbers that are worked on together, but always one sample's: where thousands of classes matter,
a batch would take gigabytes."""
_PADDING = 1 << 14
"""Columns of no class that samples worked on together may have: more of them take longer than to
work on the samples apart."""
_FAR = 30
"""Nats below 0 down to which float32 still has products of two exponentials, well apart from 0."""
_ROWS = 8
"""Steps that are worked on together where all classes are: they stay in the processor's cache."""


def checked(
    decoder: str,
    log_probs: FloatArray,
    lengths: IntArray,
    codec: Codec,
    least: float | None = None,
) -> Iterator[Outputs]:
    """The outputs, some samples at a time: which, their ``rows`` say.

    There are columns for the likeliest class of every step and for all characters that matter. With
    ``least``, also for the likeliest character of every step and for all that are as probable.

    Raises OcrkitError for other shapes and types, and for NaN or numbers above 0 in the steps that
    count.
    """
    _check_shapes(decoder, log_probs, lengths, codec)
    counts = np.arange(log_probs.shape[1]) < lengths[:, None]
    largest = log_probs.max(axis=2)  # NaN where there is one
    if len(broken := np.argwhere(counts & ~(largest <= _ROUNDING))):
        sample, step = broken[0]
        raise OcrkitError(
            f"{decoder}: {largest[sample, step]:g} in sample {sample}, step {step}; expected "
            "log-probabilities, which are at most 0; the network's output is broken or lacks "
            "its log_softmax"
        )
    if codec.classes <= _FEW:
        together = max(1, _TOGETHER // max(1, counts.shape[1] * codec.classes))
        for first in range(0, len(lengths), together):
            piece = np.arange(first, min(first + together, len(lengths)))
            scores = np.where(counts[piece, :, None], log_probs[piece], 0.0)
            exact = Outputs.of(scores, lengths[piece].astype(np.int64))
            yield replace(exact, source=log_probs, rows=piece)
        return
    bounds = np.full(log_probs.shape[:2], -np.inf)
    columns: list[Ids] = []
    for sample, length in enumerate(lengths.tolist()):
        ids, bounds[sample, :length] = _columns(log_probs[sample, :length], least)
        columns.append(ids)
    for piece in _pieces(columns, log_probs.shape[1]):
        yield _in_columns(log_probs, lengths, columns, bounds, piece)


def _columns(scores: FloatArray, least: float | None) -> tuple[Ids, Float64Array]:
    """The characters that matter in the steps of one sample (T, K), and a log-probability that no
    other one exceeds (T,)."""
    wanted = _MATTERS if least is None else max(min(least, _MATTERS), sys.float_info.min)
    bounds = np.full(len(scores), math.log(wanted) - _MARGIN)
    highest = scores[:, :-1].max(axis=0, initial=-np.inf)
    matters = highest >= math.log(wanted) - _MARGIN
    shown = scores[:, :-1][:, matters].max(axis=1, initial=-np.inf)
    if least is None:
        shown = np.maximum(shown, scores[:, -1])
    unsure = (shown < bounds).nonzero()[0]  # steps whose likeliest class is not yet there
    if len(unsure):
        characters = scores[unsure, :-1]
        likeliest = characters.max(axis=1)
        if least is None:
            likeliest = np.maximum(likeliest, scores[unsure, -1])
        matters |= (characters >= likeliest[:, None]).any(axis=0)
        bounds[unsure] = likeliest
    return matters.nonzero()[0], bounds


def _check_shapes(decoder: str, log_probs: FloatArray, lengths: IntArray, codec: Codec) -> None:
    if log_probs.ndim != 3 or not np.issubdtype(log_probs.dtype, np.floating):
        raise OcrkitError(
            f"{decoder}: log-probabilities are {log_probs.dtype} {log_probs.shape}; expected "
            "float32 (samples, steps, classes)"
        )
    size, steps, classes = log_probs.shape
    if classes != codec.classes:
        raise OcrkitError(
            f"{decoder}: the network gives {classes} classes; expected {codec.classes}, "
            f"the alphabet's {codec.blank} characters and the blank; use the alphabet that the "
            "weights were trained with"
        )
    if lengths.shape != (size,) or not np.issubdtype(lengths.dtype, np.integer):
        raise OcrkitError(
            f"{decoder}: lengths are {lengths.dtype} {lengths.shape}; expected int32 ({size},), "
            "one a sample"
        )
    if size and not 0 <= lengths.min() <= lengths.max() <= steps:
        raise OcrkitError(
            f"{decoder}: lengths from {lengths.min()} to {lengths.max()}; expected 0 to {steps}, "
            "the steps given"
        )


def _pieces(columns: Sequence[Ids], steps: int) -> Iterator[Ids]:
    """Samples that are worked on together, of like numbers of columns; ``columns`` are those of
    each."""
    widths = np.array([len(each) + 1 for each in columns], np.int64)
    order = np.argsort(widths, kind="stable")
    first = 0
    for last, widest in enumerate(widths[order].tolist()):
        size = last + 1 - first
        padding = size * widest - int(widths[order[first : last + 1]].sum())
        if size > 1 and (size * steps * widest > _TOGETHER or padding > _PADDING):
            yield order[first:last]
            first = last
    if columns:
        yield order[first:]


def _in_columns(
    log_probs: FloatArray,
    lengths: IntArray,
    columns: Sequence[Ids],
    bounds: Float64Array,
    piece: Ids,
) -> Outputs:
    """The outputs of some samples; other classes than a sample's columns are below its bounds."""
    steps, blank = log_probs.shape[1], log_probs.shape[2] - 1
    widest = max(1, *(len(columns[sample]) for sample in piece))
    scores = np.full((len(piece), steps, widest + 1), -np.inf)
    probs = np.zeros_like(scores)
    classes = np.full((len(piece), widest + 1), -1)
    classes[:, -1] = blank
    for row, sample in enumerate(piece):
        ids, length = columns[sample], lengths[sample]
        classes[row, : len(ids)] = ids
        scores[row, :length, : len(ids)] = log_probs[sample][:length, ids]
        scores[row, :length, -1] = log_probs[sample, :length, -1]
        scores[row, length:] = 0
        probs[row, :, : len(ids)] = np.exp(scores[row, :, : len(ids)])
    probs[:, :, -1] = np.exp(scores[:, :, -1])
    rest = 1 - probs.sum(axis=2)
    rest[rest < _NOTHING] = 0
    rest[[len(columns[sample]) == blank for sample in piece]] = 0
    most = bounds[piece]
    again = np.stack([np.zeros_like(most), np.exp(most)], axis=2)
    counts = lengths[piece].astype(np.int64)
    return Outputs(scores, probs, counts, classes, rest, again, most, log_probs, piece)


def whole(outputs: Outputs, sample: int, steps: slice = slice(None)) -> Outputs:
    """One sample's outputs, those of its steps that count, with a column for every class."""
    scores = outputs.source[outputs.rows[sample], : outputs.lengths[sample]][steps]
    exact = Outputs.of(scores[None], np.array([len(scores)]))
    return tempered(exact, outputs.temperature)


def tempered(outputs: Outputs, temperature: float | None) -> Outputs:
    """Log-probabilities divided by the temperature, normalised again in every step; None and 1
    leave them as they are.

    Source: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    """
    if temperature is None or temperature == 1:
        return outputs
    scores = outputs.log_probs / temperature
    largest = np.maximum(scores.max(axis=2, keepdims=True), -1e30)
    scores -= largest
    rest, pairs = _rest(outputs, temperature, largest[:, :, 0])
    total = np.exp(scores).sum(axis=2, keepdims=True) + rest[:, :, None]
    norm = np.log(total, out=np.zeros_like(total), where=total > 0)
    scores -= norm
    again = np.zeros_like(rest)
    np.divide(pairs[:, 1:], rest[:, :-1], out=again[:, 1:], where=rest[:, :-1] > 0)
    again /= np.exp(norm[:, :, 0])
    return replace(
        outputs,
        log_probs=scores,
        probs=np.exp(scores),
        rest=rest / np.exp(norm[:, :, 0]),
        again=np.stack([again, again], axis=2),
        most=outputs.most / temperature - largest[:, :, 0] - norm[:, :, 0],
        temperature=temperature,
    )


def _rest(
    outputs: Outputs, temperature: float, less: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """The exponentials of the classes without a column, at a temperature and ``less`` so many nats
    (N, T): added up in every step, and multiplied by those of the step before and added up,
    (N, T) each."""
    shift = np.where(less < -_FAR, less, 0.0)  # most steps need none; it takes a sixth of the time
    sums, pairs = np.zeros((2, *less.shape))
    scores = np.empty((_ROWS + 1, outputs.source.shape[2]), np.float32)  # the step before is first
    for sample, row in enumerate(outputs.rows.tolist()):
        ids = outputs.classes[sample]
        ids = ids[ids >= 0]
        if len(ids) == outputs.source.shape[2]:
            continue
        length = int(outputs.lengths[sample])
        scores[0] = 0
        for first in range(0, length, _ROWS):
            steps = slice(first, min(first + _ROWS, length))
            before, now = scores[: steps.stop - first], scores[1 : 1 + steps.stop - first]
            with np.errstate(over="ignore"):  # to -inf
                np.multiply(outputs.source[row, steps], np.float32(1 / temperature), out=now)
            if shift[sample, steps].any():
                now -= shift[sample, steps, None].astype(np.float32)
            np.exp(now, out=now)
            now[:, ids] = 0
            sums[sample, steps] = now.sum(axis=1)
            products = now[:, None] @ before[:, :, None]  # faster than einsum
            pairs[sample, steps] = products[:, 0, 0]
            scores[0] = now[-1]
    scale = np.exp(shift - less)
    sums *= scale
    pairs[:, 1:] *= scale[:, 1:] * scale[:, :-1]
    return sums, pairs
