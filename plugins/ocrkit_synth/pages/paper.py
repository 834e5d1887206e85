"""What writing stands on: blank, ruled, squared and stained paper, grain, folds, and what shows
through from the other side."""

from typing import Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ocrkit.interfaces import Image
from ocrkit_synth.pages.layout import Layout

Light = npt.NDArray[np.float32]
"""Grey levels, float32 (H, W), 0 to 255."""


class Look(NamedTuple):
    """How dark ink is and what shows through, drawn for a page."""

    level: float
    """Of the ink, 0 to 1 of the paper's."""
    thick: float
    """Above 0 strokes are made thicker, below thinner."""
    through: float
    """How much of the other side is seen."""


def look(rng: np.random.Generator) -> Look:
    through = float(rng.uniform(0.05, 0.25)) if rng.random() < 0.25 else 0.0
    return Look(float(rng.uniform(0.05, 0.6)), float(rng.uniform(-0.4, 0.5)), through)


def smooth(rng: np.random.Generator, shape: tuple[int, int], cell: float) -> Light:
    """A random field of about unit deviation that changes over so many pixels."""
    knots = rng.standard_normal((3 + int(shape[0] / cell), 3 + int(shape[1] / cell)), np.float32)
    return np.asarray(cv2.resize(knots, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def grain(rng: np.random.Generator, shape: tuple[int, int], deviation: float) -> Light:
    """Noise of pixels; a tile of it, for speed."""
    tile = rng.standard_normal((512, 512), np.float32) * np.float32(deviation)
    if rng.random() < 0.5:
        tile = np.asarray(cv2.GaussianBlur(tile, (0, 0), 0.8) * 2, np.float32)
    repeats = (shape[0] // 512 + 1, shape[1] // 512 + 1)
    return np.asarray(np.tile(tile, repeats)[: shape[0], : shape[1]], np.float32)


def written_on(layout: Layout, written: Image, printed: Image, rng: np.random.Generator) -> Light:
    """The sheet with its ink."""
    sheet = _blank(layout, rng)
    page = look(rng)
    if page.through:
        behind = cv2.GaussianBlur(written[:, ::-1], (0, 0), rng.uniform(1, 3))
        sheet *= 1 - np.float32(page.through / 255) * behind
    _rule(layout, sheet, rng)
    coverage = _coverage(written, page.thick, rng)
    sheet *= 1 - np.float32(1 - page.level) * coverage
    if printed.any():
        sheet *= 1 - np.float32(rng.uniform(0.6, 0.9) / 255) * printed
    return sheet


def _blank(layout: Layout, rng: np.random.Generator) -> Light:
    shape = (layout.height, layout.width)
    sheet = np.full(shape, rng.uniform(165, 250), np.float32)
    small = (shape[0] // 4 + 1, shape[1] // 4 + 1)
    uneven = rng.uniform(0, 8) * smooth(rng, small, 60) + rng.uniform(0, 4) * smooth(rng, small, 12)
    for _ in range(rng.integers(1, 5) if rng.random() < 0.35 else 0):
        uneven -= _stain(small, rng)
    sheet += cv2.resize(uneven.astype(np.float32), shape[::-1])
    sheet += grain(rng, shape, rng.uniform(0.5, 5))
    if rng.random() < 0.1:  # woven or laid paper
        x = np.arange(max(shape), dtype=np.float32)
        waves = np.sin(x * np.float32(rng.uniform(0.8, 2.1))) * np.float32(rng.uniform(1, 5))
        sheet += waves[: shape[1]]
        if rng.random() < 0.5:
            sheet += waves[: shape[0], None]
    for _ in range(rng.integers(1, 3) if rng.random() < 0.2 else 0):  # folds
        _fold(sheet, rng)
    if layout.gutter is not None:
        away = np.abs(np.arange(shape[1], dtype=np.float32) - layout.gutter)
        sheet *= 1 - np.float32(rng.uniform(0.2, 0.6)) * np.exp(-away / (0.02 * shape[1]))
    return sheet


def _stain(shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """How much darker a stain makes the sheet, with an edge as water leaves it."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    radius = rng.uniform(0.03, 0.3) * shape[1]
    away = np.hypot(x - rng.uniform(0, shape[1]), y - rng.uniform(0, shape[0])) / radius
    away += 0.15 * smooth(rng, shape, radius / 2 + 4)
    inside = 1 / (1 + np.exp(((away - 1) * 12).clip(-50, 50)))
    edge = np.exp(-(((away - 1) * 10) ** 2)) * rng.uniform(0, 1)
    return np.asarray(rng.uniform(5, 45) * (inside + edge), np.float32)


def _fold(sheet: Light, rng: np.random.Generator) -> None:
    height, width = sheet.shape
    if rng.random() < 0.5:
        place = int(rng.uniform(0.2, 0.8) * height)
        sheet[place : place + 2] *= np.float32(rng.uniform(0.75, 1.1))
        sheet[place + 2 :] *= np.float32(rng.uniform(0.94, 1.04))
    else:
        place = int(rng.uniform(0.2, 0.8) * width)
        sheet[:, place : place + 2] *= np.float32(rng.uniform(0.75, 1.1))
        sheet[:, place + 2 :] *= np.float32(rng.uniform(0.94, 1.04))


def _rule(layout: Layout, sheet: Light, rng: np.random.Generator) -> None:
    """Ruled or squared, often as far apart as the lines are, and the lines of tables."""
    dark = np.float32(rng.uniform(0.55, 0.93))
    kind: Literal["blank", "ruled", "squared"] = "blank"
    drawn = rng.random()
    if drawn < 0.45:
        kind = "squared" if drawn < 0.15 else "ruled"
    thick = int(rng.integers(1, 3))
    if kind != "blank":
        ys = [slot.y for slot in layout.slots if slot.hand == "main"] or [layout.distance]
        pitch = layout.distance if kind == "ruled" else layout.distance * rng.uniform(0.4, 1.1)
        start = (ys[0] + rng.uniform(-0.1, 0.3) * layout.distance) % pitch
        for y in np.arange(start, layout.height, pitch).astype(int):
            sheet[y : y + thick] *= dark
        if kind == "squared":
            for x in np.arange(rng.uniform(0, pitch), layout.width, pitch).astype(int):
                sheet[:, x : x + thick] *= dark
    if rng.random() < 0.15:  # the line of a margin
        x = int(layout.width * rng.uniform(0.06, 0.16))
        sheet[:, x : x + thick] *= dark
    for left, top, right, bottom in layout.rules:
        x, y = int(left), max(0, int(top))
        sheet[y : int(max(bottom, top + thick)), x : int(max(right, left + thick))] *= dark


def _coverage(written: Image, thick: float, rng: np.random.Generator) -> Light:
    """How much of each pixel is ink, 0 to 1: a wider or a finer pen, one that runs dry."""
    blurred = np.asarray(cv2.GaussianBlur(written, (0, 0), 0.9), np.float32) / 255
    coverage = ((blurred - 0.5) * 2.2 + 0.55 + thick * 0.5).clip(0, 1)
    coverage *= blurred > 0.02
    if rng.random() < 0.4:
        small = (written.shape[0] // 4 + 1, written.shape[1] // 4 + 1)
        dry = cv2.resize(smooth(rng, small, 20), written.shape[::-1])
        coverage *= 1 - np.float32(rng.uniform(0.1, 0.5)) * np.clip(dry, 0, 1)
    return np.asarray(coverage, np.float32)
