"""A page with its lines drawn over it."""

import cv2
import numpy as np
import numpy.typing as npt

from ocrkit.data.lines import with_heights
from ocrkit.parts.page import Line, Page, Points
from ocrkit.parts.values import Image

_COLOURS = ((200, 60, 40), (30, 110, 200), (20, 140, 70), (160, 60, 170), (190, 120, 0))
"""RGB, by region in turn."""
_WIDTH = 400
"""A stroke is this part of the page's longer side."""


def with_lines(image: Image, page: Page) -> Image:
    """A page's image, grey uint8 (H, W), as RGB uint8 (H, W, 3) with boundaries and baselines, the
    lines of a region in one colour, and between lines that are read one after another a thin
    stroke from the beginning of one to that of the next."""
    drawn = np.repeat(image[..., None], 3, axis=2)
    width = max(1, round(max(image.shape) / _WIDTH))
    regions = {name: place for place, name in enumerate(dict.fromkeys(_regions(page)))}
    before: Line | None = None
    for line in with_heights(page).lines:
        colour = _COLOURS[regions[line.region] % len(_COLOURS)]
        if line.boundary:
            cv2.polylines(drawn, [_whole(line.boundary)], True, colour, width, cv2.LINE_AA)
        if line.baseline:
            cv2.polylines(drawn, [_whole(line.baseline)], False, colour, 2 * width, cv2.LINE_AA)
            if before is not None and before.region == line.region:
                ends = _whole((before.baseline[0], line.baseline[0]))
                cv2.polylines(drawn, [ends], False, colour, max(1, width // 2), cv2.LINE_AA)
            before = line
    return drawn


def _regions(page: Page) -> list[str | None]:
    return [line.region for line in page.lines]


def _whole(points: Points) -> npt.NDArray[np.int32]:
    return np.array(points, np.float64).round().astype(np.int32)
