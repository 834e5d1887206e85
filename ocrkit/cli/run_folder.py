"""``ocrkit run IMAGE … --out DIR`` with a page pipeline: a file a page, or a document."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocrkit.cli.commands import resumable
from ocrkit.cli.run_output import Folder, Mark, Notes, SkippedLines, progress
from ocrkit.cli.run_pages import doubtful_lines, expand_pages
from ocrkit.cli.streams import say
from ocrkit.data.inputs import input_files
from ocrkit.page_jobs import PageOutcome, PageWriter, described
from ocrkit.writing.folder import ResultFolder, check_place, page_formats
from ocrkit.writing.names import stems
from ocrkit.writing.plan import PlannedPage, planned

if TYPE_CHECKING:
    from ocrkit.page_pipeline import PageItem, PagePipeline


def write_pages(
    pipeline: PagePipeline,
    named: tuple[str, ...],
    limit: int | None,
    asked: Folder,
    min_confidence: float | None,
) -> None:
    """Reads pages and writes a file of each. Exits with status 1 where one that was named, or all
    of them, failed."""
    files = input_files(named)
    share, shares = asked.shard
    mine = list(zip(files, stems(files), strict=True))[share - 1 :: shares]
    formats = page_formats(asked.formats)
    for each in filter(os.path.isdir, named):
        if Path(asked.out).resolve().is_relative_to(Path(each).resolve()):
            check_place(asked.out, each, formats)
    folder = ResultFolder(Path(asked.out), formats, asked.existing)
    folder.begin(described(pipeline))
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
        writer = PageWriter(folder, run.tell)
        writer.write(zip(plan, run.marked(items, advance), strict=True))
    run.sum_up(len(pages[:limit]) - len(plan), "" if shares == 1 else f"-{share}-of-{shares}")
    if run.named_failed or (plan and not run.read):
        sys.exit(1)


@dataclass
class _Run:
    """What is to be said of the pages at the end of a run."""

    folder: ResultFolder
    mark: Mark
    failures: dict[str, str] = field(default_factory=dict)
    named_failed: bool = False
    read: int = 0
    """Pages that were read and, where they have files of their own, written."""
    _skipped: SkippedLines = field(default_factory=SkippedLines)
    _notes: Notes = field(default_factory=Notes)

    def tell(self, job: PlannedPage, outcome: PageOutcome) -> None:
        self._notes.add(outcome.id, outcome.note)
        if outcome.error is None:
            self.read += 1
            return
        self.failures[outcome.id] = outcome.error
        self.named_failed |= job.file.named
        self._skipped.add(outcome.id, outcome.error)

    def marked(self, items: Iterable[PageItem], advance: Any) -> Iterator[PageItem]:
        """The pages as they are read, each with its doubtful lines counted."""
        for item in items:
            if item.page:
                doubtful_lines(item.page, item.doubtful, self.mark)
            yield item
            advance()

    def sum_up(self, kept: int, shard: str) -> None:
        """Says what has been done, and writes down what failed."""
        name = self.folder.say_failures(self.failures, shard)
        where = self.folder.root / name
        self._skipped.sum_up(f"{where} names all")
        self._notes.say()
        self.mark.say()
        parts = [f"{self.read:,} page{'s' * (self.read != 1)} read into {self.folder.root}"]
        parts += [f"{kept:,} were there already"] * bool(kept)
        parts += [f"{len(self.failures):,} failed: {where} says why"] * bool(self.failures)
        say("; ".join(parts))
