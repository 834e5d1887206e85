"""Archives that somebody damaged, or made to do harm. ``ARCHIVES`` names them: add a line to try
another."""

import gzip
import shutil
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import Progress

from ocrkit.errors import DataError
from ocrkit_iam.archive import check, extract

GOOD = b"a01-000u-00-00 ok 154 408 768 27 51 AT A\n"
GIB = 1 << 30


def block(
    name: str | bytes = "words.txt", size: int | bytes = 0, kind: bytes = b"0", *, link: bytes = b""
) -> bytes:
    """A member's header of 512 bytes, with the right checksum; bytes as ``size`` are put in as they
    are."""
    name = name.encode() if isinstance(name, str) else name
    if isinstance(size, int):
        size = (
            b"%011o\0" % size
            if 0 <= size < 8 << 30
            else b"\x80" + size.to_bytes(11, "big", signed=True)
        )
        size = b"\xff" + size[1:] if size[1] & 0x80 else size
    head = b"".join(
        [
            name[:100].ljust(100, b"\0"),
            b"0000644\0",
            b"0000000\0",
            b"0000000\0",
            size[:12].ljust(12, b"\0"),
            b"00000000000\0",
            b" " * 8,
            kind,
            link[:100].ljust(100, b"\0"),
            b"ustar\x0000",
        ]
    ).ljust(512, b"\0")
    return head[:148] + b"%06o\0 " % sum(head) + head[156:]


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def member(name: str | bytes = "words.txt", data: bytes = GOOD, kind: bytes = b"0") -> bytes:
    return block(name, len(data), kind) + padded(data)


def pax(data: bytes, kind: bytes = b"x") -> bytes:
    return block("pax", len(data), kind) + padded(data)


def record(key: str, value: bytes | str) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    rest = b" %s=%s\n" % (key.encode(), value)
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest


END = bytes(1024)


def packed(*parts: bytes) -> bytes:
    return gzip.compress(b"".join(parts) + END, 1, mtime=0)


