"""Prefix beam search."""

import logging
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ocrkit.errors import ConfigError
from ocrkit.interfaces import Alternative, Decoded, FloatArray, IntArray, option
from ocrkit.parts.codec import Alphabet
from ocrkit_ctc.alignments import (
    Alignments,
    Float64Array,
    Ids,
    Outputs,
    best_alignments,
    text_log_probs,
)
from ocrkit_ctc.greedy import best_path
from ocrkit_ctc.guides import Guide, Guides, ModelGuide, open_lexicon, open_model
from ocrkit_ctc.inputs import checked
from ocrkit_ctc.results import TEMPERATURE, readings

_log = logging.getLogger(__name__)

_ROOT, _DEAD, _NOBODY = 2, 0, 1
"""Fingerprints: of the empty prefix, of a place in the beam that holds none, and of what is before
the empty prefix."""


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

    def check(self, alphabet: Alphabet) -> None:
        """Opens the language model and the lexicon. Raises OcrkitError where they cannot be used
        with the alphabet.

        A language model that has one probability for all unknown characters, as KenLM's have, can
        be used, but is warned of.
        """
        self._guides(alphabet)
        if self.language_model is not None and (
            missing := open_model(self.language_model).missing(alphabet.characters)
        ):
            _log.warning(
                "ocrkit: language model %s lacks %d of the alphabet's %d characters, which it "
                "takes for its <unk>: %s",
                self.language_model, len(missing), len(alphabet), missing,
            )  # fmt: skip

    def _guides(self, alphabet: Alphabet) -> Guides:
        guides: list[Guide] = []
        if self.language_model is not None:
            guides.append(ModelGuide(open_model(self.language_model), self.lm_weight, alphabet))
        if self.lexicon is not None:
            guides.append(open_lexicon(self.lexicon, alphabet))
        return Guides(guides, 0.0 if self.language_model is None else self.length_bonus)

    def __call__(
        self, log_probs: FloatArray, lengths: IntArray, alphabet: Alphabet, /
    ) -> list[Decoded]:
        """Texts out of log-probabilities (N, T, K), of which the first ``lengths[n]`` steps count;
        K is ``alphabet.classes``.

        Raises OcrkitError for other shapes and types, and for NaN or numbers above 0 in the steps
        that count.
        """
        return [
            decoded
            for outputs in checked("ctc-beam", log_probs, lengths, alphabet)
            for decoded in self._decode(outputs, alphabet)
        ]

    def _decode(self, outputs: Outputs, alphabet: Alphabet) -> list[Decoded]:
        order = np.argsort(
            -outputs.lengths, kind="stable"
        )  # so that the samples that still have steps are always the first
        outputs = outputs[order]
        path = best_path(outputs)
        pool = self._candidates(outputs, path.labels, self._guides(alphabet))
        best = np.argsort(-pool.scores, axis=1, kind="stable")
        texts, scores = (
            np.take_along_axis(pool.texts, best[:, :, None], axis=1),
            np.take_along_axis(pool.scores, best, axis=1),
        )
        most = self.n_best if self.language_model is None else scores.shape[1]
        considered = [
            _alternatives(*each, most, alphabet) for each in zip(texts, scores, strict=True)
        ]
        alternatives = [each[: self.n_best] for each in considered]
        found = readings(
            outputs, _aligned(outputs, texts[:, 0], path), alphabet, self.temperature, alternatives
        )
        if self.language_model is not None:
            shares = pool.kept * [_share(each, self.temperature or 1.0) for each in considered]
            found = [
                replace(one, confidence=share)
                for one, share in zip(found, shares.tolist(), strict=True)
            ]
        return [found[row] for row in np.argsort(order)]

    def _candidates(self, outputs: Outputs, best: Ids, guides: Guides) -> "_Pool":
        """Texts and their exact scores, the best path's (N, L) among them."""
        pool = _Pool(outputs, guides, best)
        if guides:
            pool.search(np.arange(len(best)), self.beam_width, self.min_probability)
            stuck = (pool.scores.max(axis=1) == -np.inf).nonzero()[0]
            if len(stuck):  # in the middle of words of the lexicon
                pool.search(stuck, 10 * self.beam_width, 0.0)
                stuck = stuck[pool.scores[stuck].max(axis=1) == -np.inf]
                pool.add(stuck, np.full((len(stuck), 1, 0), -1))
            return pool
        # The probabilities of all texts add up to 1. So where the best path's text has more than
        # half, no other is likelier.
        rows = (
            np.arange(len(best))
            if self.n_best > 1
            else (pool.scores[:, 0] <= np.log(0.5)).nonzero()[0]
        )
        width = self.beam_width
        while len(rows) and width:
            # A wide beam may lose what a narrow one finds. So it is narrowed, and again, for
            # samples of which it has left out so much that a likelier text may be there.
            covered = pool.search(rows, width, self.min_probability)
            rows = rows[np.exp(pool.scores[rows].max(axis=1)) < 1 - covered]
            width //= 10
        return pool


