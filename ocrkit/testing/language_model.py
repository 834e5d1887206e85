"""Whether a language model that a plugin ships is one."""

import numpy as np

from ocrkit.errors import OcrkitError
from ocrkit.language_model import LanguageModel
from ocrkit.testing.base import Conformance

_CONTEXTS = 20
_TOLERANCE = 1e-3


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
        model, rng = self.model(), np.random.default_rng(0)
        characters = np.arange(len(model.characters), dtype=np.int32)
        keeps_some = model.ngrams.children[0] > len(model.characters) + 2
        states = np.array([model.start], np.int32)
        for _ in range(_CONTEXTS):
            with self.works("to score"):
                scores, following = model.score(states.repeat(len(characters)), characters)
                total = float(
                    np.exp(scores, dtype=np.float64).sum()
                    + np.exp(model.end(states), dtype=np.float64).sum()
                )
            right = total <= 1 + _TOLERANCE and (keeps_some or total >= 1 - _TOLERANCE)
            self.check(
                right,
                f"gives all that may come next the probability {total:.4g} together; expected 1",
            )
            states = following[rng.integers(len(following), size=1)]
