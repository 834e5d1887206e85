"""Pictures as requests bring them."""

from pathlib import PurePosixPath

from ocrkit import ImageError
from ocrkit.images import image_size
from ocrkit_serve.limits import Limits

_LONGEST = 200
"""Characters of a file's name."""


def name_of(written: str | None) -> str:
    """A file's name without folders, which is what is read from it is called by; nothing is ever
    opened by it.

    >>> name_of("C:\\\\scans\\\\letter.png")
    'letter.png'
    """
    name = PurePosixPath((written or "").replace("\\", "/")).name
    return name.encode("utf-8", "replace").decode()[:_LONGEST] or "picture"


def check_picture(data: bytes, limits: Limits) -> None:
    """Raises ImageError, in one line, for what is no picture or has too many pixels, by its header
    alone: none is decoded."""
    try:
        width, height = image_size(data)
    except ImageError as error:
        raise ImageError(str(error).removeprefix("<bytes>: ")) from None
    if width * height > limits.pixels:
        raise ImageError(
            f"{width:,} × {height:,} pixels; the limit is {limits.pixels:,} in all; scale it down"
        )
