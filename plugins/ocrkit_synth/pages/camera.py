"""How a sheet is seen: scanned or photographed, where every point of it comes to lie in the
picture, and what light, lens and JPEG make of it."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from ocrkit.interfaces import Image
from ocrkit_synth.pages.paper import Light, grain, smooth

Points = npt.NDArray[np.float64]

_CELL = 8
"""Pixels between the places where waves of the sheet are computed; between them they are
straight."""
_ROUNDS = 12
"""Of finding a point of the sheet in the picture; each makes the mistake some ten times smaller."""


@dataclass(frozen=True, eq=False)
class View:
    """A picture's size, and from where on the sheet its pixels come."""

    width: int
    height: int
    to_flat: npt.NDArray[np.float64]
    """A homography (3, 3): points of the picture to the sheet, if that were flat."""
    waves: Light
    """What is added to that, in pixels of the sheet: float32 (h, w, 2), every ``_CELL`` pixels of
    the picture."""
    photographed: bool

    def to_sheet(self, points: Points) -> Points:
        """Points (n, 2) of the picture as points of the sheet."""
        return _through(self.to_flat, points) + self._waves_at(points)

    def to_picture(self, points: Points) -> Points:
        """Points (n, 2) of the sheet as points of the picture, to a hundredth of a pixel."""
        back = np.linalg.inv(self.to_flat)
        found = _through(back, points)
        for _ in range(_ROUNDS):
            found = _through(back, points - self._waves_at(found))
        return found

    def _waves_at(self, points: Points) -> Points:
        """Bilinear between the places that are known; beyond the picture as at its edge."""
        rows, columns = self.waves.shape[:2]
        x, y = (points / _CELL).T
        x, y = x.clip(0, columns - 1.001), y.clip(0, rows - 1.001)
        left, top = x.astype(np.intp), y.astype(np.intp)
        across, down = (x - left)[:, None], (y - top)[:, None]
        upper = self.waves[top, left] * (1 - across) + self.waves[top, left + 1] * across
        lower = self.waves[top + 1, left] * (1 - across) + self.waves[top + 1, left + 1] * across
        return np.asarray(upper * (1 - down) + lower * down, np.float64)

    def see(self, sheet: Light, around: float) -> Light:
        """The sheet in the picture, on a table of a grey level."""
        x = np.arange(self.width, dtype=np.float32) + np.float32(0.5)
        y = (np.arange(self.height, dtype=np.float32) + np.float32(0.5))[:, None]
        a = self.to_flat.astype(np.float32)
        depth = a[2, 0] * x + a[2, 1] * y + a[2, 2]
        at = [(a[n, 0] * x + a[n, 1] * y + a[n, 2]) / depth for n in (0, 1)]
        grid = np.broadcast_arrays(x / _CELL, y / _CELL)
        waves = cv2.remap(self.waves, grid[0].copy(), grid[1].copy(), cv2.INTER_LINEAR)
        places = [at[n] + waves[:, :, n] - np.float32(0.5) for n in (0, 1)]
        seen = cv2.remap(
            sheet, places[0], places[1], cv2.INTER_LINEAR, borderValue=(float(around),)
        )
        return np.asarray(seen, np.float32)


def _through(homography: npt.NDArray[np.float64], points: Points) -> Points:
    moved = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return np.asarray(moved[:, :2] / moved[:, 2:])


def view(width: int, height: int, gutter: float | None, rng: np.random.Generator) -> View:
    """A way to see a sheet of this size, all of which is in the picture but for a little of the
    edges of a scan."""
    photographed = bool(rng.random() < 0.45)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    middle = corners.mean(axis=0)
    if photographed:
        turn, edge = rng.normal(0, 0.05), rng.uniform(0.0, 0.12)
        lens = rng.normal(0, 0.02, (4, 2)) * (width, height)
    else:
        turn, edge = rng.normal(0, 0.01), rng.uniform(-0.015, 0.03)
        lens = np.zeros((4, 2))
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    seen = (corners - middle) @ turned + lens
    if photographed or edge > 0:
        size = np.ptp(seen, axis=0) * (1 + 2 * edge)
        low = seen.min(axis=0) - np.ptp(seen, axis=0) * edge
    else:
        size, low = (
            np.array([width, height]) * (1 + 2 * edge),
            (corners[0] - middle) * (1 + 2 * edge),
        )
    scale = width / size[0] if photographed else 1.0
    columns, rows = (int(side) for side in np.round(size * scale))
    there = ((seen - low) * scale).astype(np.float32)
    to_flat = cv2.getPerspectiveTransform(there, corners.astype(np.float32))
    waves = _waves(rows, columns, gutter, photographed, rng)
    return View(columns, rows, np.asarray(to_flat, np.float64), waves, photographed)


def _waves(
    rows: int, columns: int, gutter: float | None, photographed: bool, rng: np.random.Generator
) -> Light:
    """Lines that wander, paper that is not flat, and a book's pages that rise to its fold."""
    shape = (rows // _CELL + 2, columns // _CELL + 2)
    waves = np.zeros((*shape, 2), np.float32)
    for cell, most in ((30, 2.5), (80, 10 if photographed else 4)):
        for axis in (0, 1):
            waves[:, :, axis] += rng.uniform(0, most) * smooth(rng, shape, cell)
    if gutter is not None and photographed:
        away = np.abs(np.arange(shape[1], dtype=np.float32) * _CELL - columns / 2) / columns
        waves[:, :, 1] += np.float32(rng.uniform(-0.03, 0.03) * rows) * np.exp(-away / 0.06)
    return waves


def expose(sheet: Light, seen_by: View, rng: np.random.Generator) -> Image:
    """The picture, uint8 (H, W)."""
    around = rng.uniform(10, 110) if rng.random() < 0.7 else rng.uniform(180, 250)
    light = seen_by.see(sheet, around)
    height, width = light.shape
    if seen_by.photographed:
        small = (height // 8 + 1, width // 8 + 1)
        shade = 1 + rng.uniform(0, 0.12) * smooth(rng, small, 100)
        if rng.random() < 0.4:
            shade *= _shadow(small, rng)
        light *= cv2.resize(shade.astype(np.float32), (width, height))
    blur = rng.uniform(0.3, 1.4) if seen_by.photographed else rng.uniform(0.2, 0.9)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), blur), np.float32)
    light = (light - 128) * np.float32(rng.uniform(0.85, 1.15)) + np.float32(128)
    light += grain(rng, (height, width), rng.uniform(0, 6 if seen_by.photographed else 3))
    pixels = np.asarray(light.clip(0, 255) + 0.5, np.uint8)
    if rng.random() < 0.8:
        quality = int(rng.integers(35, 96))
        _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
    return pixels


def _shadow(shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Of whoever holds the camera: a side of the picture is darker, with a soft edge."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    across = (x / shape[1] - 0.5) * np.cos(angle) + (y / shape[0] - 0.5) * np.sin(angle)
    across += 0.04 * smooth(rng, shape, 60)
    inside = 1 / (1 + np.exp(-(across - rng.uniform(0, 0.3)) / rng.uniform(0.01, 0.08)))
    return np.asarray(1 - rng.uniform(0.15, 0.55) * inside, np.float32)


Turn = Literal[0, 90, 180, 270]


def turned_points(points: Points, width: int, height: int, turn: Turn) -> Points:
    """Points of a picture of this size where they are once it is turned clockwise."""
    x, y = points[:, 0], points[:, 1]
    if turn == 90:
        return np.column_stack([height - y, x])
    if turn == 180:
        return np.column_stack([width - x, height - y])
    if turn == 270:
        return np.column_stack([y, width - x])
    return points
