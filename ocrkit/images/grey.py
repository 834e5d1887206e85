"""A decoded image of any kind → grey pixels, dark writing on light paper where that can be told."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import numpy.typing as npt

from ocrkit.parts.values import Image

if TYPE_CHECKING:
    from PIL.Image import Image as Pillow
    from PIL.ImageFile import ImageFile

_LUMA = (0.299, 0.587, 0.114)
_FEW_BITS = (8, 10, 12, 14)
"""Bits that scanners, cameras and programs put into samples of 16."""
_BAND = 1 << 20
"""Pixels that are made grey at a time, in whole rows."""


def to_grey(
    image: "ImageFile",
    again: Callable[[], "ImageFile"],
    white: int | None = None,
    *,
    inverted: bool = False,
) -> Image:
    """The pixels of an image that has been opened, uint8 (H, W), as they are stored: not turned
    upright.

    ``again`` opens it a second time. ``white`` is the value of white in 16-bit samples, where the
    file says so; ``inverted`` grey samples of 16 bits are white where they are 0.
    """
    wide = is_wide(image)
    image.draft("L", image.size)  # JPEG holds luma as it is
    image.load()
    grey = _grey(image, white, inverted=inverted, wide=wide)
    if wide and image.mode == "RGB" and not image.has_transparency_data and grey.max() < 64:
        return _of_dark_16_bits(image, again(), white)
    return grey


def is_wide(image: "ImageFile") -> bool:
    """Whether an image that has not been decoded yet has samples of 16 bits."""
    return any(";16" in str(tile[3]) for tile in image.tile)


def turned(pixels: Image, orientation: int) -> Image:
    """The pixels upright, where EXIF's orientation is this."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.T
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def of_pillow(image: "Pillow") -> Image:
    """The pixels of an image that somebody else has opened or made, uint8 (H, W), upright; theirs
    stays as it is."""
    from PIL import ImageOps

    with suppress(Exception):  # broken EXIF says nothing of how the image is turned
        image = ImageOps.exif_transpose(image)
    return _grey(image, None, inverted=False, wide=False)


def are_pixels(value: object) -> TypeGuard[Image]:
    """Whether it is an array uint8, grey (H, W) or RGB (H, W, 3), with a pixel at least."""
    if not isinstance(value, np.ndarray) or value.dtype != np.uint8 or not value.size:
        return False
    return value.ndim == 2 or (value.ndim == 3 and value.shape[2] == 3)


def as_grey(pixels: Image) -> Image:
    """Grey pixels (H, W) as they are, RGB ones (H, W, 3) as their luma."""
    return pixels if pixels.ndim == 2 else of_colour(pixels)


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
    grey = np.empty(image.size[::-1], np.uint8)
    for rows, band in _bands(image):
        grey[rows] = _luma(np.array(band.convert("RGB")))
    return grey


def _bands(image: "Pillow") -> Iterator[tuple[slice, "Pillow"]]:
    """An image in bands of some rows: what is made of them needs little memory beside it."""
    width, height = image.size
    for rows in _rows(height, width):
        yield rows, image.crop((0, rows.start, width, rows.stop))


def _rows(height: int, width: int) -> Iterator[slice]:
    step = max(1, _BAND // width)
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


def _luma(colour: npt.NDArray[np.uint8]) -> Image:
    import cv2

    return np.asarray(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY), np.uint8)


# ------------------------------------------------------------------------------------------ 16 bits


