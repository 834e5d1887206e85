"""One HTML page of the worst pages of an evaluation, each with its lines drawn over it.
``pages.html.j2`` holds the page; this module, what is on it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from ocrkit.data.lines import as_points, band, with_heights
from ocrkit.errors import ImageError
from ocrkit.images.grey import as_grey
from ocrkit.parts.page import Line, Page, Points
from ocrkit.parts.values import Image
from ocrkit.reading.preparing import loaded
from ocrkit.reports.page import jpeg_uri, scores, template
from ocrkit.reports.page_gallery import PageExhibit, PageGallery, paired
from ocrkit.scoring.result import Result
from ocrkit.support.files import write_atomically

_LONGEST = 1400
"""Pixels of the longer side of a page's picture in the report."""


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line as the report has it."""

    state: str
    """``read``, ``lost`` or ``invented``."""
    area: Points
    box: tuple[float, float, float, float]
    """Left, top, width and height of the part of the page that shows it."""
    truth: str
    text: str
    confidence: float | None
    doubtful: bool


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page as the report has it."""

    exhibit: PageExhibit
    picture: str
    """A data URI; empty where the picture can no longer be read."""
    lines: tuple[ShownLine, ...]

    def count(self, state: str) -> int:
        return sum(line.state == state for line in self.lines)


def write_pages_html(path: Path, result: Result, gallery: PageGallery) -> None:
    """Writes one page that needs no other file, no network and no script. Raises OcrkitError where
    it cannot be written."""
    page = template("pages.html.j2").render(
        result=result,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        scores=scores(result),
        pages=[_shown(exhibit) for exhibit in gallery.worst],
    )
    with write_atomically(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _shown(exhibit: PageExhibit) -> ShownPage:
    picture = ""
    if exhibit.load:
        with suppress(ImageError):  # the file is no longer there
            picture = _picture(as_grey(loaded(exhibit.load)))
    return ShownPage(exhibit, picture, tuple(_lines(exhibit)))


def _lines(exhibit: PageExhibit) -> Iterator[ShownLine]:
    heights = {
        id(page): {line.id: line for line in with_heights(page).lines}
        for page in (exhibit.truth, exhibit.page)
    }
    for true, read in paired(exhibit.truth, exhibit.page):
        page = exhibit.page if read else exhibit.truth
        line = read or true
        if line is None:
            continue
        area = _area(heights[id(page)][line.id])
        yield ShownLine(
            "lost" if read is None else "read" if true else "invented",
            area,
            _box(area, page),
            (true.text or "") if true else "",
            (read.text or "") if read else "",
            read.confidence if read else None,
            read is not None and read.id in exhibit.doubtful,
        )


def _area(line: Line) -> Points:
    """The area around a line: its boundary, else the band along its baseline."""
    if line.boundary:
        return line.boundary
    found = band(line)
    if found is None:
        return line.baseline
    along = np.linspace(0, found.length, 12)
    upper, lower = (
        found.to_page(np.column_stack([along, np.full(12, level)])) for level in (0.0, found.height)
    )
    return as_points(np.vstack([upper, lower[::-1]]))


def _box(area: Points, page: Page) -> tuple[float, float, float, float]:
    points = np.array(area or ((0.0, 0.0), (page.width, page.height)))
    margin = 0.1 * float((points.max(axis=0) - points.min(axis=0)).min()) + 2
    left, top = np.maximum(points.min(axis=0) - margin, 0).tolist()
    right, bottom = np.minimum(points.max(axis=0) + margin, (page.width, page.height)).tolist()
    return left, top, max(right - left, 1.0), max(bottom - top, 1.0)


def _picture(image: Image) -> str:
    """The picture as a data URI, no larger than a screen shows."""
    picture = Pillow.fromarray(image)
    picture.thumbnail((_LONGEST, _LONGEST))
    return jpeg_uri(picture)
