"""``ocrkit run`` without images: the scores of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocrkit.cli.run_output import Mark, Output, Rows, SkippedLines, progress, result_file
from ocrkit.cli.run_pages import LINE_COLUMNS, doubtful_lines, line_rows
from ocrkit.cli.scores import warn_of_contamination
from ocrkit.cli.streams import echo_json, results, say

if TYPE_CHECKING:
    from ocrkit.data.datasets import Dataset
    from ocrkit.loaded import LoadedPipeline
    from ocrkit.parts.values import Skipped
    from ocrkit.reading.page_readings import PageReading
    from ocrkit.reading.values import Reading
    from ocrkit.scoring.rules import Outcome, Rules


def score_dataset(
    pipeline: LoadedPipeline[Any, Any],
    dataset: Dataset,
    output: Output,
    *,
    report: Path | None,
    grid: Path | None,
    profile: bool,
    rules: Rules,
) -> None:
    from rich.console import Console

    from ocrkit.page_pipeline import PagePipeline
    from ocrkit.parts.values import Skipped
    from ocrkit.reports import facts
    from ocrkit.reports.terminal import score_table, stage_table

    skipped = SkippedLines()
    _introduce(dataset, skipped)
    gallery: Any = _gallery(pipeline) if report or grid else None
    mark = Mark(output.min_confidence)
    header = {**pipeline.header(dataset), **mark.header} if output.file else {}
    dataset = _share(dataset, output, header)
    told: Any = (ToldPages if isinstance(pipeline, PagePipeline) else ToldSamples)(mark)
    rows = Rows(output.format, told.columns)
    with (
        result_file(output, header, pipeline.may_go_on_after) as file,
        progress(len(dataset)) as advance,
    ):

        def listen(reading: Reading | PageReading | Skipped) -> None:
            row, cells = told(reading)
            if isinstance(reading, Skipped):
                skipped.add(reading.id, reading.reason)
            if file:
                file.write(row)
            rows.add_object(row)
            for each in cells:
                rows.add(each)
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
        paged = isinstance(pipeline, PagePipeline)
        verdict = facts.verdict(result, paged=paged)
        Console(file=results(), highlight=False).print(score_table(result, verdict))
    if profile:
        Console(stderr=True, highlight=False).print(stage_table(result))
    if report and isinstance(pipeline, PagePipeline):
        from ocrkit.reports.pages import write_pages_html

        write_pages_html(report, result, gallery)
    elif report:
        from ocrkit.reports.page import write_html

        write_html(report, result, gallery)
    if grid and gallery:
        gallery.write_grid(grid, facts.heading_lines(result))
    for path in (output.file, report, grid):
        if path:
            say(f"wrote {path}")


class ToldSamples:
    """What is written of every sample: its row in a result file, and those of a table."""

    def __init__(self, mark: Mark) -> None:
        self._mark = mark
        self.columns = ("id", "truth", "prediction", "confidence", "error", *mark.columns)

    def __call__(self, reading: Reading | Skipped) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        from ocrkit.parts.values import Skipped
        from ocrkit.scoring.result_rows import sample_row

        if isinstance(reading, Skipped):
            row: dict[str, Any] = {"id": reading.id, "error": reading.reason}
            doubtful = self._mark(None)
        else:
            row = sample_row(reading.sample, reading.decoded)
            doubtful = self._mark(reading.decoded.confidence)
        return {**row, **doubtful}, [{**row, **self._mark.cells(doubtful)}]


class ToldPages:
    """The same of pages: a row in a result file, and in a table one a line."""

    columns = LINE_COLUMNS

    def __init__(self, mark: Mark) -> None:
        self._mark = mark

    def __call__(
        self, reading: PageReading | Skipped
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        from ocrkit.parts.values import Skipped
        from ocrkit.scoring.result_rows import page_outcome, page_row

        if isinstance(reading, Skipped):
            row = {"id": reading.id, "error": reading.reason}
            return row, [row]
        doubtful = doubtful_lines(reading.page, reading.doubtful, self._mark)
        row = page_row(page_outcome(reading.sample, reading.page))
        cells = list(line_rows(reading.sample.id, reading.page, doubtful))
        return {**row, **({"doubtful": list(doubtful)} if doubtful else {})}, cells


def _share(dataset: Dataset, output: Output, header: dict[str, Any]) -> Dataset:
    """The share that is asked for, which the header then says; what else it says is of the whole
    data set."""
    number, of = output.shard
    if of == 1:
        return dataset
    header["share"] = {"number": number, "of": of}
    shared = dataset.share(number, of)
    say(f"share {number:,} of {of:,}: {len(shared):,} samples")
    return shared


def _gallery(pipeline: LoadedPipeline[Any, Any]) -> Any:
    """What keeps the readings that a report or a picture shows."""
    from ocrkit.page_pipeline import PagePipeline

    if isinstance(pipeline, PagePipeline):
        from ocrkit.reports.page_gallery import PageGallery

        return PageGallery()
    from ocrkit.reports.gallery import Gallery

    return Gallery()


def _earlier(
    rows: Iterable[dict[str, Any]], mark: Mark, skipped: SkippedLines, gallery: Any
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
