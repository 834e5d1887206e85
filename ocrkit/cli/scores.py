"""What the commands that score have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ocrkit.contamination import Contamination


def echo_json(value: Any) -> None:
    """Prints an object with the dataclasses in it as JSON; bytes of names that are not UTF-8 as ``\\udcXX``."""
    import json
    from dataclasses import asdict

    text = json.dumps(value, ensure_ascii=False, indent=2, default=asdict)
    click.echo(text.encode(errors="backslashreplace").decode())


def warn_of_contamination(seen: Contamination | None, which: str = "") -> None:
    """Says on standard error what of the data the model has seen."""
    for sentence in seen.in_words() if seen else ():
        click.echo(f"ocrkit: WARNING: {which}{sentence}", err=True)
