"""The words of a line, and the areas around lines, as files of pages have them."""

from dataclasses import replace

import numpy as np

from ocrkit.data.lines import as_points, band, box
from ocrkit.parts.page import Line, Points, Word


def words_in_text(line: Line) -> tuple[Word, ...]:
    """The line's words, where they make up its text: each with the hyphen, or whatever else of the
    text is behind it without a space. Empty where they do not, of a text that was corrected since.

    >>> words_in_text(Line("1", text="it rains.", words=(Word("it"), Word("rains"))))[1].text
    'rains.'
    >>> words_in_text(Line("1", text="it snows", words=(Word("it"), Word("rains"))))
    ()
    """
    found: list[Word] = []
    texts = (line.text or "").split()
    words = list(line.words)
    for text in texts:
        if not words or not words[0].text or not text.startswith(words[0].text):
            return ()
        first = words.pop(0)
        rest = text.removeprefix(first.text)
        while rest and words and rest.startswith(words[0].text or "\n"):
            rest = rest.removeprefix(words[0].text)
            first = _joined(first, words.pop(0))
        found.append(replace(first, text=text))
    return () if words else tuple(found)


def _joined(word: Word, other: Word) -> Word:
    """Two words in one."""
    known = [each.confidence for each in (word, other) if each.confidence is not None]
    area = bounds((*word.boundary, *other.boundary)) if word.boundary and other.boundary else ()
    return Word(word.text + other.text, area, min(known, default=None))


def bounds(points: Points) -> Points:
    """The four corners of the upright box around points, from the top left one clockwise; empty
    where there are none."""
    if not points:
        return ()
    left, top = (min(each) for each in zip(*points, strict=True))
    right, bottom = (max(each) for each in zip(*points, strict=True))
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def area_of(line: Line) -> Points:
    """The area around a line: its boundary, else the band along its baseline, as high as its
    letters, else the box around it. Empty where nothing says where it is."""
    if line.boundary:
        return line.boundary
    found = band(line)
    if found is None:
        around = box(line)
        if around is None:
            return ()
        found = around
    steps = np.linalg.norm(np.diff(found.base, axis=0), axis=1)
    along = np.concatenate([[0.0], steps.cumsum()])
    upper = np.column_stack([along, np.zeros(len(along))])
    lower = np.column_stack([along[::-1], np.full(len(along), found.height)])
    return as_points(found.to_page(np.concatenate([upper, lower])))
