"""Image files of which little is true.

``BOMBS`` say much more of themselves than they hold. ``CUT`` are whole: a JPEG of each of the kinds
that may be cut off unseen. What is added here is tried by ``make trials`` too.
"""

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
from PIL import Image

from ocrkit.images import png

SMOOTH = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 256, (61, 83, 3), np.uint8), (9, 9), 3
)


def encoded(pixels: Any, fmt: str = "PNG", **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG, with its checksum."""
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def tiff_of(tags: dict[int, tuple[int, list[int]]], pixels: bytes = b"") -> bytes:
    """A little TIFF of these tags: (type, values)."""
    tags = dict(
        sorted(({256: (3, [16]), 257: (3, [16]), 258: (3, [8]), 262: (3, [1])} | tags).items())
    )
    directory, behind = struct.pack("<H", len(tags)), b""
    start = 8 + 2 + 12 * len(tags) + 4
    for tag, (kind, values) in tags.items():
        packed = b"".join(
            struct.pack("<" + {1: "B", 3: "H", 4: "I"}[kind], value) for value in values
        )
        if len(packed) > 4:
            behind, packed = behind + packed, struct.pack("<I", start + len(behind))
        directory += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + behind + pixels


TILE = zlib.compress(bytes(256))
BOMBS = {
    "tiles of 2 billion pixels": tiff_of(
        {
            259: (3, [8]),
            322: (4, [46336]),
            323: (4, [46336]),
            324: (4, [300]),
            325: (4, [len(TILE)]),
        },
        TILE,
    ),
    "a strip of 2 billion pixels": tiff_of(
        {259: (3, [8]), 278: (4, [2**31]), 273: (4, [200]), 279: (4, [len(TILE)])}, TILE
    ),
    "tags that say more than the file has": tiff_of(
        {259: (3, [1]), 273: (4, [8]), 700: (1, [7] * 5)}
    ).replace(struct.pack("<HHI", 700, 1, 5), struct.pack("<HHI", 700, 1, 400_000_000)),
    "a WebP of 60,000 x 2,500": b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0"
    + struct.pack("<I", 59_999)[:3]
    + struct.pack("<I", 2_499)[:3]
    + b"ALPH",
    "EXIF of 60,000 notes of 60 kB": png.contents(encoded(np.zeros((5, 7), np.uint8))).data[:33]
    + chunk(
        b"eXIf",
        b"II*\0\x08\0\0\0"
        + struct.pack("<H", 5000)
        + b"".join(struct.pack("<HHII", 40000 + tag, 1, 60_000, 8) for tag in range(5000)),
    )
    + encoded(np.zeros((5, 7), np.uint8))[33:],
    "a text of 30 MB": encoded(np.zeros((5, 7), np.uint8))[:33]
    + chunk(b"tEXt", b"a\0" + bytes([65]) * 30_000_000)
    + encoded(np.zeros((5, 7), np.uint8))[33:],
}
PHOTO = cv2.resize(SMOOTH, (300, 221))
CUT = {
    "grey": encoded(PHOTO[:, :, 0], "JPEG"),
    "colour": encoded(PHOTO, "JPEG"),
    "colour of full size": encoded(PHOTO, "JPEG", subsampling=0, quality=95),
    "progressive": encoded(PHOTO, "JPEG", progressive=True),
    "progressive grey": encoded(PHOTO[:, :, 0], "JPEG", progressive=True),
    "CMYK": encoded(Image.fromarray(PHOTO).convert("CMYK"), "JPEG"),
    "RGB": encoded(PHOTO, "JPEG", keep_rgb=True),
    "restarting": encoded(PHOTO, "JPEG", restart_marker_rows=1),
}
