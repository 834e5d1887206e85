"""How likely symbols are behind states, and where they lead: two ways through the same trie.

:class:`Rows` is faster where there are few symbols: a state's whole row, all that may come next, is
filled in when the state is met for the first time. Of thousands of symbols a row holds what nobody
asks for; there :class:`Search` looks up each question by itself.
"""

import threading
from typing import Protocol

import numpy as np

from ocrkit.interfaces import FloatArray, IntArray
from ocrkit_ngrams.trie import NGrams

ROWS = 64 << 20
"""Bytes of the rows that are kept, unless one call needs more: of 100 symbols 80,000 rows."""


class Lookup(Protocol):
    """Answers questions of states and symbols, int32 (M,) each. Safe from several threads."""

    def __call__(self, states: IntArray, symbols: IntArray) -> tuple[FloatArray, IntArray]:
        """The log-probabilities of the symbols, float32 (M,), and the states behind them, int32
        (M,)."""


class Search:
    """Finds every question's n-gram by binary search, that of a shorter context where there is
    none. Each takes the same time, however many symbols there are."""

    def __init__(self, ngrams: NGrams) -> None:
        self._ngrams = ngrams
        self._width = int(ngrams.children[0])
        states = len(ngrams.children)
        self._parents = np.repeat(np.arange(states), ngrams.children)
        self._keys = np.append(self._parents * self._width + ngrams.symbols, states * self._width)
        """Of every n-gram but the empty one: parent × width + last symbol, ascending; and one
        larger than all."""
        self._suffix = np.zeros(states, np.int32)
        """Every state's longest shorter end."""
        self._behind = np.zeros(len(ngrams.symbols), np.int32)
        """The state behind each n-gram but the empty one."""
        begin, end = 0, self._width
        while begin < end:
            self._connect(begin, end)
            following = ngrams.children[begin + 1 : end + 1].sum(dtype=np.int64)
            begin, end = end, end + int(following)

    def _connect(self, begin: int, end: int) -> None:
        """Sets what is behind n-grams of one length; that of shorter ones is known."""
        behind = np.zeros(end - begin, np.int32)
        if begin:
            shorter = self._suffix[self._parents[begin:end]]
            behind = self._behind[self._find(shorter, self._ngrams.symbols[begin:end])[0]]
        nodes = np.arange(begin + 1, min(end + 1, len(self._suffix)))  # longer ones are no states
        self._suffix[nodes] = behind[: len(nodes)]
        goes_on = nodes[(self._ngrams.children[nodes] > 0) | (self._ngrams.backoffs[nodes] != 0)]
        behind[goes_on - begin - 1] = goes_on
        self._behind[begin:end] = behind

    def _find(self, states: IntArray, symbols: IntArray) -> tuple[IntArray, FloatArray]:
        """The n-grams that answer, and what is to be added to their log-probabilities."""
        found, added = np.empty(len(states), np.int32), np.zeros(len(states), np.float32)
        left = np.arange(len(states))
        while len(left):  # the empty text, the shortest context, has all symbols
            keys = states.astype(np.int64) * self._width + symbols
            found[left] = nearest = np.searchsorted(self._keys, keys)
            lacking = self._keys[nearest] != keys
            left, states, symbols = left[lacking], states[lacking], symbols[lacking]
            added[left] += self._ngrams.backoffs[states]
            states = self._suffix[states]
        return found, added

    def __call__(self, states: IntArray, symbols: IntArray) -> tuple[FloatArray, IntArray]:
        found, added = self._find(states, symbols)
        return self._ngrams.log_probs[found] + added, self._behind[found]


class Rows:
    """Keeps the rows of states, each filled in when the state is met for the first time: then a
    question is two look-ups."""

    def __init__(self, ngrams: NGrams) -> None:
        self._ngrams = ngrams
        first = np.cumsum(ngrams.children, dtype=np.int64)
        self._first = np.concatenate([[0], first]).astype(np.int32)
        """Every node's first child is node ``_first + 1``."""
        self._suffix = np.zeros(len(ngrams.children), np.int32)
        """Every state's longest shorter end; known once the row of the state one symbol shorter is
        filled in."""
        self._slot = np.empty(len(ngrams.children), np.int32)
        """Where every state's row is, or −1."""
        self._lock = threading.Lock()
        self._rows = max(1, ROWS // (8 * int(ngrams.children[0])))
        """How many are kept, unless one call needs more."""
        self._empty_store(self._rows)

    def __call__(self, states: IntArray, symbols: IntArray) -> tuple[FloatArray, IntArray]:
        with self._lock:
            slots = self._slots(states)
            return self._row_log_probs[slots, symbols], self._row_next[slots, symbols]

    def _empty_store(self, rows: int) -> None:
        """Begins a store of so many rows, of which the first is the empty text's."""
        width = int(self._ngrams.children[0])
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
            self._row_log_probs[shorter] + self._ngrams.backoffs[states, None]
        )
        self._row_next[slots] = self._row_next[shorter]
        self._add_children(states, slots)
        self._slot[states] = slots
        self._used += len(states)

    def _add_children(self, states: IntArray, slots: IntArray) -> None:
        """Writes what the model says of the states' own children into their rows."""
        counts = self._ngrams.children[states].astype(np.int64)
        starts = np.cumsum(counts) - counts
        arcs = np.arange(counts.sum()) + np.repeat(self._first[states] - starts, counts)
        rows, symbols = np.repeat(slots, counts), self._ngrams.symbols[arcs]
        self._row_log_probs[rows, symbols] = self._ngrams.log_probs[arcs]
        inner = arcs + 1 < len(self._ngrams.children)  # nodes as long as the order are no states
        rows, symbols, nodes = rows[inner], symbols[inner], arcs[inner] + 1
        self._suffix[nodes] = self._row_next[rows, symbols]
        goes_on = (self._ngrams.children[nodes] > 0) | (self._ngrams.backoffs[nodes] != 0)
        self._row_next[rows[goes_on], symbols[goes_on]] = nodes[goes_on]