def zeros(size: int) -> bytes:
    """A gzip stream of so many zero bytes: the same 16 MiB again and again, which takes no time to
    make."""
    piece = 16 << 20
    return gzip.compress(bytes(piece), 1) * (size // piece) + gzip.compress(bytes(size % piece), 1)


def old_sparse(name: str, size: int) -> bytes:
    """A sparse file as old GNU tar has it: one byte of data, the rest a hole."""
    head = bytearray(block(name, 512, b"S"))
    head[257:265] = b"ustar  \0"
    head[386:410] = b"00000000000\x0000000001000\0"
    head[483:495] = b"%011o\0" % size
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + bytes(512)


def chained(kind: bytes, count: int = 3000) -> bytes:
    data = record("comment", "x") if kind in b"xg" else b"name\0"
    return packed((block("next", len(data), kind) + padded(data)) * count, member())


def sparse(*records: bytes, data: bytes = GOOD) -> bytes:
    return packed(pax(b"".join(records)), member(data=data))


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


TAR = member("words.txt") + member("forms.txt", b"a01-000u 000\n")
LINK = "is a link or a device or a sparse file"
OUTSIDE = "lies outside the folder"
DAMAGED = "damaged or cut off"
TOO_MUCH = "unpacks to more than"
NOTHING = "holds nothing of IAM's ascii.tgz"

Made = Callable[[], bytes]
ARCHIVES: dict[str, tuple[str, Made]] = {
    "nothing is wrong": ("", lambda: packed(TAR)),
    "contiguous file": ("", lambda: packed(member(kind=b"7"))),
    "version 7, no type": ("", lambda: packed(member(kind=b"\0"))),
    "no end": ("", lambda: gzip.compress(TAR)),
    "more after the end": ("", lambda: packed(TAR, END, b"garbage" * 1000)),
    "a long name": (
        "",
        lambda: packed(block("long", 10, b"L") + padded(b"words.txt\0"), member("x")),
    ),
    "a pax path": ("", lambda: packed(pax(record("path", "words.txt")), member("x"))),
    "a pax size": ("", lambda: packed(pax(record("size", str(len(GOOD)))), block(), padded(GOOD))),
    "a pax header of all": ("", lambda: packed(pax(record("comment", "made by git"), b"g"), TAR)),
    "pax attributes of macOS": (
        "",
        lambda: packed(pax(record("LIBARCHIVE.xattr.x", "A" * 30_000)), TAR),
    ),
    "the same twice": ("", lambda: packed(TAR, TAR)),
    "in a folder": ("", lambda: packed(block("ascii/", kind=b"5"), member("ascii/words.txt"))),
    "a path with dots": ("", lambda: packed(member("./words.txt"))),
    "nothing of IAM's": (NOTHING, lambda: packed(member("run.sh"))),
    "no member": (NOTHING, lambda: packed(b"")),
    "an empty name": (NOTHING, lambda: packed(member(""))),
    "a name of a folder": (NOTHING, lambda: packed(block("words.txt/", 0, b"\0"))),
    "a name that is not UTF-8": (NOTHING, lambda: packed(member(b"w\xff\xfe.txt"))),
    "a path of 60,000 letters": (
        NOTHING,
        lambda: packed(pax(record("path", "a" * 60_000 + ".txt")), member()),
    ),
    "a path with a null": (NOTHING, lambda: packed(pax(record("path", b"words\0.txt")), member())),
    "above": (OUTSIDE, lambda: packed(member("../words.txt"))),
    "above and down": (OUTSIDE, lambda: packed(member("ascii/../../words.txt"))),
    "absolute": (OUTSIDE, lambda: packed(member("/words.txt"))),
    "above by a long name": (
        OUTSIDE,
        lambda: packed(block("l", 8, b"L") + padded(b"../a.txt"), member()),
    ),
    "above by pax": (OUTSIDE, lambda: packed(pax(record("path", "../words.txt")), member())),
    "escapes in a path": (OUTSIDE, lambda: packed(member("../\x1b]0;mine\x07\x1b[2J\n.txt"))),
    "a symbolic link": (LINK, lambda: packed(block("words.txt", 0, b"2", link=b"/etc/passwd"))),
    "a hard link": (LINK, lambda: packed(block("words.txt", 0, b"1", link=b"/etc/passwd"))),
    "a character device": (LINK, lambda: packed(block("words.txt", 0, b"3"))),
    "a block device": (LINK, lambda: packed(block("words.txt", 0, b"4"))),
    "a pipe": (LINK, lambda: packed(block("words.txt", 0, b"6"))),
    "a type that nobody knows": (LINK, lambda: packed(block("words.txt", 0, b"Z"))),
    "a sparse file": (LINK, lambda: packed(old_sparse("words.txt", 1 << 20))),
    "99 sparse files of 7 GiB": (
        LINK,
        lambda: packed(*(old_sparse("words.txt", 7 * GIB) for _ in range(99))),
    ),
    "sparse 0.0": (
        LINK,
        lambda: sparse(
            record("GNU.sparse.size", "99999999999"), record("GNU.sparse.numblocks", "1")
        ),
    ),
    "sparse 0.1": (LINK, lambda: sparse(record("GNU.sparse.map", "0,1"))),
    "sparse 0.1, a bad map": (LINK, lambda: sparse(record("GNU.sparse.map", "a,b"))),
    "sparse 0.0, a bad size": (LINK, lambda: sparse(record("GNU.sparse.size", "zz"))),
    "sparse 1.0": (
        LINK,
        lambda: sparse(
            record("GNU.sparse.major", "1"), record("GNU.sparse.minor", "0"), data=b"1\n0\n9\n"
        ),
    ),
    "sparse 1.0, a bad map": (
        LINK,
        lambda: sparse(
            record("GNU.sparse.major", "1"), record("GNU.sparse.minor", "0"), data=b"x" * 600
        ),
    ),
    "sparse 1.0, a bad size": (
        LINK,
        lambda: sparse(
            record("GNU.sparse.major", "1"),
            record("GNU.sparse.minor", "0"),
            record("GNU.sparse.realsize", "zz"),
        ),
    ),
    **{
        f"3,000 headers {kind.decode()} in a chain": (DAMAGED, partial(chained, kind))
        for kind in (b"L", b"K", b"x", b"g")
    },
    **{
        f"a header {kind.decode()} of 3 GiB": (
            DAMAGED,
            lambda kind=kind: (
                gzip.compress(block("x", 3 * GIB, kind)) + zeros(3 * GIB) + packed(TAR)
            ),
        )
        for kind in (b"L", b"K", b"x", b"g")
    },
    "a header of negative size": (DAMAGED, lambda: packed(block("x", -512, b"L"), TAR)),
    "a negative size": (DAMAGED, lambda: packed(block("words.txt", -512), TAR)),
    "a negative size, not of whole blocks": (DAMAGED, lambda: packed(block("words.txt", -7), TAR)),
    "a size of 2^80": (TOO_MUCH, lambda: packed(block("words.txt", 1 << 80), TAR)),
    "a size of letters": (DAMAGED, lambda: packed(block("words.txt", b"0000000zz\0"), TAR)),
    "a negative pax size": (DAMAGED, lambda: packed(pax(record("size", "-512")), TAR)),
    "a pax size of 10^20": (TOO_MUCH, lambda: packed(pax(record("size", "9" * 20)), TAR)),
    "a pax size of 5,000 digits": (DAMAGED, lambda: packed(pax(record("size", "9" * 5000)), TAR)),
    "a pax size of letters": (DAMAGED, lambda: packed(pax(record("size", "zz")), TAR)),
    "a pax record of length 0": (DAMAGED, lambda: packed(pax(b"0 path=words.txt\n"), TAR)),
    "a pax record of negative length": (DAMAGED, lambda: packed(pax(b"-9 path=words.txt\n"), TAR)),
    "a pax record that is too short": (DAMAGED, lambda: packed(pax(b"3 path=words.txt\n"), TAR)),
    "a pax record that is too long": (DAMAGED, lambda: packed(pax(b"99 path=words.txt\n"), TAR)),
    "a pax record without =": (DAMAGED, lambda: packed(pax(b"8 path\n\n"), TAR)),
    "pax of digits alone": (DAMAGED, lambda: packed(pax(b"9" * 60_000), TAR)),
    "pax of nothing": (DAMAGED, lambda: packed(pax(bytes(100)), TAR)),
    "a checksum that is wrong": (DAMAGED, lambda: packed(flipped(TAR, 5))),
    "a second checksum that is wrong": (DAMAGED, lambda: packed(flipped(TAR, 1024 + 5))),
    "cut in a header": (DAMAGED, lambda: gzip.compress(TAR[:1200])),
    "cut in a file": (DAMAGED, lambda: gzip.compress(TAR[:530])),
    "cut in what fills a block": (DAMAGED, lambda: gzip.compress(TAR[:600])),
    "cut after a long name": ("", lambda: packed(TAR, block("x", 5, b"L") + padded(b"word\0"))),
    "a packed end is missing": (DAMAGED, lambda: packed(TAR)[:-5]),
    "a packed checksum that is wrong": (DAMAGED, lambda: flipped(packed(TAR), -5)),
    "garbage behind what is packed": (DAMAGED, lambda: packed(TAR) + b"garbage"),
    "garbage inside": (DAMAGED, lambda: flipped(packed(TAR), 40)),
    "an unknown way of packing": (DAMAGED, lambda: flipped(packed(TAR), 2)),
    "a packed extra field without end": (
        DAMAGED,
        lambda: b"\x1f\x8b\x08\x04" + bytes(6) + b"\xff\xff" + bytes(9),
    ),
    "a packed name without end": (DAMAGED, lambda: b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * 99_999),
    "only the mark of gzip": (DAMAGED, lambda: b"\x1f\x8b"),
    "raw deflate": ("not a gzip archive", lambda: zlib.compress(TAR)),
    "not packed": ("not a gzip archive", lambda: TAR + END),
    "nothing at all": ("not a gzip archive", lambda: b""),
    "a web page": ("not a gzip archive", lambda: b"<!doctype html>"),
}
"""By what is wrong with them: words of the line that refuses them, nothing where they are read, and
how they are made."""

LARGE: dict[str, tuple[str, Made]] = {
    "a file of 9 GiB": (
        TOO_MUCH,
        lambda: gzip.compress(block("words.txt", 9 * GIB)) + zeros(9 * GIB),
    ),
    "a file of 8 GiB less a bit, and another": (
        TOO_MUCH,
        lambda: (
            gzip.compress(block("words.txt", 8 * GIB - 4096))
            + zeros(8 * GIB - 4096)
            + packed(member(data=bytes(8192)))
        ),
    ),
    "9 GiB behind the end": (TOO_MUCH, lambda: packed(TAR) + zeros(9 * GIB)),
    "600,000 members": (
        TOO_MUCH,
        lambda: gzip.compress(block("a.txt") * 6000, 1) * 100 + packed(TAR),
    ),
}
"""What takes a minute."""


def trial(folder: Path, names: list[str]) -> dict[str, Any]:
    """Checks these archives, and extracts those that pass. Reports ``wrong``, a line each."""
    progress, wrong = Progress(disable=True), []
    for name in names:
        words, made = (ARCHIVES | LARGE)[name]
        archive, target = folder / "ascii.tgz", folder / "ascii"
        archive.write_bytes(made())
        try:
            check(archive, "ascii", progress)
            extract(archive, target, progress)
            said, found = "", (target / "words.txt").read_bytes()
        except DataError as error:
            said, found = str(error), None
        except Exception as error:  # noqa: BLE001  (that is what is looked for)
            said, found = repr(error), None
        if found != (None if words else GOOD) or words not in said or not said.isprintable():
            wrong.append(f"{name}: {said[:200]!r}")
        shutil.rmtree(target, ignore_errors=True)
        archive.unlink()
    wrong += [f"left behind: {path.name}" for path in folder.iterdir()]
    return {"tried": len(names), "wrong": wrong}
