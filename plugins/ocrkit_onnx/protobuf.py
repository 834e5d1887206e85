"""The little of Protocol Buffers' wire format that writing an ONNX file takes; a reader of it is in ONNX Runtime.

A message is the concatenation of its fields, each a number from ONNX's schema (onnx.proto), a wire type and a value.
"""

import struct

_VARINT, _BYTES, _FIXED32 = 0, 2, 5


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
