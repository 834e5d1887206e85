"""``ocrkit run IMAGE … --out DIR`` with a page pipeline: a file a page, or a document."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocrkit.cli.commands import resumable
from ocrkit.cli.run_output import Folder, Mark, Notes, SkippedLines, progress
from ocrkit.cli.run_pages import doubtful_lines, expand_pages
from ocrkit.cli.streams import say
from ocrkit.data.inputs import input_files, is_found
from ocrkit.errors import OcrkitError
from ocrkit.writing.folder import PageFormat, ResultFolder, is_fatal, page_formats
from ocrkit.writing.names import stems
from ocrkit.writing.plan import PlannedPage, planned

if TYPE_CHECKING:
    from ocrkit.page_pipeline import PageItem, PagePipeline
    from ocrkit.parts.page import Page

_SAME = ("pipeline", "parts", "alphabet", "weights")
"""What of a pipeline has to be the same for its results to stand beside each other."""


def write_pages(
    pipeline: PagePipeline,
    named: tuple[str, ...],
    limit: int | None,
    asked: Folder,
    min_confidence: float | None,
) -> None:
    """Reads pages and writes a file of each. Exits with status 1 where one that was named, or all
    of them, failed."""
    header = pipeline.header()
    about = {name: header[name] for name in _SAME}
    files = input_files(named)
    share, shares = asked.shard
    mine = list(zip(files, stems(files), strict=True))[share - 1 :: shares]
    formats = page_formats(asked.formats)
    _check_place(asked.out, named, formats)
    folder = ResultFolder(asked.out, formats, asked.existing, about)
    of_files = expand_pages([file for file, _ in mine])
    pages = [(*pair, page) for pair, each in zip(mine, of_files, strict=True) for page in each]
    jobs = (planned(*each, folder) for each in pages[:limit])
    plan = [job for job in jobs if job]
    run = _Run(folder, Mark(min_confidence))
    with (
        resumable(lambda: "the same command with --existing skip goes on with it"),
        progress(len(plan)) as advance,
    ):
        items = pipeline.read_many((job.page for job in plan), apart=True)
        run.write(zip(plan, items, strict=True), advance)
    run.sum_up(len(pages[:limit]) - len(plan), "" if shares == 1 else f"-{share}-of-{shares}")
    if run.named_failed or (plan and not run.read):
        sys.exit(1)


def _check_place(out: Path, named: tuple[str, ...], formats: list[PageFormat]) -> None:
    """Whether results would lie among what is read, and be read themselves by the next run. Raises
    OcrkitError."""
    for folder in filter(os.path.isdir, named):
        for each in formats:
            if is_found(each.ending) and out.resolve().is_relative_to(Path(folder).resolve()):
                raise OcrkitError(
                    f"{out}: lies in {folder}, where the next run would read the "
                    f"{each.ending} files; name a folder elsewhere"
                )


@dataclass
class _Run:
    """Writes what is read, and notes what fails."""

    folder: ResultFolder
    mark: Mark
    failures: dict[str, str] = field(default_factory=dict)
    named_failed: bool = False
    read: int = 0
    """Pages that were read and, where they have files of their own, written."""
    _skipped: SkippedLines = field(default_factory=SkippedLines)
    _notes: Notes = field(default_factory=Notes)

    def write(self, items: Iterable[tuple[PlannedPage, PageItem]], advance: Any) -> None:
        """Writes pages as they come, and what takes several pages as those of a file come."""
        for _, group in groupby(items, key=lambda pair: pair[0].stem):
            pages = self._pages(group, advance)
            first = next(pages, None)
            if first is None:
                continue
            pages = chain([first], pages)
            job, _ = first
            for format_ in job.formats:
                if format_.part.takes_several:  # one of them at most
                    self._write(job, format_, pages, job.file.path)
            for _ in pages:  # all of them where none of them takes several
                pass

    def _pages(
        self, group: Iterator[tuple[PlannedPage, PageItem]], advance: Any
    ) -> Iterator[tuple[PlannedPage, Page]]:
        """The pages of a file that could be read, each with its own files written."""
        for job, item in group:
            self._notes.add(item.id, item.note)
            if item.page is None:
                self._fail(job, item.id, item.error or "")
            else:
                doubtful_lines(item.page, item.doubtful, self.mark)
                before = len(self.failures)
                for format_ in job.formats:
                    if not format_.part.takes_several:
                        self._write(job, format_, [(job, item.page)], item.id)
                self.read += len(self.failures) == before
                yield job, item.page
            advance()

    def _write(
        self,
        job: PlannedPage,
        format_: PageFormat,
        pages: Iterable[tuple[PlannedPage, Page]],
        id_: str,
    ) -> None:
        """Writes a file of these pages. What is wrong with it alone is noted."""
        shown = (
            (page, each.page.picture() if format_.part.takes_pictures else None)
            for each, page in pages
        )
        try:
            self.folder.write(job.name(format_), format_, shown)
        except OcrkitError as error:
            if is_fatal(error):
                raise
            self._fail(job, id_, str(error))

    def _fail(self, job: PlannedPage, id_: str, reason: str) -> None:
        reason = reason.removeprefix(f"{id_}: ")
        self.failures[id_] = reason
        self.named_failed |= job.file.named
        self._skipped.add(id_, reason)

    def sum_up(self, kept: int, shard: str) -> None:
        """Says what has been done, and writes down what failed."""
        name = self.folder.say_failures(self.failures, shard)
        where = self.folder.root / name
        self._skipped.sum_up(f"{where} names all")
        self._notes.say()
        self.mark.say()
        parts = [f"{self.read:,} pages read into {self.folder.root}"]
        parts += [f"{kept:,} were there already"] * bool(kept)
        parts += [f"{len(self.failures):,} failed: {where} says why"] * bool(self.failures)
        say("; ".join(parts))
