"""ARPA files whose tokens are characters."""

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ocrkit.errors import OcrkitError
from ocrkit.support.files import text_lines
from ocrkit_ngrams.trie import NGrams

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
