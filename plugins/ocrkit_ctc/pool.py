"""The texts that a beam search has found, with their exact scores."""

import numpy as np
import numpy.typing as npt

from ocrkit.interfaces import Alternative, Codec
from ocrkit_ctc.alignments import text_log_probs
from ocrkit_ctc.guides import Guides
from ocrkit_ctc.outputs import Float64Array, Ids, Outputs
from ocrkit_ctc.search import Search


class Pool:
    """Texts of N samples, (N, M, L), columns padded with −1, and their scores (N, M); −inf:
    impossible, or nothing is there.

    A score is the log-probability, all alignments summed, and the guides' weights. ``kept`` (N,) is
    what the last search of each sample kept on its way, 0 to 1.
    """

    def __init__(self, outputs: Outputs, guides: Guides, best: Ids) -> None:
        self._outputs, self._guides = outputs, guides
        self.texts, self.scores = np.full((len(best), 0, 0), -1), np.zeros((len(best), 0))
        self.kept = np.ones(len(best))
        self.add(np.arange(len(best)), best[:, None])

    def search(self, rows: Ids, width: int, least: float) -> Float64Array:
        """Adds what a beam search finds for samples ``rows``: the probability of all of it
        together, (R,)."""
        found = Search(self._outputs[rows], width, least, self._guides).run()
        self.kept[rows] = found.kept
        return self.add(rows, found.texts, found.there)

    def add(
        self, rows: Ids, texts: Ids, there: npt.NDArray[np.bool_] | None = None
    ) -> Float64Array:
        """Adds the texts (R, W, L) for samples ``rows`` that are ``there``; gives their scores'
        exponentials, summed, (R,)."""
        size, width, longest = texts.shape
        labels, samples = texts.reshape(size * width, longest), np.repeat(rows, width)
        scores = text_log_probs(self._outputs, labels, samples)
        if self._guides:
            scores = scores + self._guides.weigh(self._outputs.ids(labels, samples))
        scores = scores.reshape(size, width)
        if there is not None:
            scores[~there] = -np.inf
        before, most = self.texts.shape[1:]
        all_texts = np.full((len(self.texts), before + width, max(most, longest)), -1)
        all_texts[:, :before, :most], all_texts[rows, before:, :longest] = self.texts, texts
        all_scores = np.full(all_texts.shape[:2], -np.inf)
        all_scores[:, :before], all_scores[rows, before:] = self.scores, scores
        self.texts, self.scores = all_texts, all_scores
        together: Float64Array = np.exp(scores).sum(axis=1)
        return together

    def ranked(self, most: int | None, codec: Codec) -> tuple[Ids, list[tuple[Alternative, ...]]]:
        """The best text of each sample (N, L), and the best ``most`` of each, best first: all of
        them where it is None. The same text is not given twice."""
        order = np.argsort(-self.scores, axis=1, kind="stable")
        texts = np.take_along_axis(self.texts, order[:, :, None], axis=1)
        scores = np.take_along_axis(self.scores, order, axis=1)
        ids = self._outputs.ids(texts, np.arange(len(texts)))
        most = scores.shape[1] if most is None else most
        return texts[:, 0], [
            _alternatives(*each, most, codec) for each in zip(ids, scores, strict=True)
        ]


def _alternatives(
    texts: Ids, scores: Float64Array, most: int, codec: Codec
) -> tuple[Alternative, ...]:
    """The best of a sample's texts, class ids (M, L), which are in order."""
    found: dict[str, float] = {}
    for ids, score in zip(texts, scores.tolist(), strict=True):
        if len(found) == most or (found and score == -np.inf):
            break
        found.setdefault(codec.decode(ids[ids >= 0].tolist()), score)
    return tuple(Alternative(text, score) for text, score in found.items())


def share(texts: tuple[Alternative, ...], temperature: float) -> float:
    """The first text's share of the probability of all of these, by their scores at a
    temperature."""
    scores = np.array([each.score for each in texts]) / temperature
    return float(1 / np.exp(scores - scores[0]).sum()) if scores[0] > -np.inf else 0.0
