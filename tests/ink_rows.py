"""A plugin's segmenter that needs no network: lines are rows of ink between rows of paper, cut
where the paper between two pieces is wider than two lines are high."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ocrkit import Line, Page, option
from ocrkit.interfaces import Arrays, Image, Port

PLUGIN = """
import ocrkit

@ocrkit.hookimpl
def ocrkit_segmenters(register):
    register("ink-rows", "ink_rows:InkRows")
"""
SEGMENT = """
schema = 1
task = "segment"
name = "rows"

[reader]
use = "page-xml"
level = "pages"

[preprocessor]
use = "fit-height"
height = 600

[segmenter]
use = "ink-rows"
"""


@dataclass(frozen=True)
class InkRows:
    """Lines by the profiles of ink over rows, and of each of these over columns."""

    smallest: int = option(6, "pixels that a line is high at least", minimum=1)

    wanted: int = option(0, "height of lines that it looks for; 0: any", minimum=0)

    takes: ClassVar[tuple[Port, ...]] = ()

    def __call__(self, image: Image, outputs: Arrays, /) -> Page:
        assert not outputs
        ink = image < 128
        lines: list[Line] = []
        for top, bottom in stretches(ink.any(axis=1), 1):
            if bottom - top < self.smallest:
                continue
            for left, right in stretches(ink[top:bottom].any(axis=0), 2 * (bottom - top)):
                base = bottom - 0.2 * (bottom - top)
                lines.append(
                    Line(
                        str(len(lines)),
                        ((float(left), base), (float(right), base)),
                        (),
                        base - top,
                        bottom - base,
                        confidence=1.0,
                        kind=f"{bottom - top} pixels high",
                    )
                )
        return Page("", image.shape[1], image.shape[0], lines=tuple(lines))

    def scale(self, page: Page, /) -> float | None:
        """So that lines have the height that is wanted."""
        heights = [(line.above or 0) + (line.below or 0) for line in page.lines]
        return self.wanted / float(np.median(heights)) if self.wanted and heights else None


def stretches(found: np.ndarray, gap: int) -> list[tuple[int, int]]:
    """First and past the last place of what is found, together where less than ``gap`` is
    between."""
    places = np.flatnonzero(found)
    if not places.size:
        return []
    breaks = np.flatnonzero(np.diff(places) > gap)
    starts = places[np.concatenate([[0], breaks + 1])].tolist()
    ends = (places[np.concatenate([breaks, [-1]])] + 1).tolist()
    return list(zip(starts, ends, strict=True))
