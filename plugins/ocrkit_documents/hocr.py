"""Pages as hOCR 1.2 (https://kba.github.io/hocr-spec/1.2/)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, ClassVar

import numpy as np

import ocrkit
from ocrkit import Line, Page, Word
from ocrkit.data.lines import with_heights
from ocrkit.data.words import area_of
from ocrkit.interfaces import Picture
from ocrkit.parts.page import Points
from ocrkit.support.markup import template
from ocrkit_documents.placing import placed_words

_STEEP = 45
"""Degrees from which on a line has an angle in place of a baseline, which cannot say it."""
_Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Written:
    """A line or a word with its properties, as hOCR has them."""

    title: str
    box: _Box
    number: int = 0
    text: str = ""
    words: tuple["_Written", ...] = ()


@dataclass(frozen=True)
class Hocr:
    """hOCR 1.2: an area and a paragraph for each region, a line with its baseline, its polygon and
    its height, a word with its box and its confidence in per cent.

    Places are whole numbers, as OCRmyPDF wants them, which looks for lines in paragraphs alone.
    Where the words of a line are not known, its text is shared out over it.
    """

    ending: ClassVar[str] = ".hocr"
    takes_several: ClassVar[bool] = False
    takes_pictures: ClassVar[bool] = False

    def write(self, pages: Iterable[tuple[Page, Picture | None]], file: BinaryIO, /) -> None:
        ((page, _),) = pages
        lines = enumerate(with_heights(page).lines, start=1)
        blocks = [
            [_written(number, line, page) for number, line in same]
            for _, same in groupby(lines, key=lambda each: each[1].region)
        ]
        name = page.image.path if page.image else page.id
        text = template(Path(__file__).parent, "hocr.html.j2").render(
            page=page,
            system=f"ocrkit {ocrkit.__version__}",
            image=name.replace('"', "'"),
            number=page.image.page - 1 if page.image else 0,
            blocks=blocks,
            bbox=_around,
        )
        file.write(text.encode())


def _written(number: int, line: Line, page: Page) -> _Written:
    area = area_of(line)
    box = _box(area, page)
    words = tuple(_word(word, page) for word, _ in placed_words(line))
    said = [_bbox(box), *_direction(line, box)]
    if line.above is not None and line.below is not None:
        said.append(f"x_size {line.above + line.below:.1f}")
    if len(area) >= 3:
        said.append("poly " + " ".join(f"{x} {y}" for x, y in _on_page(area, page)))
    return _Written("; ".join(said), box, number, words=words)


def _word(word: Word, page: Page) -> _Written:
    box = _box(word.boundary, page)
    sure = [] if word.confidence is None else [f"x_wconf {round(100 * word.confidence)}"]
    return _Written("; ".join([_bbox(box), *sure]), box, text=word.text)


def _direction(line: Line, box: _Box) -> list[str]:
    """The baseline, as a slope and the distance from the lower left corner; or how far the line is
    turned, anticlockwise."""
    if len(line.baseline) < 2:
        return []
    base = np.array(line.baseline, np.float64)
    across, down = base[-1] - base[0]
    angle = math.degrees(math.atan2(-down, across))
    if abs(angle) > _STEEP:
        return [f"textangle {angle % 360:.0f}"]
    middle = base.mean(axis=0)
    x, y = (base - middle).T
    slope = float(x @ y / (x @ x)) if x.any() else 0.0
    height = middle[1] - box[3] - slope * (middle[0] - box[0])
    return [f"baseline {slope:.4f} {height:.0f}"]


def _on_page(points: Points, page: Page) -> Iterable[tuple[int, int]]:
    for x, y in points:
        yield min(max(round(x), 0), page.width), min(max(round(y), 0), page.height)


def _box(points: Points, page: Page) -> _Box:
    found = np.array(list(_on_page(points, page)) or [(0, 0)])
    (left, top), (right, bottom) = found.min(axis=0).tolist(), found.max(axis=0).tolist()
    return left, top, right, bottom


def _bbox(box: _Box) -> str:
    return "bbox " + " ".join(map(str, box))


def _around(lines: list[_Written]) -> str:
    boxes = np.array([line.box for line in lines])
    low, high = boxes.min(axis=0).tolist(), boxes.max(axis=0).tolist()
    return _bbox((low[0], low[1], high[2], high[3]))
