"""Pages in the pixels of another picture of them."""

from dataclasses import replace

from ocrkit.errors import DataError
from ocrkit.parts.page import Page, Points

_SAME = 0.03
"""By how much the proportions of a picture may differ from those of the page."""


def fitted(page: Page, width: int, height: int) -> Page:
    """The page in the pixels of a picture of this size: it may be of a larger one, or in tenths of
    millimetres. Raises DataError where the proportions differ."""
    x, y = width / page.width, height / page.height
    if abs(x / y - 1) > _SAME:
        raise DataError(
            f"{width} × {height} pixels, its XML says {page.width} × {page.height}: another "
            "picture, or a turned one"
        )
    if (width, height) == (page.width, page.height):
        return page

    def moved(points: Points) -> Points:
        return tuple((px * x, py * y) for px, py in points)

    lines = (
        replace(
            line,
            baseline=moved(line.baseline),
            boundary=moved(line.boundary),
            words=tuple(replace(word, boundary=moved(word.boundary)) for word in line.words),
        )
        for line in page.lines
    )
    regions = (replace(region, boundary=moved(region.boundary)) for region in page.regions)
    return replace(
        page,
        width=width,
        height=height,
        lines=tuple(lines),
        regions=tuple(regions),
        dpi=page.dpi and page.dpi * x,
    )