def _of_16_bits(image: "Pillow", white: int | None, *, inverted: bool) -> Image:
    lowest, highest = 0, 0
    for _, band in _bands(image):
        values = np.array(band)
        lowest, highest = min(lowest, int(values.min())), max(highest, int(values.max()))
        if values.dtype.kind == "f" or lowest < 0 or highest > 65535:
            raise ValueError("more than 16 bits a channel; save it with 8")
    white = (white or 65535) if inverted else _white_of(highest, white)
    transparent = image.info.get("transparency")
    grey = np.empty(image.size[::-1], np.uint8)
    opacity = np.full_like(grey, 255) if isinstance(transparent, int) else None
    for rows, band in _bands(image):
        values = np.array(band).astype(np.uint32)
        scaled = _scaled(values, white)
        grey[rows] = np.invert(scaled) if inverted else scaled
        if opacity is not None:
            opacity[rows][values == transparent] = 0
    return grey if opacity is None else _on_paper(grey, opacity)


def _of_dark_16_bits(high: "Pillow", again: "ImageFile", white: int | None) -> Image:
    """Colour of 16 bits, of which Pillow keeps the upper 8 (``high``) though few of them are
    used."""
    again.tile = [type(tile)(*tile[:3], _other_bytes(tile[3])) for tile in again.tile]
    again.load()
    luma = np.empty(high.size[::-1], np.uint16)
    for (rows, upper), (_, lower) in zip(_bands(high), _bands(again), strict=True):
        values = np.array(upper).astype(np.uint32) << 8 | np.array(lower)
        luma[rows] = np.rint(values @ np.array(_LUMA))
    white = _white_of(int(luma.max()), white)
    grey = np.empty(luma.shape, np.uint8)
    for rows in _rows(*luma.shape):
        grey[rows] = _scaled(luma[rows].astype(np.uint32), white)
    return grey


def _other_bytes(args: Any) -> Any:
    """What a tile's decoder is told, so that it keeps the lower 8 bits in place of the upper."""
    if isinstance(args, tuple):
        return (_other_bytes(args[0]), *args[1:])
    native, other = ("L", "B") if np.little_endian else ("B", "L")
    swapped = {"L": "B", "B": "L", "N": other, native: other}
    mode, _, order = args.partition(";16")
    return f"{mode};16{swapped[order]}" if order else args


def _white_of(brightest: int, declared: int | None) -> int:
    """The value of white: the declared one, where no value is larger; else, for an image no pixel
    of which is brighter than a quarter of what 16 bits can hold, the largest of the fewest bits
    that hold its values."""
    if declared is not None and brightest <= declared:
        return declared
    return next((2**bits - 1 for bits in _FEW_BITS if brightest < 2**bits), 65535)


def _scaled(values: npt.NDArray[np.uint32], white: int) -> Image:
    return ((np.minimum(values, white) * 255 + white // 2) // white).astype(np.uint8)


# ------------------------------------------------------------------------------------- transparency


def _of_transparent(image: "Pillow", *, wide: bool) -> Image:
    transparent = image.info.get("transparency")
    if wide and isinstance(transparent, tuple):  # of 16 bits, where Pillow has kept 8
        image.info["transparency"] = tuple(value >> 8 for value in transparent)
    grey, opacity = np.empty((2, *image.size[::-1]), np.uint8)
    for rows, band in _bands(image):
        rgba = np.array(band.convert("RGBA"))
        grey[rows], opacity[rows] = _luma(np.ascontiguousarray(rgba[:, :, :3])), rgba[:, :, 3]
    return _on_paper(grey, opacity)


def _on_paper(grey: Image, opacity: npt.NDArray[np.uint8]) -> Image:
    """A transparent image on white paper. Light ink, which nobody could see there, is made dark.

    What is opaque counts as ink where it covers less than half of the image: else it is paper
    itself.
    """
    is_ink = opacity > opacity.max() // 2
    share = np.count_nonzero(is_ink) / grey.size
    light = 0 < share < 0.5 and np.percentile(grey[is_ink], 10) >= 128
    result = np.empty_like(grey)
    for rows in _rows(*grey.shape):
        ink, opaque = (
            np.invert(grey[rows]) if light else grey[rows],
            opacity[rows].astype(np.uint16),
        )
        result[rows] = (ink * opaque + 255 * (255 - opaque) + 127) // 255
    return result
