"""Character n-gram models, as decoders ask them."""

import numpy as np

from ocrkit.errors import OcrkitError
from ocrkit.interfaces import FloatArray, IntArray
from ocrkit.language_model import LanguageModel
from ocrkit_ngrams.lookup import Lookup, Rows, Search
from ocrkit_ngrams.trie import NGrams

_FEW = 1024
"""Symbols up to which rows are faster."""


class NGramModel(LanguageModel):
    """A character n-gram model. :meth:`score` answers tens of thousands of questions at once."""

    def __init__(self, ngrams: NGrams) -> None:
        self.ngrams = ngrams
        self.characters = ngrams.characters
        self.order = ngrams.order
        self.about = ngrams.about
        self.start = len(ngrams.characters) + 2 if ngrams.order > 1 else 0
        self._ids = {character: index for index, character in enumerate(ngrams.characters)}
        arcs = len(ngrams.symbols)
        if arcs >= np.iinfo(np.int32).max:
            raise OcrkitError(
                f"a language model of {arcs:,} n-grams; expected at most 2,147,483,646: train it "
                "with --keep"
            )
        few = ngrams.children[0] <= _FEW
        self._look_up: Lookup = Rows(ngrams) if few else Search(ngrams)

    def ids(self, characters: str) -> IntArray:
        unknown = len(self.characters) + 2
        missing = self.missing(characters)
        if missing and self.ngrams.children[0] <= unknown:
            raise OcrkitError(
                f"the language model lacks characters of the alphabet: {missing!r}; train it with "
                "ocrkit lm train --alphabet"
            )
        return np.array([self._ids.get(character, unknown) for character in characters], np.int32)

    def score(self, states: IntArray, characters: IntArray) -> tuple[FloatArray, IntArray]:
        return self._look_up(states, characters)

    def end(self, states: IntArray) -> FloatArray:
        return self._look_up(states, np.full(len(states), len(self.characters), np.int32))[0]
