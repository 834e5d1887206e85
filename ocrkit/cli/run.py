"""``ocrkit run``"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocrkit.cli.options import (
    backend_option,
    data_option,
    device_option,
    limit_option,
    min_confidence_option,
    pipeline_option,
    rules_options,
    set_option,
    split_option,
    threads_option,
    together,
)
from ocrkit.cli.scores import echo_json, warn_of_contamination

if TYPE_CHECKING:
    from csv import DictWriter

    from ocrkit.datasets import Dataset
    from ocrkit.evaluation import Outcome, Rules
    from ocrkit.interfaces import Skipped
    from ocrkit.pipeline import Item, Pipeline
    from ocrkit.recogniser import Reading
    from ocrkit.report import Gallery

_FORMATS = ("text", "tsv", "csv", "json")
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("images", nargs=-1, metavar="[IMAGE|DIR]...")
@together(pipeline_option, data_option, split_option, backend_option, device_option)
@click.option("--batch-size", type=click.IntRange(1), default=64, show_default=True, metavar="N", help="Images in a batch.")
@together(threads_option, limit_option, set_option)
@click.option(
    "--format", "format_", type=click.Choice(_FORMATS), default="text", show_default=True, help="What goes to standard output."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--output", type=_FILE, metavar="FILE.jsonl", help="Every image's result, one JSON object a line.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted --output.")
@click.option(
    "--report", type=_FILE, metavar="FILE.html", help="Scores, the worst and some random words, confusions: one page."
)
@click.option("--grid", type=_FILE, metavar="FILE.png", help="18 random words as a picture, each titled “truth | prediction”.")
@click.option("--profile", is_flag=True, help="Seconds by stage.")
@together(min_confidence_option, rules_options)
def run(
    *,
    images: tuple[str, ...],
    pipeline: str,
    data: str | None,
    split: str | None,
    backend: str | None,
    device: str,
    batch_size: int,
    threads: int,
    limit: int | None,
    settings: tuple[str, ...],
    format_: str,
    as_json: bool,
    output: Path | None,
    resume: bool,
    report: Path | None,
    grid: Path | None,
    profile: bool,
    min_confidence: float | None,
    **rules: Any,
) -> None:
    """Read images, or score a pipeline on a data set.

    With images, or folders of them: the path, a tab and the text, a line each. Without: the scores of the pipeline's reader.
    """
    if resume and output is None:
        raise click.UsageError("--resume goes on with an interrupted --output FILE.jsonl; name that file.")
    scoring = {"--data": data, "--split": split, "--report": report, "--grid": grid, "--profile": profile}
    scoring |= {f"--{name.replace('_', '-')}": value for name, value in rules.items()}
    given = [name for name, value in scoring.items() if value]
    if images and given:
        raise click.UsageError(f"{', '.join(given)}: for scoring a data set; leave it out when reading images.")
    from ocrkit.errors import OcrkitError
    from ocrkit.pipeline import load

    for path in (output, report, grid):
        if path and not path.parent.is_dir():  # before hours are spent, not after
            raise OcrkitError(f"{path}: cannot be written: there is no folder {path.parent}")

    reader = load(pipeline, settings, backend=backend, device=device, threads=threads, batch_size=batch_size)
    fallback = ": no GPU that it can use" if device == "auto" and reader.device == "cpu" else ""
    click.echo(f"ocrkit: pipeline {reader.spec.name!r} on {reader.backend} ({reader.device}{fallback})", err=True)
    if reader.weights.licence:
        click.echo(f"ocrkit: weights {reader.weights.reference}: {reader.weights.licence}", err=True)
    chosen = "json" if as_json else format_
    if images:
        _read(reader, images, limit, chosen, output, resume=resume, min_confidence=min_confidence)
    else:
        from ocrkit.datasets import open_dataset
        from ocrkit.evaluation import Rules

        dataset = open_dataset(reader.spec.reader, root=data, split=split, limit=limit)
        _score(
            reader, dataset, chosen, output, resume=resume, report=report, grid=grid, profile=profile,
            min_confidence=min_confidence, rules=Rules(**rules),
        )  # fmt: skip


@contextlib.contextmanager
def _progress(total: int | None) -> Iterator[Any]:
    """A function to call once an image; a bar on standard error, nothing where that is no terminal."""
    if not sys.stderr.isatty():  # a tenth of what reading one image takes goes into importing rich
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("images"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


@contextlib.contextmanager
def _result_file(output: Path | None, resume: bool, header: dict[str, Any], batch_size: int) -> Iterator[Any]:
    if output is None:
        yield None
        return
    from ocrkit.results import ResultFile

    with ResultFile(output, header, resume=resume, batch_size=batch_size) as file:
        yield file


# ---------------------------------------------------------------------------------------------------------------- images


def _read(
    pipeline: Pipeline,
    images: tuple[str, ...],
    limit: int | None,
    format_: str,
    output: Path | None,
    *,
    resume: bool,
    min_confidence: float | None,
) -> None:
    from ocrkit.pipeline import Item

    paths, named = _expand(images)
    paths = paths[:limit]
    mark = _Mark(min_confidence)
    header = {**pipeline.header(), "images": paths, **mark.header} if output else {}
    listed: list[dict[str, Any]] = []
    read_any = not paths
    rows = _Rows(format_, ("id", "text", "confidence", "error", *mark.columns))
    failed = False
    with _result_file(output, resume, header, pipeline.window) as file, _progress(len(paths)) as advance:
        kept, stored = (file.kept, file.rows()) if file else (0, ())
        earlier = (Item(row["id"], row.get("text"), row.get("confidence"), row.get("error")) for row in stored)
        for index, item in enumerate(chain(earlier, pipeline.read_many(paths[kept:]))):
            doubtful = mark(item.confidence)
            if file and index >= kept:
                file.write({**_item_row(item), **doubtful})
            if item.error is not None:
                click.echo(f"ocrkit: {item.error}", err=True)
                failed |= item.id in named
            elif format_ == "text":
                click.echo(f"{item.id}\t{item.text}" + "\tdoubtful" * bool(doubtful))
            row = {"id": item.id, "text": item.text, "confidence": item.confidence, "error": item.error, **mark.cells(doubtful)}
            rows.add(row)
            if format_ == "json":
                listed.append(row)
            read_any |= item.error is None
            advance()
    mark.say()
    if format_ == "json":
        echo_json({"items": listed})
    if failed or not read_any:
        sys.exit(1)


def _item_row(item: Item) -> dict[str, Any]:
    """What a result file says of an image."""
    from ocrkit.results import decoded_fields

    return {"id": item.id, **({"text": item.text, **decoded_fields(item.decoded)} if item.decoded else {"error": item.error})}


class _Mark:
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
            click.echo(f"ocrkit: {self._doubtful:,} of {self._all:,} are doubtful: confidence below {self._least:g}", err=True)


def _expand(images: tuple[str, ...]) -> tuple[list[str], set[str]]:
    """All paths to read, folders replaced by the images in them; and those that the user named."""
    from ocrkit.errors import DataError
    from ocrkit.images import find_images

    paths: list[str] = []
    for image in images:
        if not Path(image).is_dir():
            paths.append(image)
            continue
        found = [str(path) for path in find_images(Path(image))]
        if not found:
            raise DataError(f"{image}: no images in this folder")
        paths += found
    return paths, {image for image in images if not Path(image).is_dir()}


class _Rows:
    """Prints rows as they come where the format is tsv or csv; the other formats have nothing a row."""

    def __init__(self, format_: str, names: tuple[str, ...]) -> None:
        self._writer: DictWriter[str] | None = None
        if dialect := {"tsv": "excel-tab", "csv": "excel"}.get(format_):
            from csv import DictWriter

            self._writer = DictWriter(sys.stdout, names, extrasaction="ignore", lineterminator="\n", dialect=dialect)
            self._writer.writeheader()

    def add(self, row: dict[str, Any]) -> None:
        if self._writer:
            self._writer.writerow(row)


# ---------------------------------------------------------------------------------------------------------------- scores


def _score(
    pipeline: Pipeline,
    dataset: Dataset,
    format_: str,
    output: Path | None,
    *,
    resume: bool,
    report: Path | None,
    grid: Path | None,
    profile: bool,
    min_confidence: float | None,
    rules: Rules,
) -> None:
    from rich.console import Console

    from ocrkit.interfaces import Skipped
    from ocrkit.report import Gallery, score_table, stage_table, write_html
    from ocrkit.results import sample_row

    _introduce(dataset)
    gallery = Gallery()
    mark = _Mark(min_confidence)
    header = {**pipeline.header(dataset), **mark.header} if output else {}
    rows = _Rows(format_, ("id", "truth", "prediction", "confidence", "error", *mark.columns))
    with _result_file(output, resume, header, pipeline.window) as file, _progress(len(dataset)) as advance:

        def listen(reading: Reading | Skipped) -> None:
            row: dict[str, Any]
            if isinstance(reading, Skipped):
                click.echo(f"ocrkit: skipped {reading.id}: {reading.reason}", err=True)
                row, doubtful = {"id": reading.id, "error": reading.reason}, mark(None)
            else:
                row, doubtful = sample_row(reading.sample, reading.decoded), mark(reading.decoded.confidence)
            if file:
                file.write({**row, **doubtful})
            rows.add({**row, **mark.cells(doubtful)})
            gallery.add(reading)
            advance()

        earlier = _earlier(file.rows(), mark, gallery) if file else ()
        if file and file.kept:
            click.echo(f"ocrkit: going on after {file.kept:,} samples", err=True)
        result = pipeline.evaluate(
            dataset=dataset, on_reading=listen, earlier=earlier, rules=rules, min_confidence=min_confidence
        )
    if skipped := result.dataset["skipped"]:
        click.echo(f"ocrkit: {len(skipped):,} sample{'s' * (len(skipped) > 1)} skipped", err=True)
    mark.say()
    warn_of_contamination(result.contamination)
    if format_ == "json":
        echo_json(result.as_json())
    elif format_ == "text":
        Console(highlight=False).print(score_table(result))
    if profile:
        Console(stderr=True, highlight=False).print(stage_table(result))
    if report:
        write_html(report, result, gallery)
    if grid:
        gallery.write_grid(grid)
    for path in (output, report, grid):
        if path:
            click.echo(f"ocrkit: wrote {path}", err=True)


def _earlier(rows: Iterable[dict[str, Any]], mark: _Mark, gallery: Gallery) -> Iterator[Outcome | Skipped]:
    """What became of samples in a run that was interrupted, one by one: there may be millions."""
    from ocrkit.interfaces import Skipped
    from ocrkit.results import outcome_of

    for outcome in map(outcome_of, rows):
        if not isinstance(outcome, Skipped):
            mark(outcome.confidence)
            gallery.add_outcome(outcome)
        yield outcome


def _introduce(dataset: Dataset) -> None:
    if dataset.is_sample:
        click.echo("ocrkit: no --data: scoring the small rendered sample that ships with ocrkit", err=True)
    forms = ""
    if dataset.forms:
        expected = f" of {dataset.forms.expected}" if dataset.forms.expected is not None else ""
        forms = f", {dataset.forms.found}{expected} forms found"
    click.echo(f"ocrkit: {dataset.name} {dataset.split} in {dataset.root}: {len(dataset):,} samples{forms}", err=True)
    for item in dataset.skipped[:20]:
        click.echo(f"ocrkit: skipped {item.id}: {item.reason}", err=True)
    if len(dataset.skipped) > 20:
        click.echo(f"ocrkit: skipped {len(dataset.skipped) - 20} more; --json names them all", err=True)
