"""Best path decoding."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocrkit.alphabet import Alphabet
from ocrkit.errors import OcrkitError
from ocrkit.interfaces import Decoded, FloatArray, IntArray, Span

# log_softmax in float16 or float32 may end a little above 0, which log-probabilities never are; logits end far above it.
_ROUNDING = 0.01


@dataclass(frozen=True)
class Greedy:
    """Best path decoding: the likeliest class of every step, runs of one class merged, blanks removed.

    Source: Graves et al., "Connectionist Temporal Classification", ICML 2006, section 3.2. Of equally likely classes
    the one with the lowest id is taken. No step reads anything of another, nor of another sample in the batch.

    A character's span is the half-open range of steps of its run. The confidence is the probability of the best path, the
    product of its steps' probabilities. The network's probability of the text sums over all paths that spell it, so the
    confidence is a lower bound of it. It is a statement about the whole text, right or wrong, and therefore falls with
    the text's length as the chance of reading every character right does. No steps: the text is empty, the confidence 1.
    """

    def __call__(self, log_probs: FloatArray, lengths: IntArray, alphabet: Alphabet, /) -> list[Decoded]:
        """Texts out of log-probabilities (N, T, K), of which the first ``lengths[n]`` steps count; K is ``alphabet.classes``.

        Raises OcrkitError for other shapes and types, and for NaN or numbers above 0 in the steps that count.
        """
        _check_shapes(log_probs, lengths, alphabet)
        steps = np.arange(log_probs.shape[1])
        counts = steps < lengths[:, None]
        path = log_probs.argmax(axis=2)
        best = np.take_along_axis(log_probs, path[:, :, None], axis=2)[:, :, 0]
        scores = np.where(counts, best, 0.0).astype(np.float64)
        _check_scores(scores)  # argmax takes NaN for the largest number, so a NaN anywhere in a step is seen here

        changes = path[:, 1:] != path[:, :-1]
        starts = counts.copy()
        starts[:, 1:] &= changes
        ends = counts.copy()
        ends[:, :-1] &= changes | ~counts[:, 1:]
        samples, first = starts.nonzero()
        last = ends.nonzero()[1]
        classes = path[samples, first]
        shown = classes != alphabet.blank
        samples, first, last, classes = samples[shown], first[shown], last[shown], classes[shown]

        texts = np.searchsorted(samples, np.arange(len(log_probs) + 1)).tolist()
        confidences = np.exp(np.minimum(scores, 0.0).sum(axis=1)).tolist()
        spans = [Span(start, end) for start, end in zip(first.tolist(), (last + 1).tolist(), strict=True)]
        ids = classes.tolist()
        return [
            Decoded(alphabet.decode(ids[start:end]), confidence, tuple(spans[start:end]))
            for start, end, confidence in zip(texts[:-1], texts[1:], confidences, strict=True)
        ]


def _check_shapes(log_probs: FloatArray, lengths: IntArray, alphabet: Alphabet) -> None:
    if log_probs.ndim != 3 or not np.issubdtype(log_probs.dtype, np.floating):
        raise OcrkitError(
            f"ctc-greedy: log-probabilities are {log_probs.dtype} {log_probs.shape}; expected float32 (samples, steps, classes)"
        )
    size, steps, classes = log_probs.shape
    if classes != alphabet.classes:
        raise OcrkitError(
            f"ctc-greedy: the network gives {classes} classes; expected {alphabet.classes}, "
            f"the alphabet's {len(alphabet)} characters and the blank; use the alphabet that the weights were trained with"
        )
    if lengths.shape != (size,) or not np.issubdtype(lengths.dtype, np.integer):
        raise OcrkitError(f"ctc-greedy: lengths are {lengths.dtype} {lengths.shape}; expected int32 ({size},), one a sample")
    if size and not 0 <= lengths.min() <= lengths.max() <= steps:
        raise OcrkitError(
            f"ctc-greedy: lengths from {lengths.min()} to {lengths.max()}; expected 0 to {steps}, the steps given"
        )


def _check_scores(scores: npt.NDArray[np.float64]) -> None:
    wrong = np.argwhere(~(scores <= _ROUNDING))
    if len(wrong):
        sample, step = wrong[0]
        raise OcrkitError(
            f"ctc-greedy: {scores[sample, step]:g} in sample {sample}, step {step}; expected log-probabilities, "
            "which are at most 0; the network's output is broken or lacks its log_softmax"
        )
