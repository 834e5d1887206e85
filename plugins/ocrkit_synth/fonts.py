"""Fonts of a folder, with what is needed to draw all of them alike: their x-height, their strokes'
width, their characters."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from ocrkit.interfaces import Image
from ocrkit.support.files import walk

SPLITS = ("all", "train", "validation")
X_HEIGHT = 40
"""Pixels from the baseline to the top of an x, as fonts are drawn."""
_PROBED = 32
"""Size in pixels at which a font is asked for its characters: as telling as larger ones, and
faster, where hundreds of fonts are opened."""
_UNASSIGNED = "\U0010fffd"
"""A private character, for which a font draws its sign for missing ones."""


@dataclass(frozen=True)
class Font:
    """A font file. Raises OSError, on first use, where it is none; ValueError where it cannot draw
    an x."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def face(self) -> ImageFont.FreeTypeFont:
        height = _x_height(ImageFont.truetype(str(self.path), 100))
        return ImageFont.truetype(str(self.path), 100 * X_HEIGHT / height)

    @cached_property
    def pen(self) -> float:
        """The usual width of a stroke in pixels: twice the area by the length of the edge."""
        drawn = self.draw("nolimeastr")
        contours, _ = cv2.findContours(
            cv2.threshold(drawn, 127, 255, cv2.THRESH_BINARY)[1],
            cv2.RETR_LIST,
            cv2.CHAIN_APPROX_SIMPLE,
        )
        edge = sum(cv2.arcLength(contour, True) for contour in contours)
        return 2 * float(np.count_nonzero(drawn > 127)) / max(1.0, edge)

    def draw(self, text: str) -> Image:
        """The text, light on black, with some space around it: uint8 (H, W)."""
        left, top, right, bottom = self.face.getbbox(text, anchor="ls")
        canvas = Pillow.new("L", (int(right - left) + 9, int(bottom - top) + 9))
        ImageDraw.Draw(canvas).text(
            (4 - int(left), 4 - int(top)), text, font=self.face, fill=255, anchor="ls"
        )
        return np.asarray(canvas)

    def lacks(self, characters: Iterable[str]) -> frozenset[str]:
        """Those of the characters that the font has no sign for, or an empty one."""
        face = ImageFont.truetype(str(self.path), _PROBED)
        _x_height(face)
        missing = _shape(face, _UNASSIGNED)
        return frozenset(
            character
            for character in characters
            if not character.isspace() and _shape(face, character) in {missing, None}
        )


def _x_height(face: ImageFont.FreeTypeFont) -> float:
    """Raises ValueError where it draws no x."""
    height = -face.getbbox("x", anchor="ls")[1]
    if height <= 0:
        raise ValueError("it draws no x")
    return height


def _shape(face: ImageFont.FreeTypeFont, character: str) -> tuple[tuple[int, int], bytes] | None:
    """The character's picture, None where nothing is drawn."""
    mask = face.getmask(character)
    return (mask.size, bytes(mask)) if mask.getbbox() else None


def find_fonts(root: Path, split: str) -> list[Font]:
    """The fonts of a folder and those in it, sorted, that are for one of :data:`SPLITS`: every
    fifth is for validation."""
    paths = sorted(path for path in walk(root) if path.suffix.lower() in {".ttf", ".otf"})
    fonts = [Font(path) for path in paths]
    match split:
        case "train":
            return [font for number, font in enumerate(fonts) if number % 5]
        case "validation":
            return fonts[::5]
    return fonts
