"""The segmenter ``baselines``: a page's lines out of what a network says of it."""

import math
from dataclasses import dataclass
from statistics import median
from typing import ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from ocrkit import Line, Page, option
from ocrkit.interfaces import Arrays, Image, Port
from ocrkit_pages.lines import Piece, joined, pieces, threshold
from ocrkit_pages.maps import MAPS

Array = npt.NDArray[np.float64]

_ROUGH = 0.75
"""Pixels by which a baseline may be off what was found of it, for fewer points."""


@dataclass(frozen=True)
class Baselines:
    """Lines along the ridges of the map of baselines, cut where the map of ends shows one, and
    joined across gaps (after Kodym and Hradiš 2021, arXiv 2102.11838).

    A line reaches as far above and below its baseline as the median of the heights along it says;
    its boundary is the band between. So every line that is found can be cut out. Lines are in the
    order of their beginnings, from the top.
    """

    threshold: float = option(
        0.3, "from which value of its map on a baseline is seen", minimum=0.01, maximum=1
    )
    reach: float = option(
        3.0, "widest gap in a line, as a share of its height", minimum=0, maximum=20
    )
    shortest: float = option(0.4, "shortest line, as a share of its height", minimum=0, maximum=20)
    doubted: float = option(
        3.0,
        "the same of a line whose beginning or end is not seen, unless a page has no others: many "
        "a one is a stroke, or a piece of the page beside it",
        minimum=0,
        maximum=20,
    )
    ends: float = option(0.4, "from which value of its map on an end is seen", minimum=0, maximum=1)
    lowest: float = option(
        4.0, "pixels of the lowest line; lower ones are noise", minimum=0, maximum=100
    )
    height: float = option(
        34.0,
        "median height of a page's lines, in pixels of the network's image, at which it finds them "
        "best",
        minimum=1,
        maximum=1000,
    )
    again: float = option(
        1.6,
        "a page whose lines are so many times smaller or larger is looked at again, larger or "
        "smaller; 0: none is",
        minimum=0,
        maximum=100,
    )

    takes: ClassVar = (Port("maps", "float32", (len(MAPS), "H", "W")),)

    def __call__(self, image: Image, outputs: Arrays, /) -> Page:
        """The page of an image uint8 (H, W) and its maps float32 (6, H', W')."""
        maps, (height, width) = outputs["maps"], image.shape
        unit = width / maps.shape[2]
        maps = maps[:, :, : math.ceil(_seen_to(image) / unit)]
        found = list(pieces(maps, threshold(maps[0], self.threshold)))
        lines = [
            each
            for each in joined(found, maps[1], reach=self.reach, unit=unit)
            if each.height >= self.lowest and _length(each, unit) >= self.shortest
        ]
        sure = [
            each
            for each in lines
            if min(each.left, each.right) >= self.ends or _length(each, unit) >= self.doubted
        ]
        lines = sure or lines
        lines.sort(key=lambda each: (each.points[0, 1], each.points[0, 0]))
        placed = tuple(
            _line(f"line-{number}", each, unit, (width, height))
            for number, each in enumerate(lines, 1)
        )
        return Page("", width, height, lines=placed)

    def scale(self, page: Page, /) -> float | None:
        """By which factor the median height of the lines is what it should be, where it is far from
        that."""
        heights = [(line.above or 0) + (line.below or 0) for line in page.lines]
        if not heights or not self.again:
            return None
        factor = self.height / median(heights)
        return None if 1 / self.again <= factor <= self.again else factor


def _seen_to(image: Image) -> int:
    """How many columns of an image (H, W) show the page: the preprocessor adds some of one level to
    the right."""
    shown = np.flatnonzero(np.ptp(image, axis=0))
    return int(shown[-1]) + 1 if shown.size else image.shape[1]


def _length(piece: Piece, unit: float) -> float:
    """How many times as long as high a piece is."""
    return len(piece.points) * unit / piece.height


def _line(name: str, piece: Piece, unit: float, size: tuple[int, int]) -> Line:
    """A piece in pixels of the image, smooth and with few points, and its band."""
    window = max(1, round(piece.height / unit)) | 1
    rows = cv2.blur(piece.points[:, 1:], (1, window), borderType=cv2.BORDER_REPLICATE)
    points = np.column_stack([piece.points[:, 0], rows]) * unit
    simple = cv2.approxPolyDP(points.astype(np.float32), _ROUGH, False)[:, 0].astype(np.float64)
    baseline = np.clip(simple, 0, size)
    along = np.gradient(baseline, axis=0)
    up = np.column_stack([along[:, 1], -along[:, 0]])
    up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-9)
    band = np.vstack([baseline + up * piece.above, (baseline - up * piece.below)[::-1]])
    return Line(
        name,
        _tuples(baseline),
        _tuples(np.clip(band, 0, size)),
        piece.above,
        piece.below,
        confidence=min(1.0, piece.confidence),
    )


def _tuples(points: Array) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points)
