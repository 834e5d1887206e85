"""Whether a decoder does what the interface says."""

import math
from collections import defaultdict
from itertools import groupby, product
from typing import ClassVar, Literal

import numpy as np

from ocrkit.parts.codec import Alphabet
from ocrkit.parts.protocols import Decoder, ListsTexts
from ocrkit.parts.values import Decoded, FloatArray, IntArray
from ocrkit.testing.base import PartConformance

ALPHABET = Alphabet("ab")
BLANK = ALPHABET.blank
_CASES = 60
_TIE = 1e-4


def random_log_probs(samples: int, steps: int, seed: int, sharpness: float = 3.0) -> FloatArray:
    """Log-probabilities (N, T, K) float32."""
    scores = np.random.default_rng([seed, steps]).normal(
        0, sharpness, (samples, steps, ALPHABET.classes)
    )
    log_probs: FloatArray = (scores - np.log(np.exp(scores).sum(axis=2, keepdims=True))).astype(
        np.float32
    )
    return log_probs


def _along(path: list[int]) -> FloatArray:
    """Log-probabilities (1, T, K) that leave no doubt about the path."""
    scores = np.full((1, len(path), ALPHABET.classes), math.log(1e-4), np.float32)
    scores[0, np.arange(len(path)), path] = math.log(1 - 2e-4)
    return scores


def _written(path: tuple[int, ...] | list[int]) -> str:
    """The text of a path: repeats are one character, blanks none."""
    return ALPHABET.decode(index for index, _ in groupby(path) if index != BLANK)


def best_texts(log_probs: FloatArray) -> dict[str, set[str]]:
    """By trying every path of log-probabilities (T, K): the texts of the best path, and the most
    probable texts.

    Of texts that are nearly as probable as the best each is one.
    """
    paths: dict[tuple[int, ...], float] = {}
    texts: defaultdict[str, float] = defaultdict(float)
    for path in product(range(ALPHABET.classes), repeat=len(log_probs)):
        probability = math.exp(
            sum(float(log_probs[step, index]) for step, index in enumerate(path))
        )
        paths[path] = probability
        texts[_written(path)] += probability
    best_path, best_text = max(paths.values()), max(texts.values())
    return {
        "best path": {
            _written(path)
            for path, probability in paths.items()
            if probability >= best_path * (1 - _TIE)
        },
        "best text": {
            text for text, probability in texts.items() if probability >= best_text * (1 - _TIE)
        },
    }


