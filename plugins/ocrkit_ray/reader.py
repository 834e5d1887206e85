"""Reads what is in a piece, and writes the files: what an actor does, with nothing of Ray in it."""

import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from ocrkit.data.inputs import InputFile
from ocrkit.errors import OcrkitError
from ocrkit.page_jobs import PageJob, PageOutcome, PageWriter, described
from ocrkit.page_pipeline import PageRecipe
from ocrkit.support.files import remove_left_behind
from ocrkit.writing.folder import Existing, page_formats
from ocrkit.writing.plan import PlannedPage, planned
from ocrkit_ray.apart import NONE, Apart, Begun, Deadly, ProcessEndedError, Reads, read_pages
from ocrkit_ray.listing import Entry
from ocrkit_ray.storage import pages_of, results


@dataclass(frozen=True, slots=True)
class Work:
    """All that a reader is made of."""

    recipe: PageRecipe
    job: PageJob
    about: dict[str, Any]
    """What a pipeline has to be for its results to stand beside the others."""
    folder: str
    """The working directory of who asked, which relative paths begin at."""


def enter(folder: str) -> None:
    """Makes this the working directory, where it is there; where not, relative paths lead nowhere,
    and the pages say so."""
    with suppress(OSError):
        os.chdir(folder)


class PageReader:
    """A pipeline and a place for its results. Raises OcrkitError where the pipeline is not the one
    that the others have. One that tells when a page is ``begun`` follows another that died, and
    removes its half-written files."""

    def __init__(self, work: Work, begun: Begun | None = None) -> None:
        self._begun = begun
        enter(work.folder)
        self._pipeline = work.recipe.load()
        if described(self._pipeline) != work.about:
            raise OcrkitError(
                f"{platform.node()}: its weights or parts are others than where the run was "
                "started; install the same ocrkit and the same plugins there"
            )
        # What is there may come from an actor that died before it could say so.
        existing: Existing = "overwrite" if work.job.existing == "overwrite" else "skip"
        opened = results(work.job.out, page_formats(work.job.formats), existing)
        self._held = ExitStack()  # until the process ends
        self._results = self._held.enter_context(opened)

    def read(self, entries: list[Entry], deadly: Deadly = NONE) -> list[PageOutcome]:
        """Reads the pages of these entries, and says what became of each."""
        outcomes: list[PageOutcome] = []
        writer = PageWriter(self._results, lambda _, outcome: outcomes.append(outcome))
        if self._begun:
            for folder in {(self._results.root / each.stem).parent for each in entries}:
                remove_left_behind(folder)
        with self._planned(entries, outcomes) as plan:
            pages = (each.page for each in plan)
            items = read_pages(self._pipeline, pages, deadly, self._begun)
            writer.write(zip(plan, items, strict=True))
        return outcomes

    @contextmanager
    def _planned(
        self, entries: list[Entry], outcomes: list[PageOutcome]
    ) -> Iterator[list[PlannedPage]]:
        """The pages that are to be read; the others' outcome is that they were there."""
        plan = []
        with ExitStack() as fetched:
            for (path, name, stem), group in groupby(
                entries, key=lambda each: (each.path, each.name, each.stem)
            ):
                numbers = {each.number for each in group}
                for page in fetched.enter_context(pages_of(path)):
                    if page.number not in numbers and None not in numbers:
                        continue
                    found = planned(InputFile(path, name, False), stem, page, self._results)
                    if found:
                        plan.append(found)
                    else:
                        outcomes.append(PageOutcome(page.id, was_there=True))
            yield plan


class ReaderApart:
    """The same in a process of its own, so that a page at which it ends takes nothing along."""

    def __init__(self, work: Work) -> None:
        self._apart = Apart(partial(_reads, work))

    def read(self, entries: list[Entry]) -> list[PageOutcome]:
        """As :meth:`PageReader.read`, one entry after the other."""
        return [outcome for entry in entries for outcome in self._read(entry)]

    def _read(self, entry: Entry) -> list[PageOutcome]:
        try:
            return list(self._apart.read([entry]))
        except ProcessEndedError as error:
            return [PageOutcome(entry.id, str(error))]


def _reads(work: Work, begun: Begun) -> Reads:
    return PageReader(work, begun).read
