"""Whether a picture shows a word, a line or a page."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from ocrkit.images.ink import blots_on
from ocrkit.parts.values import Image

Shown = Literal["word", "line", "page"]
SHOWN: tuple[Shown, ...] = ("word", "line", "page")
"""From the smallest to the largest."""

_PIXELS = 600_000
"""Larger pictures are looked at shrunk to so many: letters of a page are visible then, and grain is
not."""
_LINE_WIDTH, _LINE_BLOTS = 16, 10
"""Heights of its blots that a line is wide at least, and how many of them it has."""
_PAGE_HEIGHT, _PAGE_BLOTS = 8, 20
"""The same of a page's height."""
_WORD_WIDTH, _WORD_HEIGHT = 8, 3
"""What a word is not as wide and not as high as."""


def layout_of(image: Image) -> Shown | None:
    """What a grey picture uint8 (H, W) plainly shows: a word, a line or a page of writing; None
    where that is not plain, or nothing is written.

    The ink is measured by the height of its blots, letters or words, the wider ones counting more:
    a line is many of them wide, a page of some lines many high.

    >>> import numpy as np
    >>> page = np.full((600, 500), 230, np.uint8)
    >>> for row in range(40, 560, 30):
    ...     for column in range(40, 460, 20):
    ...         page[row : row + 12, column : column + 12] = 30
    >>> layout_of(page), layout_of(page[30:60]), layout_of(page[30:60, 30:80])
    ('page', 'line', 'word')
    """
    blots = blots_on(_shrunk(image))
    if not len(blots):
        return None
    ends = blots[:, :2] + blots[:, 2:4]
    size = _typical(blots[:, 3], blots[:, 2])
    width, height = (ends.max(axis=0) - blots[:, :2].min(axis=0)) / size
    if height >= _PAGE_HEIGHT:
        return "page" if len(blots) >= _PAGE_BLOTS else None
    if width >= _LINE_WIDTH:
        return "line" if len(blots) >= _LINE_BLOTS else None
    return "word" if width < _WORD_WIDTH and height < _WORD_HEIGHT else None


def _shrunk(image: Image) -> Image:
    import cv2

    shrinking = (image.size / _PIXELS) ** 0.5
    if shrinking <= 1:
        return image
    size = [max(1, round(side / shrinking)) for side in image.shape[::-1]]
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _typical(heights: npt.NDArray[np.int32], widths: npt.NDArray[np.int32]) -> int:
    """The height that half of the blots, by their widths, do not exceed."""
    order = np.argsort(heights)
    reached = widths[order].cumsum()
    return int(heights[order[np.searchsorted(reached, reached[-1] / 2)]])
