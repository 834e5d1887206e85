"""Language models as decoders use them, by name or file.

What is in a file, and how it is asked, is known to the plugin that reads it: a language model
format. The core knows names and this interface.
"""

from abc import ABC, abstractmethod
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ocrkit.errors import OcrkitError
from ocrkit.parts.guests import guest
from ocrkit.parts.registry import nearest, registry
from ocrkit.parts.values import FloatArray, IntArray


class LanguageModel(ABC):
    """How likely a character is after those before it. Safe from several threads.

    All probabilities are natural logarithms; over all characters and the end of the text they sum
    to 1. A state, the context in which a decoder stands, is a number: :attr:`start`, or one that
    :meth:`score` gave. Questions are asked many at once, as a decoder has them.
    """

    characters: str
    """Those that it knows, each once."""
    start: int
    """The state at the beginning of a text."""
    about: dict[str, Any]
    """What the file says of the model: ``source``, ``licence``, ``command``, …"""

    @staticmethod
    def open(source: str | Path) -> "LanguageModel":
        """A model by its file, or by the name under which a plugin ships it.

        Raises OcrkitError where there is none, or no installed format reads the file.
        """
        path = find(source)
        refused = []
        for entry in registry().entries("language_model_format"):
            with guest(entry.kind, entry.name):
                try:
                    model: LanguageModel = entry.load()(path)
                except OcrkitError as error:
                    refused.append(str(error))
                else:
                    return model
        raise OcrkitError(
            "; ".join(refused) or f"{path}: no plugin that reads language models is installed"
        )

    def missing(self, characters: str) -> str:
        """Those of the characters that the model does not know by themselves."""
        known = set(self.characters)
        return "".join(character for character in characters if character not in known)

    @abstractmethod
    def ids(self, characters: str) -> IntArray:
        """The numbers of characters for :meth:`score`, int32 (len(characters),).

        Raises OcrkitError that names the characters that the model lacks, unless it has a
        probability for unknown ones.
        """

    @abstractmethod
    def score(self, states: IntArray, characters: IntArray) -> tuple[FloatArray, IntArray]:
        """The log-probability of each character in its state, float32 (M,), and the states behind
        them, int32 (M,).

        ``states`` int32 (M,) come from :attr:`start` or from here; ``characters`` int32 (M,) index
        :attr:`characters` (see :meth:`ids`).
        """

    @abstractmethod
    def end(self, states: IntArray) -> FloatArray:
        """The log-probability that the text ends in each state, float32 (M,)."""

    def log_probs(self, text: str) -> FloatArray:
        """The log-probabilities of a text's characters and of its end, float32 (len(text) + 1,).
        Raises as :meth:`ids`."""
        state = np.array([self.start], np.int32)
        scores = []
        for index in self.ids(text):
            score, state = self.score(state, index[None])
            scores.append(score)
        return np.concatenate([*scores, self.end(state)])


class LanguageModelFormat(Protocol):
    """Reads files of language models."""

    def __call__(self, path: Path, /) -> LanguageModel:
        """Raises OcrkitError, in a line that names the file, for what it cannot read: a file that
        is damaged, or of another format."""


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
