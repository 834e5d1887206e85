"""Character n-gram models: how likely a character is after those before it, for decoders.

A model is a back-off model (Katz 1987, as ARPA files have it): ``log p(w | h)`` where the model has
the n-gram ``hw``, else ``backoff(h) + log p(w | h without its first character)``. Models smoothed
by interpolation (:mod:`ocrkit.ngrams`) are stored in this form too, without loss.

The n-grams are a trie in breadth-first order. A node is a text of up to ``order`` symbols; its
children are that text with one symbol more, and lie side by side, ordered by symbol. Symbols 0 … C
− 1 are the characters; the end of a text is C, its beginning C + 1, and C + 2 stands for every
unknown character where an ARPA file has ``<unk>``. A state, the context in which a decoder stands,
is the number of a node: that of the longest end of what it has written from which the model can go
on.
"""

import hashlib
import json
import math
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from ocrkit.errors import OcrkitError
from ocrkit.networks.weights import parse
from ocrkit.parts.registry import nearest, registry
from ocrkit.parts.values import Arrays, FloatArray, IntArray
from ocrkit.support.files import open_regular, read_bytes, text_lines, write_atomically

_FORMAT = "ocrkit character n-grams 1"
_TYPES = {"children": ["<u2"], "symbols": ["|u1", "<u2"], "log_probs": ["<f2"], "backoffs": ["<f2"]}
"""Of the numbers in a file."""
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


class LanguageModel:
    """A character n-gram model. All probabilities are natural logarithms; over every context they
    sum to 1, the end included.

    :meth:`score` answers tens of thousands of questions at once, each at the price of two array
    look-ups where its state has been met before: the first time, the state's whole row is filled
    in, all next characters, and kept. Safe from several threads.
    """

    def __init__(self, ngrams: NGrams) -> None:
        self.ngrams = ngrams
        self.characters = ngrams.characters
        self.order = ngrams.order
        self.start = len(ngrams.characters) + 2 if ngrams.order > 1 else 0
        """The state at the beginning of a text."""
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

    @classmethod
    def open(cls, source: str | Path) -> Self:
        """A model by its file, ARPA files too, or by the name under which a plugin ships it.

        Raises OcrkitError where there is none, or the file is damaged or of another kind.
        """
        path = find(source)
        with open_regular(path, expected="a language model") as file:
            is_arpa = b"\\data\\" in file.read(4096)
        return cls(read_arpa(path) if is_arpa else read(path))

    @property
    def about(self) -> dict[str, Any]:
        """What the file says of the model: ``source``, ``licence``, ``command``, …"""
        return self.ngrams.about

    def missing(self, characters: str) -> str:
        """Those of the characters that the model does not know by themselves."""
        return "".join(character for character in characters if character not in self._ids)

    def ids(self, characters: str) -> IntArray:
        """The numbers of characters for :meth:`score`, int32 (len(characters),).

        Raises OcrkitError that names the characters that the model lacks, unless it has a
        probability for unknown ones.
        """
        unknown = len(self.characters) + 2
        missing = self.missing(characters)
        if missing and self.ngrams.children[0] <= unknown:
            raise OcrkitError(
                f"the language model lacks characters of the alphabet: {missing!r}; train it with "
                "ocrkit lm train --alphabet"
            )
        return np.array([self._ids.get(character, unknown) for character in characters], np.int32)

    def score(self, states: IntArray, characters: IntArray) -> tuple[FloatArray, IntArray]:
        """The log-probability of each character in its state, float32 (M,), and the states behind
        them, int32 (M,).

        ``states`` int32 (M,) come from :attr:`start` or from here; ``characters`` int32 (M,) index
        :attr:`characters` (see :meth:`ids`).
        """
        with self._lock:
            slots = self._slots(states)
            return self._row_log_probs[slots, characters], self._row_next[slots, characters]

    def end(self, states: IntArray) -> FloatArray:
        """The log-probability that the text ends in each state, float32 (M,)."""
        with self._lock:
            slots = self._slots(states)  # first: it may replace the rows
            ends: FloatArray = self._row_log_probs[slots, len(self.characters)]
            return ends

    def log_probs(self, text: str) -> FloatArray:
        """The log-probabilities of a text's characters and of its end, float32 (len(text) + 1,).
        Raises as :meth:`ids`."""
        state = np.array([self.start], np.int32)
        scores = []
        for index in self.ids(text):
            score, state = self.score(state, index[None])
            scores.append(score)
        return np.concatenate([*scores, self.end(state)])

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


