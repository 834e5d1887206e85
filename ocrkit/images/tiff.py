"""What TIFF files say that Pillow passes over, refuses, or takes at its word. EXIF is such a file
too."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from ocrkit.images.contents import MAX_SCANS, Contents

_WIDTH, _HEIGHT, _ROWS, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 278, 322, 323
_BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION, _SAMPLES = 258, 259, 262, 274, 277
_BLOCKS = ((273, 279), (324, 325))
"""The tags of where the strips, or the tiles, are, and of how long."""
_MAXIMA = (281, 341)
"""The tags MaxSampleValue and SMaxSampleValue."""
_DIRECTORIES = (34665, 34853, 40965)
"""The tags of further directories, of cameras' notes: Pillow reads them whole."""
VALUE_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
"""Bytes of a value, by its type."""
_WHOLE = (1, 3, 4, 16)
"""Types of whole numbers."""
_BYTES = (1, 2, 6, 7)
"""Types whose values stay bytes. Each value of another type becomes an object of Python's."""
_SHORT = 3
_MOST_VALUES = 1_000_000
_MOST_SAMPLES = 6
"""Of a pixel; beyond that Pillow tells whoever logs what it does not read."""
_MOST_BITS = 64
"""Of a pixel, for the memory that a block takes: four samples of 16."""
_JPEG = (6, 7)


@dataclass(frozen=True)
class _Entry:
    """A tag in a directory: where its entry is, its type, how many values, and where the first is,
    if it is in the entry."""

    start: int
    kind: int
    count: int
    value: int
    room: int
    """Bytes of values that the entry itself has room for; where there are more, it says where they
    are."""

    @property
    def bytes(self) -> int:
        return self.count * VALUE_BYTES.get(self.kind, 1)


class _Directory:
    """The first directory of a file; empty for a damaged one, of which Pillow says more."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.order: Literal["big", "little"] = "big" if data.startswith(b"MM") else "little"
        self.entries: dict[int, _Entry] = {}
        order, is_big = ">" if self.order == "big" else "<", b"+" in data[2:4]
        try:
            (start,) = struct.unpack_from(
                f"{order}Q" if is_big else f"{order}I", data, 8 if is_big else 4
            )
            (count,) = struct.unpack_from(f"{order}Q" if is_big else f"{order}H", data, start)
            first, size, layout = (
                (start + 8, 20, f"{order}HHQ") if is_big else (start + 2, 12, f"{order}HHI")
            )
            for at in range(first, first + min(count, 65535) * size, size):
                tag, kind, values = struct.unpack_from(layout, data, at)
                self.entries.setdefault(
                    tag, _Entry(at, kind, values, at + (12 if is_big else 8), 8 if is_big else 4)
                )
        except (struct.error, OverflowError):
            pass

    def number(self, tag: int, default: int) -> int:
        """The first value of a tag."""
        return next(self.numbers(tag), default)

    def numbers(self, tag: int) -> Iterator[int]:
        """The values of a tag, as far as they are in the file."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _WHOLE:
            return
        place, size = entry.value, VALUE_BYTES[entry.kind]
        if entry.bytes > entry.room:
            place = int.from_bytes(self._data[place : place + entry.room], self.order)
        for at in range(place, min(place + entry.bytes, len(self._data) - size + 1), size):
            yield int.from_bytes(self._data[at : at + size], self.order)


def contents(data: bytes) -> Contents:
    """What of a TIFF is to be decoded.

    Raises ValueError where it says more of itself than a file of its size can hold, or would take
    much memory or time.
    """
    directory = _Directory(data)
    entries, number = directory.entries, directory.number
    if sum(entry.bytes for entry in entries.values() if entry.bytes > entry.room) > len(data):
        raise ValueError("its tags are said to be longer than the file")
    if any(entry.count > _MOST_VALUES for entry in entries.values() if entry.kind not in _BYTES):
        raise ValueError(f"a tag of more than {_MOST_VALUES:,} numbers")
    if number(_SAMPLES, 1) > _MOST_SAMPLES:
        raise ValueError(f"more than {_MOST_SAMPLES} samples a pixel")
    if number(_COMPRESSION, 1) in _JPEG:
        tags = [[directory.numbers(tag) for tag in pair] for pair in _BLOCKS]
        blocks = {block for places, lengths in tags for block in zip(places, lengths, strict=False)}
        if sum(length for _, length in blocks) > 2 * len(data):
            raise ValueError("its blocks are said to be longer than the file")
        if any(
            data.count(b"\xff\xda", place, place + length) > MAX_SCANS for place, length in blocks
        ):
            raise ValueError(f"more than {MAX_SCANS} scans in a block")
    pixel = min(number(_BITS, 8) * number(_SAMPLES, 1), _MOST_BITS) // 8 + 1
    rows = number(_HEIGHT, 1)
    inverted = number(_BITS, 1) == 16 and number(_PHOTOMETRIC, -1) == 0
    return Contents(
        _changed(data, directory, inverted=inverted),
        _orientation(directory),
        inverted=inverted,
        block=number(_TILE_WIDTH, 0) * number(_TILE_HEIGHT, 0)
        or number(_WIDTH, 1) * min(rows, number(_ROWS, rows)),
        per_block_pixel=pixel,
    )


def _changed(data: bytes, directory: _Directory, *, inverted: bool) -> bytes:
    """The file upright, without references to cameras' notes, and with black as 0 where that is
    ``inverted``.

    Pillow inverts values of 8 bits itself, but not of 16, and refuses those of big-endian files.
    """
    patches = {
        directory.entries[tag].start: tag + 1 for tag in _DIRECTORIES if tag in directory.entries
    }  # which means nothing
    if _orientation(directory) != 1:
        patches[directory.entries[_ORIENTATION].value] = 1
    if inverted:
        patches[directory.entries[_PHOTOMETRIC].value] = 1
    if not patches:
        return data
    changed = bytearray(data)
    for place, value in patches.items():
        changed[place : place + 2] = value.to_bytes(2, directory.order)
    return bytes(changed)


def orientation_of_exif(data: bytes) -> int:
    """How EXIF says that an image is turned, 1 to 8; 1 where it does not, or is broken."""
    return _orientation(_Directory(data))


def _orientation(directory: _Directory) -> int:
    entry = directory.entries.get(_ORIENTATION)
    turned = (
        directory.number(_ORIENTATION, 1)
        if entry and entry.kind == _SHORT and entry.count == 1
        else 1
    )
    return turned if 1 <= turned <= 8 else 1


def maximum(tags: Mapping[int, Any]) -> int | None:
    """The value of white, where a file says that it is less than its bits allow; None where it does
    not say."""
    bits = tags.get(_BITS)
    bits = bits[0] if isinstance(bits, tuple) else bits
    if isinstance(bits, int) and 8 < bits < 16:
        return (1 << bits) - 1
    for tag in _MAXIMA:
        value = tags.get(tag)
        value = value[0] if isinstance(value, tuple) and value else value
        # Others may be the largest value that happens to be in the image.
        if isinstance(value, int) and 0 < value < 65535 and (value + 1) & value == 0:
            return value
    return None


@cache
def be_quiet() -> None:
    """Keeps libtiff from writing to standard error what it finds wrong; Pillow raises an error
    then."""
    import ctypes

    from PIL import _imaging

    with suppress(
        AttributeError, OSError
    ):  # where libtiff is not found behind Pillow's own library
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)
