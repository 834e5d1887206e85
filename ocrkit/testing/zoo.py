"""Whether a zoo model is what its manifest says."""

from unittest import SkipTest

from ocrkit.publishing.verify import verify
from ocrkit.testing.base import Conformance
from ocrkit.zoo.models import model_folder


class ZooConformance(Conformance):
    """Checks of a zoo model, those of ``ocrkit zoo verify`` among them."""

    kind = "zoo"

    def test_it_says_what_it_is(self) -> None:
        """A summary for ``ocrkit plugins list``, and a card."""
        self.check(self.entry.summary.strip(), "has no summary; give register() one")
        self.check(
            (model_folder(self.name) / "CARD.md").is_file(),
            "has no CARD.md that says what it is and what it is not for",
        )

    def test_it_is_verified(self) -> None:
        """Manifest, files, pipeline, and its golden set on every backend that is installed."""
        result = verify(self.name)
        if not result.fetched:
            raise SkipTest(
                f"its weights are not on this machine yet. Try: ocrkit zoo fetch {self.name}"
            )
        self.check(result.passed, "; ".join(result.problems))
