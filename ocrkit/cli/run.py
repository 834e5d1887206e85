"""``ocrkit run``"""

from pathlib import Path
from typing import Any

import click

from ocrkit.cli.commands import Command
from ocrkit.cli.options import (
    OUTPUT,
    backend_option,
    data_option,
    device_option,
    given_reader,
    limit_option,
    min_confidence_option,
    pipeline_option,
    reader_option,
    rules_options,
    set_option,
    split_option,
    threads_option,
    together,
)
from ocrkit.cli.run_output import Output
from ocrkit.cli.streams import say

_FORMATS = ("text", "tsv", "csv", "json")


@click.command(cls=Command)
@click.argument("images", nargs=-1, metavar="[IMAGE|DIR|-]...")
@together(pipeline_option, reader_option, data_option, split_option, backend_option, device_option)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="N",
    help="Images in a batch.",
)
@together(threads_option, limit_option, set_option)
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="What goes to standard output.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--output",
    type=OUTPUT,
    metavar="FILE.jsonl",
    help="Every image's result, one JSON object a line.",
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted --output.")
@click.option(
    "--report",
    type=OUTPUT,
    metavar="FILE.html",
    help="Scores, the worst and some random words, confusions: one page.",
)
@click.option(
    "--grid",
    type=OUTPUT,
    metavar="FILE.png",
    help="18 random words as a picture, each titled “truth | prediction”.",
)
@click.option("--profile", is_flag=True, help="Seconds by stage.")
@together(min_confidence_option, rules_options)
@click.pass_context
def run(
    context: click.Context,
    /,
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

    With images, or folders of them: the path, a tab and the text, a line each; - is an image on
    standard input. Without: the scores of the pipeline's reader.
    """
    if resume and output is None:
        raise click.UsageError(
            "--resume goes on with an interrupted --output FILE.jsonl; name that file."
        )
    scoring = {
        "--data": data,
        "--split": split,
        "--report": report,
        "--grid": grid,
        "--profile": profile,
    }
    scoring |= {f"--{name.replace('_', '-')}": value for name, value in rules.items()}
    scoring["--reader"] = given_reader(context)
    given = [name for name, value in scoring.items() if value]
    if images and given:
        raise click.UsageError(
            f"{', '.join(given)}: for scoring a data set; leave it out when reading images."
        )
    from ocrkit.page_pipeline import PagePipeline
    from ocrkit.pipeline import load

    reader = load(
        pipeline, settings, backend=backend, device=device, threads=threads, batch_size=batch_size
    )
    fallback = ": no GPU that it can use" if device == "auto" and reader.device == "cpu" else ""
    say(f"pipeline {reader.spec.title!r} on {reader.backend} ({reader.device}{fallback})")
    for weights in reader.used:
        if weights.licence:
            say(f"weights {weights.reference}: {weights.licence}")
    if isinstance(reader, PagePipeline) and grid:
        raise click.UsageError("--grid shows words and lines; pages have --report FILE.html.")
    asked = Output("json" if as_json else format_, output, resume, min_confidence)
    if not images:
        from ocrkit.cli.run_scores import score_dataset
        from ocrkit.scoring.rules import Rules

        dataset = reader.dataset(data, split, limit)
        score_dataset(
            reader, dataset, asked, report=report, grid=grid, profile=profile, rules=Rules(**rules)
        )
    elif isinstance(reader, PagePipeline):
        from ocrkit.cli.run_pages import read_pages

        read_pages(reader, images, limit, asked)
    else:
        from ocrkit.cli.run_images import read_images

        read_images(reader, images, limit, asked)
