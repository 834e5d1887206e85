"""Pieces of pages to learn from."""

import math
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from ocrkit.errors import ConfigError
from ocrkit.interfaces import Image, PointMap, option
from ocrkit_pages.paper import paper_level

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PageCrop:
    """A square of a page as a camera might see it: at a random place, scaled, turned and in
    perspective, all in one step.

    uint8 (H, W) → uint8 (``size``, ``size``). What lies beside the page gets the level of its
    paper.
    """

    size: int = option(512, "side of the square in pixels", minimum=32, maximum=4096)
    longest: int = option(
        1024,
        "longer side in pixels of the whole page at scale 1: that of the preprocessor",
        minimum=32,
        maximum=8192,
    )
    smallest: float = option(0.5, "smallest scale", minimum=0.05, maximum=10)
    largest: float = option(2.0, "largest scale", minimum=0.05, maximum=10)
    degrees: float = option(10.0, "largest turn to either side", minimum=0, maximum=180)
    perspective: float = option(
        0.1,
        "how far a corner of the whole page moves at most, as a share of the page",
        minimum=0,
        maximum=0.2,
    )

    def __post_init__(self) -> None:
        if self.smallest > self.largest:
            raise ConfigError(
                [f"page-crop: smallest {self.smallest} is more than largest {self.largest}"]
            )

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        return self.moved(image, rng)[0]

    def moved(self, image: Image, rng: np.random.Generator, /) -> tuple[Image, PointMap]:
        """The square, and what takes its points to those of the page."""
        corners = self._corners(image, rng)
        square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * self.size
        found = cv2.getPerspectiveTransform(square, corners.astype(np.float32))
        matrix = np.asarray(found, np.float64)
        return _seen(image, matrix, corners, self.size), partial(_projected, matrix)

    def _corners(self, image: Image, rng: np.random.Generator) -> Matrix:
        """Where on the page the square's corners (4, 2) are, clockwise from the upper left one."""
        scale = math.exp(rng.uniform(math.log(self.smallest), math.log(self.largest)))
        scale *= min(1.0, self.longest / max(image.shape))
        angle = math.radians(rng.uniform(-self.degrees, self.degrees))
        whole = np.array(image.shape[::-1], np.float64)
        side = self.size / scale
        # A small piece of a page that is seen aslant is hardly aslant itself.
        aslant = self.perspective * min(1.0, side / whole.max())
        corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
        corners = corners + rng.uniform(-aslant, aslant, (4, 2))
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        # The middle of a page that is smaller than the square stays near the square's.
        reach = np.maximum(whole - side, 0.25 * side) / 2
        middle = whole / 2 + rng.uniform(-reach, reach)
        return np.asarray(middle + side * corners @ turn.T)


def _seen(image: Image, matrix: Matrix, corners: Matrix, size: int) -> Image:
    """The square whose points the matrix takes to the page. Where it is smaller than on the page,
    that is shrunk first, so that no stroke is passed over."""
    shrink = min(
        1.0, size / float(np.linalg.norm(np.roll(corners, 1, axis=0) - corners, axis=1).min())
    )
    left, top = np.clip(corners.min(axis=0).astype(int) - 2, 0, None)
    right, bottom = np.maximum(corners.max(axis=0).astype(int) + 3, (left + 1, top + 1))
    piece = image[top:bottom, left:right]
    level = paper_level(image)
    if not piece.size:
        return np.full((size, size), level, np.uint8)
    width, height = (max(1, round(side * shrink)) for side in piece.shape[::-1])
    if (height, width) != piece.shape:
        piece = np.asarray(
            cv2.resize(piece, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
    across, down = (
        width / (min(right, image.shape[1]) - left),
        height / (min(bottom, image.shape[0]) - top),
    )
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV's points are pixels' middles
    onto = np.array([[across, 0, -left * across], [0, down, -top * down], [0, 0, 1]])
    onto = np.linalg.inv(half) @ onto @ matrix @ half
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpPerspective(
        piece, onto, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(level,)
    )
    return np.asarray(seen, np.uint8)


def _projected(matrix: Matrix, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    found = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(found[:, :2] / found[:, 2:])
