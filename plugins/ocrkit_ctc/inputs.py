"""What both decoders refuse, and what they do before they begin."""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

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
_ROWS = 16
"""Steps that are worked on together where all classes are: they stay in the processor's cache."""


def checked(
    decoder: str,
    log_probs: FloatArray,
    lengths: IntArray,
    codec: Codec,
    least: float | None = None,
) -> Iterator[Outputs]:
    """The outputs, some samples at a time, in order.

    There are columns for the likeliest class of every step and for all characters that matter. With
    ``least``, also for the likeliest character of every step and for all that are as probable.

    Raises OcrkitError for other shapes and types, and for NaN or numbers above 0 in the steps that
    count.
    """
    _check_shapes(decoder, log_probs, lengths, codec)
    bounds = np.full(log_probs.shape[:2], -np.inf)
    columns: list[Ids] = []
    for sample, length in enumerate(lengths.tolist()):
        scores = log_probs[sample, :length]
        highest = scores.max(axis=0, initial=-np.inf)  # NaN where there is one
        if not (highest <= _ROUNDING).all():
            largest = scores.max(axis=1)
            step = int((~(largest <= _ROUNDING)).argmax())
            raise OcrkitError(
                f"{decoder}: {largest[step]:g} in sample {sample}, step {step}; expected "
                "log-probabilities, which are at most 0; the network's output is broken or lacks "
                "its log_softmax"
            )
        if codec.classes <= _FEW:
            columns.append(np.arange(codec.blank))
        else:
            ids, bounds[sample, :length] = _columns(scores, highest, least)
            columns.append(ids)
    for piece in _pieces(columns, log_probs.shape[1]):
        yield _in_columns(log_probs, lengths, columns, bounds, piece)


def _columns(
    scores: FloatArray, highest: FloatArray, least: float | None
) -> tuple[Ids, Float64Array]:
    """The characters that matter in the steps of one sample (T, K), and a log-probability that no
    other one exceeds (T,); ``highest`` is the highest of every class (K,)."""
    wanted = _MATTERS if least is None else max(min(least, _MATTERS), sys.float_info.min)
    bounds = np.full(len(scores), math.log(wanted) - _MARGIN)
    matters = highest[:-1] >= math.log(wanted) - _MARGIN
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


def _pieces(columns: Sequence[Ids], steps: int) -> Iterator[range]:
    """Samples that are worked on together; ``columns`` are those of each."""
    first, widest = 0, 0
    for sample, each in enumerate(columns):
        widest = max(widest, len(each) + 1)
        if sample > first and (sample + 1 - first) * steps * widest > _TOGETHER:
            yield range(first, sample)
            first, widest = sample, len(each) + 1
    if columns:
        yield range(first, len(columns))


def _in_columns(
    log_probs: FloatArray,
    lengths: IntArray,
    columns: Sequence[Ids],
    bounds: Float64Array,
    piece: range,
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
    return Outputs(
        scores,
        probs,
        lengths[piece.start : piece.stop].astype(np.int64),
        classes,
        rest,
        bounds[piece.start : piece.stop],
        log_probs,
        np.array(piece),
    )


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
    rest = _rest(outputs, temperature, largest[:, :, 0])
    total = np.exp(scores).sum(axis=2, keepdims=True) + rest[:, :, None]
    norm = np.log(total, out=np.zeros_like(total), where=total > 0)
    scores -= norm
    return replace(
        outputs,
        log_probs=scores,
        probs=np.exp(scores),
        rest=rest / np.exp(norm[:, :, 0]),
        most=outputs.most / temperature - largest[:, :, 0] - norm[:, :, 0],
        temperature=temperature,
    )


def _rest(outputs: Outputs, temperature: float, less: Float64Array) -> Float64Array:
    """The exponentials of the classes without a column, at a temperature and ``less`` so many nats
    (N, T), added up in every step (N, T)."""
    result = np.zeros(less.shape)
    for sample, row in enumerate(outputs.rows.tolist()):
        ids = outputs.classes[sample]
        ids = ids[ids >= 0]
        if len(ids) == outputs.source.shape[2]:
            continue
        for first in range(0, int(outputs.lengths[sample]), _ROWS):
            steps = slice(first, min(first + _ROWS, int(outputs.lengths[sample])))
            scores: npt.NDArray[Any] = outputs.source[row, steps] / np.float32(temperature)
            scores -= less[sample, steps, None].astype(scores.dtype)
            np.exp(scores, out=scores)
            scores[:, ids] = 0
            result[sample, steps] = scores.sum(axis=1)
    return result
