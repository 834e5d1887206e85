"""Augmentations of lines: what pictures of lines have that those of words have not, uint8 (H, W) →
uint8 (H', W').

They run before the preprocessors. Each leaves an image alone with probability 1 − ``probability``.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ocrkit import ConfigError, option
from ocrkit.interfaces import Image
from ocrkit_image.augmentation import PROBABILITY
from ocrkit_image.drawing import Drawing, Drawn, Sizes
from ocrkit_image.paper import paper_level

_GAPS = 64
"""Spaces of a line that are changed each by its own factor; of more, the factors come again."""


@dataclass(frozen=True)
class Neighbours(Drawing):
    """The lines above and below reach into the image: their descenders and ascenders, or more.

    They are copies of the line itself, moved to the side and, where they run out, begun again; so
    ink and hand are the line's own. One side, the other, or both.
    """

    reach: float = option(
        0.45,
        "how far the image of a neighbouring line reaches in, at most, as a share of the height",
        minimum=0,
        maximum=0.9,
    )
    probability: float = option(0.3, PROBABILITY, minimum=0, maximum=1)

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        count = len(sizes)
        sides = np.array([[1, 0], [0, 1], [1, 1]])[rng.integers(0, 3, count)]
        return {
            "reaches": rng.uniform(0.3 * self.reach, self.reach, (count, 2)) * sides,
            "moves": rng.uniform(0.1, 0.9, (count, 2)),
        }

    def apply(
        self,
        image: Image,
        /,
        *,
        reaches: npt.NDArray[np.float64],
        moves: npt.NDArray[np.float64],
    ) -> Image:
        """How far, as shares of the height, the lines above and below reach in, and by which shares
        of the width they are moved."""
        height, width = image.shape
        above, below = np.rint(reaches * height).astype(int).tolist()
        upper, lower = (np.roll(image, round(move * width), axis=1) for move in moves)
        crowded = image.copy()
        if above:
            np.minimum(crowded[:above], upper[height - above :], out=crowded[:above])
        if below:
            rows = slice(height - below, height)
            np.minimum(crowded[rows], lower[:below], out=crowded[rows])
        return crowded


@dataclass(frozen=True)
class Wavy(Drawing):
    """A baseline that goes up and down in a wave; letters stay upright and nothing is cut off."""

    highest: float = option(
        0.12,
        "how far the wave goes up and down, at most, as a share of the height",
        minimum=0,
        maximum=1,
    )
    shortest: float = option(4.0, "shortest wave, in heights", minimum=0.5, maximum=100)
    longest: float = option(20.0, "longest wave, in heights", minimum=0.5, maximum=1000)
    probability: float = option(0.3, PROBABILITY, minimum=0, maximum=1)

    def __post_init__(self) -> None:
        if self.shortest > self.longest:
            raise ConfigError([f"shortest {self.shortest} is more than longest {self.longest}"])

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        count, heights = len(sizes), sizes[:, 0]
        lengths = np.exp(rng.uniform(np.log(self.shortest), np.log(self.longest), count))
        return {
            "rise": rng.uniform(0.2, 1, count) * self.highest * heights,
            "length": lengths * heights,
            "phase": rng.uniform(0, 2 * np.pi, count),
        }

    def apply(self, image: Image, /, *, rise: float, length: float, phase: float) -> Image:
        """``rise`` and ``length`` of the wave in pixels, ``phase`` in radians."""
        height, width = image.shape
        margin = math.ceil(rise)
        columns = np.arange(width, dtype=np.float32)
        wave = rise * np.sin(2 * np.pi * columns / length + phase)
        rows = np.arange(-margin, height + margin)[:, None] + wave
        return _remapped(image, np.broadcast_to(columns, rows.shape), rows)


@dataclass(frozen=True)
class Gaps(Drawing):
    """Wider and narrower spaces between words, each by a factor of its own; letters stay as they
    are.

    A space is where no ink is, from top to bottom, over a good part of the height. An image
    without any stays as it is.
    """

    narrowest: float = option(0.5, "smallest factor on a space's width", minimum=0.05, maximum=1)
    widest: float = option(2.0, "largest factor on a space's width", minimum=1, maximum=20)
    least: float = option(
        0.15, "width of the narrowest space, as a share of the height", minimum=0.02, maximum=2
    )
    probability: float = option(0.3, PROBABILITY, minimum=0, maximum=1)

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        limits = math.log(self.narrowest), math.log(self.widest)
        return {"factors": np.exp(rng.uniform(*limits, (len(sizes), _GAPS)))}

    def apply(self, image: Image, /, *, factors: npt.NDArray[np.float64]) -> Image:
        height, width = image.shape
        gaps = self._gaps(image)
        if not len(gaps):
            return image
        wide = np.diff(gaps, axis=1)[:, 0]
        added = np.rint(wide * (np.resize(factors, len(gaps)) - 1))
        before = np.stack([added.cumsum() - added, added.cumsum()], axis=1)
        old = np.array([0, *gaps.ravel(), width], np.float64)
        new = old + np.array([0, *before.ravel(), added.sum()])
        centres = np.arange(int(new[-1])) + 0.5
        columns = np.interp(centres, new, old) - 0.5
        shape = height, len(columns)
        rows = np.broadcast_to(np.arange(height)[:, None], shape)
        return _remapped(image, np.broadcast_to(columns, shape), rows)

    def _gaps(self, image: Image) -> npt.NDArray[np.int64]:
        """First columns of spaces and those behind them, (N, 2), without the margins."""
        level, _ = cv2.threshold(image, 0, 255, cv2.THRESH_OTSU)
        ink = np.flatnonzero((image <= level).any(axis=0))
        apart = np.diff(ink)
        at = np.flatnonzero(apart > max(2, self.least * image.shape[0]))
        return np.stack([ink[at] + 1, ink[at + 1]], axis=1)


def _remapped(image: Image, columns: npt.NDArray[Any], rows: npt.NDArray[Any]) -> Image:
    """The image at these places, with the level of the paper around it."""
    remapped = cv2.remap(
        image,
        columns.astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(paper_level(image),),
    )
    return np.asarray(remapped, np.uint8)
