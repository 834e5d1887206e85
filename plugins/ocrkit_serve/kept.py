"""Pages that people correct: in a folder each picture has its PAGE XML beside it."""

import re
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from threading import Lock

from ocrkit import OcrkitError, Page, PageImage, read_image
from ocrkit.images import find_images
from ocrkit.interfaces import Image
from ocrkit.parts.formats import read_page, save_page
from ocrkit.support.files import read_bytes, write_atomically
from ocrkit_serve.changes import Change, Unknown, corrected

_SHOWN = {
    b"\x89PNG": (".png", "image/png"),
    b"\xff\xd8\xff": (".jpg", "image/jpeg"),
    b"RIFF": (".webp", "image/webp"),
    b"GIF8": (".gif", "image/gif"),
}
"""How files begin that every browser shows: others are kept as PNG."""
_UNDONE = 200
"""Changes that can be taken back, of all pages together."""


class Unwritten(OcrkitError):  # noqa: N818  (what it is)
    """The disk takes no more."""


class Outdated(OcrkitError):  # noqa: N818  (what it is)
    """The page has been changed since."""


class Kept:
    """The pages of a folder. Files are written whole or not at all, and are on the disk before it
    is said that they are kept; safe from several threads."""

    def __init__(self, folder: Path) -> None:
        """Raises OcrkitError where there is no such folder."""
        if not folder.is_dir():
            raise OcrkitError(f"{folder}: no such folder; make it, for the pages to be kept in")
        self.folder = folder
        self._lock = Lock()
        self._before: deque[tuple[str, str, Page]] = deque(maxlen=_UNDONE)
        """Of the last changes: their names, the pages' ids, and the pages as they were."""

    def ids(self) -> list[str]:
        """Of all pages, by name, and by number where they are called alike."""
        found = (each.stem for each in find_images(self.folder) if self._is_page(each))
        return sorted(found, key=_numbered)

    def _is_page(self, picture: Path) -> bool:
        return picture.parent == self.folder and picture.with_suffix(".xml").is_file()

    def add(self, name: str, picture: bytes | Image, page: Page) -> str:
        """Keeps a picture, a file or pixels, with what was read of it; its id, the file's name or
        one like it."""
        ending, data = _as_shown(picture)
        stem = re.sub(r"[^\w.-]", "_", Path(name).stem).strip(".")[:80] or "page"
        with self._lock:
            taken = {each.stem for each in self.folder.iterdir()}
            number = 1
            while (id_ := f"{stem}-{number}" if number > 1 else stem) in taken:
                number += 1
            file = self.folder / f"{id_}{ending}"
            with written(), write_atomically(file) as temporary:
                temporary.write_bytes(data)
            try:
                self._save(id_, replace(page, id=id_, image=PageImage(file.name)))
            except Unwritten:
                file.unlink()
                raise
        return id_

    def page(self, id_: str) -> Page:
        """Raises Unknown, and DataError for a file that somebody has damaged."""
        return replace(read_page(self._file(id_)), id=id_)

    def picture_file(self, id_: str) -> Path:
        """A page's image file."""
        beside = self._file(id_)
        for picture in find_images(self.folder):
            if picture.with_suffix(".xml") == beside:
                return picture
        raise Unknown(f"no page {id_!r}")

    def picture(self, id_: str) -> tuple[bytes, str]:
        """What is in a page's image file, and its media type."""
        data = read_bytes(self.picture_file(id_), OcrkitError)
        kinds = (kind for start, (_, kind) in _SHOWN.items() if data.startswith(start))
        return data, next(kinds, "application/octet-stream")

    def states(self) -> dict[str, object]:
        """Of every page something that is another one when its file has been written since."""
        found = {id_: (self.folder / f"{id_}.xml").stat() for id_ in self.ids()}
        return {id_: (each.st_mtime_ns, each.st_ino, each.st_size) for id_, each in found.items()}

    def correct(self, id_: str, line: str, text: str) -> Page:
        """The page with what a person says of a line, which is on the disk then."""
        return self.change(id_, partial(corrected, id_=line, text=text))[0]

    def change(self, id_: str, change: Change) -> tuple[Page, str]:
        """The page with a change, which is on the disk then; and the name of the change, by which
        it can be undone. Raises Unknown, and Unwritten where nothing is changed."""
        with self._lock:
            before = self.page(id_)
            self._save(id_, change(before))
            name = secrets.token_urlsafe(12)
            self._before.append((name, id_, before))
            return self.page(id_), name

    def undo(self, id_: str, name: str) -> Page:
        """The page as it was before a change. Raises Outdated unless that was the last one of this
        page since the service began, and not too long ago."""
        with self._lock:
            of_page = [each for each in self._before if each[1] == id_]
            if not of_page or of_page[-1][0] != name:
                raise Outdated(f"page {id_!r} has been changed since; nothing was taken back")
            self._save(id_, of_page[-1][2])
            self._before.remove(of_page[-1])
            return self.page(id_)

    def _save(self, id_: str, page: Page) -> None:
        with written():
            save_page(page, self.folder / f"{id_}.xml", "page")

    def _file(self, id_: str) -> Path:
        if id_ not in self.ids():
            raise Unknown(f"no page {id_!r}")
        return self.folder / f"{id_}.xml"


def _numbered(id_: str) -> list[tuple[int, str]]:
    """Numbers in a name as such: ``scan-2`` comes before ``scan-10``."""
    return [(int(each), "") if each.isdecimal() else (-1, each) for each in re.split(r"(\d+)", id_)]


@contextmanager
def written() -> Iterator[None]:
    """Raises Unwritten where the block raises OcrkitError."""
    try:
        yield
    except OcrkitError as error:
        raise Unwritten(str(error)) from error


def _as_shown(picture: bytes | Image) -> tuple[str, bytes]:
    """An image's ending and its file, as browsers show it."""
    if isinstance(picture, bytes):
        for start, (ending, _) in _SHOWN.items():
            if picture.startswith(start):
                return ending, picture
        picture = read_image(picture)
    from PIL import Image as Pillow

    file = BytesIO()
    Pillow.fromarray(picture).save(file, "PNG")
    return ".png", file.getvalue()
