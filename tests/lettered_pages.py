"""Pages that are drawn, with what is on them, for parts that find lines."""

from pathlib import Path

import cv2
import numpy as np

from ocrkit import Line, Page
from ocrkit.interfaces import Image


def page_of(
    *baselines: tuple[tuple[float, float], ...], above: float = 16, below: float = 6
) -> Page:
    """A page of 320 × 240 pixels with lines on these baselines."""
    lines = [
        Line(f"line-{number}", points, above=above, below=below)
        for number, points in enumerate(baselines)
    ]
    return Page("page", 240, 320, lines=tuple(lines))


def letter(seed: int) -> Page:
    """A page with three to eight lines at random."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 9))
    rows = 40 + np.arange(count) * int(rng.integers(28, 34))
    return page_of(
        *(
            ((float(rng.integers(10, 60)), float(row)), (float(rng.integers(150, 230)), row + 3.0))
            for row in rows
        )
    )


def picture(page: Page, seed: int = 0) -> Image:
    """The page with letters like a child's along its baselines."""
    rng = np.random.default_rng(seed)
    image = np.full((page.height, page.width), 225, np.uint8)
    for line in page.lines:
        (x, y), (end, low) = line.baseline[0], line.baseline[-1]
        while x < end - 8:
            height = rng.uniform(0.4, 1) * (line.above or 0)
            middle = (round(x + 3), round(y - height / 2))
            cv2.ellipse(image, middle, (3, round(height / 2)), 0, 0, 360, (60,), 2, cv2.LINE_AA)
            x, y = x + 8, y + (low - y) * 8 / max(end - x, 8)
    return image


def write(root: Path, count: int) -> Path:
    """A folder of pages with PAGE XML, and lists of those to learn from and to choose by."""
    folder = root / "letters"
    folder.mkdir(parents=True)
    for number in range(count):
        page = letter(number)
        cv2.imwrite(str(folder / f"p{number}.png"), picture(page, number))
        lines = "".join(
            f'<TextLine id="l{index}"><Coords points="{_band(line)}"/>'
            f'<Baseline points="{_points(line.baseline)}"/></TextLine>'
            for index, line in enumerate(page.lines)
        )
        (folder / f"p{number}.xml").write_text(
            '<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">'
            f'<Page imageFilename="p{number}.png" imageWidth="{page.width}" '
            f'imageHeight="{page.height}"><TextRegion id="r"><Coords points="0,0 240,0 240,320 '
            f'0,320"/>{lines}</TextRegion></Page></PcGts>',
            "utf-8",
        )
    names = [f"letters/p{number}" for number in range(count)]
    (root / "learning.txt").write_text("\n".join(names[:-2]), "utf-8")
    (root / "choosing.txt").write_text("\n".join(names[-2:]), "utf-8")
    return root


def _points(points: tuple[tuple[float, float], ...]) -> str:
    return " ".join(f"{round(x)},{round(y)}" for x, y in points)


def _band(line: Line) -> str:
    (x, y), (end, low) = line.baseline[0], line.baseline[-1]
    above, below = line.above or 0, line.below or 0
    return _points(((x, y - above), (end, low - above), (end, low + below), (x, y + below)))