def find(source: str | Path) -> Path:
    """The file of a model: that which a plugin ships under this name, else the file itself, which
    may be ``./NAME``.

    Raises OcrkitError where there is none.
    """
    name, available = str(source), registry().names("language_model")
    if name not in available:
        if Path(source).is_file():
            return Path(source)
        listed, hint = ", ".join(available) or "none", nearest(Path(source).name, available)
        raise OcrkitError(
            f"{name}: no such language model; expected a file, or the name of an installed one: "
            f"{listed}.{hint}"
        )
    package, _, file = str(registry().get("language_model", name).target).partition(":")
    return Path(import_module(package).__path__[0]) / file


# -------------------------------------------------------------------------------------------- files


def write(path: Path, ngrams: NGrams) -> None:
    """Writes a model's file, whole or not at all: safetensors, with probabilities in float16."""
    arrays = {
        "children": ngrams.children.astype(np.uint16),
        "symbols": ngrams.symbols.astype(np.uint16 if ngrams.children[0] > 256 else np.uint8),
        "log_probs": ngrams.log_probs.astype(np.float16),
        "backoffs": ngrams.backoffs[ngrams.children > 0].astype(np.float16),
    }
    header = {
        "format": _FORMAT,
        "characters": ngrams.characters,
        "order": ngrams.order,
        "about": ngrams.about,
        "sha256": _digest(arrays),
    }
    with write_atomically(path) as temporary:
        temporary.write_bytes(
            save(arrays, metadata={"ocrkit": json.dumps(header, ensure_ascii=False)})
        )


def read(path: Path) -> NGrams:
    """Reads a model's file. Raises OcrkitError where it is damaged or foreign."""
    data = read_bytes(path, expected="a language model")
    try:
        arrays, header = parse(data)
        if header["format"] != _FORMAT:
            raise ValueError("written by another version of ocrkit")
        if _digest(arrays) != header["sha256"]:
            raise ValueError("its numbers are not those that were written")
        for name, types in _TYPES.items():
            if arrays[name].dtype.str not in types:
                raise ValueError(f"{name} is {arrays[name].dtype}")
        backoffs = np.zeros(len(arrays["children"]), np.float32)
        backoffs[arrays["children"] > 0] = arrays["backoffs"]
        return NGrams(
            characters=header["characters"],
            order=header["order"],
            children=arrays["children"],
            symbols=arrays["symbols"],
            log_probs=arrays["log_probs"],
            backoffs=backoffs,
            about=header["about"],
        )
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise OcrkitError(
            f"{path}: no language model, or a damaged one ({error}); write it anew with ocrkit lm "
            "train"
        ) from error


