"""A preprocessor that gives the network lines whose letters are all about as high."""

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from ocrkit import ImageError, ImageSize, option
from ocrkit.data.lines import Band
from ocrkit.interfaces import Image, PointMap
from ocrkit_image.fit import check_widths, whole
from ocrkit_image.paper import INK_DOC, Ink, dark_on_light, paper_level, shrunk
from ocrkit_image.writing import Writing, find_writing

_BASELINE = 2 / 3
"""Where the baseline comes to lie, as a share of the height: as in lines that are cut out of pages,
where letters reach 0.7 of a line's height up, and the cutter adds 0.1 above and below."""
_FEW = 6
"""Strokes on which half is built: a dash or a date says little about how high small letters are."""
_SMALLER, _LARGER = 1.1, 4.0
"""By how much letters are made smaller and larger, at most, than if the picture were scaled."""
_PITCH = 12.0
"""Columns of a stroke, on average: where there are fewer, letters are not made smaller than if the
picture were scaled."""


@dataclass(frozen=True)
class FitLine:
    """Straightens a line of writing along its baseline and scales it, in one step, so that small
    letters have one height, whatever is around them.

    uint8 (H, W) → uint8 (height, W'), W' a multiple of ``multiple``, at least ``min_width`` and at
    most ``max_width``. The picture keeps its length; the baseline comes to lie at two thirds of the
    height, and what lies too far from it, such as the letters of neighbouring lines, is cut off.
    Margins have the level of the paper. The fewer strokes there are, the more the picture's height
    decides, as with ``fit-height``: a dash does not grow into a bar. So it does where there is no
    ink, and where letters would get too narrow. Raises ImageError where W' would be more than
    ``max_width``.

    Baseline and x-height are found in the ink's profile (see ``ocrkit_image.writing``); the line is
    remapped along its baseline as Kodym and Hradiš do (arXiv 2102.11838).
    """

    height: int = option(64, "height of the result in pixels", minimum=8, maximum=1024)
    x_height: float = option(
        0.18,
        "height of small letters as a share of the height; by default about what they have in "
        "lines that are cut out of pages, and capitals fit",
        minimum=0.05,
        maximum=0.6,
    )
    max_width: int = option(
        4096, "widest result in pixels; wider images are refused", minimum=1, maximum=16384
    )
    multiple: int = option(
        8,
        "the width is a multiple of this: of how many columns make a step of the network",
        minimum=1,
    )
    min_width: int = option(
        96, "narrowest result in pixels; narrower images get margins", minimum=1, maximum=16384
    )
    ink: Ink = option("dark", INK_DOC)

    def __post_init__(self) -> None:
        check_widths(self.min_width, self.multiple, self.max_width)

    def __call__(self, image: Image, /) -> Image:
        """uint8 (H, W) → uint8 (height, W').

        >>> import numpy as np
        >>> page = np.full((128, 600), 255, np.uint8)
        >>> for x in range(20, 580, 20):
        ...     page[60:84, x : x + 8] = 0
        >>> fitted = FitLine(height=64)(page)
        >>> fitted.shape[0], int((fitted < 128).any(axis=1).sum())
        (64, 12)
        """
        image = dark_on_light(image, self.ink)
        line, scale, columns = self._placed(image)
        x, y = line.grid((np.arange(columns) + 0.5) / scale, (np.arange(self.height) + 0.5) / scale)
        if scale < 1:
            small = shrunk(image, scale)
            x *= small.shape[1] / image.shape[1]
            y *= small.shape[0] / image.shape[0]
            image = small
        remapped = cv2.remap(
            image,
            (x - 0.5).astype(np.float32),
            (y - 0.5).astype(np.float32),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(paper_level(image),),
        )
        return np.asarray(remapped, np.uint8)

    def to_source(self, image: Image, /) -> PointMap:
        line, scale, _ = self._placed(dark_on_light(image, self.ink))
        return partial(_to_source, line, scale)

    def output_size(self) -> ImageSize:
        return ImageSize(self.height, None)

    def _placed(self, image: Image) -> tuple[Band, float, int]:
        """The band that becomes the result, the scale, and the columns. Raises ImageError."""
        height, width = image.shape
        writing = find_writing(image)
        if writing:
            base, scale = writing.baseline, self._scale(image, writing)
        else:
            base = np.array([[0.0, _BASELINE * height], [width, _BASELINE * height]])
            scale = self.height / height
        band = Band(base, _BASELINE * self.height / scale, (1 - _BASELINE) * self.height / scale)
        wide = max(1, round(band.length * scale))
        columns = whole(max(wide, self.min_width), self.multiple)
        if columns > self.max_width:
            raise ImageError(
                f"{height} × {width} pixels (height × width) become {columns:,} wide at height "
                f"{self.height}; the limit is max_width = {self.max_width:,}; cut the image into "
                "shorter pieces"
            )
        before = (columns - wide) // 2 / scale
        after = columns / scale - band.length - before
        return Band(band.base, band.above, band.below, before, after), scale, columns

    def _scale(self, image: Image, writing: Writing) -> float:
        """Pixels of the result for one of the image."""
        whole = self.height / image.shape[0]
        wanted = self.x_height * self.height / writing.x_height / whole
        sure = writing.strokes / (writing.strokes + _FEW)
        scale = whole * float(np.clip(wanted**sure, 1 / _SMALLER, _LARGER))
        return max(scale, min(whole, _PITCH * writing.strokes / image.shape[1]))


def _to_source(
    line: Band, scale: float, points: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    return line.to_page(points / scale)
