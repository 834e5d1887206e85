"""Best path decoding."""

from dataclasses import dataclass

import numpy as np

from ocrkit.interfaces import Codec, Decoded, FloatArray, IntArray, option
from ocrkit_ctc.alignments import Alignments
from ocrkit_ctc.inputs import checked
from ocrkit_ctc.outputs import Outputs
from ocrkit_ctc.results import TEMPERATURE, readings


@dataclass(frozen=True)
class Greedy:
    """Best path decoding: the likeliest class of every step, runs of one class merged, blanks
    removed.

    Source: Graves et al., "Connectionist Temporal Classification", ICML 2006, section 3.2. Of
    equally likely classes the one with the lowest id is taken. No step reads anything of another,
    nor of another sample in the batch.

    A character's span is the half-open range of steps of its run. Confidences are those of
    :func:`ocrkit_ctc.results.readings`.
    """

    temperature: float | None = option(None, TEMPERATURE, minimum=0.01, maximum=100)

    def __call__(self, log_probs: FloatArray, lengths: IntArray, codec: Codec, /) -> list[Decoded]:
        """Texts out of log-probabilities (N, T, K), of which the first ``lengths[n]`` steps count;
        K is ``codec.classes``.

        Raises OcrkitError for other shapes and types, and for NaN or numbers above 0 in the steps
        that count.
        """
        found: dict[int, Decoded] = {}
        for outputs in checked("ctc-greedy", log_probs, lengths, codec):
            decoded = readings(outputs, best_path(outputs), codec, self.temperature)
            found.update(zip(outputs.rows.tolist(), decoded, strict=True))
        return [found[row] for row in range(len(found))]


def best_path(outputs: Outputs) -> Alignments:
    """The likeliest path of each sample: of equally likely classes the first, of every class the
    steps of its run."""
    size, steps, classes = outputs.log_probs.shape
    path = outputs.log_probs.argmax(axis=2)
    counts = np.arange(steps) < outputs.lengths[:, None]
    changes = path[:, 1:] != path[:, :-1]
    starts, ends = np.repeat([counts & (path != classes - 1)], 2, axis=0)
    starts[:, 1:] &= changes
    ends[:, :-1] &= changes | ~counts[:, 1:]
    number = np.cumsum(starts, axis=1)
    labels, first, last = np.full((3, size, int(number.max(initial=0))), -1)
    rows, begin = starts.nonzero()
    place = number[rows, begin] - 1
    labels[rows, place], first[rows, place], last[rows, place] = (
        path[rows, begin],
        begin,
        ends.nonzero()[1] + 1,
    )
    return Alignments(labels, first, last)
