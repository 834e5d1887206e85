"""Pages that lie on their side or upside down: pixels turned upright, and places turned back."""

from dataclasses import replace
from typing import Literal

import numpy as np

from ocrkit.data.lines import as_points
from ocrkit.parts.page import Page, Points
from ocrkit.parts.values import Image

Turn = Literal[0, 90, 180, 270]
"""How far the writing is turned clockwise, in degrees."""

_NOWHERE = np.zeros((2, 2))


def upright(image: Image, turn: Turn) -> Image:
    """The pixels of a page with its writing upright."""
    return np.ascontiguousarray(np.rot90(image, turn // 90))


def turned_back(page: Page, turn: Turn) -> Page:
    """A page that was found on upright pixels, on the pixels as they are."""
    width, height = page.width, page.height

    def back(points: Points) -> Points:
        x, y = np.array(points, np.float64).reshape(-1, 2).T
        places = {0: (x, y), 90: (height - y, x), 180: (width - x, height - y), 270: (y, width - x)}
        return as_points(np.column_stack(places[turn]))

    lies = turn in (90, 270)
    return replace(
        page,
        width=height if lies else width,
        height=width if lies else height,
        turned=turn,
        lines=tuple(
            replace(line, baseline=back(line.baseline), boundary=back(line.boundary))
            for line in page.lines
        ),
        regions=tuple(replace(each, boundary=back(each.boundary)) for each in page.regions),
    )


def written(page: Page) -> float:
    """How much writing was found: of every line how many times as long it is as high, as far as
    whoever found it is sure. Writing that lies on its side gives few lines, short and unsure."""
    total = 0.0
    for line in page.lines:
        start, end = np.array((line.baseline[0], line.baseline[-1])) if line.baseline else _NOWHERE
        height = max((line.above or 0.0) + (line.below or 0.0), 1.0)
        sure = 1.0 if line.confidence is None else line.confidence
        total += float(np.linalg.norm(end - start)) / height * sure
    return total
