"""The one place that decodes images: whatever comes in, what goes out is a grey uint8 array, or one
clear error.

Pillow decodes: it notices truncated files where OpenCV silently hands out half an image, and writes
nothing to standard error. It sees of a file what pixels depend on, and files that would take more
memory or time than their size can tell are refused. Plain PNG files, which data sets consist of,
are checked here and decoded by OpenCV, so that other threads run meanwhile. Grey images come out
exactly as from ``cv2.imread(path, cv2.IMREAD_GRAYSCALE)``. Colour is made grey by ``cv2.cvtColor``;
``cv2.imread`` leaves that to each format's library, and differs by one grey level at most.
"""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ocrkit.errors import ImageError, warn
from ocrkit.images import gif, jpeg, png, tiff, webp
from ocrkit.images.contents import Contents
from ocrkit.images.grey import is_wide, to_grey, turned
from ocrkit.images.kinds import EXTENSIONS as EXTENSIONS
from ocrkit.images.kinds import foreign, pillow_class
from ocrkit.images.kinds import passed_over as passed_over
from ocrkit.images.memory import Budget
from ocrkit.images.resolution import resolution_of as resolution_of
from ocrkit.parts.values import Image
from ocrkit.support.files import walk

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

T = TypeVar("T")

MAX_PIXELS = 50_000_000
"""The largest image that is decoded: an A4 page scanned at 700 dots an inch, or a photograph of 48
megapixels."""
MAX_BYTES = 400_000_000
"""The largest file that is read, in bytes: the largest image of 64 bits a pixel."""
MAX_MEMORY = 1_500_000_000
"""Bytes that files and images take at most while they are decoded, over all threads: others wait
until there is room."""
_FILES, _PIXELS = Budget(MAX_BYTES), Budget(MAX_MEMORY - MAX_BYTES)

# Pillow warns of odd metadata, none of which matters here.
warnings.filterwarnings("ignore", module=r"PIL\.")

_PREPARE: dict[str, Callable[[bytes], Contents]] = {
    "Png": png.contents,
    "Jpeg": jpeg.contents,
    "Tiff": tiff.contents,
    "Gif": gif.contents,
    "WebP": webp.contents,
    "Bmp": partial(Contents, per_pixel=2),
}
"""By format, what takes from a file all that is not needed."""
_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
"""Bytes that Pillow takes for a pixel, by mode; 4 for all others."""
_GREY = 2
"""Bytes of a pixel that making it grey takes, and where some are transparent as many again."""
_PLAIN = 7
"""Bytes that a pixel of a plain PNG takes: three as they are unpacked, three in OpenCV, one in
grey."""


def find_images(folder: Path, *more: str) -> list[Path]:
    """The image files in a folder and in the folders below it, by name; see
    :func:`ocrkit.support.files.walk`. ``more``: further endings that are wanted, such as ``.pdf``.

    Warns of images that are of no format that ocrkit reads, and of folders that cannot be listed.
    """
    files = list(walk(folder, lambda error: warn(f"{error.filename}: {error.strerror}")))
    wanted = sorted(path for path in files if path.suffix.lower() in {*EXTENSIONS, *more})
    for sentence in passed_over(path.name for path in set(files).difference(wanted)):
        warn(f"{folder}: {sentence}")
    return wanted


def read_image(source: str | Path | bytes) -> Image:
    """Reads an image, from a file's path or from its bytes: grey, uint8 (H, W), both at least 1; 0
    is black.

    Turned as EXIF says; colour becomes luma (0.299 R + 0.587 G + 0.114 B); what is transparent
    becomes white paper; 16 bits become 8; of several pages or frames the first is read. PNG, JPEG,
    TIFF, BMP, WebP and GIF. Other threads run meanwhile, as far as all together take no more than
    ``MAX_MEMORY``.

    Raises ImageError, whose one line begins with the path (``<bytes>`` for bytes): missing, empty,
    damaged or cut-off files, files that are no image, and images of more than ``MAX_PIXELS``, which
    are refused before any pixel is decoded.
    """
    if isinstance(source, bytes):
        return _decode(source, "<bytes>")
    return _of_file(str(source), _decode)


def image_size(source: str | Path | bytes) -> tuple[int, int]:
    """Width and height of what :func:`read_image` gives of a file, from its path or from its bytes,
    upright, out of its header: no pixel is decoded. Raises ImageError as it does, as far as the
    header tells."""
    if isinstance(source, bytes):
        return _size(source, "<bytes>")
    return _of_file(str(source), _size)


def orientation_of(data: bytes) -> int:
    """How an image file's bytes say that its pixels are turned, 1 to 8 as EXIF's tag of this name;
    1 where they say nothing. Raises ImageError for what is no image, or larger than the limits."""
    _size(data, "<bytes>")
    return _parsed(data, "<bytes>", lambda _, contents: contents.orientation)


