"""Words in their places on a sheet, and the ink that they are made of."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from ocrkit.interfaces import Image
from ocrkit_synth.pages.hands import Hand, Ink
from ocrkit_synth.pages.layout import Layout, Slot

Points = npt.NDArray[np.float64]

_STRUCK = 0.012
"""Share of words that are crossed out, a third of them so that nobody can read them."""


@dataclass(frozen=True)
class Placed:
    """A word on the sheet."""

    ink: Ink
    x: float
    """Of its left end; ``y`` is the baseline's there."""
    y: float
    struck: Literal["", "through", "out"] = ""


@dataclass(frozen=True)
class Written:
    """A line on the sheet; points are float64 (n, 2), in pixels of it."""

    slot: Slot
    words: tuple[Placed, ...]
    slope: float
    above: float
    below: float

    @property
    def text(self) -> str:
        return " ".join(word.ink.text for word in self.legible)

    @property
    def legible(self) -> list[Placed]:
        """The words without those that are crossed out so that nobody can read them."""
        return [word for word in self.words if word.struck != "out"]

    def band(self, above: float, below: float, word: Placed | None = None) -> Points:
        """The corners around the line, or a word of it: so far above and below the baseline."""
        first, last = (word, word) if word else (self.words[0], self.words[-1])
        left, right = first.x, last.x + last.ink.width
        corners = ((left, -above), (right, -above), (right, below), (left, below))
        return np.array([(x, self.level(x) + y) for x, y in corners])

    @property
    def baseline(self) -> Points:
        return self.band(0, 0)[:2]

    def level(self, x: float) -> float:
        """Where the baseline is at x."""
        return self.words[0].y + self.slope * (x - self.words[0].x)


def write(layout: Layout, hands: Mapping[str, Hand], rng: random.Random) -> list[Written]:
    """Fills the lines of a layout, each by its hand; lines that get no word, or would stand below
    the page, are left out."""
    leaning, wide = rng.gauss(0, 0.006), rng.uniform(0.6, 1.3)
    waiting: dict[str, Ink] = {}
    lines = []
    for slot in (each for each in layout.slots if each.y < layout.height):
        level = slot.hand == "print"
        slope = 0.0 if level else leaning + rng.gauss(0, 0.003)
        words = _fill(slot, hands[slot.hand], wide, waiting, rng)
        if words:
            lines.append(_line(slot, hands[slot.hand], words, slope, rng))
    return lines


def _fill(
    slot: Slot, hand: Hand, wide: float, waiting: dict[str, Ink], rng: random.Random
) -> list[tuple[Ink, float]]:
    """Words for a line and how far from its beginning they stand; the one that does not fit any
    more waits for the hand's next line."""
    room, whole = (slot.right - slot.left) * slot.fill, slot.right - slot.left
    words: list[tuple[Ink, float]] = []
    at = 0.0
    while True:
        ink = waiting.pop(slot.hand, None) or hand.word(rng)
        if at + ink.width > room:
            break
        words.append((ink, at))
        at += ink.width + 0.55 * hand.below * wide + hand.above * rng.uniform(0.1, 0.3)
    if words:
        waiting[slot.hand] = ink
    elif ink.width <= whole:  # a short line has a word at least
        words.append((ink, 0.0))
    return words


def _line(
    slot: Slot, hand: Hand, words: Sequence[tuple[Ink, float]], slope: float, rng: random.Random
) -> Written:
    end = words[-1][1] + words[-1][0].width
    left = slot.right - end if slot.to_the_right else slot.left
    y = slot.y + slope * (left - slot.left)
    placed = [
        Placed(ink, left + x, y + slope * x, _struck(ink, rng) if slot.hand == "main" else "")
        for ink, x in words
    ]
    if all(word.struck == "out" for word in placed):
        placed[0] = replace(placed[0], struck="through")
    return Written(slot, tuple(placed), slope, hand.above, hand.below)


def _struck(ink: Ink, rng: random.Random) -> Literal["", "through", "out"]:
    if len(ink.text) < 3 or rng.random() > _STRUCK:
        return ""
    return "out" if rng.random() < 1 / 3 else "through"


def draw(layout: Layout, lines: list[Written], rng: random.Random) -> tuple[Image, Image]:
    """What is written and what is printed, light on black, uint8 (H, W) each."""
    inks = np.zeros((2, layout.height, layout.width), np.uint8)
    for line in lines:
        layer = inks[int(line.slot.hand == "print")]
        for word in line.words:
            _put(layer, word, line.slope)
            if word.struck:
                _strike(layer, word, line, rng)
        if line.slot.underlined:
            start, end = line.baseline + np.array([0, 0.6 * line.below])
            _stroke(layer, np.array([start, end]), max(1, round(line.above / 16)))
    return inks[0], inks[1]


def _put(layer: Image, word: Placed, slope: float) -> None:
    """Writes a word, to a fraction of a pixel, its columns moved along the baseline."""
    picture, base = word.ink.draw()
    height, width = picture.shape
    left, top = int(np.floor(word.x)), int(np.floor(word.y - base - abs(slope) * width))
    size = (width + 2, int(height + 2 * abs(slope) * width) + 3)
    move = np.array([[1, 0, word.x - left], [slope, 1, word.y - base - top]], np.float64)
    moved = np.asarray(cv2.warpAffine(picture, move, size), np.uint8)
    rows, columns = layer.shape
    above, before = max(0, -top), max(0, -left)
    part = moved[above : max(0, rows - top), before : max(0, columns - left)]
    if part.size:
        place = layer[top + above :, left + before :][: part.shape[0], : part.shape[1]]
        np.maximum(place, part, out=place)


def _strike(layer: Image, word: Placed, line: Written, rng: random.Random) -> None:
    """A stroke through a word, or a scribble over it."""
    width, up = word.ink.width, 0.35 * line.above
    strokes = rng.randint(1, 2) if word.struck == "through" else rng.randint(7, 14)
    reach = 0.1 * line.above if word.struck == "through" else 0.35 * line.above
    points = []
    for number in range(2 * strokes):
        x = word.x + (number % 2) * width + rng.uniform(-0.05, 0.05) * width
        y = word.y + line.slope * (x - word.x) - up + rng.uniform(-reach, reach)
        points.append((x, y))
    _stroke(layer, np.array(points), max(1, round(line.above / 14)))


def _stroke(layer: Image, points: Points, thickness: int) -> None:
    """A line through points, to a sixteenth of a pixel; OpenCV's begin in a pixel's middle."""
    whole = np.round((points - 0.5) * 16).astype(np.int32)
    cv2.polylines(layer, [whole], False, (255,), thickness, cv2.LINE_AA, 4)