class _Pool:
    """Texts of N samples, (N, C, L), class ids padded with −1, and their scores (N, C); −inf:
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
        found, there, self.kept[rows] = _search(self._outputs[rows], width, least, self._guides)
        return self.add(rows, found, there)

    def add(
        self, rows: Ids, texts: Ids, there: npt.NDArray[np.bool_] | None = None
    ) -> Float64Array:
        """Adds the texts (R, B, L) for samples ``rows`` that are ``there``; gives their scores'
        exponentials, summed, (R,)."""
        size, width, longest = texts.shape
        labels = texts.reshape(size * width, longest)
        scores = text_log_probs(self._outputs, labels, np.repeat(rows, width))
        if self._guides:
            scores = scores + self._guides.weigh(labels)
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


def _alternatives(
    labels: Ids, scores: Float64Array, most: int, alphabet: Alphabet
) -> tuple[Alternative, ...]:
    """The best of a sample's texts (C, L), which are in order; the same text is not given twice."""
    texts: dict[str, float] = {}
    for ids, score in zip(labels, scores.tolist(), strict=True):
        if len(texts) == most or (texts and score == -np.inf):
            break
        texts.setdefault(alphabet.decode(ids[ids >= 0].tolist()), score)
    return tuple(Alternative(text, score) for text, score in texts.items())


def _share(texts: tuple[Alternative, ...], temperature: float) -> float:
    """The first text's share of the probability of all of these, by their scores at a
    temperature."""
    scores = np.array([each.score for each in texts]) / temperature
    return float(1 / np.exp(scores - scores[0]).sum()) if scores[0] > -np.inf else 0.0


def _aligned(outputs: Outputs, labels: Ids, path: Alignments) -> Alignments:
    """The best alignments of texts (N, L). Where the best path spells the text, it is this."""
    starts, ends, known = np.full((3, *labels.shape), -1)
    for wide, narrow in zip((known, starts, ends), path, strict=True):
        wide[:, : narrow.shape[1]] = narrow
    others = (known != labels).any(axis=1).nonzero()[0]
    _, starts[others], ends[others] = best_alignments(outputs, labels[others], others)
    return Alignments(labels, starts, ends)


def _considered(outputs: Outputs, least: float) -> tuple[Ids, Ids, Ids, Ids]:
    """The characters that are considered, ordered by step: samples, slots from 1 on in each
    sample's step, class ids, all (P,).

    First comes where every step begins among them (T + 1,).
    """
    steps = outputs.probs.shape[1]
    characters = outputs.probs[:, :, :-1].transpose(1, 0, 2)
    considered = characters >= max(least, sys.float_info.min)
    missing = ~considered.any(axis=2)
    considered[missing] = characters[missing] == characters[missing].max(axis=1, keepdims=True)
    considered &= (np.arange(steps)[:, None] < outputs.lengths)[:, :, None]
    counts = considered.sum(axis=2).reshape(-1)
    of_step, samples, ids = considered.nonzero()
    slots = np.arange(1, len(ids) + 1) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.searchsorted(of_step, np.arange(steps + 1)), samples, slots, ids


