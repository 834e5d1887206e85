"""What a beam search is told of the language: word lists and language models, both as automata that
read along.

A guide's state is what it has read; it weighs every next character, and the end of the text, in
nats. States and classes are int32 arrays of one shape.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ocrkit.errors import OcrkitError
from ocrkit.interfaces import Codec, IntArray
from ocrkit.language_model import LanguageModel
from ocrkit.support.files import read_text

Weights = npt.NDArray[np.floating[Any]]


class Guide(Protocol):
    """Weighs texts, one character at a time."""

    @property
    def start(self) -> int:
        """The state of the empty text."""

    def step(self, states: IntArray, classes: IntArray, /) -> tuple[Weights, IntArray]:
        """The weight of each class, an alphabet's character, in each state (−inf: cannot be), and
        the states behind them."""

    def end(self, states: IntArray, /) -> Weights:
        """The weight of the text's end in each state."""


class ModelGuide:
    """A language model's log-probabilities, times a factor. Raises OcrkitError where it lacks
    characters of the alphabet."""

    def __init__(self, model: LanguageModel, weight: float, codec: Codec) -> None:
        self._model, self._weight, self._ids = model, weight, model.ids(codec.characters)
        self.start = model.start

    def step(self, states: IntArray, classes: IntArray, /) -> tuple[Weights, IntArray]:
        log_probs, behind = self._model.score(states.reshape(-1), self._ids[classes.reshape(-1)])
        return self._weight * log_probs.reshape(states.shape), behind.reshape(states.shape)

    def end(self, states: IntArray, /) -> Weights:
        return self._weight * self._model.end(states.reshape(-1)).reshape(states.shape)


class Lexicon:
    """Lets through the words of a list, with any other characters than letters and digits before,
    between and behind them.

    A trie: state 0 is outside of words, every other one the beginning of a word. Between two words
    there is at least one character that is no letter, mark or digit. Where such a character goes on
    a word, as in ``don't``, it does. Words with characters that the alphabet lacks are left out.
    Raises OcrkitError where no word is left.
    """

    start = 0

    def __init__(self, path: Path, codec: Codec) -> None:
        self._classes = codec.blank
        self._between = np.array(
            [unicodedata.category(character)[0] not in "LMN" for character in codec.characters]
        )
        arcs: dict[int, int] = {}  # state · classes + class → state
        words = set()
        for word in _words(path):
            if not codec.unknown(word):
                state = self.start
                for index in codec.encode(word):
                    state = arcs.setdefault(state * self._classes + index, len(arcs) + 1)
                words.add(state)
        if not arcs:
            raise OcrkitError(
                f"lexicon {path}: it has no word of the pipeline's characters; expected words, "
                "white space between"
            )
        keys = np.array(list(arcs))
        self._complete = np.zeros(len(arcs) + 1, bool)
        self._complete[[self.start, *words]] = True
        for (
            key,
            state,
        ) in (
            arcs.items()
        ):  # in "dogs'", which may go on, the apostrophe may as well stand behind the word "dogs"
            if self._between[key % self._classes] and self._complete[key // self._classes]:
                self._complete[state] = True
        order = keys.argsort()
        self._keys, self._states = keys[order], order.astype(np.int32) + 1

    def step(self, states: IntArray, classes: IntArray, /) -> tuple[Weights, IntArray]:
        keys = states.astype(np.int64) * self._classes + classes
        found = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        known = self._keys[found] == keys
        allowed = known | (self._between[classes] & self._complete[states])
        return np.where(allowed, 0.0, -np.inf), np.where(
            known, self._states[found], self.start
        ).astype(np.int32)

    def end(self, states: IntArray, /) -> Weights:
        return np.where(self._complete[states], 0.0, -np.inf)


def _words(path: Path) -> set[str]:
    return set(read_text(path, expected="a lexicon, words between white space").split())


def open_lexicon(path: Path, codec: Codec) -> Lexicon:
    """The lexicon of a file; opened once, until the file changes."""
    return _lexicon(path, codec, _stamp(path))


def open_model(source: str) -> LanguageModel:
    """The language model of a file or name; opened once, until the file changes. Raises OcrkitError
    where it cannot be."""
    return _model(source, _stamp(Path(source)))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size


@lru_cache(maxsize=4)
def _lexicon(path: Path, codec: Codec, _: tuple[int, int] | None) -> Lexicon:
    return Lexicon(path, codec)


@lru_cache(maxsize=4)
def _model(source: str, _: tuple[int, int] | None) -> LanguageModel:
    return LanguageModel.open(source)


class Guides:
    """Several guides as one, and a bonus for every character; states are int32 arrays with one more
    axis, the guides, first."""

    def __init__(self, guides: Sequence[Guide], bonus: float) -> None:
        self._guides, self._bonus = guides, bonus

    def __bool__(self) -> bool:
        return bool(self._guides)

    def start(self, shape: tuple[int, ...]) -> IntArray:
        """The states of empty texts (G, *shape)."""
        states = np.empty((len(self._guides), *shape), np.int32)
        for each, guide in zip(states, self._guides, strict=True):
            each[...] = guide.start
        return states

    def step(self, states: IntArray, classes: IntArray) -> tuple[Weights, IntArray]:
        """The weights of classes (*shape) in states (G, *shape), and the states behind them."""
        total, behind = np.full(classes.shape, self._bonus), np.empty_like(states)
        for index, guide in enumerate(self._guides):
            weights, behind[index] = guide.step(states[index], classes)
            total += weights
        return total, behind

    def weigh(self, labels: npt.NDArray[np.int64]) -> Weights:
        """The weights (M,) of whole texts (M, L), class ids padded with −1."""
        states, total = self.start((len(labels),)), np.zeros(len(labels))
        for column in labels.T:
            rows = (column >= 0).nonzero()[0]
            weights, states[:, rows] = self.step(states[:, rows], column[rows])
            total[rows] += weights
        for state, guide in zip(states, self._guides, strict=True):
            total += guide.end(state)
        return total
