"""Whether a checker does what the interface says."""

from ocrkit.parts.protocols import Checker
from ocrkit.testing.base import PartConformance

_TEXTS = ("", "a word", "(((", "Ω\n", "x" * 10_000)


class CheckerConformance(PartConformance):
    """Checks of a checker."""

    kind = "checker"

    def test_it_says_a_sentence_or_nothing(self) -> None:
        """Of any text, the same every time."""
        part: Checker = self.part()
        for text in _TEXTS:
            with self.works(f"on {text[:20]!r}"):
                said, again = part(text), part(text)
            self.check(isinstance(said, str), f"says {said!r} of {text[:20]!r}; expected a text")
            self.check(said == again, f"says something else of {text[:20]!r} the second time")
