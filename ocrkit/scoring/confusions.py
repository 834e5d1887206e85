"""Which characters are read as which."""

from collections import Counter
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Character:
    """How often a character is written, and how often it was read as itself."""

    character: str
    count: int
    right: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """A character that is read as another, how often. ``reference`` is empty for an invented
    character, ``prediction`` for a missed one."""

    reference: str
    prediction: str
    count: int


class Confusions:
    """Counts characters and their confusions over samples that come one by one, and keeps no text.

    Confusions are the edits of one alignment of each pair of texts with the fewest edits, of which
    there can be several.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._written: Counter[str] = Counter()

    def add(self, reference: str, prediction: str) -> None:
        from rapidfuzz.distance.Levenshtein import editops

        self._written.update(reference)
        for edit in editops(reference, prediction):
            missed = "" if edit.tag == "insert" else reference[edit.src_pos]
            written = "" if edit.tag == "delete" else prediction[edit.dest_pos]
            self._counts[missed, written] += 1

    def merge(self, other: Self) -> None:
        """Adds all that another has counted."""
        self._counts.update(other._counts)
        self._written.update(other._written)

    def result(self, top: int | None = 20) -> list[Confusion]:
        """The commonest, or all for None, the commonest first. Equally common ones are ordered by
        their characters."""
        commonest = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))[:top]
        return [
            Confusion(reference, prediction, count) for (reference, prediction), count in commonest
        ]

    def characters(self) -> list[Character]:
        """All that are written, the commonest first, with how often they were read as
        themselves."""
        wrong = Counter[str]()
        for (reference, _), count in self._counts.items():
            wrong[reference] += count
        commonest = sorted(self._written.items(), key=lambda item: (-item[1], item[0]))
        return [
            Character(character, count, count - wrong[character]) for character, count in commonest
        ]
