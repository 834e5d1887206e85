"""What a part of each kind has to have that has to do with pages."""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, ClassVar, Protocol, runtime_checkable

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


Picture = Path | bytes | Image
"""A page's picture: an image file of one page, its bytes, or pixels, uint8 (H, W) or RGB
(H, W, 3)."""


@runtime_checkable
class Format(Protocol):
    """Writes pages into files for other programs. A frozen dataclass."""

    ending: ClassVar[str]
    """Of the names of its files: ``.xml``."""
    takes_several: ClassVar[bool]
    """Whether a file may hold several pages. Otherwise it is given one."""
    takes_pictures: ClassVar[bool]
    """Whether it needs the pages' pictures. Otherwise it is given none."""

    def write(self, pages: Iterable[tuple[Page, Picture | None]], file: BinaryIO, /) -> None:
        """Writes a file of these pages, each with its picture, from where ``file`` is; it stays
        open, and may be one that cannot be sought in.

        Pages are asked for one by one, so that there may be any number of them. Any page can be
        written: what the format has no place for is left out, characters that it cannot hold are
        replaced. The same pages give the same bytes; a date, where the format needs one, is that of
        the environment's ``SOURCE_DATE_EPOCH``, else today's. Raises ImageError for a picture that
        cannot be read.
        """


@runtime_checkable
class Parses(Protocol):
    """What a format has besides whose files can be read back."""

    def claims(self, data: bytes, /) -> bool:
        """Whether these bytes, whatever they are, are meant to be such a file, by how they begin;
        they may be damaged further on. Raises nothing."""

    def parse(self, data: bytes, /) -> Page:
        """The page of a file, in the pixels of its picture; with all that both the format and a
        page have a place for. Raises DataError, in one line, for anything else."""


@runtime_checkable
class PageMetric(Protocol):
    """A metric of pages in place of texts, which it says by ``takes_pages = True`` in its class:
    lines that were found, the order in which they were read. Otherwise as :class:`Metric`."""

    takes_pages: ClassVar[bool]
    higher_is_better: ClassVar[bool]

    def counts(self, reference: Page, prediction: Page, /) -> tuple[float, float]:
        """This page's share of the numerator and of the denominator. Both pages are in the pixels
        of the same picture."""
