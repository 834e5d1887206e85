"""Best path decoding."""

from dataclasses import dataclass

from ocrkit.interfaces import Codec, Decoded, FloatArray, IntArray, option
from ocrkit_ctc.beam import Beam
from ocrkit_ctc.best_path import best_path
from ocrkit_ctc.inputs import checked
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

    def listing(self, count: int, /) -> Beam:
        """The texts of a beam search, whose best is mostly, not always, that of the best path."""
        return Beam(n_best=count, temperature=self.temperature)
