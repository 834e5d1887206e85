"""Counting n-grams."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ocrkit.errors import OcrkitError

_Ints = npt.NDArray[np.int64]


class Counts:
    """How often every text of up to ``order`` symbols occurs in what has been added, as a trie that
    texts are merged into."""

    def __init__(self, characters: str, order: int) -> None:
        """Raises OcrkitError for an order below 1 and for characters that occur twice."""
        if order < 1 or len(set(characters)) != len(characters):
            raise OcrkitError(
                f"order {order}, characters {characters!r}; expected at least 1, and each "
                "character once"
            )
        self.characters = characters
        self.order = order
        self.texts = 0
        """How many texts have been added."""
        self.symbols = 0
        """How many characters and ends they have."""
        self.left_out = 0
        """How many texts have not, since they have other characters."""
        self.width = len(characters) + 2
        self.keys: list[_Ints] = [np.arange(self.width)] + [
            np.zeros(0, np.int64) for _ in range(order - 1)
        ]
        """Of each length: parent (its place among the shorter ones) × width + last symbol,
        ascending."""
        self.counts: list[_Ints] = [np.zeros(len(keys), np.int64) for keys in self.keys]
        self._known = set(characters)
        codes = np.array([ord(character) for character in characters], np.int64)
        self._order = np.argsort(codes)
        self._codes = codes[self._order]

    def add(self, texts: Mapping[str, int]) -> None:
        """Counts texts, each so many times; those with characters that the model shall not have are
        left out."""
        fitting = [text for text in texts if self._known.issuperset(text)]
        weights = np.array([texts[text] for text in fitting], np.int64)
        self.left_out += sum(texts.values()) - int(weights.sum())
        if not fitting:
            return
        lengths = np.array([len(text) + 2 for text in fitting])
        self.texts += int(weights.sum())
        self.symbols += int(weights @ (lengths - 1))
        begins = np.cumsum(lengths) - lengths
        symbols = np.full(lengths.sum(), len(self.characters))
        symbols[begins] = len(self.characters) + 1
        within = np.ones(len(symbols), bool)
        within[begins] = within[begins + lengths - 1] = False
        codes = np.frombuffer("".join(fitting).encode("utf-32-le"), "<u4")
        symbols[within] = self._order[np.searchsorted(self._codes, codes)]
        self._merge(
            symbols,
            np.arange(len(symbols)) - np.repeat(begins, lengths),
            np.repeat(weights, lengths),
        )

    def _merge(self, symbols: _Ints, places: _Ints, weights: _Ints) -> None:
        """Adds the n-grams that end at each symbol; ``places`` are the symbols' in their texts."""
        nodes = np.zeros(
            len(symbols), np.int64
        )  # of the n-grams, one symbol shorter, that end before each symbol
        moved = np.zeros(1, np.int64)  # where the nodes one symbol shorter have gone
        for length in range(1, self.order + 1):
            ends = np.flatnonzero(places >= length - 1)
            new, inverse = np.unique(nodes[ends] * self.width + symbols[ends], return_inverse=True)
            before = self.keys[length - 1]
            before = moved[before // self.width] * self.width + before % self.width
            keys = np.union1d(before, new)
            moved, added = np.searchsorted(keys, before), np.searchsorted(keys, new)
            counts = np.zeros(len(keys), np.int64)
            counts[moved] = self.counts[length - 1]
            counts[added] += np.bincount(inverse, weights[ends]).astype(
                np.int64
            )  # float64 is exact up to 2^53
            self.keys[length - 1], self.counts[length - 1] = keys, counts
            nodes[ends] = added[inverse]
            nodes = np.concatenate([[0], nodes[:-1]])  # the next symbol comes behind them
