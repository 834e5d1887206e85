"""The one place that decodes images: whatever comes in, what goes out is a grey uint8 array, or one clear error.

Pillow decodes: it notices truncated files where OpenCV silently hands out half an image, and writes nothing to standard error.
Plain PNG files, which data sets consist of, are checked here and decoded by OpenCV, so that other threads run meanwhile.
Grey images come out exactly as from ``cv2.imread(path, cv2.IMREAD_GRAYSCALE)``. Colour is made grey by ``cv2.cvtColor``;
``cv2.imread`` leaves that to each format's library, and differs by one grey level at most.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import warnings
import zlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ocrkit.errors import ImageError, warn
from ocrkit.files import walk
from ocrkit.images import tiff
from ocrkit.images.grey import to_grey
from ocrkit.images.kinds import EXTENSIONS as EXTENSIONS
from ocrkit.images.kinds import foreign, pillow_class
from ocrkit.images.kinds import passed_over as passed_over
from ocrkit.interfaces import Image

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MAX_PIXELS = 50_000_000
"""The largest image that is decoded: an A4 page scanned at 700 dots an inch, or a photograph of 48 megapixels."""
MAX_BYTES = 500_000_000
"""The largest file that is read, in bytes."""

# Pillow warns of odd metadata, none of which matters here.
warnings.filterwarnings("ignore", module=r"PIL\.")

_PLAIN_PNG = re.compile(b"IHDR(PLTE)?(IDAT)+IEND")
"""The chunks of a PNG file that holds pixels and nothing that changes them."""
_SAMPLES = {(0, 1): 1, (0, 2): 1, (0, 4): 1, (0, 8): 1, (3, 1): 1, (3, 2): 1, (3, 4): 1, (3, 8): 1, (2, 8): 3}
"""Samples of a pixel by PNG's colour type (0: grey, 2: colour, 3: palette) and bit depth."""
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""How images are opened: a pipe that nobody writes to is not waited for."""
_MAX_SIDE = 1_000_000
"""OpenCV decodes no PNG that is wider or higher."""


def find_images(folder: Path) -> list[Path]:
    """The image files in a folder and in the folders below it, by name; see :func:`ocrkit.files.walk`.

    Warns of images that are of no format that ocrkit reads, and of folders that cannot be listed.
    """
    files = list(walk(folder, lambda error: warn(f"{error.filename}: {error.strerror}")))
    for sentence in passed_over(path.name for path in files):
        warn(f"{folder}: {sentence}")
    return sorted(path for path in files if path.suffix.lower() in EXTENSIONS)


def read_image(source: str | Path | bytes) -> Image:
    """Reads an image, from a file's path or from its bytes: grey, uint8 (H, W), both at least 1; 0 is black.

    Turned as EXIF says; colour becomes luma (0.299 R + 0.587 G + 0.114 B); what is transparent becomes white paper; 16 bits
    become 8; of several pages or frames the first is read. PNG, JPEG, TIFF, BMP, WebP and GIF. Other threads run meanwhile.

    Raises ImageError, whose one line begins with the path (``<bytes>`` for bytes): missing, empty, damaged or cut-off files,
    files that are no image, and images of more than ``MAX_PIXELS``, which are refused before any pixel is decoded.
    """
    if isinstance(source, bytes):
        return _decode(source, "<bytes>")
    path = str(source)
    try:
        descriptor = os.open(path, _READING)  # and then asked what it is: between the two nobody can replace it
        try:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                raise ImageError(f"{path}: not a file; expected an image")
            if status.st_size > MAX_BYTES:
                raise ImageError(f"{path}: {status.st_size:,} bytes; the limit is {MAX_BYTES:,}; scale the image down")
            with open(descriptor, "rb", buffering=0, closefd=False) as file:
                data = file.readall() if stat.S_ISREG(status.st_mode) else _piped(file, path)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise ImageError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    return _decode(data, path)


def _piped(file: io.FileIO, path: str) -> bytes:
    """All that comes out of a pipe, or a device, which may never end; nothing where nobody writes to it."""
    os.set_blocking(file.fileno(), True)
    data = bytearray()
    while piece := file.read(1 << 20):
        data += piece
        if len(data) > 5000 and pillow_class(bytes(data[:16])) is None:
            break  # no image, however it goes on
        if len(data) > MAX_BYTES:
            raise ImageError(f"{path}: more than {MAX_BYTES:,} bytes, the limit; scale the image down")
    return bytes(data)


def _decode(data: bytes, name: str) -> Image:
    if not data:
        raise ImageError(f"{name}: empty file")
    kind = pillow_class(data)
    if kind is None:
        what = foreign(data) or "not an image; expected PNG, JPEG, TIFF, BMP, WebP or GIF"
        raise ImageError(f"{name}: {what}")
    if kind == "Png" and (grey := _plain_png(data)) is not None:
        return grey
    try:
        opener: type[ImageFile] = getattr(import_module(f"PIL.{kind}ImagePlugin"), f"{kind}ImageFile")
        inverted = False
        if kind == "Tiff":
            data, inverted = tiff.with_black_as_zero(data)
        with opener(io.BytesIO(data)) as image:
            width, height = image.size
            if width * height <= MAX_PIXELS:
                white = _white_of_png(data) if kind == "Png" else tiff.maximum(getattr(image, "tag_v2", {}))
                return to_grey(image, lambda: opener(io.BytesIO(data)), white, inverted=inverted)
    except Exception as error:  # a format's parser raises whatever it trips over: SyntaxError, struct.error, OSError…
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{name}: damaged, cut off or of an unknown kind ({reason})") from error
    raise ImageError(f"{name}: {width:,} × {height:,} pixels; the limit is {MAX_PIXELS:,} pixels in all; scale it down")


def _white_of_png(data: bytes) -> int | None:
    """The value of white where fewer than 16 bits of a sample are said to count, None where they all do.

    Raises ValueError where a chunk is cut off or does not match its checksum; Pillow passes over those of the pixels.
    """
    white = None
    for kind, content in _png_chunks(data):
        if kind == b"sBIT" and content and 0 < content[0] < 16:
            white = 2 ** content[0] - 1
    return white


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of every chunk, in order. Raises ValueError where one is cut off or does not match its checksum."""
    position, kind = 8, b""
    while kind != b"IEND":
        length = int.from_bytes(data[position : position + 4])
        kind = data[position + 4 : position + 8]
        end = position + 8 + length
        if end + 4 > len(data):
            raise ValueError("the file ends too early")
        if zlib.crc32(data[position + 4 : end]) != int.from_bytes(data[end : end + 4]):
            raise ValueError("wrong checksum")
        yield kind, data[position + 8 : end]
        position = end + 4


