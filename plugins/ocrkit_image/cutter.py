"""Cuts lines out of pages."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from ocrkit import ImageError, option
from ocrkit.data.lines import Band, band, box
from ocrkit.interfaces import Image, PointMap
from ocrkit.parts.page import Line

_WIDEST = 1 << 14
"""Columns of a line image; longer lines are squeezed."""
_FINEST = 8
"""Pixels of the page, across, whose mean is a pixel of the line image: of larger writing some are
passed over."""
_REMAP = 32_000
"""OpenCV remaps no longer sides."""
_Maps = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Where each pixel comes from: x and y."""


@dataclass(frozen=True)
class Baseline:
    """Straightens a line along its baseline and scales it, in one step, so that it has ``height``.

    uint8 (H, W) and a line of it → uint8 (height, W'), W' in proportion to the line's length. What
    lies outside the line's boundary, or outside the page, gets the level of the paper: neighbours'
    letters go. A line without a baseline is cut by its boundary. One that cannot be cut well, since
    its baseline is a point, say, or bends back on itself, is cut by the box around it. Raises
    ImageError for a line without a place, or off the page.
    """

    height: int = option(64, "height of the line image in pixels", minimum=8, maximum=1024)
    margin: float = option(
        0.1, "space above and below, each as a share of the line's height", minimum=0, maximum=2
    )
    sides: float = option(
        0.2, "space before and after, each as a share of the line's height", minimum=0, maximum=2
    )
    outside: Literal["paper", "page"] = option(
        "paper", "what is seen outside the line's boundary: paper, or what is on the page"
    )

    def __call__(self, page: Image, line: Line, /) -> Image:
        """uint8 (H, W) → uint8 (height, W').

        >>> import numpy as np
        >>> page = np.full((100, 400), 255, np.uint8)
        >>> line = Line("1", ((20, 60), (380, 60)), above=30, below=10)
        >>> Baseline(height=40, margin=0, sides=0)(page, line).shape
        (40, 360)
        """
        import cv2

        found = self._band(line)
        columns = self._columns(found)
        fine = self._fine(found, columns)
        rows, wide = self.height * fine, columns * fine
        x, y = found.grid(
            (np.arange(wide) + 0.5) * (found.length / wide),
            (np.arange(rows) + 0.5) * (found.height / rows),
        )
        on_page = (x >= 0) & (x < page.shape[1]) & (y >= 0) & (y < page.shape[0])
        if not on_page.any():
            raise ImageError(f"line {line.id}: it lies off the page")
        # The piece of the page is remapped: of whole pages some are too long for OpenCV.
        left, top = (max(int(each.min()) - 1, 0) for each in (x, y))
        right, bottom = (int(each.max()) + 2 for each in (x, y))
        piece = page[top:bottom, left:right]
        if max(piece.shape) > _REMAP:
            raise ImageError(f"line {line.id}: more than {_REMAP:,} pixels long")
        maps = (x - left - 0.5).astype(np.float32), (y - top - 0.5).astype(np.float32)
        pixels = _remapped(piece, maps, cv2.INTER_LINEAR)
        inside = on_page
        if self.outside == "paper" and line.boundary:
            area = np.zeros(piece.shape, np.uint8)
            polygon = np.clip(np.array(line.boundary) - (left, top) - 0.5, -_REMAP, _REMAP)
            cv2.fillPoly(area, [polygon.round().astype(np.int32)], (1,))
            bounded = inside & (_remapped(area, maps, cv2.INTER_NEAREST) > 0)
            inside = bounded if bounded.any() else inside
        pixels = np.where(inside, pixels, np.uint8(np.median(pixels[inside])))
        size = (columns, self.height)
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)

    def to_source(self, line: Line, /) -> PointMap:
        """Takes points (N, 2) of the line's image to points of the page."""
        found = self._band(line)
        return partial(_to_page, found, _scale(self.height, self._columns(found), found))

    def _band(self, line: Line) -> Band:
        """What of the page is cut out."""
        found = band(line) or box(line)
        if found is None:
            raise ImageError(f"line {line.id}: neither a baseline nor a boundary; nothing to cut")
        margin, sides = self.margin * found.height, self.sides * found.height
        return replace(
            found,
            above=found.above + margin,
            below=found.below + margin,
            before=sides,
            after=sides,
        )

    def _columns(self, found: Band) -> int:
        return int(np.clip(round(found.length * self.height / found.height), 1, _WIDEST))

    def _fine(self, found: Band, columns: int) -> int:
        """How many pixels of the page, across, become one."""
        fine = int(np.clip(np.ceil(found.height / self.height - 0.1), 1, _FINEST))
        return max(1, min(fine, _REMAP // columns))


def _remapped(image: Image, maps: _Maps, interpolation: int) -> Image:
    import cv2

    border = cv2.BORDER_REPLICATE
    return np.asarray(
        cv2.remap(image, maps[0], maps[1], interpolation, borderMode=border), np.uint8
    )


def _scale(rows: int, columns: int, found: Band) -> npt.NDArray[np.float64]:
    """Pixels of a line image, across and down, for one of the page."""
    return np.array([columns / found.length, rows / found.height])


def _to_page(
    found: Band, scale: npt.NDArray[np.float64], points: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    return found.to_page(points / scale)
