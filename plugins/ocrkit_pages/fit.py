"""Gives a network pages of about one size."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from ocrkit.interfaces import Image, ImageSize, PointMap, option
from ocrkit_pages.paper import paper_level

_LARGEST, _SMALLEST = 4.0, 0.25
"""Bounds of ``factor``."""


@dataclass(frozen=True)
class FitPage:
    """Shrinks a page whose longer side is more than ``longest``, in proportion.

    uint8 (H, W) → uint8 (H', W'), both multiples of ``multiple``: rows below and columns to the
    right have the level of the paper. A small page keeps its size. ``factor`` scales what comes of
    that, up as well.
    """

    longest: int = option(1024, "longer side in pixels at most", minimum=32, maximum=8192)
    multiple: int = option(32, "both sides are multiples of this", minimum=1, maximum=1024)
    factor: float = option(
        1.0,
        "how many times as large the result is, for small or large writing",
        minimum=_SMALLEST,
        maximum=_LARGEST,
    )

    def __call__(self, image: Image, /) -> Image:
        """uint8 (H, W) → uint8 (H', W').

        >>> import numpy as np
        >>> FitPage(longest=512)(np.full((2000, 1500), 255, np.uint8)).shape
        (512, 384)
        """
        import cv2

        height, width = self._size(image)
        smaller = height <= image.shape[0] and width <= image.shape[1]
        interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        if (height, width) != image.shape:
            image = np.asarray(
                cv2.resize(image, (width, height), interpolation=interpolation), np.uint8
            )
        below, right = -height % self.multiple, -width % self.multiple
        return np.pad(image, ((0, below), (0, right)), constant_values=paper_level(image))

    def to_source(self, image: Image, /) -> PointMap:
        height, width = self._size(image)
        scale = np.array([image.shape[1] / width, image.shape[0] / height])
        return partial(_scaled, scale=scale)

    def scaled(self, factor: float, /) -> "FitPage":
        """The same, with results so many times as large."""
        return replace(self, factor=float(np.clip(self.factor * factor, _SMALLEST, _LARGEST)))

    def output_size(self) -> ImageSize:
        return ImageSize(None, None)

    def _size(self, image: Image) -> tuple[int, int]:
        """Height and width of the page without what is added."""
        ratio = min(1.0, self.longest / max(image.shape)) * self.factor
        height, width = (max(1, round(side * ratio)) for side in image.shape)
        return height, width


def _scaled(
    points: npt.NDArray[np.float64], *, scale: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    return points * scale
