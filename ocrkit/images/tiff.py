"""What TIFF files say that Pillow passes over, or refuses."""

import struct
from collections.abc import Mapping
from typing import Any, Literal

_BITS, _PHOTOMETRIC = 258, 262
_MAXIMA = (281, 341)
"""The tags MaxSampleValue and SMaxSampleValue."""


def with_black_as_zero(data: bytes) -> tuple[bytes, bool]:
    """The file with 16-bit grey values declared to mean black where they are 0, and whether they mean white there.

    Pillow inverts such values of 8 bits, but not of 16, and refuses those of big-endian files.
    """
    places = _first_directory(data)
    if _PHOTOMETRIC not in places or _BITS not in places:
        return data, False
    order: Literal["big", "little"] = "big" if data.startswith(b"MM") else "little"
    bits, photometric = (int.from_bytes(data[places[tag] : places[tag] + 2], order) for tag in (_BITS, _PHOTOMETRIC))
    if bits != 16 or photometric != 0:
        return data, False
    place = places[_PHOTOMETRIC]
    return data[:place] + (1).to_bytes(2, order) + data[place + 2 :], True


def _first_directory(data: bytes) -> dict[int, int]:
    """Where in the file the values of the first directory's tags are, by tag; nothing for a damaged file."""
    order = ">" if data.startswith(b"MM") else "<"
    big = b"+" in data[2:4]
    try:
        (start,) = struct.unpack_from(f"{order}Q" if big else f"{order}I", data, 8 if big else 4)
        (count,) = struct.unpack_from(f"{order}Q" if big else f"{order}H", data, start)
        first, size = (start + 8, 20) if big else (start + 2, 12)
        entries = range(first, first + min(count, 1000) * size, size)
        return {struct.unpack_from(f"{order}H", data, at)[0]: at + (12 if big else 8) for at in entries}
    except (struct.error, OverflowError):
        return {}


def maximum(tags: Mapping[int, Any]) -> int | None:
    """The value of white, where a file says that it is less than its bits allow; None where it does not say."""
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
