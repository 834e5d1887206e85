"""Augmentations: small random changes to training images, uint8 (H, W) → uint8 (H', W'), before the
preprocessor.

Each leaves an image alone with probability 1 − ``probability``. New area gets the level of the
paper. The defaults suit handwritten words some 50 to 150 pixels high, dark on light; the ranges
follow the recipes that work best on IAM (Retsinas et al., "Best Practices for a Handwritten Text
Recognition System", 2022).
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from ocrkit import ConfigError, option
from ocrkit.interfaces import Image
from ocrkit_image.paper import paper_level

PROBABILITY = "share of the images that are changed, 0 to 1"


@dataclass(frozen=True)
class Shear:
    """Slants the writing to the left or right; the image grows wider, so that nothing is cut
    off."""

    degrees: float = option(
        20.0, "largest slant to either side, in degrees from upright", minimum=0, maximum=60
    )
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        if rng.random() >= self.probability:
            return image
        slant = math.tan(math.radians(rng.uniform(-self.degrees, self.degrees)))
        return _warp(image, ((1.0, slant), (0.0, 1.0)))


@dataclass(frozen=True)
class Rotate:
    """Turns the image; it grows, so that nothing is cut off."""

    degrees: float = option(1.5, "largest turn to either side, in degrees", minimum=0, maximum=45)
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        if rng.random() >= self.probability:
            return image
        angle = math.radians(rng.uniform(-self.degrees, self.degrees))
        return _warp(
            image, ((math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle)))
        )


@dataclass(frozen=True)
class Scale:
    """Scales the image by one random factor, and its width by a second one.

    A preprocessor that fits images to its frame undoes the first, but for small images; behind it,
    wider margins (``shift``) are what makes the writing smaller.
    """

    smallest: float = option(0.6, "smallest factor on height and width", minimum=0.1, maximum=10)
    largest: float = option(1.2, "largest factor on height and width", minimum=0.1, maximum=10)
    narrowest: float = option(0.75, "smallest further factor on the width", minimum=0.1, maximum=10)
    widest: float = option(1.25, "largest further factor on the width", minimum=0.1, maximum=10)
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def __post_init__(self) -> None:
        problems = []
        if self.smallest > self.largest:
            problems.append(f"smallest {self.smallest} is more than largest {self.largest}")
        if self.narrowest > self.widest:
            problems.append(f"narrowest {self.narrowest} is more than widest {self.widest}")
        if problems:
            raise ConfigError(problems)

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        if rng.random() >= self.probability:
            return image
        factor = rng.uniform(self.smallest, self.largest)
        stretch = rng.uniform(self.narrowest, self.widest)
        height, width = image.shape
        size = max(1, round(width * factor * stretch)), max(1, round(height * factor))
        return np.asarray(cv2.resize(image, size), np.uint8)


@dataclass(frozen=True)
class Shift:
    """Moves each of the four sides by itself, out (paper is added) or in (pixels are cut off), as
    if cropped carelessly."""

    margin: float = option(
        0.2, "widest margin that is added, as a share of the height", minimum=0, maximum=2
    )
    crop: float = option(
        0.04, "most that is cut off, as a share of the height", minimum=0, maximum=0.3
    )
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        if rng.random() >= self.probability:
            return image
        height, width = image.shape
        moves = np.rint(rng.uniform(-self.crop, self.margin, 4) * height).astype(int)
        top, bottom, left, right = np.maximum(-moves, 0).tolist()
        kept = image[top : height - bottom, left : width - right]
        if not kept.size:  # an image far higher than wide
            kept = image
        top, bottom, left, right = np.maximum(moves, 0).tolist()
        value = (paper_level(image),)
        return np.asarray(
            cv2.copyMakeBorder(kept, top, bottom, left, right, cv2.BORDER_CONSTANT, value=value),
            np.uint8,
        )


@dataclass(frozen=True)
class Stroke:
    """Makes dark strokes thicker or thinner, by erosion or dilation with a small random ellipse or
    rectangle."""

    size: int = option(
        3, "largest side of the ellipse or rectangle in pixels", minimum=2, maximum=15
    )
    probability: float = option(0.3, PROBABILITY, minimum=0, maximum=1)

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        if rng.random() >= self.probability:
            return image
        change = cv2.erode if rng.random() < 0.5 else cv2.dilate
        shape = cv2.MORPH_ELLIPSE if rng.random() < 0.5 else cv2.MORPH_RECT
        width, height = rng.integers(1, self.size, 2, endpoint=True).tolist()
        return np.asarray(
            change(image, cv2.getStructuringElement(shape, (width, height))), np.uint8
        )


@dataclass(frozen=True)
class Contrast:
    """Changes brightness, contrast (about mid-grey) and gamma."""

    brightness: float = option(
        0.1, "largest change of brightness, as a share of the whole range", minimum=0, maximum=1
    )
    contrast: float = option(
        0.2, "largest change of contrast: 0.2 is a factor of 0.8 to 1.2", minimum=0, maximum=1
    )
    gamma: float = option(
        1.5, "largest gamma; the smallest is its reciprocal", minimum=1, maximum=5
    )
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        if rng.random() >= self.probability:
            return image
        brightness = rng.uniform(-self.brightness, self.brightness)
        contrast = 1 + rng.uniform(-self.contrast, self.contrast)
        gamma = self.gamma ** rng.uniform(-1, 1)
        levels = (np.linspace(0, 1, 256) ** gamma - 0.5) * contrast + 0.5 + brightness
        table = np.rint(levels.clip(0, 1) * 255).astype(np.uint8)
        return np.asarray(cv2.LUT(image, table), np.uint8)


@dataclass(frozen=True)
class Elastic:
    """Bends the image: random displacements of the nodes of a coarse grid, interpolated smoothly;
    nothing is cut off."""

    strength: float = option(
        0.05, "largest displacement either way, as a share of the height", minimum=0, maximum=0.3
    )
    cell: float = option(
        0.4, "distance between the grid's nodes, as a share of the height", minimum=0.1, maximum=4
    )
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        if rng.random() >= self.probability:
            return image
        height, width = image.shape
        reach = self.strength * height
        margin = math.ceil(reach)
        rows, columns = height + 2 * margin, width + 2 * margin
        nodes = (
            1 + math.ceil(rows / (self.cell * height)),
            1 + math.ceil(columns / (self.cell * height)),
            2,
        )
        moves = rng.uniform(-reach, reach, nodes).astype(np.float32)
        source = np.asarray(cv2.resize(moves, (columns, rows)), np.float32)
        source[:, :, 0] += np.arange(-margin, columns - margin, dtype=np.float32)
        source[:, :, 1] += np.arange(-margin, rows - margin, dtype=np.float32)[:, None]
        value = (paper_level(image),)
        bent = cv2.remap(
            image,
            source[:, :, 0],
            source[:, :, 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=value,
        )
        return np.asarray(bent, np.uint8)


def _warp(image: Image, matrix: tuple[tuple[float, float], tuple[float, float]]) -> Image:
    """Maps an image linearly, with (x, y) → matrix · (x, y), onto the smallest canvas that holds
    all of it."""
    (a, b), (c, d) = matrix
    height, width = image.shape
    width_added = abs(b) * (height - 1)
    height_added = abs(c) * (width - 1)
    columns = max(1, math.ceil(abs(a) * (width - 1) + width_added + 1))
    rows = max(1, math.ceil(abs(d) * (height - 1) + height_added + 1))
    x, y = (width - 1) / 2, (height - 1) / 2
    affine = np.array(
        [[a, b, (columns - 1) / 2 - a * x - b * y], [c, d, (rows - 1) / 2 - c * x - d * y]]
    )
    value = (paper_level(image),)
    warped = cv2.warpAffine(
        image, affine, (columns, rows), borderMode=cv2.BORDER_CONSTANT, borderValue=value
    )
    return np.asarray(warped, np.uint8)
