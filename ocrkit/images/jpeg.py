"""JPEG files: their segments, how many scans they have, and whether they end too early."""

import re
from collections.abc import Iterator

from ocrkit.images.contents import MAX_SCANS, MOST_PIECES, Contents, orientation_of_xmp
from ocrkit.images.tiff import orientation_of_exif
from ocrkit.parts.values import Image

_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
"""Where something begins that is no pixels: other bytes behind 0xFF are pixels' own, or a place to
start anew."""
_START, _END, _SCAN, _COMMENT = 0xD8, 0xD9, 0xDA, 0xFE
_ALONE = {0x01, _START}
"""Markers that no content follows."""
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Which say how the image is coded."""
_BASELINE = (0xC0, 0xC1)
_COLOUR = (0xE0, 0xEE)
"""JFIF's and Adobe's segments, which say what the channels mean."""
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_OTHER_BYTES = bytes(range(1, 255)) * 2
_FILLED = 128
"""The grey that libjpeg fills in where there are no more bytes."""


def contents(data: bytes) -> Contents:
    """What of a JPEG is to be decoded. Raises ValueError where it is cut off within a segment, or
    has too many scans."""
    kept, turned, frame, channels, first_scan = [memoryview(data)[:2]], 1, 0, 0, len(data)
    for marker, content, start in _segments(data):
        if marker == _SCAN:
            first_scan = start
            break
        if marker in _FRAMES and len(content) > 5:
            frame, channels = marker, content[5]
        if marker == 0xE1 and turned == 1:
            turned = _orientation(content)
        if marker in _COLOUR or not (0xE0 <= marker < 0xF0 or marker == _COMMENT):
            kept.append(memoryview(data)[start : start + 4 + len(content)])
    scans = data.count(b"\xff\xda", first_scan)
    if scans > MAX_SCANS:  # not of something behind the image, as a film
        scans = sum(marker == _SCAN for marker, _, _ in _segments(data))
    if scans > MAX_SCANS:
        raise ValueError(f"more than {MAX_SCANS} scans")
    return Contents(
        b"".join([*kept, memoryview(data)[first_scan:]]),
        turned,
        # Several scans are held as coefficients of 16 bits until the last has come.
        per_pixel=2 * channels if frame not in _BASELINE or scans > 1 else 0,
        may_be_cut=frame not in _BASELINE or channels == 4,
    )


def _orientation(content: memoryview) -> int:
    if content[: len(_EXIF)] == _EXIF:
        return orientation_of_exif(bytes(content[len(_EXIF) :]))
    return orientation_of_xmp(content) if content[: len(_XMP)] == _XMP else 1


def _segments(data: bytes) -> Iterator[tuple[int, memoryview, int]]:
    """Marker, content and place of every segment behind the first marker, until the end of the
    image."""
    position = 2
    for _ in range(MOST_PIECES):
        found = _MARKER.search(data, position)
        if found is None or found[1][0] == _END:  # where the end is missing, Pillow says so
            return
        position = found.end()
        if found[1][0] in _ALONE:
            continue
        end = position + int.from_bytes(data[position : position + 2])
        if not position + 2 <= end <= len(data):
            raise ValueError("cut off in its header")
        yield found[1][0], memoryview(data)[position + 2 : end], position - 2
        position = end
    raise ValueError(f"more than {MOST_PIECES:,} segments")


def may_be_cut(pixels: Image, contents: Contents) -> bool:
    """Whether a file that has been decoded may end too early, though an end marker follows.

    Where bytes are missing, libjpeg fills in grey, in progressive files less detail, and only
    mentions it to those who cannot be asked.
    """
    top, left = ((side - 1) // 8 * 8 for side in pixels.shape)
    return contents.may_be_cut or bool((pixels[top:, left:] == _FILLED).all())


def with_other_bytes(contents: Contents) -> bytes:
    """The file with other bytes before its end: a whole one is done by then, one that ends too
    early takes them for pixels."""
    end = len(contents.data)
    for marker, content, start in _segments(contents.data):
        if marker == _SCAN:
            found = _MARKER.search(contents.data, start + 4 + len(content))
            end = found.end() - 2 if found else end
    return contents.data[:end] + _OTHER_BYTES + contents.data[end:]
