"""Pages that were read, in files of one format, into files of another; nothing is read again."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from ocrkit.data.inputs import image_beside, input_pages
from ocrkit.errors import DataError
from ocrkit.parts.formats import read_page
from ocrkit.parts.page import Page
from ocrkit.parts.page_json import page_from_json
from ocrkit.parts.page_protocols import Picture
from ocrkit.support.files import text_lines
from ocrkit.support.parsing import parse_json

RESULTS = ".jsonl"
"""What the names of result files end with, of which each row is a page."""


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """A page out of a file."""

    source: Path
    """The file."""
    name: str
    """What the name of a file for it begins with, ``/`` between folders."""
    page: Page

    def picture(self, images: Path | None) -> Picture:
        """Its picture: of the name that the page says, or of the file's own name, in the folder
        ``images`` or else beside the file; for a page without one there, what the page names, from
        the working directory. Raises OcrkitError."""
        path = self.source if images is None else images / self.source.name
        try:
            return image_beside(path, self.page).picture()
        except DataError:
            named = self.page.image
            if images or named is None or not _is_below(named.path):
                raise
            pages = input_pages(named.path)
            if not Path(named.path).is_file() or len(pages) < named.page:
                raise
            return pages[named.page - 1].picture()


def pages_in(path: Path) -> Iterator[WrittenPage]:
    """The page of a file in a format that is read, or all of a result file of ``ocrkit run
    --output``, one after the other; rows of pages that could not be read have none.

    Raises DataError, whose line begins with the path, for anything else.
    """
    if path.suffix.lower() != RESULTS:
        yield WrittenPage(path, _name(str(path)), read_page(path))
        return
    for number, text in enumerate(text_lines(path, DataError, "a result file"), start=1):
        try:
            row = parse_json(text)
            if not isinstance(row, dict):
                raise DataError("no JSON object")
            value = row.get("page", row.get("prediction"))
            if "header" in row or "error" in row:
                continue
            if not isinstance(value, dict):
                raise DataError("no page; expected a result file of a page pipeline")
            page = page_from_json(value)
        except (ValueError, DataError) as error:
            raise DataError(f"{path}: line {number}: {error}") from None
        yield WrittenPage(path, _name(page.id), page)


def document_name(path: Path) -> str:
    """What the name of a file for all pages of a file begins with."""
    return _name(str(path))


def _name(path: str) -> str:
    """A path without its ending, that leads nowhere but downwards; page 3 of ``scan.pdf#3`` is
    ``scan-0003``."""
    path, number = re.subn(r"#(\d+)$", "", path)[0], re.search(r"#(\d+)$", path)
    pure = PurePosixPath(os.path.normpath(path.replace("\\", "/").replace("\0", "")))
    kept = pure if _is_below(str(pure)) else PurePosixPath(pure.name)
    bare = str(kept.with_suffix("")) if kept.name else "page"
    return f"{bare}-{int(number[1]):04}" if number else bare


def _is_below(path: str) -> bool:
    """Whether it is a path within the working directory."""
    pure = PurePath(path)
    return not pure.is_absolute() and ".." not in pure.parts
