"""Reads pages: finds their lines, cuts them out, reads those of many pages together, and puts them
in order."""

import time
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from ocrkit.data.fitting import fitted
from ocrkit.data.lines import as_points, box, with_heights
from ocrkit.errors import ImageError, OcrkitError
from ocrkit.images.grey import as_grey
from ocrkit.parts.guests import guest
from ocrkit.parts.page import Line, Page
from ocrkit.parts.values import Image, PointMap, Sample, Skipped
from ocrkit.pipelines.opened import Opened
from ocrkit.pipelines.page_build import PageAssembly
from ocrkit.pipelines.trained import Trained
from ocrkit.reading.engine import WINDOW_BYTES, Recogniser
from ocrkit.reading.finding import Finder
from ocrkit.reading.page_readings import (
    UNSURE,
    PageReading,
    PageSeconds,
    dpi_of,
    drawn_of,
    image_of,
    maker_of,
    mean_sure,
    note_of,
    sure_of,
    with_text,
)
from ocrkit.reading.preparing import Prepared, applied, loaded, prepare, telling
from ocrkit.reading.turning import Turn, turned_back, upright
from ocrkit.reading.values import Reading
from ocrkit.support.machine import processors
from ocrkit.support.parallel import ordered_map

PAGES = 8
"""Pages whose lines are read together; a power of two."""
AT_ONCE = 4
"""Pages that are looked at at a time, each with its pixels."""
OVERTURNED = 0.85
"""Less confidence, on the average over all its characters, than a page has that stands upright: of
those words they have 0.97, upside down 0.73."""
SURER = 0.05
"""How much surer a page is that is read the other way up."""
TURNED = 8
"""Lines of a page, spread over it, that are read upside down first; the whole page is unless the
model is less sure of them so by :data:`SURER`."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A page whose lines have been found, cut out and preprocessed; or why it cannot be read."""

    sample: Sample
    page: Page | ImageError
    lines: tuple[Prepared, ...] = ()
    """In the order of the page's."""
    seconds: dict[str, float] = field(default_factory=dict)


_OPPOSITE: dict[Turn, Turn] = {0: 180, 90: 270, 180: 0, 270: 90}


