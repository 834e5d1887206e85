"""What a part of each kind has to have that has to do with pages."""

from typing import ClassVar, Protocol, runtime_checkable

from ocrkit.parts.page import Line, Page
from ocrkit.parts.plans import Port
from ocrkit.parts.protocols import SizedPreprocessor
from ocrkit.parts.values import Arrays, Image, PointMap


@runtime_checkable
class Segmenter(Protocol):
    """Finds the lines of writing on a page.

    A frozen dataclass, a pure function: uint8 (H, W), as the pipeline's preprocessors made it, and
    what the network gave for it, without padding → a page of this width and height. Its lines have
    an ``id``, ``baseline``, ``above``, ``below`` and ``confidence`` and may have a ``boundary`` and
    a ``kind``, all in pixels of this image; they have no text. A blank image gives a page without
    lines.
    """

    takes: ClassVar[tuple[Port, ...]]
    """What it takes of a network's outputs, as the objective's ``valid`` gives them for one sample,
    so without the axis N. One that needs no network takes none, and is given none."""

    def __call__(self, image: Image, outputs: Arrays, /) -> Page: ...


@runtime_checkable
class ChoosesScale(Protocol):
    """What a segmenter has besides that finds small or large writing better at another scale."""

    def scale(self, page: Page, /) -> float | None:
        """How many times as large the image of this page, which it found, should be to be looked at
        again; None where it was right as it was."""


@runtime_checkable
class Scalable(Protocol):
    """What a preprocessor has besides that can give the same picture larger or smaller."""

    def scaled(self, factor: float, /) -> SizedPreprocessor:
        """A preprocessor that makes an image so many times as large."""


@runtime_checkable
class Cutter(Protocol):
    """Cuts lines out of pages, straight and all of one height: uint8 (H, W) → uint8 (H', W').

    Raises ImageError for a line without a place, or off the page; any other line gives an image. A
    pure function; ``ocrkit.data.lines`` has the geometry.
    """

    def __call__(self, page: Image, line: Line, /) -> Image: ...

    def to_source(self, line: Line, /) -> PointMap:
        """Takes points of the line's image to points of the page."""


@runtime_checkable
class CutsLines(Protocol):
    """What a reader has besides whose samples may be lines that it cuts out of pages: they are cut
    as the pipeline says."""

    def cut_with(self, cutter: Cutter, /) -> bool:
        """Takes the pipeline's cutter, or the default one, before any sample is loaded, and says
        whether it cuts anything: its options may ask for something else than lines.

        What else the pixels of a line depend on, where it lies above all, is in the ``variant`` of
        its sample.
        """


@runtime_checkable
class Order(Protocol):
    """Puts the lines of a page in the order in which they are read.

    A pure function: page → the same page. Its lines stay as they are, except that those without a
    region may get one, and their order before does not count; regions are in reading order too, and
    there may be more of them.
    """

    def __call__(self, page: Page, /) -> Page: ...


@runtime_checkable
class PageMetric(Protocol):
    """A metric of pages in place of texts, which it says by ``takes_pages = True`` in its class:
    lines that were found, the order in which they were read. Otherwise as :class:`Metric`."""

    takes_pages: ClassVar[bool]
    higher_is_better: ClassVar[bool]

    def counts(self, reference: Page, prediction: Page, /) -> tuple[float, float]:
        """This page's share of the numerator and of the denominator. Both pages are in the pixels
        of the same picture."""
