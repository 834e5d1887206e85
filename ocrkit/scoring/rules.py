"""What is compared in scoring, and by which rules."""

import unicodedata
from dataclasses import dataclass, replace
from typing import Literal

from ocrkit.parts.page import Page


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is written in a sample, what was read, and who wrote it on which page, as far as that is
    known."""

    id: str
    reference: str
    prediction: str
    writer: str | None = None
    form: str | None = None
    confidence: float | None = None
    """How sure the decoder was of the prediction, 0 to 1."""
    pages: tuple[Page, Page] | None = None
    """Where the sample is a page, truth and reading, whose texts reference and prediction are."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the field argues over: how texts are compared, and which samples count. As they are, and
    all, unless said."""

    lowercase: bool = False
    """Both texts are put into small letters."""
    unicode: Literal["NFC", "NFKC"] | None = None
    """Both texts are put into this normalisation form (Unicode Standard Annex 15)."""
    skip_punctuation: bool = False
    """Samples whose reference is nothing but punctuation and symbols are left out."""

    def apply(self, outcome: Outcome) -> Outcome | None:
        """The outcome as it is to be scored, or None where it is left out."""
        if self.skip_punctuation and _is_punctuation(outcome.reference):
            return None
        return replace(
            outcome,
            reference=self._text(outcome.reference),
            prediction=self._text(outcome.prediction),
            pages=outcome.pages and (self._page(outcome.pages[0]), self._page(outcome.pages[1])),
        )

    def _text(self, text: str) -> str:
        text = text.lower() if self.lowercase else text
        return unicodedata.normalize(self.unicode, text) if self.unicode else text

    def _page(self, page: Page) -> Page:
        if not (self.lowercase or self.unicode):
            return page
        lines = tuple(
            replace(line, text=None if line.text is None else self._text(line.text))
            for line in page.lines
        )
        return replace(page, lines=lines)


RAW = Rules()


def _is_punctuation(text: str) -> bool:
    return bool(text.strip()) and all(unicodedata.category(letter)[0] in "PSZ" for letter in text)