def _search(
    outputs: Outputs, width: int, least: float, guides: Guides
) -> tuple[Ids, npt.NDArray[np.bool_], Float64Array]:
    """The texts (N, width, L) that are left in the beam after every sample's last step: class ids,
    padded with −1.

    Second comes which of them are there (N, width); these are all different. The beam has less
    where there are no more. Last comes what was kept (N,), 0 to 1: the product over the steps of
    the beam's share of all prefixes' sums.

    Samples are ordered by length, longest first. Sums of probabilities are kept up to a factor of
    each sample, so that the largest is 1: what gets lost to float64 is 1e-308 of the likeliest
    prefix. Factors of guides are multiplied in. Prefixes are told apart by 64-bit fingerprints.
    """
    probs = outputs.probs
    size, steps, classes = probs.shape
    begins, *considered = _considered(outputs, least)

    # The beam. Of every prefix the sums over the alignments that end in a blank, and that end in
    # its last character; its last character, its fingerprint and that of its parent, the prefix
    # without the last character; the factor that guides gave it.
    sums = np.zeros((size, width, 2))
    prefixes = np.empty((size, width, 3), np.int64)
    prefixes[...] = classes - 1, _DEAD, _NOBODY
    sums[:, 0, 0], prefixes[:, 0, 1] = 1.0, _ROOT
    factor, all_kept = np.ones((size, width)), np.ones(size)
    states = guides.start((size, width))
    came_from = np.tile(np.arange(width), (steps, size, 1))
    added = np.full((steps, size, width), -1)

    for step, active in enumerate(
        np.searchsorted(-outputs.lengths, -np.arange(outputs.lengths.max(initial=0)))
    ):
        row, now = np.arange(active)[:, None], probs[:active, step]
        in_blank, in_last = sums[:active, :, 0], sums[:active, :, 1]
        last, fingerprint, parent = (prefixes[:active, :, index] for index in range(3))
        total = in_blank + in_last

        # Every prefix may grow by every character that is considered. One that is equal to the last
        # needs a blank first.
        samples, slots, ids = (each[begins[step] : begins[step + 1]] for each in considered)
        mass = (
            np.where(last[samples] == ids[:, None], in_blank[samples], total[samples])
            * now[samples, ids][:, None]
        )
        if guides:
            pairs, places = mass.nonzero()
            weights, behind = guides.step(states[:, samples[pairs], places], ids[pairs])
            factors, next_states = (
                np.zeros(mass.shape),
                np.zeros((len(states), *mass.shape), np.int32),
            )
            factors[pairs, places], next_states[:, pairs, places] = np.exp(weights), behind
            mass *= factors
        candidates = np.zeros((active, 1 + slots.max(initial=0), width))
        candidates[samples, slots] = mass
        pair = np.zeros(candidates.shape[:2], np.int64)
        pair[samples, slots] = np.arange(len(ids))
        slot = np.zeros((active, classes), np.int64)
        slot[samples, ids] = slots

        # Or it stays as it is. Where its parent is in the beam as well, what the parent grows to is
        # this prefix, too.
        stay = np.empty((active, width, 2))
        stay[:, :, 0] = total * now[:, -1:]
        stay[:, :, 1] = in_last * now[row, last]
        rows, children, parents = (parent[:, :, None] == fingerprint[:, None, :]).nonzero()
        character = last[rows, children]
        joining = np.where(
            last[rows, parents] == character, in_blank[rows, parents], total[rows, parents]
        )
        stay[rows, children, 1] += joining * now[rows, character] * factor[rows, children]
        candidates[rows, slot[rows, character], parents] = 0
        candidates[:, 0] = stay[:, :, 0] + stay[:, :, 1]

        # The best are the beam from now on; of equals the first ones, so that the batch makes no
        # difference.
        flat = candidates.reshape(active, -1)
        least_kept = np.partition(flat, flat.shape[1] - width, axis=1)[:, -width, None]
        equal, better = flat == least_kept, flat > least_kept
        better |= equal & (np.cumsum(equal, axis=1) <= width - better.sum(axis=1, keepdims=True))
        chosen = better.nonzero()[1].reshape(active, width)
        best = flat[row, chosen]
        everything = flat.sum(axis=1)
        all_kept[:active] *= np.divide(
            best.sum(axis=1), everything, out=np.ones(active), where=everything > 0
        )
        grown, source = np.divmod(chosen, width)
        rows, places = grown.nonzero()
        origins = source[rows, places]
        pairs = pair[rows, grown[rows, places]]
        kept, new = stay[row, source], prefixes[row, source]
        kept[rows, places, 0], kept[rows, places, 1] = 0, best[rows, places]
        kept /= np.maximum(best.max(axis=1), sys.float_info.min)[:, None, None]
        new[rows, places, 2] = new[rows, places, 1]
        new[rows, places, 0] = ids[pairs]
        new[rows, places, 1] = _fingerprint(new[rows, places, 1], ids[pairs])
        new[best <= 0] = (
            classes - 1,
            _DEAD,
            _NOBODY,
        )  # also what has become the same as another prefix
        if guides:
            factor[:active], states[:, :active] = factor[row, source], states[:, row, source]
            factor[rows, places], states[:, rows, places] = (
                factors[pairs, origins],
                next_states[:, pairs, origins],
            )
        sums[:active], prefixes[:active] = kept, new
        came_from[step, :active] = source
        added[step, rows, places] = ids[pairs]
    return _backtrace(came_from, added), prefixes[:, :, 1] != _DEAD, np.minimum(all_kept, 1.0)


def _fingerprint(parent: Ids, character: Ids) -> Ids:
    """The fingerprints of prefixes, out of their parents' and their last characters: numbers mixed
    until every bit counts."""
    mixed = parent.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + character.view(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return (mixed ^ (mixed >> np.uint64(32))).view(np.int64)


def _backtrace(came_from: Ids, added: Ids) -> Ids:
    """The texts (N, width, L), padded with −1, of places in the beam that know where they came from
    (T, N, width)."""
    steps, size, width = added.shape
    written = np.empty_like(added)
    row, place = np.arange(size)[:, None], np.tile(np.arange(width), (size, 1))
    for step in range(steps - 1, -1, -1):
        written[step] = added[step][row, place]
        place = came_from[step][row, place]
    number = np.cumsum(written >= 0, axis=0)
    labels = np.full((size, width, int(number[-1].max(initial=0)) if steps else 0), -1)
    at, rows, places = (written >= 0).nonzero()
    labels[rows, places, number[at, rows, places] - 1] = written[at, rows, places]
    return labels