class PageReader:
    """A page pipeline with its networks; ``segment`` is None where lines are found without one."""

    def __init__(
        self,
        assembly: PageAssembly,
        segment: Opened | None,
        text: Opened,
        threads: int,
        batch_size: int,
    ) -> None:
        self.assembly = assembly
        self.segment, self.text = segment, text
        self._finder = Finder(assembly.segment.around, segment.network if segment else None)
        self._recogniser = Recogniser(text.around, text.network, threads, batch_size)
        self._threads = min(threads or processors(), AT_ONCE)
        self._made_by = (
            maker_of("segment", assembly.spec.segment, segment),
            maker_of("text", assembly.spec.text, text),
        )

    @property
    def weights(self) -> tuple[Trained, ...]:
        """Of what finds the lines, if it has a network, and of what reads them."""
        return tuple(each.weights for each in (self.segment, self.text) if each)

    def listing(self, count: int) -> "PageReader":
        """The same, on the same networks; see :meth:`Recogniser.listing`."""
        found = copy(self)
        found._recogniser = self._recogniser.listing(count)
        return found

    def may_go_on_after(self, count: int) -> bool:
        """Whether a run that stopped after so many pages can go on and read what it would have read
        without stopping; see :meth:`Recogniser.may_go_on_after`. The lines of 1, 1, 2, 4, and from
        then on 8 pages are read together."""
        return count % PAGES == 0 or count in (1, 2, 4)

    def read(self, sample: Sample) -> PageReading:
        """Reads one page. Raises ImageError where it cannot be read."""
        (reading,) = self.readings([sample], PageSeconds())
        if isinstance(reading, Skipped):
            raise ImageError(reading.reason)
        return reading

    def readings(
        self,
        samples: Iterable[Sample],
        seconds: PageSeconds,
        done: int = 0,
        *,
        apart: bool = False,
    ) -> Iterator[PageReading | Skipped]:
        """Every page as it was read, or why it could not be, in order, behind the first ones, which
        have been ``done``.

        Lines of the next pages are found and cut in threads while those of the last are read. Those
        of several pages are read together, unless pages are to be read ``apart``: then what is read
        of one does not depend on the others, not even in the last digits.
        """
        found = ordered_map(
            self._found, samples, self._threads, ahead=self._threads, at_first=self._threads
        )
        waiting: list[list[_Found]] = []

        def windows() -> Iterator[list[tuple[Sample, Prepared]]]:
            for pages in ([each] for each in found) if apart else self._windows(found, done):
                waiting.append(pages)
                yield [(each.sample, line) for each in pages for line in each.lines]

        for lines in self._recogniser.window_readings(windows(), seconds):
            readings = iter(lines)
            for each in waiting.pop(0):
                for stage, spent in each.seconds.items():
                    setattr(seconds, stage, getattr(seconds, stage) + spent)
                yield self._righted(each, [next(readings) for _ in each.lines])

    def _windows(self, found: Iterator[_Found], done: int) -> Iterator[list[_Found]]:
        """Pages whose lines are read together: as many as :meth:`may_go_on_after` says, or as hold
        :data:`WINDOW_BYTES` of lines."""
        window: list[_Found] = []
        held = 0
        for count, each in enumerate(found, start=done + 1):
            window.append(each)
            held += sum(
                0 if isinstance(line.image, ImageError) else line.image.nbytes
                for line in each.lines
            )
            if held >= WINDOW_BYTES or self.may_go_on_after(count):
                yield window
                window, held = [], 0
        if window:
            yield window

    def _righted(self, found: _Found, readings: list[Reading | Skipped]) -> PageReading | Skipped:
        """The page as it was read; of one that the model is not sure of what is read when it is
        turned upside down, where it is surer then. Lines that are drawn say which way up they
        are."""
        read = self._read(found, readings)
        if isinstance(read, Skipped) or read.sure >= OVERTURNED or drawn_of(found.sample):
            return read
        some = slice(None, None, -(-len(readings) // TURNED))
        turned = [_upside_down(line) for line in found.lines[some]]
        # They were cut for the other way up, so that they read a little worse than the page will.
        if mean_sure(self._lines_read(found.sample, turned)) < mean_sure(readings[some]) - SURER:
            return read
        other = self._found(found.sample, _OPPOSITE[read.page.turned])
        again = self._read(other, self._lines_read(other.sample, other.lines))
        return again if isinstance(again, PageReading) and again.sure > read.sure + SURER else read

    def _lines_read(self, sample: Sample, lines: Sequence[Prepared]) -> list[Reading | Skipped]:
        """What is read of some lines by themselves."""
        window = [(sample, line) for line in lines]
        (readings,) = self._recogniser.window_readings(iter([window]), PageSeconds())
        return readings

    def _found(self, sample: Sample, turn: Turn | None = None) -> _Found:
        """Finds the lines of a page whose writing is turned so; unless that is given, it stands or
        lies as far as can be seen. Whatever goes wrong is the page's error: there may be others
        beside it."""
        start = time.perf_counter()
        try:
            image = as_grey(loaded(sample.load))
            read = time.perf_counter()
            if drawn := drawn_of(sample):
                page = with_heights(fitted(drawn, image.shape[1], image.shape[0]))
            else:
                page = self._look_for_lines(image, turn)
            page = replace(page, id=sample.id, dpi=dpi_of(sample, page))
            find = time.perf_counter() - read
        except OcrkitError as error:
            return _Found(sample, ImageError(str(error)))
        lines = [self._cut(image, line) for line in page.lines]
        seconds = {"read": read - start, "find": find, "cut": sum(each.read for each in lines)}
        cut = tuple(replace(each, read=0.0) for each in lines)
        return _Found(sample, page, cut, seconds)

    def _look_for_lines(self, image: Image, turn: Turn | None) -> Page:
        page = turned_back(self._finder(upright(image, turn or 0)), turn or 0)
        if turn is None and self._finder.lies(image, page):
            page = turned_back(self._finder(upright(image, 90)), 90)
        with guest("order", self.assembly.spec.order.use):
            ordered = self.assembly.order(page)
            if sorted(line.id for line in ordered.lines) != sorted(line.id for line in page.lines):
                raise TypeError("it gave other lines than it was given")
        return ordered

    def _cut(self, image: Image, line: Line) -> Prepared:
        """A line's image as its network takes it. One that cannot be cut as it should is cut
        plainly, by the box around it."""
        around, cutter = self.text.around, self.assembly.cutter
        for each in (line, _boxed(line, image)):
            load = partial(applied, cutter, around.spec.cutter, image, each)
            prepared = prepare(load, around, places=True)
            if not isinstance(prepared.image, ImageError):
                return replace(prepared, to_source=self._to_page(prepared, each, image))
        return prepared

    def _to_page(self, prepared: Prepared, line: Line, image: Image) -> PointMap | None:
        """Takes points of what the line's network sees to points of the page."""
        on_line, named = prepared.to_source, self.text.around.spec.cutter
        if on_line is None:
            return None
        on_page = cache(partial(self.assembly.cutter.to_source, line))

        def to_page(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            with telling(named):
                found = np.asarray(on_page()(on_line(points)))
            return np.clip(found, 0, image.shape[::-1])

        return to_page

    def _read(self, found: _Found, readings: list[Reading | Skipped]) -> PageReading | Skipped:
        """The page with what was read of its lines. Of a line that could not be read it says where
        it is."""
        sample, page = found.sample, found.page
        if isinstance(page, ImageError):
            return Skipped(sample.id, str(page))
        doubtful = tuple(
            line.id
            for line, each in zip(page.lines, readings, strict=True)
            if not line.corrected and (isinstance(each, Skipped) or sure_of(each.decoded) < UNSURE)
        )
        read = replace(
            page,
            image=image_of(sample),
            lines=tuple(map(with_text, page.lines, readings)),
            made_by=(*page.made_by, self._made_by[1]) if drawn_of(sample) else self._made_by,
        )
        return PageReading(sample, read, doubtful, mean_sure(readings), note_of(read, doubtful))


def _upside_down(line: Prepared) -> Prepared:
    if isinstance(line.image, ImageError):
        return line
    return replace(line, image=line.image[::-1, ::-1], to_source=None)


def _boxed(line: Line, image: Image) -> Line:
    """The upright box around a line, as far as it is on the page."""
    found = box(line)
    if found is None:
        return line
    corners = np.array([(0, 0), (found.length, 0), (found.length, found.height), (0, found.height)])
    return Line(line.id, boundary=as_points(np.clip(found.to_page(corners), 0, image.shape[::-1])))
