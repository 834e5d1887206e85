"""Where in the picture of a line its letters stand, and how high they are.

What most letters share is the zone between the baseline and the x-height: ink is densest there,
and above and below it there is less. So the zone is found in the rows' profile of ink, by a window
with as much beside it as within, whose response is largest where it fits in place and in height
(as scales are selected by Lindeberg, Feature Detection with Automatic Scale Selection, IJCV 1998).
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from ocrkit.interfaces import Image
from ocrkit_image.paper import shrunk, square

Array = npt.NDArray[np.float64]

_ROWS = 96
"""Writing is looked for on an image of so many rows at most."""
_FAINTEST = 12
"""Levels by which ink is darker than the paper around it, at least."""
_RULED = 1.5
"""What runs on so far to the side, in heights of the image, is a printed line and no letter."""
_BLOCK = 16
"""Columns that are looked at together, of that image."""
_BLOCKS = 96
"""Blocks at most: of longer lines, each is wider."""
_STEEPEST = 0.2
"""How far a line rises or falls at most, in its lengths."""
_SLOPES = 15
"""Slopes that are tried, evenly between rising and falling most."""
_HEIGHTS = np.geomspace(0.08, 0.7, 16)
"""Heights of the zone that are tried, in heights of the image."""
_FINER = np.geomspace(0.7, 1.4, 11)
"""Those that are tried once one is known, as shares of it."""
_BEND = 12.0
"""Of waves of the baseline that are so long, in heights of the zone, half is followed: the longer,
the more."""
_COMPARE = 0.9
"""Power of the height by which responses of zones of several heights compare: at 0.5, by the norm
of the window, high zones with ascenders in them win; at 1, narrow ones within the letters do."""
_STRAY = 0.6
"""How far from where they are expected blocks' letters are looked for, in heights of the zone."""


@dataclass(frozen=True, eq=False)
class Writing:
    """The letters of a line, in pixels of its picture."""

    baseline: Array
    """Points (n, 2) from the picture's left side to its right, on which letters stand."""
    x_height: float
    """How high small letters are."""
    strokes: int
    """How many strokes cross the middle of small letters: what the finding rests on."""


def find_writing(image: Image) -> Writing | None:
    """The line of writing in grey pixels (H, W), dark on light: of several, the one with most ink
    near the middle of the picture. None where there is no ink."""
    small = shrunk(image, min(1.0, _ROWS / image.shape[0]))
    ink = _ink(small)
    if not ink.any():
        return None
    height, width = ink.shape
    count = int(np.clip(round(width / _BLOCK), 2, _BLOCKS))
    covered = cv2.resize(ink.astype(np.float32), (count, height), interpolation=cv2.INTER_AREA)
    blocks = np.asarray(covered.T, np.float64)
    zone, middle = _straight(blocks, min(float(height), _STEEPEST * width))
    smooth = np.asarray(cv2.blur(blocks, (1, 3), borderType=cv2.BORDER_REPLICATE), np.float64)
    for bend in (4 * _BEND, _BEND):
        stiff = (bend * zone * count / (2 * np.pi * width)) ** 4
        middle = _followed(smooth, zone, middle, stiff)
        zone, middle = _refined(blocks, zone, middle)
    at = (np.arange(count) + 0.5) * (width / count)
    columns = np.arange(width)
    rows = np.interp(columns + 0.5, at, middle).astype(int).clip(0, height - 1)
    strokes = int(np.count_nonzero(np.diff(ink[rows, columns].astype(np.int8)) > 0))
    ends = middle[[0, -1]] + np.array([-0.5, 0.5]) * (middle[[1, -1]] - middle[[0, -2]])
    middle, at = np.array([ends[0], *middle, ends[1]]), np.array([0.0, *at, width])
    scale = np.array(image.shape[::-1]) / (width, height)
    return Writing(
        np.column_stack([at, middle + zone / 2]) * scale, float(zone * scale[1]), strokes
    )


