"""Where each word of a line stands, for formats that have nothing smaller than words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocrkit import Line, Word
from ocrkit.data.lines import as_points, band, box, with_baseline
from ocrkit.data.words import words_in_text

Array = npt.NDArray[np.float64]
_SAMPLES = 256
"""Points on a baseline among which those nearest to a word are looked for."""
_NEARLY = 0.8
"""Cosine of the angle up to which a word counts as level, or as upright: some 37 degrees. Programs
take letters that climb for words of a letter each."""


@dataclass(frozen=True, slots=True)
class Place:
    """The rectangle of a word, along its piece of the baseline, or level where that nearly is."""

    start: tuple[float, float]
    """Its lower corner where the word begins, in pixels of the page."""
    along: tuple[float, float]
    """The way that the word runs, of length 1."""
    length: float
    height: float


def placed_words(line: Line) -> Iterator[tuple[Word, Place]]:
    """The words of a line, each with a boundary, and where they stand. Nothing where nobody knows
    where the line is, or it has no text.

    Where the line's own words do not make up its text, or one has no boundary, they are those of
    the text, shared out over the line by their letters.
    """
    words = words_in_text(line)
    if not words or not all(word.boundary for word in words):
        words = _shared_out(line)
    base = _resampled(line)
    for word in words:
        yield word, _place(np.array(word.boundary, np.float64), base)


def as_one(line: Line, words: Iterable[Word]) -> tuple[Word, Place]:
    """The placed words of a line as a single one, which runs as the line does."""
    known = list(words)
    area = tuple(point for word in known for point in word.boundary)
    place = _place(np.array(area, np.float64), _resampled(line), level=False)
    return Word(" ".join(word.text for word in known), area), place


def _shared_out(line: Line) -> tuple[Word, ...]:
    found = band(line) or box(line)
    text = " ".join((line.text or "").split())
    if found is None or not text:
        return ()
    letter, words, begin = found.length / len(text), [], 0
    for each in text.split(" "):
        left, right = begin * letter, (begin + len(each)) * letter
        corners = [(left, 0), (right, 0), (right, found.height), (left, found.height)]
        area = as_points(found.to_page(np.array(corners, np.float64)))
        words.append(Word(each, area))
        begin += len(each) + 1
    return tuple(words)


def _resampled(line: Line) -> Array:
    """Points (n, 2) along the baseline, at equal distances."""
    base = np.array(with_baseline(line).baseline or ((0, 0), (1, 0)), np.float64)
    at = np.concatenate([[0.0], np.linalg.norm(np.diff(base, axis=0), axis=1).cumsum()])
    wanted = np.linspace(0, at[-1], _SAMPLES)
    return np.column_stack([np.interp(wanted, at, base[:, axis]) for axis in range(2)])


def _place(area: Array, base: Array, *, level: bool = True) -> Place:
    nearest = np.linalg.norm(area[:, None] - base, axis=2).argmin(axis=1)
    way = base[nearest.max()] - base[nearest.min()]
    if not way.any():  # beside the line's end, or on a line without a length
        way = base[-1] - base[0]
    length = float(np.linalg.norm(way))
    along = way / length if length else np.array([1.0, 0.0])
    steep = np.abs(along).argmax()
    if level and abs(along[steep]) > _NEARLY:
        along = np.eye(2)[steep] * np.sign(along[steep])
    down = np.array([-along[1], along[0]])
    forth, deep = area @ along, area @ down
    start = forth.min() * along + deep.max() * down
    return Place(
        (float(start[0]), float(start[1])),
        (float(along[0]), float(along[1])),
        max(float(forth.max() - forth.min()), 1.0),
        max(float(deep.max() - deep.min()), 1.0),
    )