def _of_file(path: str, use: Callable[[bytes, str], T]) -> T:
    """What is made of a file's bytes and its path. Raises ImageError."""
    try:
        # What is looked at is what is read, and a pipe into which nobody writes is not waited for.
        with open(path, "rb", buffering=0, opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return use(_piped(file, path), path)
            if status.st_size > MAX_BYTES:
                raise ImageError(
                    f"{path}: {status.st_size:,} bytes; the limit is {MAX_BYTES:,}; scale the "
                    "image down"
                )
            with _FILES.hold(status.st_size):
                return use(file.readall(), path)
    except IsADirectoryError:
        raise ImageError(f"{path}: not a file; expected an image") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise ImageError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _piped(file: io.FileIO, path: str) -> bytes:
    """All that comes out of a pipe, or a device, which may never end; nothing where nobody writes
    to it."""
    os.set_blocking(file.fileno(), True)
    data = bytearray()
    while piece := file.read(1 << 20):
        data += piece
        if len(data) > 5000 and pillow_class(bytes(data[:16])) is None:
            break  # no image, however it goes on
        if len(data) > MAX_BYTES:
            raise ImageError(
                f"{path}: more than {MAX_BYTES:,} bytes, the limit; scale the image down"
            )
    return bytes(data)


def _decode(data: bytes, name: str) -> Image:
    return _parsed(data, name, _pixels)


def _size(data: bytes, name: str) -> tuple[int, int]:
    return _parsed(data, name, _size_of)


def _parsed(data: bytes, name: str, use: Callable[[str, Contents], T]) -> T:
    """What is made of a file's kind and contents. Raises ImageError."""
    if not data:
        raise ImageError(f"{name}: empty file")
    kind = pillow_class(data)
    if kind is None:
        what = foreign(data) or "not an image; expected PNG, JPEG, TIFF, BMP, WebP or GIF"
        raise ImageError(f"{name}: {what}")
    try:
        return use(kind, _PREPARE[kind](data))
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from None
    # a format's parser raises whatever it trips over: SyntaxError, struct.error, OSError…
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{name}: damaged, cut off or of an unknown kind ({reason})") from error


def _pixels(kind: str, contents: Contents) -> Image:
    if isinstance(contents, png.PngContents) and (size := contents.plain_size()):
        with _PIXELS.hold(_needed(contents, size, _PLAIN)):
            grey = contents.decode_plain()
        if grey is not None:
            return turned(grey, contents.orientation)
    return turned(_decode_by_pillow(kind, contents), contents.orientation)


def _size_of(kind: str, contents: Contents) -> tuple[int, int]:
    if contents.size:
        width, height = contents.size
    else:
        with _opener(kind)(io.BytesIO(contents.data)) as image:
            width, height = image.size
    return (height, width) if contents.orientation in (5, 6, 7, 8) else (width, height)


def _opener(kind: str) -> type[ImageFile]:
    opener: type[ImageFile] = getattr(import_module(f"PIL.{kind}ImagePlugin"), f"{kind}ImageFile")
    if kind == "Tiff":
        tiff.be_quiet()
    return opener


def _decode_by_pillow(kind: str, contents: Contents) -> Image:
    opener = _opener(kind)

    def opened(data: bytes = contents.data) -> ImageFile:
        return opener(io.BytesIO(data))

    with ExitStack() as held:
        if contents.size:
            held.enter_context(_PIXELS.hold(_needed(contents, contents.size)))
        image = held.enter_context(opened())
        if not contents.size:
            held.enter_context(_PIXELS.hold(_needed(contents, image.size, _pixel(kind, image))))
        white = tiff.maximum(getattr(image, "tag_v2", {})) if kind == "Tiff" else contents.white
        grey = to_grey(image, opened, white, inverted=contents.inverted)
        if kind == "Jpeg" and jpeg.may_be_cut(grey, contents):
            image.close()
            with opened(jpeg.with_other_bytes(contents)) as other:
                if not np.array_equal(to_grey(other, opened), grey):
                    raise ValueError("it ends too early")
    return grey


def _pixel(kind: str, image: ImageFile) -> int:
    """Bytes that a pixel takes while it is made grey."""
    if kind == "Jpeg" and image.mode == "RGB":  # its luma alone is decoded
        return 1 + _GREY
    if image.mode == "RGB" and is_wide(image):  # it may be decoded a second time
        return 2 * 4 + 2 * _GREY
    return _PIXEL.get(image.mode, 4) + (2 if image.has_transparency_data else 1) * _GREY


def _needed(contents: Contents, size: tuple[int, int], pixel: int = 4 + 2 * _GREY) -> int:
    """Bytes that decoding takes. Raises ImageError where that is of more pixels than the limit."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{width:,} × {height:,} pixels; the limit is {MAX_PIXELS:,} pixels in all; scale it "
            "down"
        )
    if contents.block > MAX_PIXELS:
        raise ImageError(
            f"blocks of {contents.block:,} pixels; the limit is {MAX_PIXELS:,} pixels in all; save "
            "it anew"
        )
    memory = (
        width * height * (pixel + contents.per_pixel) + contents.block * contents.per_block_pixel
    )
    return memory + len(contents.data)