def _ink(image: Image) -> npt.NDArray[np.bool_]:
    """What is clearly darker than the paper around it, without printed lines (H, W)."""
    height, width = image.shape
    window = square(max(3, height // 3))
    paper = cv2.blur(cv2.dilate(image, window), window.shape)
    depth = cv2.subtract(paper, image)
    level, _ = cv2.threshold(depth, 0, 255, cv2.THRESH_OTSU)
    ink = depth > max(level, _FAINTEST)
    long = round(_RULED * height)
    if width > long:
        run = np.ones((1, long), np.uint8)
        ink &= cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_OPEN, run) == 0
    return ink


def _responses(profiles: Array, zones: tuple[float, ...]) -> Array:
    """How well a zone of each height fits around each row: profiles (N, H) → (N, Z, H)."""
    count, height = profiles.shape
    return np.asarray((profiles @ _windows(height, zones)).reshape(count, len(zones), height))


@lru_cache(64)
def _windows(height: int, zones: tuple[float, ...]) -> Array:
    """Weights (H, Z · H) of rows: what is within a zone, less what is beside it over half its
    height above and below, by nearly its height, so that heights compare."""
    rows = np.arange(height)
    half = np.array(zones)[:, None, None] / 2

    def within(reach: Array) -> Array:
        """How much of each row is so near to each row's middle (Z, H, H)."""
        away = np.abs(rows[:, None] - rows)
        return np.asarray(np.clip(reach + 0.5 - away, 0, 1))

    weights = (2 * within(half) - within(2 * half)) / (2 * half) ** _COMPARE
    return np.asarray(np.ascontiguousarray(weights.reshape(-1, height).T), np.float64)


def _straight(blocks: Array, steepest: float) -> tuple[float, Array]:
    """The zone's height and its middle in each block (N,), along the best straight line."""
    count, height = blocks.shape
    rises = np.linspace(-steepest, steepest, _SLOPES)
    offsets = rises[:, None] * (np.linspace(0, 1, count) - 0.5)
    most = int(np.ceil(steepest / 2))
    shifted = sliding_window_view(np.pad(blocks, ((0, 0), (most, most))), height, axis=1)
    moved = shifted[np.arange(count), most + np.rint(offsets).astype(int)]  # (slopes, N, H)
    zones = tuple((_HEIGHTS * height).tolist())
    central = 1 - 0.5 * np.abs(np.linspace(-1, 1, height))
    response = _responses(moved.sum(axis=1), zones) * central
    slope, zone, row = np.unravel_index(response.argmax(), response.shape)
    return zones[zone], row + 0.5 + offsets[slope]


def _followed(blocks: Array, zone: float, middle: Array, stiff: float) -> Array:
    """The middle of the zone in each block (N,), near where it is expected, smoothly
    (Eilers, A Perfect Smoother, 2003) and without what strays."""
    count, height = blocks.shape
    response = _responses(blocks, (zone,))[:, 0]
    away = np.abs(np.arange(height) + 0.5 - middle[:, None]) / (_STRAY * zone)
    response = np.maximum(response, 0) * np.maximum(1 - away**4, 0)
    found, weights = response.argmax(axis=1) + 0.5, response.max(axis=1)
    weights /= max(float(weights.mean()), 1e-9)
    bend = np.diff(np.eye(count), 2, axis=0)
    bends = stiff * bend.T @ bend + 1e-9 * np.eye(count)
    for _ in range(2):
        middle = np.linalg.solve(np.diag(weights) + bends, weights * found + 1e-9 * middle)
        weights = weights / (1 + (4 * (found - middle) / zone) ** 2)
    return np.asarray(middle)


def _refined(blocks: Array, zone: float, middle: Array) -> tuple[float, Array]:
    """The zone's height and its middle in each block, once its bends are known."""
    count, height = blocks.shape
    reach = np.arange(-np.ceil(1.5 * zone), np.ceil(1.5 * zone) + 1)
    rows = middle[:, None] + reach - 0.5
    inside = (rows >= 0) & (rows <= height - 1)
    first = rows.astype(int).clip(0, max(0, height - 2))
    share, each = rows - first, np.arange(count)[:, None]
    after = np.minimum(first + 1, height - 1)
    moved = np.where(inside, blocks[each, first] * (1 - share) + blocks[each, after] * share, 0)
    zones = tuple((zone * _FINER).tolist())
    response = _responses(moved.sum(axis=0)[None], zones)[0]
    response[:, np.abs(reach) > zone / 2] = -np.inf
    best, row = np.unravel_index(response.argmax(), response.shape)
    return zones[best], middle + reach[row]