class DecoderConformance(PartConformance):
    """Checks of a decoder."""

    kind = "decoder"
    finds: ClassVar[Literal["best path", "best text", "either"]] = "either"
    """What it looks for: the text of the likeliest path, or the likeliest text of all paths
    together."""

    def decode(
        self, log_probs: FloatArray, lengths: IntArray | None = None, decoder: Decoder | None = None
    ) -> list[Decoded]:
        decoder = decoder or self.part()
        lengths = (
            np.full(len(log_probs), log_probs.shape[1], np.int32) if lengths is None else lengths
        )
        with self.works(f"on log-probabilities {log_probs.shape} with lengths {lengths.tolist()}"):
            found = decoder(log_probs, lengths, ALPHABET)
        right = len(found) == len(log_probs) and all(isinstance(item, Decoded) for item in found)
        self.check(right, f"gives no list of {len(log_probs)} ocrkit.Decoded for {log_probs.shape}")
        return found

    def test_texts_are_of_the_alphabet(self) -> None:
        """The blank is never emitted, and nothing comes of blanks alone."""
        for item in self.decode(random_log_probs(_CASES, 7, seed=1)):
            self.check(
                set(item.text) <= set(ALPHABET.characters),
                f"emits {item.text!r}, which is not of the alphabet 'ab'",
            )
        (item,) = self.decode(_along([BLANK] * 5))
        self.check(item.text == "", f"reads {item.text!r} where every step is the blank")

    def test_a_clear_path_is_read(self) -> None:
        """Repeats are one character, unless a blank is between them."""
        for path in (
            [0],
            [0, 1],
            [0, 0, 1],
            [0, BLANK, 0],
            [BLANK, 1, 1, BLANK, 1, 0],
            [1, 0, 1, 0],
        ):
            (item,) = self.decode(_along(path))
            self.check(
                item.text == _written(path),
                f"reads {item.text!r} where the steps are clearly {path}: {_written(path)!r}",
            )

    def test_it_agrees_with_trying_every_path(self) -> None:
        """On tiny inputs, with all paths tried: see ``finds``."""
        decoder = self.part()
        for steps in range(1, 6):
            log_probs = random_log_probs(_CASES // 5, steps, seed=2, sharpness=1.5)
            for scores, item in zip(
                log_probs, self.decode(log_probs, decoder=decoder), strict=True
            ):
                best = best_texts(scores)
                allowed = (
                    best["best path"] | best["best text"]
                    if self.finds == "either"
                    else best[self.finds]
                )
                named = (
                    "the best path's or the best of all texts"
                    if self.finds == "either"
                    else f"the {self.finds}"
                )
                self.check(
                    item.text in allowed,
                    f"reads {item.text!r} in {steps} steps; {named} is {sorted(allowed)}",
                )

    def test_confidences_are_shares(self) -> None:
        """From 0 to 1: of the text, and of every character where the decoder gives them."""
        log_probs = np.concatenate(
            [
                random_log_probs(_CASES, 30, seed=3),
                random_log_probs(_CASES, 30, seed=3, sharpness=20),
            ]
        )
        for item in self.decode(log_probs):
            self.check(0 <= item.confidence <= 1, f"is {item.confidence} sure; expected 0 to 1")
            whole = len(item.characters) in (0, len(item.text))
            self.check(
                whole,
                f"gives {len(item.characters)} confidences of characters for {item.text!r}; "
                "expected one for each",
            )
            right = all(0 <= confidence <= 1 for confidence in item.characters)
            self.check(right, f"is {item.characters} sure of characters; expected 0 to 1")

    def test_alternatives_begin_with_the_text(self) -> None:
        """Where the decoder gives some: best first, no text twice."""
        for item in self.decode(random_log_probs(_CASES, 9, seed=9, sharpness=1.5)):
            texts, scores = (
                [each.text for each in item.alternatives],
                [each.score for each in item.alternatives],
            )
            self.check(
                texts[:1] in ([], [item.text]),
                f"reads {item.text!r}, but gives {texts[:1]} as the best alternative",
            )
            self.check(
                scores == sorted(scores, reverse=True),
                f"gives alternatives that are not in order: {scores}",
            )
            self.check(len(set(texts)) == len(texts), f"gives an alternative twice: {texts}")

    def test_it_lists_as_many_texts_as_are_wanted(self) -> None:
        """Where it says that it can."""
        decoder = self.part()
        if not isinstance(decoder, ListsTexts):
            return
        log_probs = random_log_probs(_CASES, 9, seed=9, sharpness=1.5)
        counts = [
            len(item.alternatives) for item in self.decode(log_probs, decoder=decoder.listing(3))
        ]
        self.check(
            max(counts) > 1 and max(counts) <= 3,
            f"lists {max(counts)} texts at most where 3 are wanted",
        )

    def test_spans_show_where_characters_are(self) -> None:
        """One for each character, in order, within the steps that count."""
        lengths = np.arange(_CASES, dtype=np.int32) % 13
        for item, length in zip(
            self.decode(random_log_probs(_CASES, 12, seed=4), lengths), lengths, strict=True
        ):
            spans = item.spans
            self.check(
                len(spans) == len(item.text),
                f"gives {len(spans)} spans for {item.text!r}; expected one a character",
            )
            bounds = [bound for span in spans for bound in (span.start, span.end)]
            right = bounds == sorted(bounds) and all(span.start < span.end for span in spans)
            inside = all(0 <= bound <= length for bound in bounds)
            self.check(
                right and inside,
                f"gives spans that overlap, are empty or leave the {length} steps: {spans}",
            )

    def test_steps_beyond_the_length_do_not_count(self) -> None:
        log_probs, lengths = random_log_probs(9, 8, seed=5), np.arange(9, dtype=np.int32)
        others = random_log_probs(9, 8, seed=6)
        for row, other, length in zip(log_probs, others, lengths, strict=True):
            other[:length] = row[:length]
        here, there = self.decode(log_probs, lengths), self.decode(others, lengths)
        self.check(
            [i.text for i in here] == [i.text for i in there],
            "reads steps beyond a sample's length",
        )
        self.check(here[0].text == "", f"reads {here[0].text!r} in no steps")

    def test_the_batch_changes_nothing(self) -> None:
        """Alone and among others, and when it is called again."""
        log_probs, decoder = random_log_probs(9, 8, seed=7), self.part()
        together = [item.text for item in self.decode(log_probs, decoder=decoder)]
        alone = [
            self.decode(log_probs[index : index + 1], decoder=decoder)[0].text for index in range(9)
        ]
        self.check(
            together == alone,
            f"depends on what else is in the batch: {together} together, {alone} one by one",
        )

    def test_there_may_be_nothing_to_decode(self) -> None:
        """No samples, and no steps."""
        self.decode(np.zeros((0, 5, ALPHABET.classes), np.float32))
        texts = [item.text for item in self.decode(np.zeros((2, 0, ALPHABET.classes), np.float32))]
        self.check(texts == ["", ""], f"reads {texts} in no steps")

    def test_inputs_are_not_modified(self) -> None:
        log_probs, lengths = random_log_probs(5, 8, seed=8), np.full(5, 8, np.int32)
        before = log_probs.copy(), lengths.copy()
        self.decode(log_probs, lengths)
        same = np.array_equal(log_probs, before[0]) and np.array_equal(lengths, before[1])
        self.check(same, "changes its input; work on a copy")
