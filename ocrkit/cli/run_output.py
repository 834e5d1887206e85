"""What reading images and scoring a data set both write: rows, a result file, marks, progress."""

from __future__ import annotations

import contextlib
import io
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ocrkit.cli.commands import resumable
from ocrkit.cli.streams import echo_json_line, is_quiet, results, results_above, say, warn
from ocrkit.printable import printable

if TYPE_CHECKING:
    from csv import DictWriter

    from ocrkit.scoring.result_writer import ResultFile


_END = "\r\n"
"""Of a row while it is made: then cells with either of them are quoted. Rows are printed with a
line feed."""


@dataclass(frozen=True)
class Output:
    """What the command line asks for."""

    format: str
    file: Path | None
    resume: bool
    min_confidence: float | None
    draft: Path | None = None
    shard: tuple[int, int] = (1, 1)
    """Which share of a data set's samples, from 1, of how many."""


@dataclass(frozen=True)
class Folder:
    """What the command line asks for with ``--out``."""

    out: str
    """A path; an engine may take more."""
    formats: tuple[str, ...]
    existing: Literal["stop", "skip", "overwrite"]
    shard: tuple[int, int]
    """Which share of the files, from 1, of how many."""


@contextlib.contextmanager
def progress(total: int | None) -> Iterator[Any]:
    """A function to call once an image; a bar on standard error, nothing where that is no
    terminal."""
    if (
        is_quiet() or not sys.stderr.isatty()
    ):  # a tenth of what reading one image takes goes into importing rich
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("images"), TimeRemainingColumn())
    console = Console(stderr=True, soft_wrap=True)
    with Progress(*columns, console=console, transient=True) as bar, results_above(bar):
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


@contextlib.contextmanager
def result_file(
    output: Output, header: dict[str, Any], may_go_on_after: Callable[[int], bool]
) -> Iterator[ResultFile | None]:
    """``--output``'s file, which a run that is stopped can go on with."""
    if output.file is None:
        yield None
        return
    from ocrkit.scoring.result_writer import ResultFile

    with (
        resumable(lambda: "the same command with --resume goes on with it"),
        ResultFile(
            output.file, header, resume=output.resume, may_go_on_after=may_go_on_after
        ) as file,
    ):
        yield file


class Mark:
    """What ``--min-confidence`` adds to the rows, nothing where it is not given."""

    def __init__(self, min_confidence: float | None) -> None:
        self._least = min_confidence
        self._doubtful = self._all = 0
        self.columns = () if min_confidence is None else ("doubtful",)
        self.header = {} if min_confidence is None else {"min_confidence": min_confidence}

    def __call__(self, confidence: float | None) -> dict[str, bool]:
        """For a row of a result file, which says nothing of a reading that is not doubtful."""
        if self._least is None or confidence is None:
            return {}
        self._all += 1
        self._doubtful += confidence < self._least
        return {"doubtful": True} if confidence < self._least else {}

    def cells(self, doubtful: dict[str, bool]) -> dict[str, bool]:
        """For a row of a table, which has a column of it."""
        return dict.fromkeys(self.columns, bool(doubtful))

    def say(self) -> None:
        if self._least is not None:
            say(
                f"{self._doubtful:,} of {self._all:,} are doubtful: confidence below "
                f"{self._least:g}"
            )


class Notes:
    """What is odd about images: said once for all that share it, with the first of them."""

    def __init__(self) -> None:
        self._noted: dict[str, list[str]] = {}

    def add(self, id_: str, note: str) -> None:
        if note:
            self._noted.setdefault(note, []).append(id_)

    def say(self) -> None:
        for note, ids in self._noted.items():
            warn(f"{ids[0]}: {note}" + (f" ({len(ids):,} images in all)" if len(ids) > 1 else ""))


class Rows:
    """Prints rows as they come where the format is tsv, csv or jsonl; the other formats have
    nothing a row.

    Cells are exact, and quoted where they hold a line's end of any system; a terminal gets to see
    them as other formats' texts.
    """

    def __init__(self, format_: str, names: tuple[str, ...]) -> None:
        self._writer: DictWriter[str] | None = None
        self._as_objects = format_ == "jsonl"
        self._line = io.StringIO(newline="")
        if dialect := {"tsv": "excel-tab", "csv": "excel"}.get(format_):
            from csv import DictWriter

            self._writer = DictWriter(
                self._line, names, extrasaction="ignore", lineterminator=_END, dialect=dialect
            )
            self._writer.writeheader()
            self._print()

    def add_object(self, value: dict[str, Any]) -> None:
        """An image or a page, which is a line of JSON, and of which tables have one or more."""
        if self._as_objects:
            echo_json_line(value)

    def add(self, row: dict[str, Any]) -> None:
        """A row of a table."""
        if self._writer:
            if results().isatty():
                row = {
                    name: printable(cell) if isinstance(cell, str) else cell
                    for name, cell in row.items()
                }
            self._writer.writerow(row)
            self._print()

    def _print(self) -> None:
        results().write(self._line.getvalue().removesuffix(_END) + "\n")
        self._line.seek(0)
        self._line.truncate()


class SkippedLines:
    """A line for every sample that is skipped; where many are, for the first few of each reason,
    and the number of the rest."""

    def __init__(
        self, tell: Callable[[str], None] = warn, *, few: int = 5, most: int = 100
    ) -> None:
        self._tell, self._few, self._most = tell, few, most
        self._counts: Counter[str] = Counter()
        self._unsaid: Counter[str] = Counter()

    def add(self, id_: str, reason: str) -> None:
        self._counts[reason] += 1
        if (
            self._counts[reason] <= self._few
            and self._counts.total() - self._unsaid.total() <= self._most
        ):
            self._tell(f"skipped {id_}: {reason}")
        else:
            self._unsaid[reason] += 1

    def sum_up(self, where: str) -> None:
        """``where`` says what names them all."""
        if len(self._unsaid) > self._few:
            self._tell(
                f"skipped {self._unsaid.total():,} more, for {len(self._unsaid):,} reasons; {where}"
            )
        else:
            for reason, count in self._unsaid.items():
                self._tell(f"skipped {count:,} more: {reason}; {where}")
        if total := self._counts.total():
            self._tell(f"{total:,} sample{'s' * (total > 1)} skipped")
