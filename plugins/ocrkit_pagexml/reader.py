"""Pages that other programs have exported, whole or line by line."""

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from ocrkit import DataError, ImageError, Line, Page, Sample, Skipped, option
from ocrkit.interfaces import Cutter, Image
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.support.files import read_text
from ocrkit_pagexml.contents import Contents, PageFile
from ocrkit_pagexml.page_samples import page_sample
from ocrkit_pagexml.pixels import PixelPages

if TYPE_CHECKING:
    from ocrkit_pagexml.doctor import Report


_PLACELESS = "neither a baseline nor a boundary that can be read"


class Entry(NamedTuple):
    """A line that can be used; where it is is read again when it is cut."""

    page: PageFile
    line: str
    text: str
    place: str
    """A digest of its geometry."""


@dataclass
class PageXml:
    """The pages of a folder and of the folders in it, or their lines: images, and ALTO or PAGE XML,
    as eScriptorium, Transkribus and kraken export them.

    A page's image is the one that its XML names, whatever its ending, else the one that is called
    as the XML is: beside it or below, or, where the XML is in a folder such as ``page``, above or
    beside that. A sample's form is the document, which is the page's folder, or the page where that
    is the root. Texts are in Unicode's form NFC.

    A sample of ``level = "lines"`` is a line: its id ``PAGE#LINE``, PAGE the path of the XML from
    the root without ``.xml``. Lines without a text or a place, and pages without an image, are
    skipped and named. One of ``level = "pages"`` is a page: ``load`` gives the picture, uint8
    (H, W), ``page`` its regions and its lines, with or without a text, in the picture's pixels and
    in reading order, ``text`` their texts. Lines without a place are skipped and named.

    Splits: ``all``; NAME, where ``NAME.txt`` or ``splits/NAME.txt`` in the root lists pages and
    documents, one a line; or the name of a folder in the root. Raises DataError where nothing can
    be read.
    """

    root: Path = option(Path(), "the folder with images and XML")
    split: str = option(
        "all", "'all', a list NAME.txt or splits/NAME.txt in the root, or a folder in it"
    )
    level: Literal["lines", "pages"] = option("lines", "what an image shows")
    leave_out: tuple[str, ...] = option(
        (), "kinds of lines and regions that are left out, as the XML calls them: 'printed'"
    )

    forms = None

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise DataError(f"page-xml: {self.root}: no such folder; expected one with XML in it")
        listed = self._listed()
        self.cut_with(make_part(PartSpec("cutter", "", {})))
        self._pages = PixelPages(self.root)
        self._entries: list[Entry | Sample] = []
        contents = Contents(self.root)
        self.skipped: list[Skipped] = []
        names = {str(xml): _names(str(xml)) for xml in contents.xml}
        wanted = {xml for xml in names if listed is None or names[xml] & listed}
        add = self._add_page if self.level == "pages" else self._add_lines
        for file, page in contents.pages(wanted):
            add(file, page)
        self.skipped += contents.skipped
        self.notes: list[str] = []
        """What the user may want to know: entries of the split's list that are not there."""
        if missing := sorted((listed or set()).difference(*names.values())):
            self.notes.append(
                f"{self.root}: {len(missing):,} entries of the split {self.split!r} are no page "
                f"and no folder of any, {missing[0]} for example"
            )
        if not self._entries:
            first = "".join(f"; the first left out: {e.id}: {e.reason}" for e in self.skipped[:1])
            raise DataError(
                f"page-xml: none of the {self.level} of {self.split} under {self.root} can be "
                f"read{first}; see what is there with: ocrkit data check page-xml {self.root}"
            )

    def _listed(self) -> set[str] | None:
        """The pages and folders of the split; None for all. Raises DataError."""
        if self.split == "all":
            return None
        if Path(self.split).name == self.split:
            for path in (f"{self.split}.txt", f"splits/{self.split}.txt"):
                if (self.root / path).is_file():
                    lines = read_text(self.root / path, DataError, "pages, one a line").split("\n")
                    return {line.strip().strip("/") for line in lines if line.strip()}
            if (self.root / self.split).is_dir() and self.split not in ("", "..", "."):
                return {self.split}
        raise DataError(
            f"page-xml: no split {self.split!r} in {self.root}; expected 'all', the name of a "
            f"folder in it, or a list of pages, {self.split}.txt or splits/{self.split}.txt"
        )

    def _add_page(self, file: PageFile, page: Page) -> None:
        wanted = list(self._wanted(page))
        placed = tuple(line for line in wanted if line.baseline or line.boundary)
        regions = tuple(each for each in page.regions if each.kind not in self.leave_out)
        try:
            page = replace(page, regions=regions, lines=placed)
            self._entries.append(page_sample(self.root, file, page))
        except (DataError, ImageError) as error:
            self.skipped.append(Skipped(file.id, str(error)))
        else:
            self.skipped += [
                Skipped(f"{file.id}#{line.id}", _PLACELESS) for line in wanted if line not in placed
            ]

    def _add_lines(self, file: PageFile, page: Page) -> None:
        for line in self._wanted(page):
            text = unicodedata.normalize("NFC", line.text or "")
            if text and (line.baseline or line.boundary):
                self._entries.append(Entry(file, line.id, text, _digest(page, line)))
            else:
                reason = _PLACELESS if text else "no text"
                self.skipped.append(Skipped(f"{file.id}#{line.id}", reason))

    def _wanted(self, page: Page) -> Iterator[Line]:
        """The lines of the kinds that are not left out."""
        kinds = {region.id: region.kind for region in page.regions}
        for line in page.lines:
            if not {line.kind, kinds.get(line.region or "")} & set(self.leave_out):
                yield line

    def cut_with(self, cutter: Cutter, /) -> bool:
        """Cuts lines with this one from now on, and with the default one until then."""
        self.cutter = cutter
        return self.level == "lines"

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Sample:
        """A line, cut out of its page when ``load`` is called, or a page. Raises IndexError."""
        entry = self._entries[index]
        if isinstance(entry, Sample):
            return entry
        return Sample(
            f"{entry.page.id}#{entry.line}",
            entry.text,
            None,
            partial(self._cut, entry),
            entry.page.document,
            self.root / entry.page.image,
            f"{self.cutter!r} {entry.place}",
        )

    def _cut(self, entry: Entry) -> Image:
        page = self._pages[entry.page]
        try:
            return self.cutter(page.pixels, page.lines[entry.line])
        except KeyError:
            reason = f"line {entry.line} has gone since it was opened"
        except ImageError as error:
            reason = str(error)
        raise ImageError(f"{self.root / entry.page.xml}: {reason}")

    @classmethod
    def sample_root(cls) -> Path:
        """Two drawn pages of 16 lines, to be read as ``all``."""
        return Path(__file__).parent / "sample"

    @classmethod
    def check(cls, root: Path) -> "Report":
        """What is there, missing, wrong or odd (``ocrkit data check page-xml DIR``)."""
        from ocrkit_pagexml.doctor import examine

        return examine(root)


def _names(xml: str) -> set[str]:
    """All by which a list may name a page: its XML's path, with ``.xml`` or without, and the
    folders around it."""
    path = Path(xml)
    return {xml, path.with_suffix("").as_posix(), *(each.as_posix() for each in path.parents[:-1])}


def _digest(page: Page, line: Line) -> str:
    """Of all in a page's XML that a line's pixels depend on; other lines, whose distance counts
    where this one has no heights, are told by their baselines."""
    others = () if line.boundary else tuple(each.baseline for each in page.lines)
    about = (page.width, page.height, line.baseline, line.boundary, others)
    return hashlib.sha256(repr(about).encode()).hexdigest()[:16]
