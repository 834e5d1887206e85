"""WebP files: their size, for which Pillow takes memory as soon as it opens them."""

from ocrkit.images.contents import MOST_PIECES, Contents, orientation_of_xmp
from ocrkit.images.tiff import orientation_of_exif


def contents(data: bytes) -> Contents:
    """What is known of a WebP. Raises ValueError where it does not say its size."""
    kind = data[12:16]
    if len(data) < 30:
        raise ValueError("the file ends too early")
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    else:
        raise ValueError("its first chunk is no image")
    # Two frames of libwebp's, the one that it decodes, and a copy.
    return Contents(data, _orientation(data), size=(width, height), per_pixel=12)


def _orientation(data: bytes) -> int:
    """How EXIF or, where there is none, XMP says that the image is turned."""
    position, turned = 12, 1
    for _ in range(MOST_PIECES):
        kind, length = (
            data[position : position + 4],
            int.from_bytes(data[position + 4 : position + 8], "little"),
        )
        content = data[position + 8 : position + 8 + length] if kind in (b"EXIF", b"XMP ") else b""
        if kind == b"EXIF":
            return orientation_of_exif(content.removeprefix(b"Exif\0\0"))
        if kind == b"XMP ":
            turned = orientation_of_xmp(content)
        position += 8 + length + length % 2
        if position >= len(data):
            break
    return turned
