"""A decoded image of any kind → grey pixels, dark writing on light paper where that can be told."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ocrkit.interfaces import Image

if TYPE_CHECKING:
    from PIL.Image import Image as Pillow
    from PIL.ImageFile import ImageFile

_ORIENTATION = 0x0112
"""The EXIF tag that says how an image is turned."""
_LUMA = (0.299, 0.587, 0.114)
_FEW_BITS = (8, 10, 12, 14)
"""Bits that scanners, cameras and programs put into samples of 16."""


def to_grey(image: "ImageFile", again: Callable[[], "ImageFile"], white: int | None = None, *, inverted: bool = False) -> Image:
    """The pixels of an image that has been opened, uint8 (H, W), upright.

    ``again`` opens it a second time. ``white`` is the value of white in 16-bit samples, where the file says so; ``inverted``
    grey samples of 16 bits are white where they are 0.
    """
    wide = any(";16" in str(tile[3]) for tile in image.tile)
    image.draft("L", image.size)  # JPEG holds luma as it is
    _decode(image)
    grey = _grey(image, white, inverted=inverted, wide=wide)
    if wide and image.mode == "RGB" and not image.has_transparency_data and grey.max() < 64:
        return _of_dark_16_bits(np.array(image), again(), white)
    return grey


def of_pillow(image: "Pillow") -> Image:
    """The pixels of an image that somebody else has opened or made, uint8 (H, W), upright; theirs stays as it is."""
    from PIL import ImageOps

    with suppress(Exception):  # broken EXIF says nothing of how the image is turned
        image = ImageOps.exif_transpose(image)
    return _grey(image, None, inverted=False, wide=False)


def of_colour(pixels: npt.NDArray[np.uint8]) -> Image:
    """RGB (H, W, 3), or RGBA (H, W, 4) on white paper, as grey pixels."""
    grey = _luma(np.ascontiguousarray(pixels[:, :, :3]))
    return grey if pixels.shape[2] == 3 else _on_paper(grey, pixels[:, :, 3])


def _grey(image: "Pillow", white: int | None, *, inverted: bool, wide: bool) -> Image:
    if image.mode.startswith(("I", "F")):
        return _of_16_bits(image, white, inverted=inverted)
    if image.has_transparency_data:
        return _of_transparent(image, wide=wide)
    if image.mode == "L":
        return np.array(image)
    return _luma(np.array(image.convert("RGB")))


def _decode(image: "Pillow") -> None:
    image.load()
    with suppress(Exception):  # broken EXIF says nothing of how the image is turned
        if image.getexif().get(_ORIENTATION, 1) != 1:
            from PIL import ImageOps

            ImageOps.exif_transpose(image, in_place=True)


def _luma(colour: npt.NDArray[np.uint8]) -> Image:
    import cv2

    return np.asarray(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY), np.uint8)


# ----------------------------------------------------------------------------------------------------------- 16 bits


def _of_16_bits(image: "Pillow", white: int | None, *, inverted: bool) -> Image:
    values = np.array(image)
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
        raise ValueError("more than 16 bits a channel; save it with 8")
    values = values.astype(np.uint32)
    grey = _scaled(values, (white or 65535) if inverted else _white_of(values, white))
    grey = np.invert(grey) if inverted else grey
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        return _on_paper(grey, np.where(values == transparent, np.uint8(0), np.uint8(255)))
    return grey


def _of_dark_16_bits(high: npt.NDArray[np.uint8], again: "ImageFile", white: int | None) -> Image:
    """Colour of 16 bits, of which Pillow keeps the upper 8 (``high``) though few of them are used."""
    again.tile = [type(tile)(*tile[:3], _other_bytes(tile[3])) for tile in again.tile]
    _decode(again)
    values = high.astype(np.uint32) << 8 | np.array(again)
    values = np.rint(values @ np.array(_LUMA)).astype(np.uint32)
    return _scaled(values, _white_of(values, white))


def _other_bytes(args: Any) -> Any:
    """What a tile's decoder is told, so that it keeps the lower 8 bits in place of the upper."""
    if isinstance(args, tuple):
        return (_other_bytes(args[0]), *args[1:])
    native, other = ("L", "B") if np.little_endian else ("B", "L")
    swapped = {"L": "B", "B": "L", "N": other, native: other}
    mode, _, order = args.partition(";16")
    return f"{mode};16{swapped[order]}" if order else args


def _white_of(values: npt.NDArray[np.uint32], declared: int | None) -> int:
    """The value of white: the declared one, where no value is larger; else, for an image no pixel of which is brighter than a
    quarter of what 16 bits can hold, the largest of the fewest bits that hold its values."""
    brightest = int(values.max())
    if declared is not None and brightest <= declared:
        return declared
    return next((2**bits - 1 for bits in _FEW_BITS if brightest < 2**bits), 65535)


def _scaled(values: npt.NDArray[np.uint32], white: int) -> Image:
    return ((np.minimum(values, white) * 255 + white // 2) // white).astype(np.uint8)


# ------------------------------------------------------------------------------------------------------ transparency


def _of_transparent(image: "Pillow", *, wide: bool) -> Image:
    transparent = image.info.get("transparency")
    if wide and isinstance(transparent, tuple):  # of 16 bits, where Pillow has kept 8
        image.info["transparency"] = tuple(value >> 8 for value in transparent)
    return of_colour(np.array(image.convert("RGBA")))


def _on_paper(grey: Image, opacity: npt.NDArray[np.uint8]) -> Image:
    """A transparent image on white paper. Light ink, which nobody could see there, is made dark.

    What is opaque counts as ink where it covers less than half of the image: else it is paper itself.
    """
    ink = grey[opacity > opacity.max() // 2]
    if ink.size and 2 * ink.size < grey.size and np.percentile(ink, 10) >= 128:
        grey = np.invert(grey)
    opaque = opacity.astype(np.uint16)
    return ((grey * opaque + 255 * (255 - opaque) + 127) // 255).astype(np.uint8)
