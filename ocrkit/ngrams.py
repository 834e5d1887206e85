"""Training character n-gram models: counts, modified Kneser-Ney smoothing, pruning, and how well a
model foretells a text."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ocrkit.errors import OcrkitError
from ocrkit.language_model import LanguageModel, NGrams
from ocrkit.support.files import text_pieces

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]
_CHUNK = 1 << 20
"""Bytes of text, or characters of different texts, that are taken at a time."""

# -------------------------------------------------------------------------------------------- texts


def read_texts(
    path: Path, *, words: bool, on_bytes: Callable[[int], None] = lambda _: None
) -> Iterator[Counter[str]]:
    """The texts of a UTF-8 file and how often each occurs, some megabytes of different ones at a
    time.

    A text is a line without the white space around it; with ``words``, a word (see
    :func:`split_words`). Empty ones are left out. ``on_bytes`` is told how many bytes more have
    been read. Raises OcrkitError where the file cannot be read.
    """
    counts: Counter[str] = Counter()
    for text in text_pieces(path):
        counts.update(
            split_words(text) if words else filter(None, map(str.strip, text.split("\n")))
        )
        on_bytes(len(text.encode()))
        if sum(map(len, counts)) > _CHUNK:
            yield counts
            counts = Counter()
    yield counts


def characters_of(
    paths: Iterable[Path], *, words: bool, on_bytes: Callable[[int], None] = lambda _: None
) -> str:
    """All characters of the texts of files, in order. Raises as :func:`read_texts`."""
    found: set[str] = set()
    for path in paths:
        for counts in read_texts(path, words=words, on_bytes=on_bytes):
            found.update(*counts)
    return "".join(sorted(found))


def split_words(text: str) -> Iterator[str]:
    """What stands between white space, with the punctuation around it split off: ``"Well," (he
    said)`` has eight words.

    Punctuation before and after a word is one word each; equal ones in a row (``...``) are one
    together. Within a word it stays (``don't``, ``3.5``).
    """
    for token in text.split():
        word = token.strip("""!"'(),-./:;?[]`{|}~*#&…–—‘’“”«»""")
        before, _, after = token.partition(word) if word else ("", "", token)
        yield from _runs(before)
        if word:
            yield word
        yield from _runs(after)


def _runs(punctuation: str) -> Iterator[str]:
    return ("".join(run) for _, run in groupby(punctuation))


# ------------------------------------------------------------------------------------------- counts


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


# ---------------------------------------------------------------------------------------- smoothing


@dataclass
class _Level:
    """The n-grams of one length, sorted by parent and last symbol."""

    parents: _Ints
    symbols: _Ints
    suffixes: _Ints
    """Each n-gram without its first symbol: its place among the shorter ones."""
    begins: npt.NDArray[np.bool_]
    """Whether it is the beginning of a text."""
    counts: _Ints
    probs: _Floats
    backoffs: _Floats
    """Of the parents."""


def train(
    counts: Counts, *, keep: int | None = None, about: Mapping[str, Any] | None = None
) -> NGrams:
    """A model with interpolated modified Kneser-Ney smoothing (Chen & Goodman 1999, section 3), one
    of the n-grams counted.

    Single symbols are interpolated with the uniform distribution over the characters and the end,
    so that what was never seen gets its share. Where counts are too few for the estimate of a
    discount, the discounts of that length are 0.5, 1 and 1.5.

    ``keep`` leaves so many n-grams, besides the single symbols: those without which the texts
    counted would lose the most likelihood (Seymore & Rosenfeld 1996), and with each the n-grams
    that it needs. Their probabilities stay; the back-offs take up what the others had. Raises
    OcrkitError where nothing was counted.
    """
    if not counts.texts:
        raise OcrkitError(
            f"no text to train on: {counts.left_out:,} texts have characters outside "
            f"{counts.characters!r}"
        )
    levels = _smoothed(counts)
    if keep is not None and keep < sum(len(level.symbols) for level in levels[1:]):
        levels = _pruned(levels, keep)
    with np.errstate(divide="ignore"):
        log_probs = np.log(np.concatenate([level.probs for level in levels]))
        backoffs = np.log(np.concatenate([level.backoffs for level in levels]))
    sizes = [1, *(len(level.symbols) for level in levels)]
    return NGrams(
        characters=counts.characters,
        order=counts.order,
        children=np.concatenate(
            [
                np.bincount(level.parents, minlength=size)
                for level, size in zip(levels, sizes, strict=False)
            ]
        ),
        symbols=np.concatenate([level.symbols for level in levels]),
        log_probs=log_probs.astype(np.float32),
        backoffs=np.maximum(backoffs, -100).astype(np.float32),
        about={**(about or {}), "ngrams": sizes[1:]},
    )