def _digest(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


# --------------------------------------------------------------------------------------------- ARPA

_SPECIAL = {
    "<space>": " ",
    "▁": " ",
    "</s>": "</s>",
    "<s>": "<s>",
    "<unk>": "<unk>",
    "<UNK>": "<unk>",
}
"""Tokens that are no characters. A space separates the tokens, so it has to be spelt in another
way."""


def read_arpa(path: Path) -> NGrams:
    """Reads an ARPA file whose tokens are characters.

    ``<s>``, ``</s>`` and ``<unk>`` are what they always are; ``<space>`` or ``▁`` is the space.
    Raises OcrkitError for a file that is damaged, or whose tokens are words.
    """
    try:
        characters, levels = _levels(_sections(text_lines(path)))
        return NGrams(
            characters=characters,
            order=len(levels),
            children=np.concatenate([level.children for level in levels]),
            symbols=np.concatenate([level.symbols for level in levels]),
            log_probs=np.concatenate([level.log_probs for level in levels]),
            backoffs=np.concatenate([level.backoffs for level in levels]),
            about={"source": path.name},
        )
    except ValueError as error:
        raise OcrkitError(
            f"{path}: cannot be read as an ARPA file of characters: {error}"
        ) from error


class _Line(NamedTuple):
    log_prob: float
    tokens: list[str]
    backoff: float


def _sections(lines: Iterable[str]) -> Iterator[list[_Line]]:
    """The n-grams of a file, those of one length after the other. Raises ValueError where it is
    damaged."""
    expected: dict[int, int] = {}
    section: list[_Line] = []
    order = 0
    for number, line in enumerate(lines, start=1):
        line = line.strip(" \t\r\n")
        if line.startswith("ngram ") and order == 0:
            length, _, count = line.removeprefix("ngram ").partition("=")
            expected[int(length)] = int(count)
        elif line == "\\end\\" or (line.startswith("\\") and line.endswith("-grams:")):
            if order:
                if len(section) != expected[order]:
                    raise ValueError(
                        f"it has {len(section)} {order}-grams; its beginning says {expected[order]}"
                    )
                yield section
                section = []
            if line == "\\end\\":
                break
            order += 1
            if line != f"\\{order}-grams:" or order not in expected:
                raise ValueError(
                    f"line {number}: {line[:40]!r}; expected \\{order}-grams: and their number at "
                    "the beginning"
                )
        elif line and order:
            section.append(_line(line, order, number))
    else:
        raise ValueError("it has no \\end\\: it was cut off")
    if order != max(expected, default=0) or not order:
        raise ValueError(
            f"it has n-grams up to length {order}; its beginning says {max(expected, default=0)}"
        )


def _line(line: str, order: int, number: int) -> _Line:
    first, *tokens = re.split("[ \t]+", line)
    backoff = tokens.pop() if len(tokens) == order + 1 else "0"
    try:
        log_prob = max(float(first), -99.0)  # ARPA's way to say never; SRILM writes -inf
        if len(tokens) != order or not (log_prob <= 1e-3 and abs(float(backoff)) <= 99):
            raise ValueError
        return _Line(log_prob * math.log(10), tokens, float(backoff) * math.log(10))
    except ValueError:
        raise ValueError(
            f"line {number}: {line[:40]!r}; expected log10, {order} tokens and perhaps a back-off"
        ) from None


class _Level(NamedTuple):
    """The nodes of one length, sorted by parent and symbol; ``children`` and ``backoffs`` are their
    parents'."""

    symbols: npt.NDArray[Any]
    log_probs: npt.NDArray[Any]
    children: npt.NDArray[Any]
    backoffs: npt.NDArray[Any]


def _levels(sections: Iterator[list[_Line]]) -> tuple[str, list[_Level]]:
    """The characters and the trie of a file's n-grams. Raises ValueError where they do not fit
    together."""
    numbers: dict[str, int] = {}
    levels: list[_Level] = []
    keys: list[npt.NDArray[np.int64]] = []
    backoffs = np.zeros(1, np.float32)
    for section in sections:
        numbers = numbers or _numbers(section)
        try:
            symbols = np.array(
                [[numbers[token] for token in line.tokens] for line in section], np.int64
            )
        except KeyError as error:
            raise ValueError(f"{error} is in n-grams, but not among the 1-grams") from None
        *before, last = symbols.reshape(len(section), len(levels) + 1).T
        parents = np.zeros(len(section), np.int64)
        for known, symbol in zip(keys, before, strict=True):
            wanted = parents * len(numbers) + symbol
            parents = np.searchsorted(known, wanted)
            if (lost := np.flatnonzero(np.append(known, -1)[parents] != wanted)).size:
                raise ValueError(
                    f"{' '.join(section[lost[0]].tokens)!r} is an n-gram, but its beginning is none"
                )
        key = parents * len(numbers) + last
        order = np.argsort(key)
        keys.append(key[order])
        if (np.diff(keys[-1]) == 0).any():
            raise ValueError(f"it has a {len(keys)}-gram twice")
        log_probs = np.array([line.log_prob for line in section], np.float32)[order]
        levels.append(
            _Level(last[order], log_probs, np.bincount(parents, minlength=len(backoffs)), backoffs)
        )
        backoffs = np.array([line.backoff for line in section], np.float32)[order]
    tokens = sorted(numbers, key=numbers.__getitem__)
    return "".join(meaning for meaning in _meanings(tokens).values() if len(meaning) == 1), levels


def _meanings(tokens: Iterable[str]) -> dict[str, str]:
    """What each token stands for: a character, or a symbol that is none. A ``▁`` beside ``<space>``
    is a ``▁``."""
    meanings = {token: _SPECIAL.get(token, token) for token in tokens}
    if {"<space>", "▁"} <= meanings.keys():
        meanings["▁"] = "▁"
    return meanings


def _numbers(unigrams: list[_Line]) -> dict[str, int]:
    """The symbols of all tokens: the characters in order, ``</s>``, ``<s>`` and, where it is there,
    ``<unk>``."""
    meanings = _meanings(token for line in unigrams for token in line.tokens)
    words = [
        token for token, meaning in meanings.items() if len(meaning) > 1 and meaning not in _SPECIAL
    ]
    if words:
        raise ValueError(
            f"the token {words[0]!r} is no character; expected characters with spaces between them"
        )
    if lacking := {"<s>", "</s>"} - meanings.keys():
        raise ValueError(f"its 1-grams lack {' and '.join(sorted(lacking))}")
    if len(set(meanings.values())) < len(unigrams):
        raise ValueError("its 1-grams have a token twice")
    characters = sorted(meaning for meaning in meanings.values() if len(meaning) == 1)
    order = {meaning: index for index, meaning in enumerate([*characters, "</s>", "<s>", "<unk>"])}
    return {token: order[meaning] for token, meaning in meanings.items()}
