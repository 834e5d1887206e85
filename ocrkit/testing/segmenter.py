"""Whether a segmenter does what its interface says."""

import numpy as np

from ocrkit.errors import DataError
from ocrkit.parts.page import Line, Page
from ocrkit.parts.page_json import page_from_json, page_to_json
from ocrkit.parts.page_protocols import Segmenter
from ocrkit.parts.values import Arrays, Image
from ocrkit.testing.base import PartConformance
from ocrkit.testing.images import word_like
from ocrkit.testing.small_networks import is_frozen

SIZES = [(64, 96), (160, 128), (32, 32)]
"""Heights and widths of the pages to test with."""


class SegmenterConformance(PartConformance):
    """Checks of a segmenter, on pages with and without writing, whatever a network says of them."""

    kind = "segmenter"
    stride: int = 4
    """Pixels of the image, along each side, in a pixel of the maps that it takes."""

    def outputs(self, image: Image, level: float | None) -> Arrays:
        """What it takes of a network, at random or everywhere the same."""
        rng = np.random.default_rng(image.size)
        sizes = dict(zip("HW", (-(-side // self.stride) for side in image.shape), strict=True))
        arrays: Arrays = {}
        for port in self.part().takes:
            shape = [axis if isinstance(axis, int) else sizes[axis] for axis in port.axes]
            array = rng.random(shape) if level is None else np.full(shape, level)
            arrays[port.name] = array.astype(port.dtype)
        return arrays

    def found(self, image: Image, level: float | None, named: str) -> Page:
        with self.works(f"on {named}"):
            page: Page = self.part()(image, self.outputs(image, level))
        return page

    def test_it_says_what_it_takes(self) -> None:
        """A frozen dataclass; names, types and axes of a sample's outputs, without the axis N."""
        part = self.part()
        self.check(isinstance(part, Segmenter), "lacks __call__ or takes")
        self.check(is_frozen(part), "can be changed; freeze it")
        self.check(all("N" not in port.axes for port in part.takes), "takes outputs with an axis N")

    def test_it_finds_lines_in_pixels_of_the_image(self) -> None:
        """A page of the image's size, whose lines have all that the interface names."""
        for size in SIZES:
            for level in (None, 0.0, 0.5, 1.0):
                image = word_like(*size)
                outputs = "random outputs" if level is None else f"outputs of {level:g} everywhere"
                page = self.found(image, level, f"{size[0]} × {size[1]} pixels and {outputs}")
                self.check(isinstance(page, Page), f"gives {type(page).__name__}; expected a Page")
                self.check(
                    (page.height, page.width) == size,
                    f"gives a page of {page.height} × {page.width} pixels for {size[0]} × "
                    f"{size[1]}",
                )
                try:
                    page_from_json(page_to_json(page) | {"id": "page"})
                except DataError as error:
                    self.check(False, f"gives what is no page: {error}")
                for line in page.lines:
                    self._check_line(line)

    def _check_line(self, line: Line) -> None:
        self.check(line.text is None and not line.words, "gives lines with texts; it reads none")
        self.check(len(line.baseline) >= 2, "gives lines without a baseline of 2 points or more")
        for name in ("above", "below", "confidence"):
            self.check(getattr(line, name) is not None, f"gives lines without {name!r}")

    def test_a_blank_page_has_no_lines(self) -> None:
        """White paper of which a network says nothing."""
        page = self.found(np.full((64, 96), 255, np.uint8), 0.0, "a blank page")
        self.check(page.lines == (), f"finds {len(page.lines)} lines on a blank page")

    def test_it_is_a_pure_function(self) -> None:
        """The same input gives the same page and stays as it is."""
        image = word_like(64, 96)
        outputs = self.outputs(image, None)
        before = {"the image": image.copy()} | {name: each.copy() for name, each in outputs.items()}
        with self.works("when it is called twice"):
            first, second = (self.part()(image, outputs) for _ in range(2))
        self.check(first == second, "gives another page when it is called again")
        for name, array in {"the image": image, **outputs}.items():
            self.check(np.array_equal(before[name], array), f"changes {name}; work on a copy")
