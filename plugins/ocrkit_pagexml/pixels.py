"""Pages with their pixels, of which the last few are kept: the lines of a page are cut one after
the other."""

from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from ocrkit import DataError, ImageError, Line, Page, read_image
from ocrkit.data.lines import with_heights
from ocrkit.interfaces import Image
from ocrkit.parts.page import Points
from ocrkit_pagexml.contents import PageFile, read_page

_KEPT = 3
"""Pages in memory: one, and its neighbours, for threads that are not at the same."""
_SAME = 0.03
"""By how much the proportions of an image may differ from those in its XML."""


@dataclass(frozen=True)
class PixelPage:
    """A page's pixels, uint8 (H, W), and its lines in these pixels, by their ids."""

    pixels: Image
    lines: dict[str, Line]


class PixelPages:
    """Reads pages; safe from several threads, each page once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = Lock()
        self._kept: OrderedDict[PageFile, Future[PixelPage]] = OrderedDict()

    def __getitem__(self, file: PageFile) -> PixelPage:
        """Raises ImageError for an image that cannot be read, or that is not the page's."""
        with self._lock:
            kept = self._kept.get(file)
            future = self._kept.setdefault(file, kept or Future())
            self._kept.move_to_end(file)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        if kept is None:
            try:
                future.set_result(self._read(file))
            except BaseException as error:
                future.set_exception(error)
                with self._lock:
                    self._kept.pop(file, None)
                raise
        return future.result()

    def _read(self, file: PageFile) -> PixelPage:
        pixels = read_image(self._root / file.image)
        try:
            page = fitted(read_page(self._root / file.xml), pixels.shape[1], pixels.shape[0])
        except DataError as error:
            raise ImageError(f"{self._root / file.image}: {error}") from error
        return PixelPage(pixels, {line.id: line for line in with_heights(page).lines})


def fitted(page: Page, width: int, height: int) -> Page:
    """The page in the pixels of an image of this size: its XML may be of a larger one, or in tenths
    of millimetres. Raises DataError where the proportions differ."""
    x, y = width / page.width, height / page.height
    if abs(x / y - 1) > _SAME:
        raise DataError(
            f"{width} × {height} pixels, its XML says {page.width} × {page.height}: another "
            "picture, or a turned one"
        )
    if (width, height) == (page.width, page.height):
        return page

    def moved(points: Points) -> Points:
        return tuple((px * x, py * y) for px, py in points)

    lines = (
        replace(
            line,
            baseline=moved(line.baseline),
            boundary=moved(line.boundary),
            words=tuple(replace(word, boundary=moved(word.boundary)) for word in line.words),
        )
        for line in page.lines
    )
    regions = (replace(region, boundary=moved(region.boundary)) for region in page.regions)
    return replace(page, width=width, height=height, lines=tuple(lines), regions=tuple(regions))
