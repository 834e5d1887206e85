"""What decoders say of the texts that they have found."""

from collections.abc import Sequence

import numpy as np

from ocrkit.interfaces import Alternative, Codec, Decoded, Span
from ocrkit_ctc.alignments import Alignments, character_confidences, text_log_probs
from ocrkit_ctc.inputs import tempered
from ocrkit_ctc.outputs import Outputs

TEMPERATURE = (
    "log-probabilities are divided by it for the confidences; none: the one fitted with "
    "the weights, else 1"
)


def readings(
    outputs: Outputs,
    texts: Alignments,
    codec: Codec,
    temperature: float | None,
    alternatives: Sequence[tuple[Alternative, ...]] = (),
) -> list[Decoded]:
    """The results for one text of each sample.

    The confidence is the probability of the text: the sum over all alignments. What it is for
    single characters is said at
    :func:`ocrkit_ctc.alignments.character_confidences`. Both are computed at the temperature.
    """
    outputs = tempered(outputs, temperature)
    labels, starts, ends = texts
    rows = np.arange(len(labels))
    confidences = np.exp(text_log_probs(outputs, labels, rows)).tolist()
    samples, places = (labels >= 0).nonzero()
    ids, start, end = (each[samples, places] for each in (labels, starts, ends))
    characters = character_confidences(outputs, ids, samples, start, end).tolist()
    bounds = np.searchsorted(samples, np.arange(len(labels) + 1)).tolist()
    spans = [Span(*each) for each in zip(start.tolist(), end.tolist(), strict=True)]
    written = outputs.ids(ids, samples).tolist()
    return [
        Decoded(
            codec.decode(written[first:last]),
            confidence,
            tuple(spans[first:last]),
            tuple(characters[first:last]),
            alternatives[row] if alternatives else (),
        )
        for row, (first, last, confidence) in enumerate(
            zip(bounds[:-1], bounds[1:], confidences, strict=True)
        )
    ]
