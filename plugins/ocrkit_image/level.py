"""Evens out the light of photographs."""

from dataclasses import dataclass

import cv2
import numpy as np

from ocrkit import option
from ocrkit.interfaces import Image, PointMap
from ocrkit_image.paper import SMALL, has_light_ink, shrunk, square

_CELLS = 16
"""How wide the window is, in pixels of the small image on which paper is looked for, or wider."""
_LEAST = 60
"""Pixels. In a lower or narrower image, such as a scanned full stop, ink may look like a shadow."""
_DEEPEST = 0.6
"""A shadow leaves at least this share of the light beside it; what is darker is ink, however
wide."""
_DARKEST = 48
"""The darkest paper: noise in what is darker is not made stronger still."""
_LIGHT, _DARK_PLACES = 180, 0.1
"""Paper that is darker in no more than this share of its places is that of a scan."""
_WHITE = 0.97
"""What is at least this share of the paper's level becomes white: most of the paper's grain
does."""


@dataclass(frozen=True)
class Level:
    """Divides an image by its own paper, which becomes white, in light and in shadow.

    uint8 (H, W) → uint8 (H, W). Ink keeps its share of the light, so it is as dark everywhere.
    Where writing is light on dark, the ground becomes black in the same way, and the writing stays
    light. An image whose paper is light, 180 or more in nine tenths of it, stays as it is.
    """

    window: float = option(
        0.4,
        "what is wider is a shadow and no stroke, as a share of the height",
        minimum=0.01,
        maximum=2,
    )

    def __call__(self, image: Image, /) -> Image:
        """uint8 (H, W) → uint8 (H, W).

        >>> import numpy as np
        >>> grey = np.full((100, 200), 120, np.uint8)
        >>> grey[40:60, 90:95] = 30
        >>> level = Level()(grey)
        >>> int(level[0, 0]), int(level[50, 92])
        (255, 66)
        """
        side = max(self.window * image.shape[0], _LEAST)
        scale = min(1.0, max(_CELLS / side, SMALL / image.shape[0]))
        small, cells = shrunk(image, scale), round(side * scale)
        # A shadow that reaches the image's side goes on beyond it. Ink does not.
        beyond = cells if min(image.shape) >= _LEAST else 0
        if has_light_ink(small):
            return np.invert(_divided(np.invert(image), _paper(np.invert(small), cells, beyond)))
        return _divided(image, _paper(small, cells, beyond))

    def to_source(self, image: Image, /) -> PointMap:
        return np.copy


def _paper(image: Image, side: int, beyond: int) -> Image:
    """The paper's level at each pixel, where strokes are less than ``side`` pixels wide."""
    height, width = image.shape
    around = cv2.copyMakeBorder(image, beyond, beyond, beyond, beyond, cv2.BORDER_REPLICATE)
    lightest = cv2.dilate(around, square(side))  # within half of that: no strokes are left
    # As a shadow's edge is never in quite the right place, the darkest of that nearby: on the other
    # side, a line along the edge would be read as a stroke.
    paper = cv2.erode(lightest, square(round(1.8 * side)))
    wide = round(2.5 * side)
    least = np.maximum(cv2.blur(lightest, (wide, wide)) * _DEEPEST, _DARKEST)
    level: Image = np.maximum(paper, least).astype(np.uint8)
    return level[beyond : beyond + height, beyond : beyond + width]


def _divided(image: Image, paper: Image) -> Image:
    if np.count_nonzero(paper < _LIGHT) <= _DARK_PLACES * paper.size:
        return image
    enlarged = cv2.resize(paper, image.shape[::-1])
    return np.asarray(cv2.divide(image, enlarged, scale=255 / _WHITE), np.uint8)
