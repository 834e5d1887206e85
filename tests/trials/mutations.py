"""Inputs that are nearly right: bytes flipped, cut, doubled and mixed, numbers at their extremes,
and values of other types in tables. A seed gives the same mutations everywhere."""

import json
import struct
import tomllib
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import tomli_w

TOKENS = [
    b"",
    b"\0",
    b"\n",
    b"\r",
    b"\t",
    b" ",
    b"-",
    b"-1",
    b"0",
    b"9" * 20,
    b"9" * 400,
    b"9" * 5000,
    b"1e999",
    b"nan",
    b"-inf",
    b"null",
    b"true",
    b"[" * 300,
    b"{" * 300,
    b'{"a":' * 100,
    b"[[[",
    b"]",
    b"}",
    b'"',
    b"'",
    b'"""',
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\\udcff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xff",
    b"\xc3",
    b"\xe2\x80\x8b",
    b"\xed\xa0\x80",
    b"\x1b[2J",
    b"\x1b]0;x\x07",
    b"../",
    b"/etc/passwd",
    b"<",
    b"&",
    b"&amp;",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"a" * 5000,
    b"=",
    b".",
    b"a.a.a",
    b"#",
    b"%s%n",
    b"$(id)",
    b"*",
    b"\xf0\x9f\x98\x80",
]
"""What parsers of texts trip over."""
NUMBERS = [
    0,
    1,
    2,
    127,
    *(2**bits + more for bits in (8, 15, 16, 31, 32, 40, 63, 64) for more in (-1, 0)),
]
DEEP: Any = []
for _ in range(90):
    DEEP = [DEEP]
ODD: list[Any] = [
    True,
    False,
    0,
    -1,
    1,
    7,
    2**31,
    2**53 + 1,
    2**63 - 1,
    10**30,
    10**400,
    0.0,
    -0.5,
    1e308,
    float("inf"),
    float("nan"),
    "",
    "a",
    "\0",
    "\x1b[2J",
    "a\nb",
    "ü" * 3000,
    "../x",
    "/dev/null",
    "1",
    "nan",
    [],
    {},
    [[]],
    [1, "a", []],
    {"a": 1},
    {"": {}},
    DEEP,
    {"use": "cer"},
    "2020-01-01",
    ["a"] * 500,
]
"""Values that stand in a table for another."""

Mutate = Callable[[bytes, Random], bytes]


def _flip(data: bytearray, random: Random) -> None:
    for _ in range(random.choice([1, 1, 2, 8])):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _overwrite(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data))
    data[at : at + random.choice([1, 4, 32])] = random.randbytes(random.choice([1, 4, 32]))


def _cut(data: bytearray, random: Random) -> None:
    del data[random.randrange(len(data)) :]


def _remove(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data))
    del data[at : at + random.choice([1, 2, 10, 100])]


def _double(data: bytearray, random: Random) -> None:
    begin, at = random.randrange(len(data)), random.randrange(len(data))
    data[at:at] = data[begin : begin + random.choice([1, 10, 100, 1000])] * random.choice(
        [1, 1, 2, 50]
    )


def _insert(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data) + 1)
    data[at : at + random.choice([0, 1, 5])] = random.choice(TOKENS)


def _number(data: bytearray, random: Random) -> None:
    number, size = random.choice(NUMBERS), random.choice([1, 2, 4, 8])
    at = random.randrange(len(data))
    data[at : at + size] = (number % 256**size).to_bytes(size, random.choice(["little", "big"]))


def _digits(data: bytearray, random: Random) -> None:
    """A number in a text becomes another."""
    places = [index for index, byte in enumerate(data[:100_000]) if byte in b"0123456789"]
    if places:
        at = random.choice(places)
        data[at : at + 1] = random.choice(
            [str(random.choice(NUMBERS)).encode(), b"9" * 20, b"9" * 5000, b"-0", b"1e400", b"x"]
        )


WAYS = [
    _flip,
    _flip,
    _overwrite,
    _cut,
    _remove,
    _double,
    _insert,
    _insert,
    _number,
    _number,
    _digits,
]


def mutated(data: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """The bytes, changed in up to four ways; now and then one half is another input's."""
    changed = bytearray(data)
    if others and random.random() < 0.1:
        other = random.choice(others)
        changed = (
            changed[: random.randrange(len(changed) + 1)]
            + other[random.randrange(len(other) + 1) :]
        )
    for _ in range(random.choice([1, 1, 2, 4])):
        if changed:
            random.choice(WAYS)(changed, random)
    return bytes(changed)


# ------------------------------------------------------------------------------------------- tables


def _mutated_value(value: Any, random: Random, odd: Sequence[Any]) -> Any:
    """The value with one thing in it changed: replaced, left out, renamed, or put one deeper."""
    if isinstance(value, dict | list) and value and random.random() < 0.9:
        key = random.choice(list(value) if isinstance(value, dict) else range(len(value)))
        copy: Any = dict(value) if isinstance(value, dict) else list(value)
        way = random.random()
        if way < 0.75:
            copy[key] = _mutated_value(copy[key], random, odd)
        elif way < 0.85:
            del copy[key]
        elif isinstance(copy, dict):
            copy[random.choice(["", "use", "a.b", "é", key + "x"])] = (
                copy.pop(key) if way < 0.95 else random.choice(odd)
            )
        else:
            copy.append(random.choice(odd))
        return copy
    return random.choice([*odd, [value], {"a": value}])


def json_mutated(data: bytes, random: Random) -> bytes:
    return json.dumps(_mutated_value(json.loads(data), random, [None, *ODD])).encode()


def lines_mutated(data: bytes, random: Random) -> bytes:
    """Of JSON lines one is changed, most often the first, or left out, or doubled."""
    lines = data.splitlines(keepends=True)
    at = random.choice([0, 0, 0, random.randrange(len(lines))])
    way = random.random()
    if way < 0.9:
        lines[at] = json_mutated(lines[at], random) + b"\n"
    else:
        lines[at : at + 1] = [lines[at]] * random.choice([0, 2])
    return b"".join(lines)


def toml_mutated(data: bytes, random: Random) -> bytes:
    table = tomllib.loads(data.decode())
    while not isinstance(changed := _mutated_value(table, random, ODD), dict):
        pass
    return tomli_w.dumps(changed).encode()


# ------------------------------------------------------------------------------------------- images


def with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the right checksums again, so that damage in them is not found by
    these."""
    fixed, at = bytearray(data), 8
    while at + 12 <= len(fixed):
        (size,) = struct.unpack_from(">I", fixed, at)
        end = at + 8 + size
        if end + 4 > len(fixed):
            break
        struct.pack_into(">I", fixed, end, zlib.crc32(fixed[at + 4 : end]))
        at = end + 4
    return bytes(fixed)


def image_mutated(data: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    changed = mutated(data, random, others)
    return (
        with_checksums(changed) if changed[:4] == b"\x89PNG" and random.random() < 0.75 else changed
    )
