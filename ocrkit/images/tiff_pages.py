"""The pages of a TIFF file, each a directory of tags that says where the next one is."""

import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ocrkit.errors import ImageError
from ocrkit.images.tiff import VALUE_BYTES
from ocrkit.support.files import open_regular

MAX_BYTES = 400_000_000
"""The largest page, as it is in the file."""
MAX_PAGES = 10_000
_KIND = 254
"""The tag NewSubfileType: bit 0 is a smaller copy of another page, bit 2 a mask of one."""
_NO_PAGE = 0b101
_BLOCKS = {273: 279, 324: 325}
"""The tag of where strips or tiles are: that of how long each is."""
_MORE = {330, 34665, 34853, 40965}
"""The tags of further directories: smaller copies, cameras' notes."""
_OLD_JPEG = {513, 519, 520, 521}
"""The tags of where tables lie that no other tag bounds."""
_WHOLE = {3: "H", 4: "I", 16: "Q"}
"""Types of whole numbers as places are, for ``struct``."""


def page_places(path: str) -> list[int]:
    """Where in a file its pages' directories are; empty for what is no TIFF. Smaller copies and
    masks of other pages are no pages. Raises ImageError, whose line begins with the path."""
    with open_regular(Path(path), ImageError, "an image") as file:
        try:
            return _places(_Tiff(file))
        except (struct.error, OSError):
            return []  # damaged: whoever decodes it says more
        except ValueError as error:
            raise ImageError(f"{path}: {error}") from None


def page_bytes(path: str, place: int) -> bytes:
    """A TIFF file of this page alone, its tags and its pixels as they are; nothing else of the file
    is read. Of one that is odd it is all of the file, which then begins with this page. Raises
    ImageError, whose line begins with the path."""
    with open_regular(Path(path), ImageError, "an image") as file:
        try:
            tiff = _Tiff(file)
            with suppress(struct.error):
                return _copied(tiff, place)
            data = bytearray(tiff.at(0, tiff.size))
            struct.pack_into(tiff.place, data, tiff.room, place)
            return bytes(data)
        except (struct.error, OSError):
            raise ImageError(f"{path}: damaged, or no longer what it was") from None
        except ValueError as error:
            raise ImageError(f"{path}: {error}") from None


@dataclass(frozen=True, slots=True)
class _Tag:
    """A tag of a page."""

    number: int
    kind: int
    count: int
    value: bytes
    """Its values or, where there is no room for them, where they are."""


class _Tiff:
    """An open file. It and what reads of it raise struct.error for what is none."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        head = file.read(16)
        forms = {b"II*\0": "<I", b"MM\0*": ">I", b"II+\0": "<Q", b"MM\0+": ">Q"}
        if head[:4] not in forms:
            raise struct.error
        self.place = forms[head[:4]]
        """How places are written, for ``struct``."""
        self.order, self.room = self.place[0], struct.calcsize(self.place)
        """In which order bytes are, and how many a place has, or a tag for its value."""
        self.head = head[: self.room]
        """What comes before the place of the first page."""
        self.count = f"{self.order}{'H' if self.room == 4 else 'Q'}"
        self.tag = f"{self.order}HH{self.place[1]}{self.room}s"
        (self.first,) = struct.unpack_from(self.place, head, self.room)

    def at(self, place: int, length: int) -> bytes:
        """Raises ValueError where that is more than a page may have."""
        if length > MAX_BYTES:
            raise ValueError(f"{length:,} bytes of a page; the limit is {MAX_BYTES:,}; split it")
        if place + length > self.size:
            raise struct.error
        self._file.seek(place)
        return self._file.read(length)

    def page(self, place: int) -> tuple[list[_Tag], int]:
        """The tags of a page, and where the next one is; 0 behind the last."""
        (count,) = struct.unpack(self.count, self.at(place, struct.calcsize(self.count)))
        data = self._file.read(min(count, 65535) * struct.calcsize(self.tag))
        tags = [_Tag(*each) for each in struct.iter_unpack(self.tag, data)]
        (after,) = struct.unpack(self.place, self._file.read(self.room))
        return tags, after

    def values(self, tag: _Tag) -> bytes:
        """A tag's values, wherever they are."""
        length = tag.count * VALUE_BYTES.get(tag.kind, 1)
        if length <= self.room:
            return tag.value[:length]
        (place,) = struct.unpack(self.place, tag.value)
        return self.at(place, length)

    def numbers(self, tag: _Tag) -> tuple[int, ...]:
        """A tag's values, which are to be whole numbers."""
        if tag.kind not in _WHOLE:
            raise struct.error
        return struct.unpack(f"{self.order}{tag.count}{_WHOLE[tag.kind]}", self.values(tag))


def _places(tiff: _Tiff) -> list[int]:
    """Raises ValueError for a chain of directories without an end."""
    places: list[int] = []
    seen: set[int] = set()
    place = tiff.first
    while 0 < place < tiff.size:
        if place in seen:
            raise ValueError("its pages lead back to one another; save it anew")
        seen.add(place)
        if len(seen) > MAX_PAGES:
            raise ValueError(f"more than {MAX_PAGES:,} pages; split it")
        tags, after = tiff.page(place)
        kinds = [tiff.numbers(tag) for tag in tags if (tag.number, tag.count) == (_KIND, 1)]
        if not any(kind & _NO_PAGE for (kind,) in kinds):
            places.append(place)
        place = after
    return places


def _copied(tiff: _Tiff, place: int) -> bytes:
    """A file of one page, written anew: the head, its tags, what they have no room for, its
    pixels. Raises struct.error for one that is odd."""
    tags = {tag.number: tag for tag in tiff.page(place)[0] if tag.number not in _MORE}
    if tags.keys() & _OLD_JPEG or len(tags.keys() & _BLOCKS.keys()) != 1:
        raise struct.error
    first = 2 * tiff.room
    begin = first + struct.calcsize(tiff.count) + len(tags) * struct.calcsize(tiff.tag) + tiff.room
    rows, rest = bytearray(), bytearray()

    def put(data: bytes) -> int:
        """Where it is in the file."""
        if len(rest) + len(data) > min(tiff.size, MAX_BYTES):  # the same bytes again and again
            raise struct.error
        rest.extend(data + b"\0" * (len(data) % 2))
        return begin + len(rest) - len(data) - len(data) % 2

    for number, tag in sorted(tags.items()):
        kind, values = tag.kind, tiff.values(tag)
        if number in _BLOCKS:
            lengths = tiff.numbers(tags[_BLOCKS[number]]) if _BLOCKS[number] in tags else ()
            if len(lengths) != tag.count:
                raise struct.error
            found = zip(tiff.numbers(tag), lengths, strict=True)
            moved = [put(tiff.at(*block)) for block in found]
            kind = 4 if tiff.room == 4 else 16
            values = struct.pack(f"{tiff.order}{len(moved)}{_WHOLE[kind]}", *moved)
        if len(values) > tiff.room:
            values = struct.pack(tiff.place, put(values))
        rows += struct.pack(tiff.tag, number, kind, tag.count, values)
    count = struct.pack(tiff.count, len(tags))
    return tiff.head + struct.pack(tiff.place, first) + count + rows + bytes(tiff.room) + rest
