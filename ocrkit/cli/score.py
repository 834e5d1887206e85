"""``ocrkit score``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ocrkit.cli.commands import Command
from ocrkit.cli.options import OUTPUT, min_confidence_option, rules_options, together
from ocrkit.cli.scores import warn_of_contamination
from ocrkit.cli.streams import echo_json, results, say


@click.command(cls=Command)
@click.argument(
    "files",
    type=click.Path(path_type=Path, dir_okay=False),
    nargs=-1,
    required=True,
    metavar="FILE.jsonl...",
)
@together(rules_options, min_confidence_option)
@click.option(
    "--details", is_flag=True, help="Also by writer, length and character, and what is confused."
)
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@click.option("--report", type=OUTPUT, metavar="FILE.html", help="All of it as one page.")
def score(
    *,
    files: tuple[Path, ...],
    min_confidence: float | None,
    details: bool,
    as_json: bool,
    report: Path | None,
    **rules: Any,
) -> None:
    """Score a result file of ocrkit run --output again, without running the network.

    Of a run that was shared out by --shard, name the files of all shares.
    """
    from dataclasses import asdict

    from rich.console import Console

    from ocrkit.reports import facts
    from ocrkit.reports.terminal import detail_tables, score_table
    from ocrkit.scoring.result_file import read_shares
    from ocrkit.scoring.rules import Rules

    read = read_shares(files)
    result = read.score(Rules(**rules), min_confidence)
    warn_of_contamination(result.contamination)
    paged = any(outcome.pages for outcome in read.outcomes)
    if as_json:
        echo_json(result.as_json() | asdict(result.details))
    else:
        console = Console(file=results(), highlight=False)
        console.print(score_table(result, facts.verdict(result, paged=paged)))
        if details:
            console.print("", detail_tables(result.details), sep="\n")
    if report:
        from ocrkit.reports.gallery import Gallery
        from ocrkit.reports.page import write_html
        from ocrkit.reports.page_gallery import PageGallery
        from ocrkit.reports.pages import write_pages_html

        gallery: Any = PageGallery() if paged else Gallery()
        for outcome in read.outcomes:
            gallery.add_outcome(outcome)
        (write_pages_html if paged else write_html)(report, result, gallery)
        say(f"wrote {report}")
