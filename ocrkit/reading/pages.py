"""Reads pages: finds their lines, cuts them out, reads those of many pages together, and puts them
in order."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import fmean

import numpy as np
import numpy.typing as npt

from ocrkit.data.lines import as_points, box
from ocrkit.errors import ImageError, OcrkitError
from ocrkit.images.grey import as_grey
from ocrkit.parts.guests import guest
from ocrkit.parts.page import Line, Maker, Page, PageImage
from ocrkit.parts.values import Decoded, Image, PointMap, Sample, Skipped
from ocrkit.pipelines.opened import Opened
from ocrkit.pipelines.page_build import PageAssembly
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.pipelines.trained import Trained
from ocrkit.reading.engine import WINDOW_BYTES, Recogniser
from ocrkit.reading.finding import Finder
from ocrkit.reading.preparing import Prepared, applied, loaded, prepare, telling
from ocrkit.reading.turning import Turn, turned_back, upright
from ocrkit.reading.values import Reading, Seconds
from ocrkit.support.machine import processors
from ocrkit.support.parallel import ordered_map

PAGES = 8
"""Pages whose lines are read together; a power of two."""
AT_ONCE = 4
"""Pages that are looked at at a time, each with its pixels."""
UNSURE = 0.8
"""Less confidence, on the average over its characters, than a line has that a model can read. Of
words of IAM (aachen/validation, iam-words-resnet) 1.5 % have less; of the same upside down 65 %."""
OVERTURNED = 0.85
"""Less confidence, on the average over all its characters, than a page has that stands upright: of
those words they have 0.97, upside down 0.73."""
SURER = 0.05
"""How much surer a page is that is read the other way up."""


@dataclass
class PageSeconds(Seconds):
    """Seconds by stage, as of :class:`Seconds`; ``preprocess``, ``network`` and ``decode`` are
    those of the lines."""

    find: float = 0.0
    """Finding lines, the network for it included, and putting them in order."""
    cut: float = 0.0
    """Cutting them out."""


@dataclass(frozen=True, slots=True)
class PageReading:
    """A page as it was read."""

    sample: Sample
    page: Page
    doubtful: tuple[str, ...] = ()
    """The ids of the lines of which the model is not sure, or that it could not read."""
    sure: float = 1.0
    """How sure the model is of the characters, on the average; 1 where there are none."""
    note: str = ""
    """What is odd about it, in one line."""


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
            _maker("segment", assembly.spec.segment, segment),
            _maker("text", assembly.spec.text, text),
        )

    @property
    def weights(self) -> tuple[Trained, ...]:
        """Of what finds the lines, if it has a network, and of what reads them."""
        return tuple(each.weights for each in (self.segment, self.text) if each)

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
        self, samples: Iterable[Sample], seconds: PageSeconds, done: int = 0
    ) -> Iterator[PageReading | Skipped]:
        """Every page as it was read, or why it could not be, in order, behind the first ones, which
        have been ``done``.

        Lines of the next pages are found and cut in threads while those of the last are read.
        """
        found = ordered_map(
            self._found, samples, self._threads, ahead=self._threads, at_first=self._threads
        )
        waiting: list[list[_Found]] = []

        def windows() -> Iterator[list[tuple[Sample, Prepared]]]:
            for pages in self._windows(found, done):
                waiting.append(pages)
                yield [(each.sample, line) for each in pages for line in each.lines]

        for lines in self._recogniser.window_readings(windows(), seconds):
            readings = iter(lines)
            for each in waiting.pop(0):
                for stage, spent in each.seconds.items():
                    setattr(seconds, stage, getattr(seconds, stage) + spent)
                read = self._read(each, [next(readings) for _ in each.lines])
                yield self._righted(each, read)

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

    def _righted(self, found: _Found, read: PageReading | Skipped) -> PageReading | Skipped:
        """Of a page that the model is not sure of what is read when it is turned upside down, where
        it is surer then."""
        if isinstance(read, Skipped) or read.sure >= OVERTURNED:
            return read
        other = self._found(found.sample, _OPPOSITE[read.page.turned])
        window = [(found.sample, line) for line in other.lines]
        (lines,) = self._recogniser.window_readings(iter([window]), PageSeconds())
        again = self._read(other, lines)
        return again if isinstance(again, PageReading) and again.sure > read.sure + SURER else read

    def _found(self, sample: Sample, turn: Turn | None = None) -> _Found:
        """Finds the lines of a page whose writing is turned so; unless that is given, it stands or
        lies as far as can be seen. Whatever goes wrong is the page's error: there may be others
        beside it."""
        start = time.perf_counter()
        try:
            image = as_grey(loaded(sample.load))
            read = time.perf_counter()
            if turn is None:
                turn = 90 if self._finder.lies(image) else 0
            page = turned_back(self._finder(upright(image, turn)), turn)
            page = self._ordered(page)
            find = time.perf_counter() - read
        except OcrkitError as error:
            return _Found(sample, ImageError(str(error)))
        lines = [self._cut(image, line) for line in page.lines]
        seconds = {"read": read - start, "find": find, "cut": sum(each.read for each in lines)}
        cut = tuple(replace(each, read=0.0) for each in lines)
        return _Found(sample, replace(page, id=sample.id), cut, seconds)

    def _ordered(self, page: Page) -> Page:
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

        def to_page(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            with telling(named):
                found = np.asarray(self.assembly.cutter.to_source(line)(on_line(points)))
            return np.clip(found, 0, image.shape[::-1])

        return to_page

    def _read(self, found: _Found, readings: list[Reading | Skipped]) -> PageReading | Skipped:
        """The page with what was read of its lines. Of a line that could not be read it says where
        it is."""
        sample, page = found.sample, found.page
        if isinstance(page, ImageError):
            return Skipped(sample.id, str(page))
        sure = [0.0 if isinstance(each, Skipped) else _mean(each.decoded) for each in readings]
        lengths = [0 if isinstance(each, Skipped) else len(each.decoded.text) for each in readings]
        doubtful = tuple(
            line.id for line, each in zip(page.lines, sure, strict=True) if each < UNSURE
        )
        image = PageImage(str(sample.path)) if sample.path is not None else None
        read = replace(
            page,
            image=sample.page.image if sample.page else image,
            lines=tuple(map(_with_text, page.lines, readings)),
            made_by=self._made_by,
        )
        mean = float(np.average(sure, weights=lengths)) if any(lengths) else 1.0
        return PageReading(sample, read, doubtful, mean, _note(read, doubtful))


def _maker(role: str, spec: PipelineSpec, opened: Opened | None) -> Maker:
    """A pipeline that has a part in a page, with the sha256 of its weights."""
    return Maker(role, spec.title, opened.weights.sha256 if opened else "")


def _with_text(line: Line, reading: Reading | Skipped) -> Line:
    """A line with what was read of it."""
    if isinstance(reading, Skipped):
        return replace(line, confidence=None)
    read = reading.decoded
    return replace(
        line,
        text=read.text,
        confidence=read.confidence,
        words=read.words,
        alternatives=read.alternatives,
    )


def _mean(decoded: Decoded) -> float:
    """How sure the decoder is of the characters of a text, on the average."""
    return fmean(decoded.characters) if decoded.characters else decoded.confidence


def _note(page: Page, doubtful: tuple[str, ...]) -> str:
    if not page.lines:
        return "no lines of writing were found on it"
    if 2 * len(doubtful) > len(page.lines):
        return (
            f"{len(doubtful):,} of {len(page.lines):,} lines are doubtful: it may be print, or a "
            "hand that this model cannot read"
        )
    return ""


def _boxed(line: Line, image: Image) -> Line:
    """The upright box around a line, as far as it is on the page."""
    found = box(line)
    if found is None:
        return line
    corners = np.array([(0, 0), (found.length, 0), (found.length, found.height), (0, found.height)])
    return Line(line.id, boundary=as_points(np.clip(found.to_page(corners), 0, image.shape[::-1])))
