"""The maps that the network learns, drawn from a page's lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocrkit.data.lines import with_heights
from ocrkit.interfaces import FloatArray, PointMap
from ocrkit.parts.page import Page
from ocrkit_pages.network import QUARTER

Array = npt.NDArray[np.float64]

MAPS = ("baseline", "ends", "regions", "words", "above", "below")
"""In the order of the network's maps. The first four are shares of 0 to 1, the last two pixels of
the network's image."""
SHARES = 4
"""How many of them are shares."""
UNIT = 16
"""Pixels of height that the network gives as 1."""
BESIDE = 0.4
"""The baseline's map beside its middle row, which is 1."""
RADIUS = 2
"""Of the disc at a line's end, in pixels of the map."""
_NEXT = np.ones((3, 3), np.uint8)
"""A pixel and those around it."""
_SHIFT = 4
"""Bits of a pixel's fraction that OpenCV draws with."""
_CORE = 0.4
"""How much of a word its core is: its area's share is about this, squared (Liao et al. 2020,
"Real-time Scene Text Detection with Differentiable Binarization")."""
_STEPS = 6
"""Of Newton's method."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a page, as arrays of points in pixels of its image."""

    baselines: list[Array]
    above: list[float]
    below: list[float]
    regions: list[Array] | None
    """Boundaries; None where they are not known."""
    words: list[Array] | None
    """The same of words."""
    complete: bool
    """Whether nothing is written beside the lines."""


def truth_of(page: Page, *, complete: bool) -> Truth:
    """What can be learnt of a page."""
    lines = [line for line in with_heights(page).lines if line.baseline]
    return Truth(
        [np.array(line.baseline, np.float64) for line in lines],
        [line.above or 0.0 for line in lines],
        [line.below or 0.0 for line in lines],
        regions_of(page),
        words_of(page),
        complete,
    )


def regions_of(page: Page) -> list[Array] | None:
    """The boundaries of its regions; None where any is not known, or there are none."""
    found = [np.array(each.boundary, np.float64) for each in page.regions if each.boundary]
    return found if found and len(found) == len(page.regions) else None


def words_of(page: Page) -> list[Array] | None:
    """The boundaries of its words; None where any is not known, or a line has none."""
    words = [word for line in page.lines for word in line.words]
    found = [np.array(word.boundary, np.float64) for word in words if word.boundary]
    complete = len(found) == len(words) and all(line.words for line in page.lines)
    return found if found and complete else None


def inverse(to_source: PointMap, points: Array, size: tuple[int, int]) -> Array:
    """The points (N, 2) that a smooth map takes to these, of an image of this height and width,
    by Newton's method from an affine map that is near it."""
    if not len(points):
        return points
    height, width = size
    grid = np.array([[x, y] for x in (0, width / 2, width) for y in (0, height / 2, height)])
    ones = np.ones((len(grid), 1))
    affine = np.linalg.lstsq(np.hstack([grid, ones]), to_source(grid), rcond=None)[0]
    (a, b), (c, d) = affine[:2]
    found = (points - affine[2]) @ np.array([[d, -b], [-c, a]]) / (a * d - b * c)
    for _ in range(_STEPS):
        here = to_source(found)
        right, down = (to_source(found + step) - here for step in np.eye(2))
        away, area = points - here, _crossed(right, down)
        moves = np.column_stack([_crossed(away, down) / area, _crossed(right, away) / area])
        found = found + moves
        if np.abs(moves).max() < 1e-3:
            break
    return np.asarray(found)


