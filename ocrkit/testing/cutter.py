"""Whether a cutter does what its interface says."""

from dataclasses import dataclass

import numpy as np

from ocrkit.errors import ImageError
from ocrkit.images.grey import are_pixels
from ocrkit.parts.page import Line
from ocrkit.parts.page_protocols import Cutter
from ocrkit.parts.values import Image, PointMap
from ocrkit.testing.base import PartConformance
from ocrkit.testing.images import word_like

_AREA = ((20.0, 40.0), (280.0, 40.0), (280.0, 90.0), (20.0, 90.0))
LINES = {
    "a level line": Line("1", ((20, 80), (280, 80)), _AREA, 30, 10),
    "a line without a boundary": Line("2", ((20, 80), (150, 84), (280, 80)), (), 30, 10),
    "a line without heights": Line("3", ((20, 80), (280, 80)), _AREA),
    "a line without a baseline": Line("4", (), _AREA),
    "a line that runs down": Line("5", ((150, 10), (152, 190)), (), 20, 5),
    "a line that leaves the page": Line("6", ((200, 80), (420, 80)), (), 30, 10),
    "a line whose baseline is a point": Line("7", ((50, 80), (50, 80)), _AREA),
    "a line that bends back": Line("8", ((20, 80), (200, 80), (20, 82)), _AREA, 40, 40),
}


STAMP = np.arange(77, dtype=np.uint8).reshape(7, 11)


@dataclass(frozen=True)
class Stamp:
    """A cutter that makes the same of every line, for checks of what cuts with it."""

    def __call__(self, page: Image, line: Line, /) -> Image:
        return STAMP.copy()

    def to_source(self, line: Line, /) -> PointMap:
        return np.copy


class CutterConformance(PartConformance):
    """Checks of a cutter."""

    kind = "cutter"

    def cut(self, page: Image, line: Line, named: str) -> Image:
        with self.works(f"on {named}"):
            image: Image = self.part()(page, line)
        return image

    def test_it_cuts_every_line_to_one_height(self) -> None:
        """Grey pixels uint8 (H', W') of lines of every form, all of the same height."""
        part = self.part()
        self.check(isinstance(part, Cutter), "lacks __call__ or to_source")
        page, heights = word_like(200, 300), set()
        for named, line in LINES.items():
            image = self.cut(page, line, named)
            self.check(
                are_pixels(image) and image.ndim == 2,
                f"makes no grey pixels uint8 (height, width) of {named}",
            )
            heights.add(image.shape[0])
        self.check(len(heights) == 1, f"makes line images of different heights: {sorted(heights)}")

    def test_it_refuses_what_is_not_on_the_page(self) -> None:
        """ImageError, which says why, for a line without a place, and for one off the page."""
        nowhere, off = Line("1"), Line("2", ((900, 900), (990, 900)), (), 20, 5)
        for line, named in ((nowhere, "a line without a place"), (off, "a line off the page")):
            try:
                with self.works(f"on {named}; expected ImageError", ImageError):
                    self.part()(word_like(200, 300), line)
            except ImageError as error:
                self.check(str(error).strip(), f"refuses {named}, but does not say why")
            else:
                self.check(False, f"cuts {named}; expected ImageError")

    def test_its_points_find_back(self) -> None:
        """The middle of a blot on the line is taken to where the blot is on the page, to two
        pixels."""
        page = np.full((200, 300), 235, np.uint8)
        page[60:70, 100:110] = 20
        line = LINES["a level line"]
        image = self.cut(page, line, "a level line")
        rows, columns = np.nonzero(image < 128)
        self.check(rows.size, "makes an image without the blot that is on the line")
        with self.works("to say where its pixels come from"):
            middle = np.array([[columns.mean() + 0.5, rows.mean() + 0.5]])
            found = np.asarray(self.part().to_source(line)(middle))
        self.check(
            found.shape == (1, 2) and np.abs(found - (105, 65)).max() <= 2,
            f"takes the middle of a blot at (105, 65) to {found.round(1).tolist()}",
        )

    def test_it_is_a_pure_function(self) -> None:
        """The same line gives the same pixels, and the page stays as it is."""
        page = word_like(200, 300)
        before = page.copy()
        line = LINES["a level line"]
        first, second = (self.cut(page, line, "a level line") for _ in range(2))
        self.check(np.array_equal(first, second), "gives other pixels when it is called again")
        self.check(np.array_equal(page, before), "changes the page; work on a copy")

    def test_its_options_can_be_told_from_its_text(self) -> None:
        """``repr`` is the same for the same options: line images are cached by it."""
        one, other = repr(self.part()), repr(self.part())
        self.check(one == other, f"has a repr that says more than its options: {one}")
