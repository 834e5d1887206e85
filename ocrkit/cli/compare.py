"""``ocrkit compare``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocrkit.cli.commands import Command
from ocrkit.cli.options import rules_options
from ocrkit.cli.scores import warn_of_contamination
from ocrkit.cli.streams import echo, echo_json

if TYPE_CHECKING:
    from ocrkit.scoring.comparison import Comparison

_FILE = click.Path(path_type=Path, dir_okay=False)
_LONGEST = 40


@click.command(cls=Command)
@click.argument("a", type=_FILE, metavar="A.jsonl")
@click.argument("b", type=_FILE, metavar="B.jsonl")
@rules_options
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
def compare(*, a: Path, b: Path, as_json: bool, **rules: Any) -> None:
    """Compare two result files of ocrkit run --output, made of the same samples: is B better than
    A?"""
    from ocrkit.scoring.comparison import compare_results
    from ocrkit.scoring.result_file import read_results
    from ocrkit.scoring.rules import Rules

    first, second = read_results(a), read_results(b)
    found = compare_results(first, second, Rules(**rules))
    seen = {"a": first.header.contamination, "b": second.header.contamination}
    for name, each in seen.items():
        warn_of_contamination(each, f"{name.upper()}: ")
    if as_json:
        echo_json({"a": str(a), "b": str(b), "contamination": seen, **found.as_json()})
    else:
        echo(f"A  {a}")
        echo(f"B  {b}")
        echo()
        _show(found)


def _show(found: Comparison) -> None:
    from ocrkit.cli.tables import print_table

    for sentence in found.summary:
        echo(sentence)
    right = found.right
    echo()
    echo(
        f"Of {found.samples:,} samples {right.both:,} are read right by both, {right.only_a:,} "
        "only by A, "
        f"{right.only_b:,} only by B, {right.neither:,} by neither."
    )
    by, count = found.clusters
    echo(f"Intervals: paired bootstrap over {count:,} {by}{'s' * (count > 1)}.")
    if found.left_out:
        echo(f"{found.left_out:,} samples are left out as punctuation.")
    echo()
    if found.differences:
        echo("What differs between the runs:")
        print_table(
            ("", "A", "B"),
            [(each.what, _cell(each.a), _cell(each.b)) for each in found.differences],
        )
    else:
        echo("Nothing else differs between the runs.")


def _cell(value: Any) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
