"""Whether a language model that a plugin ships is one, and whether a format reads its files."""

import tempfile
from pathlib import Path
from typing import ClassVar
from unittest import SkipTest

import numpy as np

from ocrkit.errors import OcrkitError
from ocrkit.language_model import LanguageModel
from ocrkit.testing.base import Conformance, skipped_where_missing

_CONTEXTS = 20
_TOLERANCE = 1e-3
_FOREIGN = {
    "empty": b"",
    "a text": b"these words are no model\n" * 40,
    "zeros": bytes(4096),
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
}
"""Files that no language model is in."""


def _check_probabilities(of: Conformance, model: LanguageModel) -> None:
    """Of all that may come next, the text's end included, after random texts."""
    rng = np.random.default_rng(0)
    characters, keeps_some = model.ids(model.characters), _knows_unknown(model)
    states = np.array([model.start], np.int32)
    for _ in range(_CONTEXTS):
        with of.works("to score"):
            scores, following = model.score(states.repeat(len(characters)), characters)
            total = float(
                np.exp(scores, dtype=np.float64).sum()
                + np.exp(model.end(states), dtype=np.float64).sum()
            )
        right = total <= 1 + _TOLERANCE and (keeps_some or total >= 1 - _TOLERANCE)
        of.check(
            right, f"gives all that may come next the probability {total:.4g} together; expected 1"
        )
        states = following[rng.integers(len(following), size=1)]


def _knows_unknown(model: LanguageModel) -> bool:
    """Whether it has a probability for characters that it does not know."""
    private = map(chr, range(0xE000, 0xF900))
    try:
        model.ids(next(character for character in private if model.missing(character)))
    except OcrkitError:
        return False
    return True


class LanguageModelConformance(Conformance):
    """Checks of a language model."""

    kind = "language_model"

    def model(self) -> LanguageModel:
        self.check(
            self.entry.target, "has no file"
        )  # two plugins that claim the name are refused here
        with self.works("to be opened", OcrkitError):
            return LanguageModel.open(self.name)

    def test_it_says_what_it_is(self) -> None:
        """A summary for ``ocrkit plugins list``."""
        self.check(self.entry.summary.strip(), "has no summary; give register() one")

    def test_probabilities_sum_to_one(self) -> None:
        """Of all that may come next, the text's end included, after random texts; less what it
        keeps for unknown characters."""
        _check_probabilities(self, self.model())


class LanguageModelFormatConformance(Conformance):
    """Checks of a language model format."""

    kind = "language_model_format"
    file: ClassVar[Path | None] = None
    """A model of this format; without it only files of other kinds are tried."""

    def read(self, path: Path) -> LanguageModel:
        with skipped_where_missing(self.entry):
            read = self.entry.load()
        with self.works("to read a file", OcrkitError):
            model: LanguageModel = read(path)
        self.check(
            isinstance(model, LanguageModel),
            f"gives {type(model).__name__}; expected an ocrkit.language_model.LanguageModel",
        )
        return model

    def test_it_says_what_it_is(self) -> None:
        """A summary for ``ocrkit plugins list``."""
        self.check(self.entry.summary.strip(), "has no summary; give register() one")

    def test_probabilities_sum_to_one(self) -> None:
        """Of a model's file."""
        if self.file is None:
            raise SkipTest(
                "needs a model; write a test with LanguageModelFormatConformance that has file"
            )
        _check_probabilities(self, self.read(self.file))

    def test_foreign_files_are_refused(self) -> None:
        """What is missing, a folder, or no language model: OcrkitError, in a line that names the
        file."""
        with tempfile.TemporaryDirectory() as folder:
            for what, content in _FOREIGN.items():
                path = Path(folder) / "model"
                path.write_bytes(content)
                self.refuses(path, f"a file that is {what}")
            self.refuses(Path(folder) / "missing", "a file that is missing")
            self.refuses(Path(folder), "a folder")

    def refuses(self, path: Path, what: str) -> None:
        """OcrkitError, in a line that names the file."""
        try:
            self.read(path)
        except OcrkitError as error:
            right = str(path) in str(error) and len(str(error).splitlines()) == 1
            self.check(
                right, f"refuses {what} with {str(error)!r}; expected a line that names the file"
            )
        else:
            self.check(False, f"takes {what}; expected OcrkitError")
