"""``ocrkit run``"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

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
    reader_option,
    rules_options,
    set_option,
    split_option,
    threads_option,
    together,
)
from ocrkit.cli.run_checks import (
    HERE,
    PRINTED,
    check_draft,
    check_engine,
    check_files,
    formats_of,
    share_of,
)
from ocrkit.cli.run_output import Folder, Output
from ocrkit.cli.streams import say

if TYPE_CHECKING:
    from ocrkit.page_pipeline import PagePipeline
    from ocrkit.pipeline import Pipeline
    from ocrkit.reading.fitting import Fitting


@click.command(cls=Command)
@click.argument("images", nargs=-1, metavar="[IMAGE|DIR|-]...")
@click.option(
    "--pipeline",
    metavar="NAME|FILE.toml",
    help=(
        "A zoo model, a pipeline's file or a training run; else the zoo's model for what the "
        "images show, word, line or page, and for a data set the default."
    ),
)
@together(reader_option, data_option, split_option, backend_option, device_option)
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
    "formats",
    callback=formats_of,
    default="text",
    show_default=True,
    metavar="text|tsv|csv|json|jsonl|FORMAT[,…]",
    help="What goes to standard output or, of pages, into the files of --out.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--output",
    type=OUTPUT,
    metavar="FILE.jsonl",
    help="Every image's result, one JSON object a line.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="A file a page in this folder, as --format says.",
)
@click.option(
    "--existing",
    type=click.Choice(["stop", "skip", "overwrite"]),
    default="stop",
    show_default=True,
    help="What to do about files that --out has already.",
)
@click.option(
    "--shard",
    callback=share_of,
    metavar="I/N",
    help="Only share I of N: of --out's files, or of a data set with --output.",
)
@click.option(
    "--draft",
    type=OUTPUT,
    metavar="FILE.html|FILE.tsv",
    help="What was read, to be corrected, the most doubtful first: in the browser, or as a table.",
)
@click.option(
    "--engine",
    default=HERE,
    show_default=True,
    metavar="NAME",
    help="Who reads a folder's pages into --out: this process, or a plugin's engine.",
)
@click.option("--address", metavar="ADDRESS", help="Of the cluster that --engine is to join.")
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
    help="18 random words as a picture, right ones in green, wrong ones in red.",
)
@click.option("--profile", is_flag=True, help="Seconds by stage.")
@together(min_confidence_option, rules_options)
@click.pass_context
def run(
    context: click.Context,
    /,
    *,
    images: tuple[str, ...],
    pipeline: str | None,
    data: str | None,
    split: str | None,
    backend: str | None,
    device: str,
    batch_size: int,
    threads: int,
    limit: int | None,
    settings: tuple[str, ...],
    formats: tuple[str, ...],
    as_json: bool,
    output: Path | None,
    out: str | None,
    existing: Literal["stop", "skip", "overwrite"],
    shard: tuple[int, int],
    draft: Path | None,
    engine: str,
    address: str | None,
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
    formats = ("json",) if as_json else formats
    folder = Folder(out, formats, existing, shard) if out else None
    check_files(context, folder, formats, images)
    check_engine(context, images, folder)
    check_draft(draft, images)
    from ocrkit.page_pipeline import PagePipeline
    from ocrkit.pipeline import load

    fitting = _fitting(images) if images and pipeline is None else None
    reader = load(
        fitting.model if fitting else pipeline,
        settings,
        backend=backend,
        device=device,
        threads=threads,
        batch_size=batch_size,
    )
    fallback = ": no GPU that it can use" if device == "auto" and reader.device == "cpu" else ""
    where = f"on {reader.backend} ({reader.device}{fallback})"
    terms = {each.reference: each.licence for each in reader.used if each.licence}
    if fitting:
        free = f"; free for any use: --pipeline {fitting.free[0]}" if fitting.free else ""
        licences = "; ".join(terms.values()).removesuffix(".")
        say(f"{fitting.why}: read with {fitting.model} {where}. {licences}{free}")
    else:
        say(f"pipeline {reader.spec.title!r} {where}")
        for reference, licence in terms.items():
            say(f"weights {reference}: {licence}")
    if isinstance(reader, PagePipeline) and grid:
        raise click.UsageError("--grid shows words and lines; pages have --report FILE.html.")
    if not isinstance(reader, PagePipeline) and (folder or formats[0] not in PRINTED):
        what = "--out" if folder else f"--format {formats[0]}"
        raise click.UsageError(f"{what} is for pages; {reader.spec.title!r} reads none.")
    asked = Output(formats[0], output, resume, min_confidence, draft, shard)
    if draft and isinstance(reader, PagePipeline):
        raise click.UsageError(
            "--draft is for words and lines; pages are corrected with: ocrkit serve --folder DIR."
        )
    if folder and engine != HERE:
        from ocrkit.cli.run_engine import read_elsewhere

        assert isinstance(reader, PagePipeline)  # noqa: S101
        read_elsewhere(engine, address, reader, images[0], folder)
    elif images:
        _read(reader, images, limit, asked, folder)
    else:
        from ocrkit.cli.run_scores import score_dataset
        from ocrkit.scoring.rules import Rules

        dataset = reader.dataset(data, split, limit)
        score_dataset(
            reader, dataset, asked, report=report, grid=grid, profile=profile, rules=Rules(**rules)
        )


def _read(
    reader: "Pipeline | PagePipeline",
    images: tuple[str, ...],
    limit: int | None,
    asked: Output,
    folder: Folder | None,
) -> None:
    """Reads images, or pages, to where they are asked for."""
    from ocrkit.pipeline import Pipeline

    if isinstance(reader, Pipeline):
        from ocrkit.cli.run_images import read_images

        read_images(reader, images, limit, asked)
    elif folder:
        from ocrkit.cli.run_folder import write_pages

        write_pages(reader, images, limit, folder, asked.min_confidence)
    else:
        from ocrkit.cli.run_pages import print_page, read_pages

        if asked.format in PRINTED:
            read_pages(reader, images, limit, asked)
        else:
            print_page(reader, images, asked.format)


def _fitting(images: tuple[str, ...]) -> "Fitting":
    """The model for what the images, or pages of documents, show; a pipe, which can be read once
    only, is not looked at."""
    from itertools import chain

    from ocrkit.cli.run_pages import expand_pages
    from ocrkit.data.inputs import input_files
    from ocrkit.reading.fitting import fitting_model

    files = [each for each in input_files(images) if each.path == "-" or Path(each.path).is_file()]
    return fitting_model(chain.from_iterable(expand_pages(files)))
