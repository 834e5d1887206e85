"""Reads what is in a piece, and writes the files: what an actor does, with nothing of Ray in it."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from ocrkit.data.inputs import InputFile
from ocrkit.errors import OcrkitError
from ocrkit.page_jobs import PageJob, PageOutcome, PageWriter, described
from ocrkit.page_pipeline import PageRecipe
from ocrkit.support.files import remove_left_behind
from ocrkit.writing.folder import Existing, page_formats
from ocrkit.writing.plan import PlannedPage, planned
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
    that the others have. One that ``follows`` another that died removes its half-written files."""

    def __init__(self, work: Work, *, follows: bool = False) -> None:
        self._follows = follows
        enter(work.folder)
        self._pipeline = work.recipe.load()
        if described(self._pipeline) != work.about:
            raise OcrkitError(
                f"{os.uname().nodename}: its weights or parts are others than where the run was "
                "started; install the same ocrkit and the same plugins there"
            )
        # What is there may come from an actor that died before it could say so.
        existing: Existing = "overwrite" if work.job.existing == "overwrite" else "skip"
        opened = results(work.job.out, page_formats(work.job.formats), existing)
        self._results = ExitStack().enter_context(opened)

    def read(self, entries: list[Entry]) -> list[PageOutcome]:
        """Reads the pages of these entries, and says what became of each."""
        outcomes: list[PageOutcome] = []
        writer = PageWriter(self._results, lambda _, outcome: outcomes.append(outcome))
        if self._follows:
            for folder in {(self._results.root / each.stem).parent for each in entries}:
                remove_left_behind(folder)
        with self._planned(entries, outcomes) as plan:
            items = self._pipeline.read_many((each.page for each in plan), apart=True)
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
    """The same in a process of its own, so that a page at which it dies takes nothing along."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._child: tuple[BaseProcess, Connection] | None = None

    def read(self, entries: list[Entry]) -> list[PageOutcome]:
        """As :meth:`PageReader.read`, one entry after the other."""
        return [outcome for entry in entries for outcome in self._read(entry)]

    def _read(self, entry: Entry) -> list[PageOutcome]:
        process, pipe = self._child = self._child or self._started()
        try:
            pipe.send(entry)
            told = pipe.recv()
        except (EOFError, OSError):
            process.join()
            self._child = None
            number = "" if entry.number is None else f"#{entry.number}"
            reason = f"the process that read it ended (exit status {process.exitcode})"
            return [PageOutcome(f"{entry.path}{number}", reason)]
        if isinstance(told, OcrkitError):
            raise told
        return list(told)

    def _started(self) -> tuple[BaseProcess, Connection]:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._work), daemon=True)
        process.start()
        theirs.close()
        return process, ours


def _serve(pipe: Connection, work: Work) -> None:
    """Reads what is asked for until nobody asks any more."""
    reader = None
    with suppress(EOFError):
        while True:
            entry = pipe.recv()
            try:
                reader = reader or PageReader(work, follows=True)
                pipe.send(reader.read([entry]))
            except OcrkitError as error:
                pipe.send(error)
