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
import numpy.typing as npt

from ocrkit import ConfigError, option
from ocrkit.interfaces import Image
from ocrkit_image.drawing import Drawing, Drawn, InPlace, Sizes
from ocrkit_image.paper import paper_level

PROBABILITY = "share of the images that are changed, 0 to 1"


@dataclass(frozen=True)
class Shear(Drawing):
    """Slants the writing to the left or right; the image grows wider, so that nothing is cut
    off."""

    degrees: float = option(
        20.0, "largest slant to either side, in degrees from upright", minimum=0, maximum=60
    )
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        return {"degrees": rng.uniform(-self.degrees, self.degrees, len(sizes))}

    def apply(self, image: Image, /, *, degrees: float) -> Image:
        return _warp(image, ((1.0, math.tan(math.radians(degrees))), (0.0, 1.0)))


@dataclass(frozen=True)
class Rotate(Drawing):
    """Turns the image; it grows, so that nothing is cut off."""

    degrees: float = option(1.5, "largest turn to either side, in degrees", minimum=0, maximum=45)
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        return {"degrees": rng.uniform(-self.degrees, self.degrees, len(sizes))}

    def apply(self, image: Image, /, *, degrees: float) -> Image:
        angle = math.radians(degrees)
        return _warp(
            image, ((math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle)))
        )


@dataclass(frozen=True)
class Scale(Drawing):
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

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        return {
            "factor": rng.uniform(self.smallest, self.largest, len(sizes)),
            "stretch": rng.uniform(self.narrowest, self.widest, len(sizes)),
        }

    def apply(self, image: Image, /, *, factor: float, stretch: float) -> Image:
        height, width = image.shape
        size = max(1, round(width * factor * stretch)), max(1, round(height * factor))
        return np.asarray(cv2.resize(image, size), np.uint8)


@dataclass(frozen=True)
class Shift(Drawing):
    """Moves each of the four sides by itself, out (paper is added) or in (pixels are cut off), as
    if cropped carelessly."""

    margin: float = option(
        0.2, "widest margin that is added, as a share of the height", minimum=0, maximum=2
    )
    crop: float = option(
        0.04, "most that is cut off, as a share of the height", minimum=0, maximum=0.3
    )
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        return {"moves": rng.uniform(-self.crop, self.margin, (len(sizes), 4))}

    def apply(self, image: Image, /, *, moves: npt.NDArray[np.float64]) -> Image:
        """``moves`` of the upper, lower, left and right side outwards, as shares of the height."""
        height, width = image.shape
        pixels = np.rint(moves * height).astype(int)
        top, bottom, left, right = np.maximum(-pixels, 0).tolist()
        kept = image[top : height - bottom, left : width - right]
        if not kept.size:  # an image far higher than wide
            kept = image
        top, bottom, left, right = np.maximum(pixels, 0).tolist()
        value = (paper_level(image),)
        return np.asarray(
            cv2.copyMakeBorder(kept, top, bottom, left, right, cv2.BORDER_CONSTANT, value=value),
            np.uint8,
        )


@dataclass(frozen=True)
class Stroke(InPlace):
    """Makes dark strokes thicker or thinner, by erosion or dilation with a small random ellipse or
    rectangle."""

    size: int = option(
        3, "largest side of the ellipse or rectangle in pixels", minimum=2, maximum=15
    )
    probability: float = option(0.3, PROBABILITY, minimum=0, maximum=1)

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        return {
            "thicker": rng.random(len(sizes)) < 0.5,
            "ellipse": rng.random(len(sizes)) < 0.5,
            "window": rng.integers(1, self.size, (len(sizes), 2), endpoint=True),
        }

    def apply(
        self, image: Image, /, *, thicker: bool, ellipse: bool, window: npt.NDArray[np.int64]
    ) -> Image:
        """``window``: width and height in pixels."""
        change = cv2.erode if thicker else cv2.dilate
        shape = cv2.MORPH_ELLIPSE if ellipse else cv2.MORPH_RECT
        return np.asarray(
            change(image, cv2.getStructuringElement(shape, window.tolist())), np.uint8
        )


@dataclass(frozen=True)
class Contrast(InPlace):
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

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        return {
            "brightness": rng.uniform(-self.brightness, self.brightness, len(sizes)),
            "contrast": rng.uniform(-self.contrast, self.contrast, len(sizes)),
            "gamma": rng.uniform(-1, 1, len(sizes)),
        }

    def apply(self, image: Image, /, *, brightness: float, contrast: float, gamma: float) -> Image:
        """``gamma``: the exponent of the largest gamma, -1 to 1."""
        curve = np.linspace(0, 1, 256) ** self.gamma**gamma
        levels = (curve - 0.5) * (1 + contrast) + 0.5 + brightness
        table = np.rint(levels.clip(0, 1) * 255).astype(np.uint8)
        return np.asarray(cv2.LUT(image, table), np.uint8)


@dataclass(frozen=True)
class Elastic(Drawing):
    """Bends the image: random displacements of the nodes of a coarse grid, interpolated smoothly;
    nothing is cut off."""

    strength: float = option(
        0.05, "largest displacement either way, as a share of the height", minimum=0, maximum=0.3
    )
    cell: float = option(
        0.4, "distance between the grid's nodes, as a share of the height", minimum=0.1, maximum=4
    )
    probability: float = option(0.5, PROBABILITY, minimum=0, maximum=1)

    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        reach = self.strength * sizes[:, 0]
        nodes = self.nodes(sizes)
        shape = (len(sizes), *nodes.max(axis=0, initial=1).tolist(), 2)
        limits = reach[:, None, None, None]
        return {"moves": rng.uniform(-limits, limits, shape).astype(np.float32), "nodes": nodes}

    def nodes(self, sizes: Sizes) -> Sizes:
        """How many rows and columns of nodes images of these sizes have, (N, 2)."""
        whole = sizes + 2 * np.ceil(self.strength * sizes[:, :1])
        return np.asarray(1 + np.ceil(whole / (self.cell * sizes[:, :1])), np.int64)

    def apply(self, image: Image, /, *, moves: npt.NDArray[np.float32], nodes: Sizes) -> Image:
        """``moves`` (rows, columns, 2) float32 of the nodes to the right and down, in pixels, of
        which the first ``nodes`` rows and columns count."""
        height, width = image.shape
        margin = math.ceil(self.strength * height)
        rows, columns = height + 2 * margin, width + 2 * margin
        moves = np.ascontiguousarray(moves[: nodes[0], : nodes[1]])
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
