"""Prefix beam search."""

import logging
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from ocrkit.errors import ConfigError
from ocrkit.interfaces import Codec, Decoded, FloatArray, IntArray, option
from ocrkit_ctc.alignments import Alignments, best_alignments
from ocrkit_ctc.best_path import best_path
from ocrkit_ctc.guides import Guide, Guides, ModelGuide, open_lexicon, open_model
from ocrkit_ctc.inputs import checked, whole
from ocrkit_ctc.outputs import Ids, Outputs
from ocrkit_ctc.pool import Pool, share
from ocrkit_ctc.results import TEMPERATURE, readings

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Beam:
    """Prefix beam search: prefixes of texts are kept at every step, with the probabilities of their
    alignments summed.

    Source: Graves and Jaitly, "Towards End-To-End Speech Recognition with Recurrent Neural
    Networks", ICML 2014, section 3; with a language model and a length bonus as Hannun et al.,
    "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs",
    arXiv:1408.2873.

    With a language model the confidence of a text is its share of the scores' exponentials of all
    texts that the search ended with, the probability by network and language model together, times
    what the search kept on its way: at every step the share of the prefixes in the beam among all
    that were there. Else it is the network's probability alone.
    """

    beam_width: int = option(10, "prefixes that are kept at every step", minimum=1, maximum=10_000)
    min_probability: float = option(
        1e-4,
        "a step's characters of a lower probability are not considered, but always its likeliest",
        minimum=0,
        maximum=1,
    )
    n_best: int = option(1, "texts that are given with their scores, at most", minimum=1)
    language_model: str | None = option(
        None, "file or name of a character language model", file="language_model"
    )
    lm_weight: float = option(
        0.8, "factor on the language model's log-probability", minimum=0, maximum=100
    )
    length_bonus: float = option(
        3.0,
        "nats that every character adds to a text's score where there is a language model",
        minimum=-100,
        maximum=100,
    )
    lexicon: Path | None = option(
        None, "file of words, white space between: nothing else is read but them and punctuation"
    )
    temperature: float | None = option(None, TEMPERATURE, minimum=0.01, maximum=100)

    def __post_init__(self) -> None:
        if self.language_model is None:
            for each in fields(self):
                if (
                    each.name in ("lm_weight", "length_bonus")
                    and getattr(self, each.name) != each.default
                ):
                    raise ConfigError(
                        [f"{each.name} weighs a language model, and language_model names none"]
                    )

    def check(self, codec: Codec) -> None:
        """Opens the language model and the lexicon. Raises OcrkitError where they cannot be used
        with the alphabet.

        A language model that has one probability for all unknown characters, as KenLM's have, can
        be used, but is warned of.
        """
        self._guides(codec)
        if self.language_model is not None and (
            missing := open_model(self.language_model).missing(codec.characters)
        ):
            _log.warning(
                "ocrkit: language model %s lacks %d of the alphabet's %d characters, which it "
                "takes for its <unk>: %s",
                self.language_model, len(missing), codec.blank, missing,
            )  # fmt: skip

    def listing(self, count: int, /) -> "Beam":
        return replace(self, n_best=count)

    def _guides(self, codec: Codec) -> Guides:
        guides: list[Guide] = []
        if self.language_model is not None:
            guides.append(ModelGuide(open_model(self.language_model), self.lm_weight, codec))
        if self.lexicon is not None:
            guides.append(open_lexicon(self.lexicon, codec))
        return Guides(guides, 0.0 if self.language_model is None else self.length_bonus)

    def __call__(self, log_probs: FloatArray, lengths: IntArray, codec: Codec, /) -> list[Decoded]:
        """Texts out of log-probabilities (N, T, K), of which the first ``lengths[n]`` steps count;
        K is ``codec.classes``.

        Raises OcrkitError for other shapes and types, and for NaN or numbers above 0 in the steps
        that count.
        """
        found: dict[int, Decoded] = {}
        for outputs in checked("ctc-beam", log_probs, lengths, codec, self.min_probability):
            decoded = self._decode(outputs, codec)
            found.update(zip(outputs.rows.tolist(), decoded, strict=True))
        return [found[row] for row in range(len(found))]

    def _decode(self, outputs: Outputs, codec: Codec) -> list[Decoded]:
        # So that the samples that still have steps are always the first.
        order = np.argsort(-outputs.lengths, kind="stable")
        outputs, guides = outputs[order], self._guides(codec)
        path = best_path(outputs)
        pool = Pool(outputs, guides, path.labels)
        if guides:
            pool.search(np.arange(len(order)), self.beam_width, self.min_probability)
        else:
            self._search_until_sure(pool)
        found = self._found(outputs, pool, path, codec)
        for row in (pool.scores.max(axis=1) == -np.inf).nonzero()[0].tolist() if guides else []:
            found[row] = self._retry(whole(outputs, row), guides, codec)
        return [found[row] for row in np.argsort(order)]

    def _search_until_sure(self, pool: Pool) -> None:
        """Searches where a likelier text than the best path's may be.

        The probabilities of all texts add up to 1. So where the best path's text has more than
        half, no other is likelier. A wide beam may lose what a narrow one finds. So it is narrowed,
        and again, for samples of which it has left out so much that a likelier text may be there.
        """
        unsure = pool.scores[:, 0] <= np.log(0.5)
        rows = (unsure | (self.n_best > 1)).nonzero()[0]
        width = self.beam_width
        while len(rows) and width:
            covered = pool.search(rows, width, self.min_probability)
            rows = rows[np.exp(pool.scores[rows].max(axis=1)) < 1 - covered]
            width //= 10

    def _retry(self, outputs: Outputs, guides: Guides, codec: Codec) -> Decoded:
        """The text of one sample whose search has ended in the middle of words of the lexicon."""
        path = best_path(outputs)
        pool, only = Pool(outputs, guides, path.labels), np.zeros(1, np.int64)
        pool.search(only, 10 * self.beam_width, 0.0)
        if pool.scores.max() == -np.inf:
            pool.add(only, np.full((1, 1, 0), -1))
        [found] = self._found(outputs, pool, path, codec)
        return found

    def _found(self, outputs: Outputs, pool: Pool, path: Alignments, codec: Codec) -> list[Decoded]:
        """The result for each sample."""
        best, considered = pool.ranked(self.n_best if self.language_model is None else None, codec)
        alternatives = [each[: self.n_best] for each in considered]
        texts = _aligned(outputs, best, path)
        found = readings(outputs, texts, codec, self.temperature, alternatives)
        if self.language_model is None:
            return found
        shares = pool.kept * [share(each, self.temperature or 1.0) for each in considered]
        return [
            replace(one, confidence=confidence)
            for one, confidence in zip(found, shares.tolist(), strict=True)
        ]


def _aligned(outputs: Outputs, labels: Ids, path: Alignments) -> Alignments:
    """The best alignments of texts (N, L). Where the best path spells the text, it is this."""
    starts, ends, known = np.full((3, *labels.shape), -1)
    for wide, narrow in zip((known, starts, ends), path, strict=True):
        wide[:, : narrow.shape[1]] = narrow
    others = (known != labels).any(axis=1).nonzero()[0]
    _, starts[others], ends[others] = best_alignments(outputs, labels[others], others)
    return Alignments(labels, starts, ends)
