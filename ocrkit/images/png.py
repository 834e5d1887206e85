"""PNG files: their chunks, and the plain ones, which are checked here and decoded by OpenCV."""

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from ocrkit.images.contents import MOST_PIECES, Contents, orientation_of_xmp
from ocrkit.images.tiff import orientation_of_exif
from ocrkit.parts.values import Image

_PLAIN = re.compile(b"IHDR(PLTE)?(IDAT)+IEND")
"""The chunks of a file that holds pixels and nothing that changes them."""
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
"""The chunks that pixels depend on."""
_SAMPLES = {
    (0, 1): 1,
    (0, 2): 1,
    (0, 4): 1,
    (0, 8): 1,
    (3, 1): 1,
    (3, 2): 1,
    (3, 4): 1,
    (3, 8): 1,
    (2, 8): 3,
}
"""Samples of a pixel by colour type (0: grey, 2: colour, 3: palette) and bit depth."""
_MAX_SIDE = 1_000_000
"""OpenCV decodes no PNG that is wider or higher."""
_MOST_NOTES = 1 << 20
"""Bytes of what ImageMagick writes EXIF into, unpacked."""


@dataclass(frozen=True)
class PngContents(Contents):
    """What of a PNG is to be decoded."""

    chunks: tuple[tuple[bytes, memoryview], ...] = ()
    """Kind and content of each."""

    def plain_size(self) -> tuple[int, int] | None:
        """Width and height of a plain file that OpenCV decodes; None for any other."""
        if (
            not _PLAIN.fullmatch(b"".join(kind for kind, _ in self.chunks))
            or len(self.chunks[0][1]) != 13
        ):
            return None
        width, height, depth, colour, *others = struct.unpack(">IIBBBBB", self.chunks[0][1])
        palette = 3 << depth if colour == 3 else 0  # a shorter one may lack a colour
        given = sum(len(content) for kind, content in self.chunks if kind == b"PLTE")
        if (
            (colour, depth) not in _SAMPLES
            or any(others)
            or given != palette
            or not min(width, height) > 0
        ):
            return None
        return (width, height) if max(width, height) <= _MAX_SIDE else None

    def decode_plain(self) -> Image | None:
        """A plain file's grey pixels; None where it is damaged, which Pillow says more of.

        OpenCV gets only what is whole, since it writes to standard error what it finds wrong.
        """
        width, height, depth, colour = struct.unpack(">IIBB", self.chunks[0][1][:10])
        row = 1 + (width * depth * _SAMPLES[colour, depth] + 7) // 8
        inflater = zlib.decompressobj()
        try:
            packed = b"".join(content for kind, content in self.chunks if kind == b"IDAT")
            rows = inflater.decompress(packed, row * height + 1)
        except zlib.error:
            return None
        if (
            len(rows) != row * height
            or not inflater.eof
            or inflater.unused_data
            or max(rows[::row]) > 4
        ):  # kinds of filters
            return None
        del rows
        import cv2

        pixels: Any = cv2.imdecode(np.frombuffer(self.data, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None or pixels.shape[:2] != (height, width):
            return None
        return (
            pixels
            if pixels.ndim == 2
            else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
        )


def contents(data: bytes) -> PngContents:
    """What of a PNG is to be decoded.

    Raises ValueError where a chunk is cut off or does not match its checksum; Pillow passes over
    those of the pixels.
    """
    white, turned, kept, chunks = None, 1, [memoryview(data)[:8]], []
    for kind, content, whole in _chunks(data):
        if kind in _PIXELS:
            kept.append(whole)
            chunks.append((kind, content))
        elif kind == b"sBIT" and content and 0 < content[0] < 16:
            white = 2 ** content[0] - 1
        elif turned == 1:
            turned = _orientation(kind, content)
    needed = sum(map(len, kept))
    return PngContents(
        data if needed == len(data) else b"".join(kept), turned, white=white, chunks=tuple(chunks)
    )


def _orientation(kind: bytes, content: memoryview) -> int:
    if kind == b"eXIf":
        return orientation_of_exif(bytes(content))
    if kind == b"iTXt" and bytes(content[:17]) == b"XML:com.adobe.xmp":
        return orientation_of_xmp(content)
    if kind == b"zTXt" and bytes(content[:22]) == b"Raw profile type exif\0":
        with suppress(
            zlib.error, ValueError
        ):  # what is broken says nothing of how the image is turned
            text = zlib.decompressobj().decompress(content[23:], _MOST_NOTES).decode("latin-1")
            return orientation_of_exif(bytes.fromhex("".join(text.split("\n")[3:])))
    return 1


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, memoryview]]:
    """Kind, content and the whole of every chunk, in order. Raises ValueError as :func:`contents`
    does."""
    view, position, kind = memoryview(data), 8, b""
    for _ in range(MOST_PIECES):
        length = int.from_bytes(view[position : position + 4])
        kind = bytes(view[position + 4 : position + 8])
        end = position + 8 + length
        if end + 4 > len(data):
            raise ValueError("the file ends too early")
        if zlib.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + 4]):
            raise ValueError("wrong checksum")
        yield kind, view[position + 8 : end], view[position : end + 4]
        if kind == b"IEND":
            return
        position = end + 4
    raise ValueError(f"more than {MOST_PIECES:,} chunks")
