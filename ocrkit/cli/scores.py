"""What the commands that score have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocrkit.cli.streams import warn

if TYPE_CHECKING:
    from ocrkit.scoring.contamination import Contamination


def warn_of_contamination(seen: Contamination | None, which: str = "") -> None:
    """Says on standard error what of the data the model has seen."""
    for sentence in seen.in_words() if seen else ():
        warn(f"WARNING: {which}{sentence}")