def drawn(
    truth: Truth, to_source: PointMap, size: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """The maps (6, H, W) of an image of height and width ``size``, and where they are known, 0 or 1
    each: heights where there is a baseline.

    ``to_source`` takes points of the image to those of the page.
    """
    shape = size[0] // QUARTER, size[1] // QUARTER
    maps = np.zeros((len(MAPS), *shape), np.float32)
    known = np.ones_like(maps)
    baseline, ends, regions, words, above, below = maps
    bands = []
    for found, reaches in _lines(truth, to_source, size):
        if not _near(found, size):
            continue
        line = _fixed(found)
        cv2.polylines(baseline, [line], False, (1.0,), 1, cv2.LINE_8, _SHIFT)
        for target, reach in zip((above, below), reaches, strict=True):
            cv2.polylines(target, [line], False, (reach / UNIT,), 1, cv2.LINE_8, _SHIFT)
        for x, y in (line[0], line[-1]):
            cv2.circle(ends, (int(x), int(y)), RADIUS << _SHIFT, (1.0,), -1, cv2.LINE_8, _SHIFT)
        bands.append((line, sum(reaches)))
    for target, share in ((baseline, BESIDE), (above, 1.0), (below, 1.0)):
        np.maximum(target, share * cv2.dilate(target, _NEXT), out=target)
    for boundary in truth.regions or ():
        outline = _fixed(inverse(to_source, boundary, size))
        cv2.polylines(regions, [outline], True, (1.0,), 2, cv2.LINE_8, _SHIFT)
    for boundary in truth.words or ():
        _draw_core(words, inverse(to_source, boundary, size))
    known[2] = truth.regions is not None
    known[3] = truth.words is not None
    known[SHARES:] = baseline > 0
    if not truth.complete:
        known[:SHARES] *= _around(bands, shape)
    return maps, known


def _crossed(one: Array, other: Array) -> Array:
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])


def _lines(
    truth: Truth, to_source: PointMap, size: tuple[int, int]
) -> list[tuple[Array, tuple[float, float]]]:
    """The baselines in pixels of the network's image, and how far their letters reach there, above
    and below, seen from their middles."""
    points = [
        np.vstack([line, *_reached(line, above, below)])
        for line, above, below in zip(truth.baselines, truth.above, truth.below, strict=True)
    ]
    if not points:
        return []
    ends = np.cumsum([len(each) for each in points])[:-1]
    found = []
    for each in np.split(inverse(to_source, np.vstack(points), size), ends):
        base, top, bottom = each[-3:]
        found.append((each[:-3], (float(np.hypot(*top - base)), float(np.hypot(*bottom - base)))))
    return found


def _reached(line: Array, above: float, below: float) -> tuple[Array, Array, Array]:
    """The middle of a baseline, and the highest and the lowest point that letters reach there."""
    along = line[-1] - line[0]
    up = np.array([along[1], -along[0]]) / max(float(np.hypot(*along)), 1e-9)
    middle = line[(len(line) - 1) // 2 : len(line) // 2 + 1].mean(axis=0)
    return middle, middle + up * above, middle - up * below


def _near(points: Array, size: tuple[int, int]) -> bool:
    """Whether a line may be seen: its box and the image's meet. What is far beside a view in
    perspective may be anywhere."""
    if not np.isfinite(points).all() or np.abs(points).max() > 16 * max(size):
        return False
    low, high = points.min(axis=0), points.max(axis=0)
    return bool(np.all(high > -QUARTER) and np.all(low < np.array(size[::-1]) + QUARTER))


def _fixed(points: Array) -> npt.NDArray[np.int32]:
    """Points of the image as OpenCV draws them into a map: whole numbers of sixteenths of a pixel,
    from the middle of the first one."""
    return np.asarray(np.rint((points / QUARTER - 0.5) * (1 << _SHIFT)), np.int32)


def _draw_core(words: FloatArray, boundary: Array) -> None:
    """Fills what is left of a word when its sides move in by area · (1 − r²) / perimeter."""
    points = boundary / QUARTER - 0.5
    area = abs(cv2.contourArea(points.astype(np.float32)))
    around = cv2.arcLength(points.astype(np.float32), True)
    if not around or not _near(boundary, (words.shape[0] * QUARTER, words.shape[1] * QUARTER)):
        return
    inside = np.zeros(words.shape, np.uint8)
    cv2.fillPoly(inside, [_fixed(boundary)], (1,), cv2.LINE_8, _SHIFT)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    words[distance > area * (1 - _CORE**2) / around] = 1


def _around(
    bands: Sequence[tuple[npt.NDArray[np.int32], float]], shape: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Where it is known what is written, though lines may be missing elsewhere: as far from the
    baselines as their lines are high."""
    known = np.zeros(shape, np.uint8)
    for line, height in bands:
        thickness = max(3, round(2 * height / QUARTER))
        cv2.polylines(known, [line], False, (1,), thickness, cv2.LINE_8, _SHIFT)
    return known
