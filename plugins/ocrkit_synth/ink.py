"""From the outline of writing to the grey image of a scan: pen, ink, paper, and a word's box cut
more or less well.

Writing is a field of signed distances, float32 (H, W): how many pixels a point lies inside the edge
of the nearest stroke, negative outside. A wider pen then simply adds to it, by fractions of a pixel
and not the same everywhere.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from ocrkit.interfaces import Image

Field = npt.NDArray[np.float32]

_THINNEST = 2.0
"""Pixels that a stroke is wide at least when it is scaled."""
TILT, LINE_TILT = 0.02, 0.006
"""Deviation of the slopes at which words and lines are written: lines are straightened, more or
less, when they are cut out of pages."""
_OUTSIDE = -100.0
"""Distance where there is no writing near."""


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], cell: float) -> Field:
    """A random field (H, W) of about unit deviation that changes over ``cell`` pixels."""
    height, width = shape
    knots = rng.standard_normal((2 + int(height / cell), 2 + int(width / cell)), np.float32)
    return np.asarray(cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def write(
    mask: Image, x_height: float, pen: float, rng: np.random.Generator, tilt: float = TILT
) -> Image:
    """Writing (light on black, uint8 (H, W)) as the scan of a random pen's: dark on light.

    ``x_height`` of the writing and its ``pen``'s width are in pixels of the mask. The result's
    x-height is drawn from 20 to 56 pixels, the usual sizes of writing that was scanned at 300 dots
    an inch. How it rises or falls has the deviation ``tilt``.
    """
    wanted = 20 * 2.8 ** rng.random()
    scale = wanted / x_height
    lacking = math.ceil(_THINNEST / scale - pen)
    if lacking > 0:  # else the finest strokes were lost on the way to a smaller size
        mask = np.asarray(
            cv2.dilate(
                mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (lacking + 1, lacking + 1))
            ),
            np.uint8,
        )
        pen += lacking
    field = distances(bend(mask, scale, wanted, rng, tilt))
    width = np.clip(rng.normal(0.13, 0.04) * wanted, 2, 8)
    # Thin parts of strokes may not vanish, nor wide strokes fill the letters.
    field += np.float32(0.5 * np.clip(width - pen * scale, -0.35 * pen * scale, 0.2 * wanted))
    return scan(field, wanted, rng)


def bend(
    mask: Image, scale: float, x_height: float, rng: np.random.Generator, deviation: float = TILT
) -> Image:
    """The writing (light on black) scaled, slanted, turned, with a wandering baseline, and letters
    pushed about.

    ``x_height`` is that of the result, in pixels, ``deviation`` that of its slope. Nothing is cut
    off.
    """
    slant = float(np.clip(rng.normal(0, 0.2), -0.5, 0.5))
    tilt = float(rng.normal(0, deviation))
    stretch = scale * float(rng.uniform(0.8, 1.25))
    reach_x, reach_y = x_height * rng.uniform(0, 0.16), x_height * rng.uniform(0, 0.12)
    wander = x_height * rng.uniform(0, 0.12)

    height, width = mask.shape
    margin = 3 * (reach_y + wander) + 4
    rows = int(height * scale + abs(tilt) * width * stretch + 2 * margin)
    columns = int(width * stretch + abs(slant) * rows + 6 * reach_x + 8)
    y = np.arange(rows, dtype=np.float32)[:, None] - rows / 2
    x = np.arange(columns, dtype=np.float32)[None] - columns / 2
    nodes = rng.standard_normal(
        (2 + int(rows / x_height), 2 + int(columns / (0.8 * x_height)), 2), np.float32
    )
    push = cv2.resize(nodes, (columns, rows), interpolation=cv2.INTER_LINEAR)
    line = smooth_noise(rng, (1, columns), 3 * x_height)
    source_x = (x + slant * y + reach_x * push[:, :, 0]) * (1 / stretch) + width / 2
    source_y = (y + tilt * x + wander * line + reach_y * push[:, :, 1]) * (1 / scale) + height / 2
    bent = cv2.remap(
        mask, source_x.astype(np.float32), source_y.astype(np.float32), cv2.INTER_LINEAR
    )
    return np.asarray(bent, np.uint8)


def distances(mask: Image) -> Field:
    """The signed distances of strokes that are 128 and above."""
    inside = cv2.threshold(mask, 127, 255, cv2.THRESH_BINARY)[1]
    field = cv2.distanceTransform(inside, cv2.DIST_L2, 3) - cv2.distanceTransform(
        255 - inside, cv2.DIST_L2, 3
    )
    return np.asarray(field, np.float32)


def scan(field: Field, x_height: float, rng: np.random.Generator) -> Image:
    """The writing in ink on paper, uint8 (H, W), cut out along its ink: sometimes with a margin,
    sometimes a little short."""
    field = field + 0.35 * smooth_noise(rng, field.shape, 2 * x_height)  # a pen's pressure drifts
    box = _box(field, x_height, rng)
    if rng.random() < 0.15:
        field = _with_neighbour(field, box, rng)
    top, bottom, left, right = box
    field = np.ascontiguousarray(field[top:bottom, left:right])
    shape = field.shape

    blurred = cv2.GaussianBlur((field + 0.5).clip(0, 1), (0, 0), rng.uniform(0.4, 1.1))
    coverage = np.asarray(blurred, np.float32)
    if rng.random() < 0.3:  # a pen that runs dry
        coverage *= 1 - rng.uniform(0.2, 0.6) * smooth_noise(rng, shape, x_height).clip(0, 1)
    grain = rng.standard_normal(shape, np.float32)
    if rng.random() < 0.5:  # coarser, as a blurred or resampled scan has it
        grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.8) * 2, np.float32)
    ink = (
        rng.uniform(15, 120)
        + rng.uniform(0, 14) * smooth_noise(rng, shape, 0.8 * x_height)
        + rng.uniform(0, 14) * grain
    )
    paper = min(rng.uniform(225, 265), 255) + rng.uniform(0, 8) * grain
    if rng.random() < 0.3:  # uneven light
        paper += rng.uniform(0, 5) * smooth_noise(rng, shape, 3 * x_height)
    grey = paper + coverage * (ink - paper)
    if rng.random() < 0.4:  # as data sets clean it: white but for the box of each piece of ink
        grey[~_near_ink(coverage)] = 255
    if rng.random() < 0.5:  # sixteen levels
        grey = np.rint(grey / 17) * 17
    return np.asarray(grey.clip(0, 255) + 0.5, np.uint8)


def _box(field: Field, x_height: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of the ink, each side moved out or in at random."""
    ink = field > 0
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return 0, field.shape[0], 0, field.shape[1]
    sides = []
    for cells, size in ((rows, field.shape[0]), (columns, field.shape[1])):
        first, last = int(cells[0]), int(cells[-1]) + 1
        for at, outwards in ((first, -1), (last, 1)):
            kind = rng.random()
            if kind < 0.6:  # close
                move = rng.uniform(0, 3)
            elif kind < 0.88:
                move = rng.uniform(0, 0.6) * x_height
            else:
                move = -rng.uniform(0, min(0.12 * x_height, 0.08 * (last - first)))
            sides.append(int(np.clip(round(at + outwards * move), 0, size)))
    return sides[0], sides[1], sides[2], sides[3]


