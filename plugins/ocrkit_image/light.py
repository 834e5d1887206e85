"""Augmentations: the light and the paper of photographs, uint8 (H, W) → uint8 (H, W).

They run before the preprocessors. Each leaves an image alone with probability 1 − ``probability``.
Light, shadow and a printed line take a share of what a place reflects, so they multiply.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ocrkit import option
from ocrkit.interfaces import FloatArray, Image
from ocrkit_image.augmentation import PROBABILITY
from ocrkit_image.drawing import Drawn, InPlace, Sizes
from ocrkit_image.paper import paper_level


@dataclass(frozen=True)
class Shading(InPlace):
    """Uneven light that changes smoothly from place to place, at random on a grid of 3 × 3."""

    darkest: float = option(
        0.5, "least light that a place gets, as a share of the most", minimum=0.05, maximum=1
    )
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        least = rng.uniform(self.darkest, 1, len(sizes))[:, None, None]
        return {"grid": rng.uniform(least, 1, (len(sizes), 3, 3)).astype(np.float32)}

    def apply(self, image: Image, /, *, grid: FloatArray) -> Image:
        """``grid`` (3, 3): the light of evenly spaced places, as a share."""
        height, width = image.shape
        light = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        return _lit(image, np.asarray(light.clip(self.darkest, 1), np.float32))


@dataclass(frozen=True)
class Shadow(InPlace):
    """A shadow whose edge, hard or soft, is a straight line somewhere across the image."""

    darkest: float = option(
        0.45, "light left in the deepest shadow, as a share", minimum=0.05, maximum=1
    )
    softest: float = option(
        0.8, "width of the softest edge, as a share of the height", minimum=0, maximum=10
    )
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        direction = rng.uniform(0, 2 * np.pi, len(sizes))
        # Of all pixels those in the corners lie farthest along any direction.
        far = np.stack([np.sin(direction), np.cos(direction)], axis=1) * (sizes - 1)
        nearest = np.minimum(far, 0).sum(axis=1).astype(np.float32)
        farthest = np.maximum(far, 0).sum(axis=1).astype(np.float32)
        return {
            "direction": direction,
            "start": rng.uniform(nearest, farthest),
            "softness": rng.uniform(-1, 1, len(sizes)),
            "light": rng.uniform(self.darkest, 1, len(sizes)),
        }

    def apply(
        self, image: Image, /, *, direction: float, start: float, softness: float, light: float
    ) -> Image:
        """The shadow begins ``start`` pixels from the first pixel, in the ``direction`` in
        radians."""
        height, width = image.shape
        rows = np.sin(direction) * np.arange(height, dtype=np.float32)[:, None]
        columns = np.cos(direction) * np.arange(width, dtype=np.float32)
        distance = (rows + columns).astype(np.float32)
        distance -= np.float32(start)
        # Half of the edges are sharp to the pixel, the others up to `softest` wide.
        edge = max(1.0, self.softest * height * max(0.0, softness))
        shade = (distance / np.float32(edge) + np.float32(0.5)).clip(0, 1)
        return _lit(image, 1 - np.float32(1 - light) * shade)


@dataclass(frozen=True)
class Paper(InPlace):
    """Darker paper, as in dim light or of another colour, and ink that stands out less from it."""

    darkest: float = option(
        0.4, "level of the darkest paper, as a share of what it was", minimum=0.05, maximum=1
    )
    faintest: float = option(
        0.6, "contrast of the faintest ink, as a share of what it was", minimum=0.05, maximum=1
    )
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        return {
            "level": rng.uniform(self.darkest, 1, len(sizes)),
            "strength": rng.uniform(self.faintest, 1, len(sizes)),
        }

    def apply(self, image: Image, /, *, level: float, strength: float) -> Image:
        paper = paper_level(image)
        levels = (paper + (np.arange(256) - paper) * strength) * level
        return np.asarray(cv2.LUT(image, np.rint(levels.clip(0, 255)).astype(np.uint8)), np.uint8)


@dataclass(frozen=True)
class Ruled(InPlace):
    """Printed lines from the left to the right, nearly level: one, or several a random way
    apart."""

    thickest: float = option(
        0.04,
        "thickness of the thickest lines, as a share of the height",
        minimum=0.005,
        maximum=0.3,
    )
    darkest: float = option(
        0.4, "level of the darkest lines, as a share of the paper's", minimum=0, maximum=1
    )
    nearest: float = option(
        0.3, "least distance of two lines, as a share of the height", minimum=0.05, maximum=2
    )
    degrees: float = option(2.0, "largest turn to either side, in degrees", minimum=0, maximum=45)
    probability: float = option(0.3, PROBABILITY, minimum=0, maximum=1)

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        heights = sizes[:, 0]
        thickness = rng.uniform(0.25, 1, len(sizes)) * self.thickest * heights
        apart = rng.uniform(self.nearest, 2 * self.nearest + 1, len(sizes)) * heights
        apart = np.maximum(2.0, apart)
        return {
            "thickness": np.maximum(1.0, thickness),
            "apart": apart,
            "degrees": rng.uniform(-self.degrees, self.degrees, len(sizes)),
            "start": rng.uniform(0, apart),
            "level": rng.uniform(self.darkest, 0.9, len(sizes)),
        }

    def apply(
        self,
        image: Image,
        /,
        *,
        thickness: float,
        apart: float,
        degrees: float,
        start: float,
        level: float,
    ) -> Image:
        """Lines of ``level`` as a share of the paper's, ``thickness``, ``apart`` and ``start`` in
        pixels."""
        height, width = image.shape
        slope = np.tan(np.radians(degrees))
        rows = np.arange(height, dtype=np.float32)[:, None]
        fall = np.float32(slope) * (np.arange(width, dtype=np.float32) - width / 2)
        # How far each pixel is from the nearest line.
        distance = np.abs((rows - fall - start) % apart - apart / 2)
        line = (thickness / 2 + 0.5 - distance).clip(0, 1).astype(np.float32)
        return _lit(image, 1 - np.float32(1 - level) * line)


def _lit(image: Image, light: FloatArray) -> Image:
    """The image where each place gets a share of the light, float32 (H, W) in 0..1."""
    return np.asarray(np.rint(image * light), np.uint8)