def _plain_png(data: bytes) -> Image | None:
    """A plain PNG file's grey pixels; None for any other, and for what is damaged, which Pillow says more of.

    OpenCV gets only what is whole, since it writes to standard error what it finds wrong.
    """
    try:
        chunks = list(_png_chunks(data))
        if not _PLAIN_PNG.fullmatch(b"".join(kind for kind, _ in chunks)):
            return None
        width, height, depth, colour, *others = struct.unpack(">IIBBBBB", chunks[0][1])
        samples = _SAMPLES.get((colour, depth))
        palette = 3 << depth if colour == 3 else 0  # a shorter one may lack a colour
        if samples is None or any(others) or sum(len(content) for kind, content in chunks if kind == b"PLTE") != palette:
            return None
        if not 0 < width * height <= MAX_PIXELS or max(width, height) > _MAX_SIDE:
            return None
        row = 1 + (width * depth * samples + 7) // 8
        inflater = zlib.decompressobj()
        rows = inflater.decompress(b"".join(content for kind, content in chunks if kind == b"IDAT"), row * height + 1)
    except (ValueError, struct.error, zlib.error):
        return None
    if len(rows) != row * height or not inflater.eof or inflater.unused_data or max(rows[::row]) > 4:  # kinds of filters
        return None
    import cv2

    pixels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.shape[:2] != (height, width):
        return None
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
