"""What of an image file's bytes Pillow gets to see, and what is known of it before."""

import re
from dataclasses import dataclass

MOST_PIECES = 500_000
"""Chunks, segments and blocks of a file. They are looked at one by one, and more would take
minutes."""
MAX_SCANS = 100
"""Passes over the pixels that a JPEG may have. Progressive files have some ten; each takes time,
whatever it changes."""
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')


@dataclass(frozen=True)
class Contents:
    """An image file without what only takes memory and time: comments, profiles, thumbnails, notes
    of cameras."""

    data: bytes
    orientation: int = 1
    """How the image is turned, 1 to 8 as EXIF's tag of this name says."""
    size: tuple[int, int] | None = None
    """Width and height, where they have to be known before Pillow opens the file."""
    white: int | None = None
    """The value of white in 16-bit samples, where the file says so."""
    inverted: bool = False
    """Whether grey samples of 16 bits are white where they are 0."""
    per_pixel: int = 0
    """Bytes that the decoder takes for every pixel, beside the image itself."""
    block: int = 0
    """Pixels of a block that is decoded at a time; they may be more than the image has."""
    per_block_pixel: int = 0
    """Bytes that each of them takes."""
    may_be_cut: bool = False
    """Whether only a second look tells that the file ends too early; see
    :mod:`ocrkit.images.jpeg`."""


def orientation_of_xmp(data: bytes | memoryview) -> int:
    """How XMP, a text in XML, says that an image is turned; 1 where it does not."""
    found = _XMP_ORIENTATION.search(data)
    return int(found[1]) if found else 1
