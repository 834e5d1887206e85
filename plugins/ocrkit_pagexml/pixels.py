"""Pages with their pixels, of which the last few are kept: the lines of a page are cut one after
the other."""

from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from ocrkit import DataError, ImageError, Line, read_image
from ocrkit.data.fitting import fitted
from ocrkit.data.lines import with_heights
from ocrkit.interfaces import Image
from ocrkit_pagexml.contents import PageFile, read_page

_KEPT = 3
"""Pages in memory: one, and its neighbours, for threads that are not at the same."""


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
