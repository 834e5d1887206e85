"""What lies in a folder of images and XML: which image each page has, and its document."""

import unicodedata
from collections import defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ocrkit import DataError, Page, Skipped
from ocrkit.data.lines import drawn_forward
from ocrkit.images import EXTENSIONS
from ocrkit.support.files import read_bytes, walk
from ocrkit_pagexml.formats import parse
from ocrkit_pagexml.xml import MAX_BYTES

_BESIDE = {"page", "pagexml", "page_xml", "alto", "altoxml", "alto_xml", "xml", "transcriptions"}
"""Folders of XML whose images lie above, or beside in another."""
_NO_PAGES = {"mets.xml", "metadata.xml", "doc.xml"}
"""What exports have besides their pages."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """A page's XML and image: paths from the root, ``/`` between folders."""

    xml: str
    image: str

    @property
    def id(self) -> str:
        return self.xml[: -len(".xml")]

    @property
    def document(self) -> str:
        """The folder of the page; the page itself where that is the root."""
        return str(_document(PurePosixPath(self.xml))) if "/" in self.xml else self.id


class Contents:
    """The pages of a folder and of all below, and why files are none."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.skipped: list[Skipped] = []
        files = [self._name(path) for path in walk(root, self._note_locked)]
        self.images = [each for each in files if each.suffix.lower() in EXTENSIONS]
        """By their paths from the root."""
        self._by_name: defaultdict[str, list[PurePosixPath]] = defaultdict(list)
        for image in self.images:
            for key in {_key(image.name), _key(image.stem)}:
                self._by_name[key].append(image)
        self.xml = [
            each
            for each in files
            if each.suffix.lower() == ".xml" and each.name.lower() not in _NO_PAGES
        ]
        self._of_stem: defaultdict[str, int] = defaultdict(int)
        for xml in self.xml:
            self._of_stem[_key(xml.stem)] += 1

    def _name(self, path: Path) -> PurePosixPath:
        return PurePosixPath(path.relative_to(self.root).as_posix())

    def _note_locked(self, error: OSError) -> None:
        name = str(self._name(Path(error.filename)))
        self.skipped.append(Skipped(name, error.strerror or str(error)))

    def pages(self, wanted: Container[str] | None = None) -> Iterator[tuple[PageFile, Page]]:
        """Every page that has an image, or of those of the ``wanted`` XML, in the order of their
        names; the others are noted in ``skipped`` meanwhile, and so are those whose image is
        another page's."""
        taken: dict[PurePosixPath, PurePosixPath] = {}
        for xml in self.xml:
            if wanted is not None and str(xml) not in wanted:
                continue
            try:
                page = read_page(self.root / xml)
                image = self._image_of(xml, page)
                if image in taken:
                    raise DataError(f"its image {image} is that of {taken[image]} already")
            except DataError as error:
                reason = str(error).removeprefix(f"{self.root / xml}: ")
                self.skipped.append(Skipped(str(xml), reason))
                continue
            taken[image] = xml
            yield PageFile(str(xml), str(image)), page

    def _image_of(self, xml: PurePosixPath, page: Page) -> PurePosixPath:
        """The image that the page names, else the one that is called as its XML is. Raises
        DataError.

        It lies beside the XML or below; or, where the XML is in a folder such as ``page``, above
        or beside that. From anywhere else it is taken only if there is no doubt.
        """
        path = (page.image.path if page.image else "").replace("\\", "/")
        named = PurePosixPath(path.rpartition("/")[2]) if path else xml
        keys = [
            _key(named.name),
            _key(named.stem),
            _key(xml.stem),
            _key(PurePosixPath(xml.stem).stem),
        ]
        home = _document(xml)
        for key in keys:
            found = self._by_name.get(key, [])
            near = [image for image in found if image.is_relative_to(home)]
            near.sort(key=lambda image: (image.parent != xml.parent, len(image.parts), image))
            if near and (home.parts or len(near) == 1 or near[0].parent == xml.parent):
                return near[0]
            if len(found) == 1 and self._of_stem[_key(xml.stem)] == 1:
                return found[0]
        raise DataError(f"no image {named.name if path else f'{xml.stem}.*'} beside it or near")


def read_page(path: Path) -> Page:
    """The page of a file, its baselines drawn forward. Raises DataError, whose line begins with the
    path."""
    data = read_bytes(path, DataError, "ALTO or PAGE XML", most=MAX_BYTES)
    try:
        return drawn_forward(parse(data))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _document(xml: PurePosixPath) -> PurePosixPath:
    """The folder of the pages that belong together: that of the XML, or the one above ``page``."""
    folder = xml.parent
    return folder.parent if folder.name.lower() in _BESIDE else folder


def _key(name: str) -> str:
    """A file's name without what differs between systems: case, and the form of its accents."""
    return unicodedata.normalize("NFC", name).casefold()
