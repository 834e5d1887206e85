"""Character n-gram models: how likely a character is after those before it, for decoders.

A model is a back-off model (Katz 1987, as ARPA files have it): ``log p(w | h)`` where the model has
the n-gram ``hw``, else ``backoff(h) + log p(w | h without its first character)``. Models smoothed
by interpolation (:mod:`ocrkit_ngrams.smoothing`) are stored in this form too, without loss.

The n-grams are a trie in breadth-first order. A node is a text of up to ``order`` symbols; its
children are that text with one symbol more, and lie side by side, ordered by symbol. Symbols 0 … C
− 1 are the characters; the end of a text is C, its beginning C + 1, and C + 2 stands for every
unknown character where an ARPA file has ``<unk>``. A state, the context in which a decoder stands,
is the number of a node: that of the longest end of what it has written from which the model can go
on.
"""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ocrkit.errors import OcrkitError
from ocrkit.interfaces import FloatArray, IntArray
from ocrkit.language_model import LanguageModel

_LONGEST = 1000
_ENTRIES = 1 << 22
"""Numbers in the rows that are kept, 8 bytes each: with 100 characters of 40,000 states, with
thousands of some hundreds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NGrams:
    """A back-off model's numbers, as its file has them. Raises ValueError unless they are a trie
    over these characters."""

    characters: str
    order: int
    """Symbols of the longest n-grams, 1 to 1000."""
    children: npt.NDArray[Any]
    """How many children each node shorter than ``order`` has, the empty text first: it has all
    symbols."""
    symbols: npt.NDArray[Any]
    """The last symbol of each node but the empty text."""
    log_probs: npt.NDArray[Any]
    """Of the same nodes: of their last symbol after those before it. Natural logarithms."""
    backoffs: npt.NDArray[Any]
    """Of each node shorter than ``order``: what is added where the next symbol is none of its
    children."""
    about: dict[str, Any]

    def __post_init__(self) -> None:
        characters, order = self.characters, self.order
        if not isinstance(characters, str) or len(set(characters)) != len(characters):
            raise ValueError("its characters are none")
        if not isinstance(order, int) or not 1 <= order <= _LONGEST:
            raise ValueError(f"its order is {order!r}; expected 1 to {_LONGEST}")
        begin, end = 0, 1
        for _ in range(order):
            begin, end = end, end + int(self.children[begin:end].sum(dtype=np.int64))
        arcs = (end - 1,)
        if (
            not self.children.shape == self.backoffs.shape == (begin,)
            or not self.symbols.shape == self.log_probs.shape == arcs
        ):
            raise ValueError("its n-grams do not fit together")
        width = int(self.children[0])
        if (
            width - len(characters) not in (2, 3)
            or self.symbols.max() >= width
            or (self.symbols[:width] != range(width)).any()
        ):
            raise ValueError("its symbols are not its characters")
        if not (self.log_probs <= 1e-3).all() or not np.isfinite(self.backoffs).all():
            raise ValueError("it has probabilities above 1, or that are no numbers")


class NGramModel(LanguageModel):
    """A character n-gram model.

    :meth:`score` answers tens of thousands of questions at once, each at the price of two array
    look-ups where its state has been met before: the first time, the state's whole row is filled
    in, all next characters, and kept.
    """

    def __init__(self, ngrams: NGrams) -> None:
        self.ngrams = ngrams
        self.characters = ngrams.characters
        self.order = ngrams.order
        self.about = ngrams.about
        self.start = len(ngrams.characters) + 2 if ngrams.order > 1 else 0
        self._ids = {character: index for index, character in enumerate(ngrams.characters)}
        first = np.cumsum(ngrams.children, dtype=np.int64)
        if first[-1] >= np.iinfo(np.int32).max:
            raise OcrkitError(
                f"a language model of {first[-1]:,} n-grams; expected at most 2,147,483,646: train "
                "it with --keep"
            )
        self._first = np.concatenate([[0], first]).astype(np.int32)
        """Every node's first child is node ``_first + 1``."""
        self._suffix = np.zeros(len(ngrams.children), np.int32)
        """Every state's longest shorter end; known once the row of the state one symbol shorter is
        filled in."""
        self._slot = np.empty(len(ngrams.children), np.int32)
        """Where every state's row is, or −1."""
        self._lock = threading.Lock()
        self._rows = max(1, _ENTRIES // int(ngrams.children[0]))
        """How many are kept, unless one call needs more."""
        self._empty_store(self._rows)

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
        with self._lock:
            slots = self._slots(states)
            return self._row_log_probs[slots, characters], self._row_next[slots, characters]

    def end(self, states: IntArray) -> FloatArray:
        with self._lock:
            slots = self._slots(states)  # first: it may replace the rows
            ends: FloatArray = self._row_log_probs[slots, len(self.characters)]
            return ends

    # ----------------------------------------------------------------------------------------- rows

    def _empty_store(self, rows: int) -> None:
        """Begins a store of so many rows, of which the first is the empty text's."""
        width = int(self.ngrams.children[0])
        self._row_log_probs = np.empty((rows, width), np.float32)
        self._row_next = np.empty((rows, width), np.int32)
        self._row_next[0] = 0
        self._slot.fill(-1)
        self._slot[0] = 0
        self._used = 1
        self._add_children(np.zeros(1, np.int32), np.zeros(1, np.int32))

    def _slots(self, states: IntArray) -> IntArray:
        """Where the states' rows are, filled in as far as they were missing."""
        slots: IntArray = self._slot[states]
        if (slots < 0).any():
            missing = self._missing(states)
            if self._used + sum(map(len, missing)) > len(self._row_next):
                self._empty_store(self._rows)
                missing = self._missing(states)
                if (needed := self._used + sum(map(len, missing))) > self._rows:
                    self._empty_store(needed)
            for group in reversed(missing):
                self._fill(group[self._slot[group] < 0])
            slots = self._slot[states]
        return slots

    def _missing(self, states: IntArray) -> list[IntArray]:
        """The states whose rows are missing, then their shorter ends, and so on."""
        groups = []
        while len(states := np.unique(states[self._slot[states] < 0])):
            groups.append(states)
            states = self._suffix[states]
        return groups

    def _fill(self, states: IntArray) -> None:
        """Fills in rows of states whose shorter ends have theirs: what the model does not say of a
        state, those do."""
        slots = np.arange(self._used, self._used + len(states), dtype=np.int32)
        shorter = self._slot[self._suffix[states]]
        self._row_log_probs[slots] = (
            self._row_log_probs[shorter] + self.ngrams.backoffs[states, None]
        )
        self._row_next[slots] = self._row_next[shorter]
        self._add_children(states, slots)
        self._slot[states] = slots
        self._used += len(states)

    def _add_children(self, states: IntArray, slots: IntArray) -> None:
        """Writes what the model says of the states' own children into their rows."""
        counts = self.ngrams.children[states].astype(np.int64)
        starts = np.cumsum(counts) - counts
        arcs = np.arange(counts.sum()) + np.repeat(self._first[states] - starts, counts)
        rows, symbols = np.repeat(slots, counts), self.ngrams.symbols[arcs]
        self._row_log_probs[rows, symbols] = self.ngrams.log_probs[arcs]
        inner = arcs + 1 < len(self.ngrams.children)  # nodes as long as the order are no states
        rows, symbols, nodes = rows[inner], symbols[inner], arcs[inner] + 1
        self._suffix[nodes] = self._row_next[rows, symbols]
        goes_on = (self.ngrams.children[nodes] > 0) | (self.ngrams.backoffs[nodes] != 0)
        self._row_next[rows[goes_on], symbols[goes_on]] = nodes[goes_on]
