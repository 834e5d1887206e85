"""``ocrkit run FOLDER --out DIR --engine NAME``: pages read elsewhere, by an engine."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from ocrkit.cli.commands import resumable
from ocrkit.cli.run_output import Folder, Notes, SkippedLines
from ocrkit.cli.streams import is_quiet, results_above, say

if TYPE_CHECKING:
    from ocrkit.page_pipeline import PagePipeline


def read_elsewhere(
    engine: str, address: str | None, pipeline: PagePipeline, source: str, asked: Folder
) -> None:
    """Has an engine read a folder. Exits with status 1 where no page could be read."""
    from ocrkit.page_jobs import Engine, PageJob
    from ocrkit.parts.options import PartSpec, make_part

    options = {"address": address} if address else {}
    made = cast(Engine, make_part(PartSpec("engine", engine, options)))
    job = PageJob(source, asked.out, asked.formats, asked.existing)
    skipped, notes = SkippedLines(), Notes()
    read = there = failed = 0
    with (
        resumable(lambda: "the same command with --existing skip goes on with it"),
        _bar() as bar,
    ):
        for outcome in made.read(pipeline, job, bar.total):
            notes.add(outcome.id, outcome.note)
            there += outcome.was_there
            if outcome.error is not None:
                failed += 1
                skipped.add(outcome.id, outcome.error)
            elif not outcome.was_there:
                read += 1
            bar.advance(failed)
    where = f"{asked.out}/failures.jsonl"
    skipped.sum_up(f"{where} names all")
    notes.say()
    parts = [f"{read:,} page{'s' * (read != 1)} read into {asked.out}"]
    parts += [f"{there:,} were there already"] * bool(there)
    parts += [f"{failed:,} failed: {where} says why"] * bool(failed)
    say("; ".join(parts))
    if failed and not read and not there:
        sys.exit(1)


class _NoBar:
    """What is shown where standard error is no terminal."""

    def total(self, pages: int) -> None: ...

    def advance(self, failed: int) -> None: ...


class _Bar(_NoBar):
    """Pages, pages a second, those that failed and the time left."""

    def __init__(self, bar: Any) -> None:
        self._bar, self._task = bar, bar.add_task("", total=None, failed=0)

    def total(self, pages: int) -> None:
        self._bar.update(self._task, total=pages)

    def advance(self, failed: int) -> None:
        self._bar.update(self._task, advance=1, failed=failed)


@contextlib.contextmanager
def _bar() -> Iterator[_NoBar]:
    if is_quiet() or not sys.stderr.isatty():
        yield _NoBar()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Speed(TextColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed or 0:.1f} pages/s")

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        Speed(""),
        TextColumn("{task.fields[failed]:,} failed"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, soft_wrap=True)
    with Progress(*columns, console=console, transient=True) as bar, results_above(bar):
        yield _Bar(bar)
