"""Who writes: words drawn in a font, or cut out of other people's images; where their baseline is,
how wide they are, and what they look like."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from ocrkit import ImageError, Sample
from ocrkit.interfaces import Image

_POOL = 60
"""Words of a writer that are in use at most, so that a page need not load hundreds of images."""
_TALL = frozenset("bdfhklt0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ!?ijßäöüéèàçâêîôû")
_DEEP = frozenset("gjpqyçJQ")
_RISE, _FALL = 0.85, 0.75
"""How far tall letters rise above small ones, and deep ones fall below the baseline, as shares of
the x-height."""


class Ink(NamedTuple):
    """A word before it is written."""

    text: str
    width: float
    above: float
    """How far its ink reaches above the baseline, in pixels; ``below`` as far below it."""
    below: float
    draw: Callable[[], tuple[Image, float]]
    """Gives its picture, light on black, uint8 (H, W), and the row of the baseline in it; its
    columns are the word's."""


class Hand(Protocol):
    """A hand of some size."""

    @property
    def above(self) -> float:
        """How far its tall letters reach above the baseline, in pixels."""

    @property
    def below(self) -> float:
        """How far its deep ones reach below it."""

    def word(self, rng: random.Random, /) -> Ink:
        """The next word that it writes."""


@dataclass
class FontHand:
    """Words one after the other out of a text, drawn in a font."""

    face: ImageFont.FreeTypeFont
    words: Sequence[str]
    at: int
    """The place of the next word."""

    @cached_property
    def above(self) -> float:
        return float(-self.face.getbbox("bdfhkl", anchor="ls")[1])

    @cached_property
    def below(self) -> float:
        return float(max(self.face.getbbox("gjpqy", anchor="ls")[3], 1))

    def word(self, rng: random.Random, /) -> Ink:
        text = self.words[self.at % len(self.words)]
        self.at += 1
        left, top, right, bottom = self.face.getbbox(text, anchor="ls")

        def draw() -> tuple[Image, float]:
            size = max(1, int(right - left)), max(1, int(bottom - top))
            canvas = Pillow.new("L", size)
            place = (-left, -top)
            ImageDraw.Draw(canvas).text(place, text, font=self.face, fill=255, anchor="ls")
            return np.asarray(canvas), -top

        return Ink(text, right - left, -top, bottom, draw)


@dataclass
class CutWord:
    """A word of somebody's image: its ink, light on black, and where it stands."""

    text: str
    ink: Image
    rising: bool
    """Whether it has tall letters; ``falling`` the same of deep ones, None where an f alone would
    tell, which some hands draw below the line."""
    falling: bool | None

    @classmethod
    def of(cls, sample: Sample) -> "CutWord | None":
        """None for what has no letters to stand on the baseline, or no ink that can be told."""
        text = (sample.text or "").strip()
        letters = [each for each in text if each.isalnum()]
        if not letters:
            return None
        try:
            image = sample.load()
        except ImageError:
            return None
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        dark, light = np.percentile(grey, (1, 90))
        if light - dark < 30:
            return None
        ink = np.asarray(((light - grey) / (light - dark) * 320 - 32).clip(0, 255), np.uint8)
        rows = np.flatnonzero((ink > 100).sum(axis=1) > 1)
        columns = np.flatnonzero((ink > 100).any(axis=0))
        if len(rows) < 4 or len(columns) < 3:
            return None
        cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        falling: bool | None = not _DEEP.isdisjoint(letters)
        if not falling and "f" in letters:
            falling = None
        return cls(text, np.ascontiguousarray(cut), not _TALL.isdisjoint(letters), falling)

    @property
    def x_height(self) -> float:
        """An estimate from which letters it has."""
        return len(self.ink) / (1 + _RISE * self.rising + _FALL * bool(self.falling))


@dataclass
class CutHand:
    """Words of one writer, in no order, at a size that is the same for all of them."""

    words: Sequence[CutWord]
    x_height: float
    usual: float = field(init=False)
    """The x-height in the images."""

    def __post_init__(self) -> None:
        sure = [word.x_height for word in self.words if word.falling is not None]
        self.usual = median(sure or [word.x_height for word in self.words])

    @property
    def above(self) -> float:
        return (1 + _RISE) * self.x_height

    @property
    def below(self) -> float:
        return _FALL * self.x_height

    def word(self, rng: random.Random, /) -> Ink:
        found = rng.choice(self.words)
        scale = self.x_height / self.usual
        height, width = (max(2, round(side * scale)) for side in found.ink.shape)
        falling = found.falling
        if falling is None:
            falling = len(found.ink) > (1 + _RISE + _FALL / 2) * self.usual
        below = min(_FALL * self.x_height, 0.45 * height) if falling else 0.0

        def draw() -> tuple[Image, float]:
            shape = (width, height)
            resized = cv2.resize(found.ink, shape, interpolation=cv2.INTER_AREA)
            return np.asarray(resized, np.uint8), height - below

        return Ink(found.text, float(width), height - below, below, draw)


def pool(samples: Sequence[Sample], rng: random.Random) -> list[CutWord]:
    """Some of a writer's words that can be used."""
    drawn = rng.sample(range(len(samples)), min(_POOL, len(samples)))
    return [word for number in drawn if (word := CutWord.of(samples[number])) is not None]
