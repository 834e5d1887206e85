"""Pages that are read into files: what is asked for, who writes the files, what became of every
page; and engines, which have that done elsewhere."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any, Protocol, runtime_checkable

from ocrkit.errors import OcrkitError
from ocrkit.page_pipeline import PageItem, PagePipeline
from ocrkit.parts.page import Page
from ocrkit.writing.folder import Existing, PageFormat, ResultFolder, is_fatal
from ocrkit.writing.plan import PlannedPage

_SAME = ("pipeline", "parts", "alphabet", "weights")


def described(pipeline: PagePipeline) -> dict[str, Any]:
    """What of a pipeline has to be the same for its results to stand beside each other; for
    JSON."""
    header = pipeline.header()
    return {name: header[name] for name in _SAME}


@dataclass(frozen=True, slots=True)
class PageJob:
    """Pages that are to be read, and the files that are to be written of them."""

    source: str
    """The folder that they are in, or what else the engine takes."""
    out: str
    """The folder for the files, or what else the engine takes."""
    formats: tuple[str, ...]
    existing: Existing = "stop"
    """What to do where a file is there already."""


@dataclass(frozen=True, slots=True)
class PageOutcome:
    """What became of a page, or of a document whose file could not be written."""

    id: str
    error: str | None = None
    """Why it was not read or not written."""
    note: str = ""
    """What is odd about it, in one line; most have none."""
    was_there: bool = False
    """Whether all its files were there already, so that it was not read."""


@runtime_checkable
class Engine(Protocol):
    """Reads pages elsewhere than in this process: on other processors, on other machines.

    A frozen dataclass, whose option ``address`` says where, unless the engine knows by itself.
    """

    def read(
        self, pipeline: PagePipeline, job: PageJob, total: Callable[[int], None], /
    ) -> Iterator[PageOutcome]:
        """Reads the pages of a job and writes their files: the same ones, byte for byte, that
        ``ocrkit run --out`` writes, ``run.json`` and ``failures.jsonl`` too, each whole or not at
        all. Says of every page what became of it as it is done, in any order; a bad page is one
        with an error, and the next ones are read. ``total`` is told about how many pages there are,
        as soon as that is known.

        The pipeline's ``recipe`` is what it is loaded by where pages are read: with so many
        threads, on that device. Raises OcrkitError where nothing can be read or written at all:
        a source or a folder that is not there, files of another run, files that are there already
        where they are to stop the run.
        """


class PageWriter:
    """Writes pages as they are read, and tells of each what became of it."""

    def __init__(
        self, folder: ResultFolder, tell: Callable[[PlannedPage, PageOutcome], None]
    ) -> None:
        self._folder, self._tell = folder, tell

    def write(self, items: Iterable[tuple[PlannedPage, PageItem]]) -> None:
        """Writes pages as they come, and what takes several pages as those of a file come. Raises
        OcrkitError where no other file can be written either."""
        for _, group in groupby(items, key=lambda pair: pair[0].stem):
            pages = self._pages(group)
            first = next(pages, None)
            if first is None:
                continue
            pages = chain([first], pages)
            job, _ = first
            for format_ in job.formats:
                if format_.part.takes_several:  # one of them at most
                    error = self._write(job, format_, pages)
                    if error is not None:
                        self._tell(job, _failed(job.file.path, error))
            for _ in pages:  # all of them where none of them takes several
                pass

    def _pages(
        self, group: Iterator[tuple[PlannedPage, PageItem]]
    ) -> Iterator[tuple[PlannedPage, Page]]:
        """The pages of a file that could be read, each with its own files written."""
        for job, item in group:
            if item.page is None:
                self._tell(job, _failed(item.id, item.error or "", item.note))
                continue
            errors = [
                self._write(job, format_, [(job, item.page)])
                for format_ in job.formats
                if not format_.part.takes_several
            ]
            wrong = next((each for each in errors if each is not None), None)
            self._tell(job, _failed(item.id, wrong, item.note))
            yield job, item.page

    def _write(
        self, job: PlannedPage, format_: PageFormat, pages: Iterable[tuple[PlannedPage, Page]]
    ) -> str | None:
        """Writes a file of these pages. Gives what is wrong with it alone."""
        shown = (
            (page, each.page.picture() if format_.part.takes_pictures else None)
            for each, page in pages
        )
        try:
            self._folder.write(job.name(format_), format_, shown)
        except OcrkitError as error:
            if is_fatal(error):
                raise
            return str(error)
        return None


def _failed(id_: str, error: str | None, note: str = "") -> PageOutcome:
    """The outcome of a page, which failed unless the error is None."""
    return PageOutcome(id_, None if error is None else error.removeprefix(f"{id_}: "), note)
