"""IAM's archives, checked and extracted whatever they hold.

The blocks of the tar format are taken one by one here, and Python's ``tarfile`` only reads what a
block says: by itself it reads a header of gigabytes whole, follows chains of them by recursion,
believes in sparse files, and keeps all that it has met.
"""

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from re import compile as pattern

from rich.progress import Progress

from ocrkit.errors import DataError
from ocrkit.support.files import open_regular, temporary_beside

MEMBERS = {
    "ascii": pattern(r"[A-Za-z]{1,64}\.txt"),
    "xml": pattern(r"[A-Za-z0-9]{1,64}-[A-Za-z0-9]{1,64}\.xml"),
    "words": pattern(r"([A-Za-z0-9]{1,64})/(\1-[A-Za-z0-9]{1,64})/\2-[0-9]{1,64}-[0-9]{1,32}\.png"),
    "lines": pattern(r"([A-Za-z0-9]{1,64})/(\1-[A-Za-z0-9]{1,64})/\2-[0-9]{1,64}\.png"),
}
"""The archives in the order in which they are fetched, and the files that each holds."""
MAX_BYTES = 8 << 30
"""The most that an archive may weigh, packed or unpacked; words.tgz weighs 0.8 GB."""
MAX_MEMBERS = 500_000
_MAX_HEADERS = 1 << 16
"""Bytes before a member that say more than its block can: a path of over 100 letters, a time."""
_AT_ONCE = 1 << 16
_LONG_NAME, _LONG_LINK, _PAX, _PAX_OF_ALL = b"L", b"K", (b"x", b"X"), b"g"


def extract(archive: Path, folder: Path, progress: Progress) -> int:
    """Extracts an archive that has passed the check, and returns the number of files.

    ``folder`` appears whole or not at all. Files are made anew from their contents alone: links,
    devices, owners and modes are never taken over. Raises DataError.
    """
    count = 0
    with temporary_beside(folder.resolve(), folder=True) as temporary:
        for name, pieces in _files(archive, folder.name, progress, "extracting"):
            target = temporary / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                file.writelines(pieces)
            count += 1
        temporary.rename(folder.resolve())
    return count


def check(archive: Path, name: str, progress: Progress) -> None:
    """Reads a whole archive of IAM's ``name``.

    Raises DataError for a damaged one, for one that unpacks to too much, and for members that
    reach outside, links, devices and sparse files: IAM has none of them.
    """
    if sum(1 for _ in _files(archive, name, progress, "checking")) == 0:
        raise DataError(f"{archive}: holds nothing of IAM's {name}.tgz; download it again")


def _files(
    archive: Path, name: str, progress: Progress, verb: str
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The files of an archive that are like IAM's, by path; others are left out."""
    task = progress.add_task(f"{verb} {archive.name}", total=archive.stat().st_size)
    too_large = DataError(
        f"{archive}: unpacks to more than {MAX_BYTES:,} bytes or {MAX_MEMBERS:,} members; refused"
    )
    with open_regular(archive, DataError, "an archive of IAM") as raw:
        if raw.read(2) != b"\x1f\x8b":
            raise DataError(f"{archive}: not a gzip archive; delete it and download it again")
        raw.seek(0)
        try:
            with gzip.open(raw) as stream:
                for number, (member, pieces) in enumerate(_members(stream)):
                    path, shown = PurePosixPath(member.name), repr(member.name[:100])
                    if path.is_absolute() or ".." in path.parts:
                        raise DataError(
                            f"{archive}: {shown} lies outside the folder to extract into; refused"
                        )
                    if (
                        not (member.isreg() or member.isdir())
                        or member.type == tarfile.GNUTYPE_SPARSE
                    ):
                        raise DataError(
                            f"{archive}: {shown} is a link or a device or a sparse file, IAM has "
                            "none; refused"
                        )
                    if number == MAX_MEMBERS or stream.tell() + member.size > MAX_BYTES:
                        raise too_large
                    inside = str(path.relative_to(name) if path.parts[:1] == (name,) else path)
                    if member.isreg() and MEMBERS[name].fullmatch(inside):
                        yield inside, pieces
                    progress.update(task, completed=raw.tell())
                while stream.read(_AT_ONCE):  # gzip's checksum comes last
                    if stream.tell() > MAX_BYTES:
                        raise too_large
        except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, ValueError) as error:
            raise DataError(
                f"{archive}: damaged or cut off ({error}); delete it and download it again"
            ) from None


# ------------------------------------------------------------------------------------------ blocks


def _members(stream: gzip.GzipFile) -> Iterator[tuple[tarfile.TarInfo, Iterator[bytes]]]:
    """The members of a tar file, each with its contents in pieces, to be read before the next.

    Raises TarError, EOFError and ValueError where it is damaged.
    """
    headers, name, pax = 0, "", dict[bytes, bytes]()
    while True:
        header = stream.read(tarfile.BLOCKSIZE)
        if not header.strip(b"\0"):
            return
        member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        if member.type in (_LONG_NAME, _LONG_LINK, *_PAX, _PAX_OF_ALL):
            headers += tarfile.BLOCKSIZE + member.size
            if not 0 <= member.size <= headers <= _MAX_HEADERS:
                raise ValueError(f"headers of more than {_MAX_HEADERS:,} bytes")
            data = b"".join(_pieces(stream, member.size))
            _skip(stream, -member.size % tarfile.BLOCKSIZE)
            if member.type == _LONG_NAME:
                name = _text(data.split(b"\0")[0])
            elif member.type in _PAX:
                pax |= _records(data)
            continue
        name = _text(pax[b"path"]) if b"path" in pax else name
        member.name = name or member.name
        member.size = int(pax.get(b"size", member.size))
        if member.size < 0:
            raise ValueError("a member of negative size")
        if any(key.startswith(b"GNU.sparse") for key in pax):
            member.type = tarfile.GNUTYPE_SPARSE
        size = member.size if member.isreg() else 0
        pieces = _pieces(stream, size)
        yield member, pieces
        for _ in pieces:  # what nobody has read
            pass
        _skip(stream, -size % tarfile.BLOCKSIZE)
        headers, name, pax = 0, "", {}


def _pieces(stream: gzip.GzipFile, size: int) -> Iterator[bytes]:
    while size:
        piece = stream.read(min(size, _AT_ONCE))
        if not piece:
            raise EOFError("it ends within a member")
        size -= len(piece)
        yield piece


def _skip(stream: gzip.GzipFile, size: int) -> None:
    for _ in _pieces(stream, size):
        pass


def _records(data: bytes) -> dict[bytes, bytes]:
    """The records ``length key=value\\n`` of a pax header. Raises ValueError where it is
    damaged."""
    records, begin = {}, 0
    while begin < len(data):
        space = data.find(b" ", begin, begin + 10)
        length = data[begin:space]
        end = begin + int(length) if length.isdigit() else 0
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if end <= space or not equals or data[end - 1 : end] != b"\n":
            raise ValueError("a damaged pax header")
        records[key], begin = value, end
    return records


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
