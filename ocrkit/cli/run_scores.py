"""``ocrkit run`` without images: the scores of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocrkit.cli.run_output import Mark, Output, Rows, SkippedLines, progress, result_file
from ocrkit.cli.scores import warn_of_contamination
from ocrkit.cli.streams import echo_json, results, say

if TYPE_CHECKING:
    from ocrkit.data.datasets import Dataset
    from ocrkit.parts.values import Skipped
    from ocrkit.pipeline import Pipeline
    from ocrkit.reading.values import Reading
    from ocrkit.reports.gallery import Gallery
    from ocrkit.scoring.rules import Outcome, Rules


def score_dataset(
    pipeline: Pipeline,
    dataset: Dataset,
    output: Output,
    *,
    report: Path | None,
    grid: Path | None,
    profile: bool,
    rules: Rules,
) -> None:
    from rich.console import Console

    from ocrkit.parts.values import Skipped
    from ocrkit.reports.terminal import score_table, stage_table
    from ocrkit.scoring.result_rows import sample_row

    skipped = SkippedLines()
    _introduce(dataset, skipped)
    gallery = _gallery() if report or grid else None
    mark = Mark(output.min_confidence)
    header = {**pipeline.header(dataset), **mark.header} if output.file else {}
    rows = Rows(output.format, ("id", "truth", "prediction", "confidence", "error", *mark.columns))
    with (
        result_file(output, header, pipeline.may_go_on_after) as file,
        progress(len(dataset)) as advance,
    ):

        def listen(reading: Reading | Skipped) -> None:
            row: dict[str, Any]
            if isinstance(reading, Skipped):
                skipped.add(reading.id, reading.reason)
                row, doubtful = {"id": reading.id, "error": reading.reason}, mark(None)
            else:
                row, doubtful = (
                    sample_row(reading.sample, reading.decoded),
                    mark(reading.decoded.confidence),
                )
            if file:
                file.write({**row, **doubtful})
            rows.add({**row, **mark.cells(doubtful)})
            if gallery:
                gallery.add(reading)
            advance()

        earlier = _earlier(file.rows(), mark, skipped, gallery) if file else ()
        if file and file.kept:
            say(f"going on after {file.kept:,} samples")
        result = pipeline.evaluate(
            dataset=dataset,
            on_reading=listen,
            earlier=earlier,
            rules=rules,
            min_confidence=output.min_confidence,
        )
    skipped.sum_up("--json names them all")
    mark.say()
    warn_of_contamination(result.contamination)
    if output.format == "json":
        echo_json(result.as_json())
    elif output.format == "text":
        Console(file=results(), highlight=False).print(score_table(result))
    if profile:
        Console(stderr=True, highlight=False).print(stage_table(result))
    if report and gallery:
        from ocrkit.reports.page import write_html

        write_html(report, result, gallery)
    if grid and gallery:
        gallery.write_grid(grid)
    for path in (output.file, report, grid):
        if path:
            say(f"wrote {path}")


def _gallery() -> Gallery:
    from ocrkit.reports.gallery import Gallery

    return Gallery()


def _earlier(
    rows: Iterable[dict[str, Any]], mark: Mark, skipped: SkippedLines, gallery: Gallery | None
) -> Iterator[Outcome | Skipped]:
    """What became of samples in a run that was interrupted, one by one: there may be millions."""
    from ocrkit.parts.values import Skipped
    from ocrkit.scoring.result_rows import outcome_of

    for outcome in map(outcome_of, rows):
        if isinstance(outcome, Skipped):
            skipped.add(outcome.id, outcome.reason)
        else:
            mark(outcome.confidence)
            if gallery:
                gallery.add_outcome(outcome)
        yield outcome


def _introduce(dataset: Dataset, skipped: SkippedLines) -> None:
    if dataset.is_sample:
        say("no --data: scoring the small rendered sample that ships with ocrkit")
    forms = ""
    if dataset.forms:
        expected = f" of {dataset.forms.expected}" if dataset.forms.expected is not None else ""
        forms = f", {dataset.forms.found}{expected} forms found"
    say(f"{dataset.name} {dataset.split} in {dataset.root}: {len(dataset):,} samples{forms}")
    for item in dataset.skipped:
        skipped.add(item.id, item.reason)
