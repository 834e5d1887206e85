"""What is to be read, as it is named: files and folders, and the pages that are in them."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import NoReturn

from ocrkit.data.lines import drawn_forward
from ocrkit.errors import DataError, ImageError, OcrkitError
from ocrkit.images import EXTENSIONS, find_images, read_image, resolution_of
from ocrkit.images.pdf import page_picture, page_widths
from ocrkit.images.tiff_pages import page_bytes, page_places
from ocrkit.parts.formats import page_endings, read_page
from ocrkit.parts.page import Page, PageImage
from ocrkit.parts.page_protocols import Picture
from ocrkit.parts.values import Image, Sample

_PDF, _TIFF = (".pdf",), (".tif", ".tiff")
DOCUMENTS = (*_PDF, *_TIFF)
"""What the names of files of several pages end with."""
_OF_XML = {"alto", "page", "xml"}
"""Folders for XML, whose images lie in the folder around them."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that is to be read."""

    path: str
    name: str
    """Its path from the folder that was named or, if it was named itself, from the working
    directory, with ``/`` and without ``..``; its mere name where that is not below it."""
    named: bool
    """Whether it was named itself, and not a folder that it is in."""


def input_files(named: Iterable[str]) -> list[InputFile]:
    """The files that are named, and the images and PDF documents of folders that are. Raises
    DataError for a folder without any."""
    files: list[InputFile] = []
    for path in named:
        if not Path(path).is_dir():
            files.append(InputFile(path, _kept(path), True))
            continue
        found = find_images(Path(path), *_PDF)
        if not found:
            raise DataError(f"{path}: no images and no PDF documents in this folder")
        files += [InputFile(str(each), each.relative_to(path).as_posix(), False) for each in found]
    return files


def is_found(ending: str) -> bool:
    """Whether files that end so are read where they are found in a folder."""
    return ending.lower() in (*EXTENSIONS, *_PDF)


def _kept(path: str) -> str:
    if path == "-":
        return "standard-input"
    pure = PurePath(os.path.normpath(path))
    return pure.name if pure.is_absolute() or ".." in pure.parts else pure.as_posix()


@dataclass(frozen=True, slots=True)
class PageSample(Sample):
    """A page that is to be read."""

    image: PageImage | None = None
    drawn: Page | None = None
    """Its lines, where they need not be looked for."""
    dpi: Callable[[int], float | None] | None = None
    """Says how many pixels per inch its picture has, which is so many pixels wide."""


@dataclass(frozen=True, slots=True)
class InputPage:
    """A page that is to be read: an image, a page of a PDF document or of a TIFF file, or a file
    of a format such as ALTO which says where the lines of an image beside it are."""

    path: str
    number: int | None = None
    """Which page of a document it is, from 1; None where the file is the page."""
    place: int = 0
    """Where in a TIFF file it is."""
    inches: float = 0.0
    """How wide it is, where its document says so."""
    error: str = ""
    """Why the document has no pages that could be read."""
    data: bytes | None = None
    """The image's file, where ``path`` is no more than its name."""
    drawn: Page | None = None
    """Its lines, in pixels of the image, where they need not be looked for."""

    @property
    def id(self) -> str:
        """``scan.pdf#3``."""
        return self.path if self.number is None else f"{self.path}#{self.number}"

    def sample(self) -> PageSample:
        """The page as the engine takes it. What is wrong with it is said when it is loaded."""
        try:
            page, drawn = self._with_lines()
        except OcrkitError as error:
            return PageSample(self.id, None, None, partial(_refuse, str(error)))
        image = PageImage(page.path, page.number or 1)
        return PageSample(
            self.id,
            None,
            None,
            page.pixels,
            path=page.path,
            image=image,
            drawn=drawn,
            dpi=page.dpi,
        )

    def picture(self, *, colour: bool = True) -> Picture:
        """The picture of the page: a file, the bytes of one, or pixels. Raises OcrkitError."""
        page, _ = self._with_lines()
        if page.error:
            raise ImageError(page.error)
        if page.data is not None or page.number is None:
            return Path(page.path) if page.data is None else page.data
        if _ends(page.path, _PDF):
            return page_picture(page.path, page.number, colour=colour)
        return page_bytes(page.path, page.place)

    def pixels(self) -> Image:
        """Its grey pixels, uint8 (H, W). Raises ImageError."""
        picture = self.picture(colour=False)
        if not isinstance(picture, Path | bytes):
            return picture
        try:
            return read_image(picture)
        except ImageError as error:
            if isinstance(picture, Path):
                raise
            reason = str(error).removeprefix("<bytes>: ")
            raise ImageError(f"{self.id}: {reason}") from None

    def dpi(self, width: int) -> float | None:
        """Pixels per inch of its picture, which is so many pixels wide: those of the document's
        page, or those that the file of an image says. Raises OcrkitError."""
        if self.inches:
            return width / self.inches
        picture = self.picture(colour=False)
        return resolution_of(picture) if isinstance(picture, Path | bytes) else None

    def _with_lines(self) -> "tuple[InputPage, Page | None]":
        """What shows the page, and its lines, where a file says where they are. Raises
        OcrkitError."""
        if self.drawn is not None:
            return self, self.drawn
        # Endings of formats are asked for last: that imports every format's libraries.
        if (
            self.data is not None
            or self.error
            or is_found(PurePath(self.path).suffix)
            or not _ends(self.path, page_endings())
        ):
            return self, None
        drawn = drawn_forward(read_page(Path(self.path)))
        return image_beside(Path(self.path), drawn), drawn


def input_pages(path: str) -> list[InputPage]:
    """The pages of a file. One that cannot be opened is a page with its ``error``."""
    try:
        if _ends(path, _PDF):
            widths = enumerate(page_widths(path), 1)
            return [InputPage(path, number, inches=width) for number, width in widths]
        places = page_places(path) if _ends(path, _TIFF) else []
    except ImageError as error:
        return [InputPage(path, error=str(error))]
    if len(places) < 2:
        return [InputPage(path)]
    return [InputPage(path, number, place) for number, place in enumerate(places, 1)]


def image_beside(path: Path, page: Page) -> InputPage:
    """The image of a page that a file describes: the one that it names, else the one that is called
    as the file is, beside it. Raises DataError."""
    said = (page.image.path if page.image else "").replace("\\", "/").rpartition("/")[2]
    stems = dict.fromkeys(filter(None, (PurePath(said).stem, path.stem)))
    names = [said, *(f"{stem}{ending}" for stem in stems for ending in (*EXTENSIONS, *_PDF))]
    above = [path.parent.parent] if path.parent.name.lower() in _OF_XML else []
    for folder in (path.parent, *above):
        for name in names:
            if _ends(name, (*EXTENSIONS, *_PDF)) and (folder / name).is_file():
                pages = input_pages(str(folder / name))
                number = page.image.page if page.image else 1
                if number <= len(pages):
                    return pages[number - 1]
    raise DataError(f"{path}: no image {said or path.stem + '.*'} beside it")


def _ends(path: str, endings: Iterable[str]) -> bool:
    return PurePath(path).suffix.lower() in endings


def _refuse(reason: str) -> NoReturn:
    raise ImageError(reason)
