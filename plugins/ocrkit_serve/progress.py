"""How far people are with the pages that are kept, and how many mistakes are likely left."""

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from ocrkit import Line, Page
from ocrkit_serve.kept import Kept


@dataclass(frozen=True, slots=True)
class Progress:
    """Of a page or of several."""

    lines: int = 0
    corrected: int = 0
    characters: int = 0
    """Of lines whose text was read and that nobody has corrected."""
    mistakes: float = 0.0
    """How many are expected among them."""

    def __add__(self, other: "Progress") -> "Progress":
        return Progress(
            self.lines + other.lines,
            self.corrected + other.corrected,
            self.characters + other.characters,
            self.mistakes + other.mistakes,
        )

    def to_json(self) -> dict[str, Any]:
        cer = self.mistakes / self.characters if self.characters else None
        return {"lines": self.lines, "corrected": self.corrected, "estimated_cer": cer}


def progress_of(page: Page) -> Progress:
    """How far a page is.

    >>> read, kept = Line("1", text="half", confidence=0.5), Line("2", text="all", corrected=True)
    >>> found = progress_of(Page("letter", 9, 9, lines=(read, kept)))
    >>> found.lines, found.corrected, round(found.mistakes, 2)
    (2, 1, 0.64)
    """
    read = [line for line in page.lines if not line.corrected and line.text]
    known = [line for line in read if line.confidence is not None]
    return Progress(
        len(page.lines),
        sum(line.corrected for line in page.lines),
        sum(len(line.text or "") for line in known),
        sum(map(expected_mistakes, known)),
    )


def expected_mistakes(line: Line) -> float:
    """How many characters of a line are likely wrong, by its confidence p: n (1 - p^(1/n)).

    p is how likely all n characters are right. If each is wrong with the same probability e,
    whatever the others are, then p = (1 - e)^n.
    """
    count = len(line.text or "")
    return count * (1 - float((line.confidence or 0.0) ** (1 / count)))


def add_progress(app: FastAPI, kept: Kept) -> None:
    """Adds /v1/progress."""
    seen: dict[str, tuple[object, Progress]] = {}
    """By page: what its file was when it was looked at, and what it said."""

    def of(id_: str, state: object) -> Progress:
        if seen.get(id_, (None,))[0] != state:
            seen[id_] = state, progress_of(kept.page(id_))
        return seen[id_][1]

    @app.get("/v1/progress", summary="How far the pages are, one by one and together.")
    def progress() -> dict[str, Any]:
        pages = {id_: of(id_, state) for id_, state in kept.states().items()}
        together = sum(pages.values(), Progress()).to_json()
        return together | {"pages": {id_: each.to_json() for id_, each in pages.items()}}