def _with_neighbour(
    field: Field, box: tuple[int, int, int, int], rng: np.random.Generator
) -> Field:
    """Parts of other writing reach into the box: the same writing, upside down, moved to one of the
    box's sides."""
    top, bottom, left, right = box
    height, width = bottom - top, right - left
    rows, columns = field.shape
    deep = rng.uniform(0.02, 0.15) * height
    side = rng.choice((-1, 1))
    if rng.random() < 0.6:
        right_by, down_by = side * (width - deep), 0.0
    else:
        right_by, down_by = rng.uniform(-0.5, 0.5) * width, side * (height - deep)
    # Turned around, the box is where its mirror image was.
    move = np.array(
        [[1, 0, left + right - columns + right_by], [0, 1, top + bottom - rows + down_by]],
        np.float32,
    )
    turned = cv2.warpAffine(
        field[::-1, ::-1], move, (columns, rows), flags=cv2.INTER_NEAREST, borderValue=(_OUTSIDE,)
    )
    return np.maximum(field, np.asarray(turned, np.float32))


def _near_ink(coverage: Field) -> npt.NDArray[np.bool_]:
    """The union of the boxes of all connected pieces of ink."""
    near = np.zeros(coverage.shape, np.bool_)
    _, _, boxes, _ = cv2.connectedComponentsWithStats((coverage > 0.3).astype(np.uint8))
    for left, top, width, height, _ in boxes[1:]:
        near[max(0, top - 1) : top + height + 1, max(0, left - 1) : left + width + 1] = True
    return near
