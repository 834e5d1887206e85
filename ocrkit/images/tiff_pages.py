"""The pages of a TIFF file, each a directory of tags that says where the next one is."""

import os
import struct
from pathlib import Path
from typing import BinaryIO

from ocrkit.errors import ImageError
from ocrkit.support.files import open_regular, read_bytes

MAX_BYTES = 400_000_000
"""The largest file of which a page is taken."""
MAX_PAGES = 10_000
_KIND = 254
"""The tag NewSubfileType: bit 0 is a smaller copy of another page, bit 2 a mask of one."""
_NO_PAGE = 0b101


def page_places(path: str) -> list[int]:
    """Where in a file its pages' directories are; empty for what is no TIFF. Smaller copies and
    masks of other pages are no pages. Raises ImageError, whose line begins with the path."""
    with open_regular(Path(path), ImageError, "an image") as file:
        try:
            return _places(file)
        except (struct.error, OSError):
            return []  # damaged: whoever decodes it says more
        except ValueError as error:
            raise ImageError(f"{path}: {error}") from None


def page_bytes(path: str, place: int) -> bytes:
    """A TIFF file that begins with this page: the same one, with another first directory. Raises
    ImageError."""
    data = bytearray(read_bytes(Path(path), ImageError, "an image", most=MAX_BYTES))
    form, at = _first(bytes(data[:16]))
    struct.pack_into(form, data, at, place)
    return bytes(data)


def _first(head: bytes) -> tuple[str, int]:
    """How the place of the first directory is written, and where. Raises struct.error for what is
    no TIFF."""
    forms = {b"II*\0": ("<I", 4), b"MM\0*": (">I", 4), b"II+\0": ("<Q", 8), b"MM\0+": (">Q", 8)}
    if head[:4] not in forms:
        raise struct.error
    return forms[head[:4]]


def _places(file: BinaryIO) -> list[int]:
    """Raises ValueError for a chain of directories without an end."""
    head = file.read(16)
    form, at = _first(head)
    order, size = form[0], os.fstat(file.fileno()).st_size
    count_form, entry = (f"{order}H", 12) if form[1] == "I" else (f"{order}Q", 20)
    (place,) = struct.unpack_from(form, head, at)
    places: list[int] = []
    seen: set[int] = set()
    while 0 < place < size:
        if place in seen:
            raise ValueError("its pages lead back to one another; save it anew")
        seen.add(place)
        if len(seen) > MAX_PAGES:
            raise ValueError(f"more than {MAX_PAGES:,} pages; split it")
        file.seek(place)
        (count,) = struct.unpack(count_form, file.read(struct.calcsize(count_form)))
        tags = file.read(min(count, 65535) * entry)
        if not _kind(tags, order, entry) & _NO_PAGE:
            places.append(place)
        (place,) = struct.unpack(form, file.read(struct.calcsize(form)))
    return places


def _kind(tags: bytes, order: str, entry: int) -> int:
    """What a directory says of itself."""
    for at in range(0, len(tags) - entry + 1, entry):
        tag, kind = struct.unpack_from(f"{order}HH", tags, at)
        if tag == _KIND:
            value = f"{order}H" if kind == 3 else f"{order}I"
            (found,) = struct.unpack_from(value, tags, at + (8 if entry == 12 else 12))
            return int(found)
    return 0
