"""A page and what is on it: regions, lines, words, where they are and what they say.

Coordinates are float pixels of the image as it lies upright, turned as its EXIF says: x to the
right, y down, (0, 0) the outer corner of the top left pixel, so that (width, height) is the
opposite one. They are the stored image's on a turned page too: its lines run that way, the file
stays as it is.
"""

from dataclasses import dataclass
from typing import Literal

from ocrkit.parts.checked import Count, Finite, NotNegative, Positive, Share

Points = tuple[tuple[Finite, Finite], ...]
"""Points (x, y) along a line or around an area. Tuples can be compared, hashed and written as JSON,
arrays cannot; ``numpy.array(points)`` is (n, 2)."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A text that was considered, and its score in nats: the higher, the better. Scores compare
    within one sample only."""

    text: str
    score: Finite


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a line."""

    text: str
    boundary: Points = ()
    """The area around it; empty where nobody has said where it is."""
    confidence: Share | None = None
    """How sure the reader is of it, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of writing. It has a baseline or a boundary, or both."""

    id: str
    """No other line of the page has it."""
    baseline: Points = ()
    """What the letters stand on, from the line's beginning to its end, 2 points or more."""
    boundary: Points = ()
    """The area around the line, 3 points or more."""
    above: NotNegative | None = None
    """How far its letters reach above the baseline, in pixels across it."""
    below: NotNegative | None = None
    """How far they reach below it."""
    region: str | None = None
    """The id of the region that it belongs to."""
    text: str | None = None
    """What is written: as it was read or, in a data set, in truth. None where nobody has said."""
    confidence: Share | None = None
    """How sure the reader is of the text, 0 to 1."""
    words: tuple[Word, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    """The best texts, best first, beginning with the text itself."""
    corrected: bool = False
    """Whether a person has looked at the text and found it right, or made it so."""
    kind: str = "text"
    """What it is, in the words of who found it: ``heading``, ``printed``."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a page: a paragraph, a heading, a note in the margin, a cell of a table."""

    id: str
    """No other region of the page has it."""
    kind: str = "text"
    """What it is, in the words of who found it."""
    boundary: Points = ()
    """The area around it, 3 points or more; empty where it is not known."""


@dataclass(frozen=True, slots=True)
class PageImage:
    """Where the picture of a page is."""

    path: str
    """The file; a relative path starts where who reads it says."""
    page: Count = 1
    """Which page of the file it is, from 1: a PDF or a TIFF may have several."""


@dataclass(frozen=True, slots=True)
class Maker:
    """A model or a program that had a part in a page."""

    task: str
    """What it did, ``segment`` or ``text`` for example."""
    name: str
    version: str = ""
    """A program's version, or the sha256 of a model's weights."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page with its lines in reading order.

    >>> note = Page("note", 300, 200, lines=(Line("1", ((10, 50), (290, 52)), text="Dear Ann,"),))
    >>> note.text
    'Dear Ann,'
    """

    id: str
    width: Count
    """Of the image, in pixels."""
    height: Count
    image: PageImage | None = None
    turned: Literal[0, 90, 180, 270] = 0
    """How far the writing is turned clockwise, in degrees: at 90 its lines run downwards."""
    regions: tuple[Region, ...] = ()
    """In reading order."""
    lines: tuple[Line, ...] = ()
    """In reading order."""
    made_by: tuple[Maker, ...] = ()
    """The models and programs that found and read the lines."""
    dpi: Positive | None = None
    """Pixels per inch of the image: how large its sheet is. None where nobody has said."""

    @property
    def text(self) -> str:
        """What is written: a line of text for every line that has one, and a blank one wherever
        another region begins."""
        written = [line for line in self.lines if line.text]
        texts = [
            "\n" * (before is not None and before.region != line.region) + str(line.text)
            for before, line in zip([None, *written], written, strict=False)
        ]
        return "\n".join(texts)

    @property
    def confidence(self) -> float | None:
        """How sure the reader is of what is written, 0 to 1: the mean over all characters of how
        sure it is of their lines. None where that is not known of a line that has a text, or where
        none has."""
        written = [line for line in self.lines if line.text]
        total, characters = 0.0, 0
        for line in written:
            if line.confidence is None:
                return None
            total += line.confidence * len(line.text or "")
            characters += len(line.text or "")
        return total / characters if characters else None