def _smoothed(counts: Counts) -> list[_Level]:
    width = counts.width
    levels = [_empty_text()]
    for keys, count in zip(counts.keys, counts.counts, strict=True):
        shorter, parents, symbols = levels[-1], keys // width, keys % width
        if len(levels) == 1:
            suffixes, begins = np.zeros(width, np.int64), symbols == width - 1
        else:
            suffixes = np.searchsorted(
                counts.keys[len(levels) - 2], shorter.suffixes[parents] * width + symbols
            )
            begins = shorter.begins[parents]
        levels.append(_Level(parents, symbols, suffixes, begins, count, np.zeros(0), np.zeros(0)))
    for length, level in enumerate(levels[1:], start=1):
        adjusted = level.counts
        if length < counts.order:
            # In how many different contexts a text goes on, not how often; before the beginning
            # there is no context.
            contexts = np.bincount(levels[length + 1].suffixes, minlength=len(level.counts))
            adjusted = np.where(level.begins, level.counts, contexts)
        if length == 1:
            adjusted = np.where(level.begins, 0, adjusted)  # a beginning is given, never foretold
        _smooth(level, levels[length - 1], adjusted)
    levels[1].probs[-1] = 0
    return levels[1:]


def _empty_text() -> _Level:
    nothing = np.zeros(1, np.int64)
    return _Level(nothing, nothing, nothing, np.zeros(1, bool), nothing, np.zeros(1), np.zeros(1))


def _smooth(level: _Level, shorter: _Level, adjusted: _Ints) -> None:
    """Sets probabilities, and the back-offs of the parents."""
    discounts = _discounts(adjusted)[np.minimum(adjusted, 3)]
    size = len(shorter.symbols)
    totals = np.bincount(level.parents, adjusted, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = (adjusted - discounts) / totals[level.parents]
        level.backoffs = np.where(
            totals > 0, np.bincount(level.parents, discounts, size) / totals, 1.0
        )
    lower = shorter.probs[level.suffixes] if size > 1 else 1 / (len(adjusted) - 1)
    level.probs = own + level.backoffs[level.parents] * lower


def _discounts(counts: _Ints) -> _Floats:
    """What is taken from counts of 0, 1, 2, and 3 or more."""
    one, two, three, four = (int((counts == count).sum()) for count in (1, 2, 3, 4))
    if min(one, two, three) > 0:
        share = one / (one + 2 * two)
        found = [
            1 - 2 * share * two / one,
            2 - 3 * share * three / two,
            3 - 4 * share * four / three,
        ]
        if all(0 <= discount <= count for count, discount in enumerate(found, start=1)):
            return np.array([0.0, *found])
    return np.array([0.0, 0.5, 1.0, 1.5])


def _pruned(levels: list[_Level], keep: int) -> list[_Level]:
    """The levels with the n-grams that matter most; the single symbols stay."""
    with np.errstate(
        divide="ignore"
    ):  # a context that has lost nothing to discounts cannot do without any n-gram
        losses = [
            level.counts
            * (
                np.log(level.probs)
                - np.log(level.backoffs[level.parents] * shorter.probs[level.suffixes])
            )
            for shorter, level in pairwise(levels)
        ]
    for level, loss, shorter in reversed(list(zip(levels[2:], losses[1:], losses, strict=False))):
        np.maximum.at(shorter, level.parents, loss)
        np.maximum.at(shorter, level.suffixes, loss)
    ranked = np.argsort(-np.concatenate(losses), kind="stable")
    chosen = np.zeros(len(ranked), bool)
    chosen[ranked[:keep]] = True
    kept = [levels[0]]
    places = np.arange(len(levels[0].symbols))
    for level, mask in zip(
        levels[1:], np.split(chosen, np.cumsum([len(loss) for loss in losses])[:-1]), strict=True
    ):
        shorter = kept[-1]
        parents, suffixes, probs = (
            places[level.parents[mask]],
            places[level.suffixes[mask]],
            level.probs[mask],
        )
        size = len(shorter.symbols)
        left = 1 - np.bincount(parents, probs, size)
        lower = 1 - np.bincount(parents, shorter.probs[suffixes], size)
        backoffs = np.where((left > 1e-9) & (lower > 1e-9), left / np.maximum(lower, 1e-9), 1e-9)
        kept.append(
            _Level(
                parents,
                level.symbols[mask],
                suffixes,
                level.begins[mask],
                level.counts[mask],
                probs,
                backoffs,
            )
        )
        places = np.cumsum(mask) - 1
    return kept


# ---------------------------------------------------------------------------------------- measuring


def bits(model: LanguageModel, texts: Mapping[str, int]) -> tuple[float, int, int]:
    """The bits of texts, ends included, how many characters and ends these are, and how many texts
    the model cannot write."""
    known = set(model.characters)
    fitting = sorted((text for text in texts if known.issuperset(text)), key=len, reverse=True)
    weights = np.array([texts[text] for text in fitting], np.int64)
    lengths = np.array([len(text) for text in fitting], np.int64)
    states = np.full(len(fitting), model.start, np.int32)
    total = 0.0
    for place in range(int(lengths[0]) if fitting else 0):
        writing = int(np.searchsorted(-lengths, -place))  # the first so many texts go on here
        ids = model.ids("".join(text[place] for text in fitting[:writing]))
        scores, states[:writing] = model.score(states[:writing], ids)
        total += float(scores @ weights[:writing])
    if fitting:
        total += float(model.end(states) @ weights)
    return (
        -total / math.log(2),
        int(weights @ (lengths + 1)),
        sum(texts.values()) - int(weights.sum()),
    )
