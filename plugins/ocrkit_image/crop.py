"""Cuts margins off."""

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from ocrkit import option
from ocrkit.interfaces import Image, PointMap
from ocrkit_image.paper import paper_level, shrunk

_ROWS = 96
"""Ink is looked for on an image of so many rows at most, where grain is hardly visible."""
_DEPTH = 60
"""Levels by which ink differs from the paper; ruled lines that are fainter are no ink."""
_SPECK = 9
"""Pixels of a blot that is a speck if it has fewer."""


@dataclass(frozen=True)
class Crop:
    """Cuts off what is around the ink, so that a word fills its image as in a data set of words.

    uint8 (H, W) → uint8 (H', W'), no larger. Paper is what lies along the image's sides; it should
    be even, as after ``level``. An image without ink stays as it is.
    """

    margin: float = option(
        0.1,
        "paper that is left on every side, as a share of the ink's height",
        minimum=0,
        maximum=10,
    )

    def __call__(self, image: Image, /) -> Image:
        """uint8 (H, W) → uint8 (H', W').

        >>> import numpy as np
        >>> page = np.full((90, 200), 255, np.uint8)
        >>> page[40:60, 50:150] = 0
        >>> Crop(margin=0.5)(page).shape
        (42, 122)
        """
        rows, columns = self._kept(image)
        return np.ascontiguousarray(image[rows, columns])

    def to_source(self, image: Image, /) -> PointMap:
        rows, columns = self._kept(image)
        return partial(np.add, (columns.start, rows.start))

    def _kept(self, image: Image) -> tuple[slice, slice]:
        """The rows and columns that are left."""
        scale = min(1.0, _ROWS / image.shape[0])
        small = shrunk(image, scale)
        ink = cv2.absdiff(small, np.full_like(small, paper_level(small))) > _DEPTH
        blots = cv2.connectedComponentsWithStats(ink.astype(np.uint8))[2][1:]
        left, top, width, height = blots[blots[:, cv2.CC_STAT_AREA] >= _SPECK, :4].T
        if not left.size:
            return slice(0, image.shape[0]), slice(0, image.shape[1])
        first, last = (top.min(), left.min()), ((top + height).max(), (left + width).max())
        margin = self.margin * (last[0] - first[0]) + 1
        rows, columns = (
            slice(max(0, int((start - margin) / scale)), int(np.ceil((end + margin) / scale)))
            for start, end in zip(first, last, strict=True)
        )
        return rows, columns
