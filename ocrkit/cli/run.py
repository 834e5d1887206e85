"""``ocrkit run``"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocrkit.cli.options import (
    backend_option,
    data_option,
    device_option,
    limit_option,
    pipeline_option,
    set_option,
    split_option,
    threads_option,
    together,
)

if TYPE_CHECKING:
    from ocrkit.datasets import Dataset
    from ocrkit.evaluation import Outcome
    from ocrkit.interfaces import Skipped
    from ocrkit.pipeline import Item, Pipeline, Reading

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
) -> None:
    """Read images, or score a pipeline on a data set.

    With images, or folders of them: the path, a tab and the text, a line each. Without: the scores of the pipeline's reader.
    """
    if resume and output is None:
        raise click.UsageError("--resume goes on with an interrupted --output FILE.jsonl; name that file.")
    given = [
        name
        for name, value in {"--data": data, "--split": split, "--report": report, "--grid": grid, "--profile": profile}.items()
        if value
    ]
    if images and given:
        raise click.UsageError(f"{', '.join(given)}: for scoring a data set; leave it out when reading images.")
    from ocrkit.datasets import open_dataset
    from ocrkit.errors import OcrkitError
    from ocrkit.pipeline import load

    for path in (output, report, grid):
        if path and not path.parent.is_dir():  # before hours are spent, not after
            raise OcrkitError(f"{path}: cannot be written: there is no folder {path.parent}")

    reader = load(pipeline, settings, backend=backend, device=device, threads=threads, batch_size=batch_size)
    click.echo(f"ocrkit: pipeline {reader.spec.name!r} on {reader.backend} ({reader.device})", err=True)
    if licence := _licence(reader):
        click.echo(f"ocrkit: weights {reader.weights.reference}: {licence}", err=True)
    chosen = "json" if as_json else format_
    if images:
        _read(reader, images, limit, chosen, output, resume=resume)
    else:
        dataset = open_dataset(reader.spec.reader, root=data, split=split, limit=limit)
        _score(reader, dataset, chosen, output, resume=resume, report=report, grid=grid, profile=profile)


def _licence(pipeline: Pipeline) -> str:
    if not pipeline.weights.reference.startswith("zoo:"):
        return ""
    from ocrkit.zoo import model

    manifest = model(pipeline.weights.reference.removeprefix("zoo:")).manifest
    return f"{manifest.get('licence', 'no licence stated')}. {manifest.get('terms', '')}".strip()


@contextlib.contextmanager
def _progress(total: int | None) -> Iterator[Any]:
    """A function to call once an image; a bar on standard error, nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("images"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


@contextlib.contextmanager
def _result_file(output: Path | None, resume: bool, header: dict[str, Any]) -> Iterator[Any]:
    if output is None:
        yield None
        return
    from ocrkit.results import ResultFile

    with ResultFile(output, header, resume=resume) as file:
        yield file


# ---------------------------------------------------------------------------------------------------------------- images


def _read(
    pipeline: Pipeline, images: tuple[str, ...], limit: int | None, format_: str, output: Path | None, *, resume: bool
) -> None:
    from dataclasses import asdict

    from ocrkit.pipeline import Item

    paths, named = _expand(images)
    paths = paths[:limit]
    header = {
        "pipeline": pipeline.spec.name,
        "weights": pipeline.weights.sha256,
        "images": paths,
        "versions": pipeline.versions,
    }
    listed: list[Item] = []
    read_any = not paths
    rows = _Rows(format_, ("id", "text", "confidence", "error"))
    failed = False
    with _result_file(output, resume, header) as file, _progress(len(paths)) as advance:
        earlier = [Item(**row) for row in file.rows] if file else []
        for index, item in enumerate(chain(earlier, pipeline.read_many(paths[len(earlier) :]))):
            if file and index >= len(earlier):
                file.write(asdict(item))
            if item.error is not None:
                click.echo(f"ocrkit: {item.error}", err=True)
                failed |= item.id in named
            elif format_ == "text":
                click.echo(f"{item.id}\t{item.text}")
            rows.add(asdict(item))
            if format_ == "json":
                listed.append(item)
            read_any |= item.error is None
            advance()
    if format_ == "json":
        _echo_json({"items": listed})
    if failed or not read_any:
        sys.exit(1)


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
        import csv

        dialect = {"tsv": "excel-tab", "csv": "excel"}.get(format_)
        self._writer = (
            csv.DictWriter(sys.stdout, names, extrasaction="ignore", lineterminator="\n", dialect=dialect) if dialect else None
        )
        if self._writer:
            self._writer.writeheader()

    def add(self, row: dict[str, Any]) -> None:
        if self._writer:
            self._writer.writerow(row)


def _echo_json(value: Any) -> None:
    import json
    from dataclasses import asdict

    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=asdict))


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
) -> None:
    from rich.console import Console

    from ocrkit.interfaces import Skipped
    from ocrkit.report import Gallery, score_table, stage_table, write_html

    _introduce(dataset)
    header = {
        "pipeline": pipeline.spec.name, "weights": pipeline.weights.sha256, "backend": pipeline.backend,
        "dataset": {"name": dataset.name, "root": str(dataset.root), "split": dataset.split, "samples": len(dataset)},
        "versions": pipeline.versions,
    }  # fmt: skip
    gallery = Gallery()
    rows = _Rows(format_, ("id", "truth", "prediction", "confidence", "error"))
    with _result_file(output, resume, header) as file, _progress(len(dataset)) as advance:

        def listen(reading: Reading | Skipped) -> None:
            row = _row(reading)
            if file:
                file.write(row)
            if isinstance(reading, Skipped):
                click.echo(f"ocrkit: skipped {reading.id}: {reading.reason}", err=True)
            rows.add(row)
            gallery.add(reading)
            advance()

        earlier = [_outcome(row) for row in file.rows] if file else []
        if earlier:
            click.echo(f"ocrkit: going on after {len(earlier):,} samples", err=True)
        result = pipeline.evaluate(dataset=dataset, on_reading=listen, earlier=earlier)
    if skipped := result.dataset["skipped"]:
        click.echo(f"ocrkit: {len(skipped):,} sample{'s' * (len(skipped) > 1)} skipped", err=True)
    if format_ == "json":
        _echo_json(result.as_json())
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


def _row(reading: Reading | Skipped) -> dict[str, Any]:
    from ocrkit.interfaces import Skipped

    if isinstance(reading, Skipped):
        return {"id": reading.id, "error": reading.reason}
    sample, decoded = reading.sample, reading.decoded
    return {
        "id": sample.id, "writer": sample.writer, "form": sample.form,
        "truth": sample.text, "prediction": decoded.text, "confidence": decoded.confidence,
    }  # fmt: skip


def _outcome(row: dict[str, Any]) -> Outcome | Skipped:
    from ocrkit.evaluation import Outcome
    from ocrkit.interfaces import Skipped

    if "error" in row:
        return Skipped(row["id"], row["error"])
    return Outcome(row["id"], row["truth"], row["prediction"], row["writer"], row["form"])
