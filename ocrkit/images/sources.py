"""Images in whatever form a program has them."""

import os
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Union

import numpy as np
import numpy.typing as npt

from ocrkit.errors import ImageError
from ocrkit.images import MAX_BYTES, MAX_PIXELS, read_image
from ocrkit.images.grey import of_colour, of_pillow
from ocrkit.parts.values import Image

if TYPE_CHECKING:  # reading pixels needs no Pillow; a name in quotes cannot be joined by |
    from PIL.Image import Image as Pillow

Source = Union[
    str,
    os.PathLike[str],
    bytes,
    bytearray,
    memoryview,
    BinaryIO,
    "Pillow",
    npt.NDArray[np.uint8],
    npt.NDArray[np.bool_],
]
"""A path, an image file's bytes, an open file, a PIL image, or pixels as :func:`pixels_of` says."""

_PIXELS = "pixels uint8: grey (height, width), RGB (height, width, 3) or RGBA (height, width, 4)"
_EXPECTED = f"expected a path, an image file's bytes, an open file, a PIL image, or {_PIXELS}"


def pixels_of(source: Source) -> Image:
    """The grey pixels, uint8 (H, W), of an image in any of these forms; what is given stays as it
    is.

    A path, or an image file as bytes or as an open binary file, which is read from its start: as
    :func:`read_image` says. A PIL image: likewise, upright, on white paper. An array uint8: grey
    (H, W) or (H, W, 1), 0 is black; RGB (H, W, 3), in this order (OpenCV's is the other, BGR); RGBA
    (H, W, 4). An array of bool (H, W): True is white.

    Raises ImageError, in one line, for what cannot be read, and for anything else.
    """
    if isinstance(source, str | os.PathLike):
        return read_image(os.fspath(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return read_image(bytes(source))
    if isinstance(source, np.ndarray):
        return _of_array(np.asarray(source))
    pillow = sys.modules.get("PIL.Image")  # without which nobody has an image of it
    if pillow and isinstance(source, pillow.Image):
        return _of_pillow(source)
    if hasattr(source, "read"):
        return read_image(_content(source))
    if source is None:
        raise ImageError(
            f"None, which OpenCV's imread gives for a file that it cannot read; {_EXPECTED}"
        )
    kind = type(source)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    raise ImageError(f"{name}; {_EXPECTED}")


def _of_array(array: npt.NDArray[Any]) -> Image:
    if array.dtype == np.bool_ and array.ndim == 2:
        array = array * np.uint8(255)
    channels = array.shape[2] if array.ndim == 3 else 1
    if (
        array.dtype != np.uint8
        or array.ndim not in (2, 3)
        or channels not in (1, 3, 4)
        or not array.size
    ):
        raise ImageError(f"an array {array.dtype} {array.shape}; expected {_PIXELS}")
    array = np.ascontiguousarray(array)
    return array.reshape(array.shape[:2]) if channels == 1 else of_colour(array)


def _of_pillow(image: "Pillow") -> Image:
    width, height = image.size
    if not 0 < width * height <= MAX_PIXELS:
        raise ImageError(
            f"a PIL image of {width:,} × {height:,} pixels; the limit is {MAX_PIXELS:,} pixels in "
            "all"
        )
    try:
        return of_pillow(image)
    except Exception as error:  # its file may be damaged, and is read only now
        raise ImageError(
            f"a PIL image that cannot be read: {' '.join(str(error).split())}"
        ) from error


def _content(file: Any) -> bytes:
    """All of an open file."""
    pieces, size = [], 0
    try:
        with suppress(OSError, AttributeError):  # a pipe has no start to go to
            file.seek(0)
        for piece in iter(partial(file.read, 1 << 20), b""):
            if not isinstance(piece, bytes):
                raise ImageError("a file that is open as text; open it with mode 'rb'")
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BYTES:
                raise ImageError(
                    f"a file of more than {MAX_BYTES:,} bytes, which is the limit; scale the image "
                    "down"
                )
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise ImageError(f"an open file that cannot be read: {error}") from error
    return b"".join(pieces)
