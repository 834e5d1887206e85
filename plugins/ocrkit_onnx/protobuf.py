"""The little of Protocol Buffers' wire format that it takes to write an ONNX file, and to find what
it says of itself.

A message is the concatenation of its fields, each a number from ONNX's schema (onnx.proto), a wire
type and a value.
"""

import struct
from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers are written as two's complement in 64 bits
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def integer(field: int, value: int) -> bytes:
    """An int32, int64 or enum field."""
    return _varint(field << 3 | _VARINT) + _varint(value)


def real(field: int, value: float) -> bytes:
    """A float field."""
    return _varint(field << 3 | _FIXED32) + struct.pack("<f", value)


def data(field: int, value: bytes | memoryview) -> bytes:
    """A bytes field."""
    return b"".join((_varint(field << 3 | _BYTES), _varint(len(value)), value))


def text(field: int, value: str) -> bytes:
    """A string field."""
    return data(field, value.encode())


def message(field: int, *fields: bytes) -> bytes:
    """A field that is a message of these fields."""
    return b"".join((_varint(field << 3 | _BYTES), _varint(sum(map(len, fields))), *fields))


def fields(message: bytes | memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and content of a message's fields that are bytes, texts or messages, in order; numbers
    are passed over.

    Raises ValueError where the message is damaged.
    """
    view, position = memoryview(message), 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while shift < 70:
            if position == len(view):
                break
            byte = view[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise ValueError("damaged or cut off")

    while position < len(view):
        field, kind = divmod(varint(), 8)
        if kind == _VARINT:
            varint()
            continue
        size = varint() if kind == _BYTES else {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if size is None or position + size > len(view):
            raise ValueError("damaged or cut off")
        if kind == _BYTES:
            yield field, view[position : position + size]
        position += size
