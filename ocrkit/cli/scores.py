"""What the commands that score have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ocrkit.pipeline import Result


def echo_json(value: Any) -> None:
    """Prints an object with the dataclasses in it as JSON."""
    import json
    from dataclasses import asdict

    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=asdict))


def warn_of_contamination(result: Result) -> None:
    """Says on standard error what of the data the model has seen."""
    if result.contamination:
        for sentence in result.contamination.in_words():
            click.echo(f"ocrkit: WARNING: {sentence}", err=True)
