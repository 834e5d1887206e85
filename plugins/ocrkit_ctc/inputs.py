"""What both decoders refuse, and what they do before they begin."""

from collections.abc import Iterator

import numpy as np

from ocrkit.errors import OcrkitError
from ocrkit.interfaces import FloatArray, IntArray
from ocrkit.parts.codec import Alphabet
from ocrkit_ctc.alignments import Outputs

# log_softmax in float16 or float32 may end a little above 0, which log-probabilities never are;
# logits end far above it.
_ROUNDING = 0.01
_TOGETHER = 1 << 22
"""Numbers that are worked on together, but always one sample's: with an alphabet of thousands a
batch has so many that its copies in float64 would take gigabytes."""


def checked(
    decoder: str, log_probs: FloatArray, lengths: IntArray, alphabet: Alphabet
) -> Iterator[Outputs]:
    """The outputs, some samples at a time, in order, with zeros for log-probabilities in the steps
    that do not count.

    Raises OcrkitError for other shapes and types, and for NaN or numbers above 0 in the steps that
    count.
    """
    if log_probs.ndim != 3 or not np.issubdtype(log_probs.dtype, np.floating):
        raise OcrkitError(
            f"{decoder}: log-probabilities are {log_probs.dtype} {log_probs.shape}; expected "
            "float32 (samples, steps, classes)"
        )
    size, steps, classes = log_probs.shape
    if classes != alphabet.classes:
        raise OcrkitError(
            f"{decoder}: the network gives {classes} classes; expected {alphabet.classes}, "
            f"the alphabet's {len(alphabet)} characters and the blank; use the alphabet that the "
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
    counts = np.arange(steps) < lengths[:, None]
    if not counts.all():
        log_probs = np.where(counts[:, :, None], log_probs, log_probs.dtype.type(0))
    largest = log_probs.max(axis=2)  # NaN where there is one
    wrong = np.argwhere(~(largest <= _ROUNDING))
    if len(wrong):
        sample, step = wrong[0]
        raise OcrkitError(
            f"{decoder}: {largest[sample, step]:g} in sample {sample}, step {step}; expected "
            "log-probabilities, "
            "which are at most 0; the network's output is broken or lacks its log_softmax"
        )
    count = max(1, _TOGETHER // max(1, steps * classes))
    for first in range(0, size, count):
        piece = slice(first, first + count)
        yield Outputs.of(log_probs[piece], lengths[piece].astype(np.int64))


def tempered(outputs: Outputs, temperature: float | None) -> Outputs:
    """Log-probabilities divided by the temperature, normalised again in every step; None and 1
    leave them as they are.

    Source: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    """
    if temperature is None or temperature == 1:
        return outputs
    scores = outputs.log_probs / temperature
    scores -= np.maximum(scores.max(axis=2, keepdims=True), -1e30)
    total = np.exp(scores).sum(axis=2, keepdims=True)
    scores -= np.log(total, out=np.zeros_like(total), where=total > 0)
    return Outputs.of(scores, outputs.lengths)
