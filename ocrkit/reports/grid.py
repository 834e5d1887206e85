"""Images with texts, drawn as one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from ocrkit.parts.values import Image
from ocrkit.support.files import write_atomically

WORDS, PAGES = (256, 80), (420, 560)
"""Width and height in pixels that an image is fitted into, shrunk or enlarged to at most twice its
size."""
_MARGIN = 24
_PADDING = 10
"""Between a cell's frame and what is in it."""
_GAP = 6
_FONT_SIZE, _SMALL = 16, 12
_LINE_HEIGHT = 22
_MARK = 20
"""Pixels to the left of a text, where it is said whether it is right."""
_MAX_LINES = 3
_PAPER, _FRAME, _INK, _SOFT = (255, 255, 255), (221, 225, 230), (27, 31, 36), (93, 102, 115)
_COLOURS = {"right": (26, 112, 60), "wrong": (179, 38, 30)}
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_Verdict = Literal["right", "wrong"]


@dataclass(frozen=True, slots=True)
class Line:
    """A text below an image; with a ``verdict``, in its colour and with its mark."""

    text: str
    verdict: _Verdict | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """An image, uint8 (H, W), or (H, W, 3) in RGB, its texts, and in small letters what it is."""

    image: Image
    lines: Sequence[Line]
    id: str = ""


def draw_grid(
    cells: Sequence[Cell],
    columns: int,
    path: Path,
    box: tuple[int, int] = WORDS,
    heading: Sequence[str] = (),
) -> None:
    """Writes a PNG of the cells, row by row, below the lines of a heading.

    Long texts are wrapped, and cut after three lines with ``...``. Letters that no font at hand
    has appear as boxes. Raises OcrkitError where the file cannot be written.
    """
    texts = "".join(line.text for cell in cells for line in cell.lines)
    font, small = _font(texts, _FONT_SIZE), _font("".join(cell.id for cell in cells), _SMALL)
    width, height = box
    columns = max(1, min(columns, len(cells)))
    indent = _MARK if any(line.verdict for cell in cells for line in cell.lines) else 0
    drawn = [_wrapped(cell, font, width - indent) for cell in cells]
    text_height = _LINE_HEIGHT * max(map(len, drawn), default=0)
    id_height = _LINE_HEIGHT if any(cell.id for cell in cells) else 0
    step_x = width + 2 * _PADDING + _GAP
    step_y = height + text_height + id_height + 2 * _PADDING + _GAP
    above = _heading(heading, columns * step_x)
    left, top = _MARGIN, _MARGIN + (above.height + _GAP if above else 0)
    rows = -(-len(cells) // columns)
    size = columns * step_x - _GAP + 2 * _MARGIN, rows * step_y - _GAP + top + _MARGIN
    page = Pillow.new("RGB", size, _PAPER)
    if above:
        page.paste(above, (left, _MARGIN))
    draw = ImageDraw.Draw(page)
    for index, (cell, lines) in enumerate(zip(cells, drawn, strict=True)):
        x, y = left + index % columns * step_x, top + index // columns * step_y
        draw.rectangle((x, y, x + step_x - _GAP, y + step_y - _GAP), outline=_FRAME)
        x, y = x + _PADDING, y + _PADDING
        page.paste(_fit(cell.image, box), (x, y))
        y += height
        for text, verdict, marked in lines:
            _write(draw, (x + indent, y), text, font, verdict)
            if marked and verdict:
                _mark(draw, (x, y + _LINE_HEIGHT // 2), verdict)
            y += _LINE_HEIGHT
        if cell.id:
            shown = _wrap(cell.id, small, width)[0]
            y = top + index // columns * step_y + _PADDING + height + text_height
            draw.text((x, y + _LINE_HEIGHT / 2), shown, fill=_SOFT, font=small, anchor="lm")
    with write_atomically(path) as temporary:
        page.save(temporary, format="PNG")


def _heading(texts: Sequence[str], width: int) -> Pillow.Image | None:
    if not texts:
        return None
    font = _font("".join(texts), _FONT_SIZE)
    lines = [line for text in texts for line in _wrap(text, font, width)]
    drawn = Pillow.new("RGB", (width, len(lines) * _LINE_HEIGHT), _PAPER)
    draw = ImageDraw.Draw(drawn)
    for index, line in enumerate(lines):
        draw.text((0, (index + 0.5) * _LINE_HEIGHT), line, fill=_INK, font=font, anchor="lm")
    return drawn


def _wrapped(cell: Cell, font: _Font, width: int) -> list[tuple[str, _Verdict | None, bool]]:
    """The texts of a cell as they fit its width, each with its verdict, and whether that is marked:
    beside the first of those that belong together."""
    return [
        (text, line.verdict, not index)
        for line in cell.lines
        for index, text in enumerate(_wrap(line.text, font, width))
    ]


def _write(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, font: _Font, verdict: _Verdict | None
) -> None:
    colour = _COLOURS[verdict] if verdict else _INK
    place = at[0], at[1] + _LINE_HEIGHT // 2
    draw.text(place, text, fill=colour, font=font, anchor="lm")


def _mark(draw: ImageDraw.ImageDraw, at: tuple[int, int], verdict: _Verdict) -> None:
    """A tick or a cross: drawn, since fonts lack them."""
    x, y = at
    strokes = {
        "right": [[(x, y), (x + 4, y + 5), (x + 12, y - 5)]],
        "wrong": [[(x + 1, y - 5), (x + 11, y + 5)], [(x + 1, y + 5), (x + 11, y - 5)]],
    }
    for stroke in strokes[verdict]:
        draw.line(stroke, fill=_COLOURS[verdict], width=2)


def _font(text: str, size: int) -> _Font:
    """Pillow's own font, which looks the same everywhere but has ASCII only; for other texts one of
    the system's."""
    if not text.isascii():
        for name in (
            "DejaVuSans.ttf",
            "NotoSans-Regular.ttf",
            "LiberationSans-Regular.ttf",
            "Arial.ttf",
        ):
            try:
                return ImageFont.truetype(name, size)
            except OSError:
                continue
    return ImageFont.load_default(size)


def _fit(image: Image, box: tuple[int, int]) -> Pillow.Image:
    height, width = image.shape[:2]
    scale = min(2.0, box[0] / width, box[1] / height)
    return Pillow.fromarray(image).resize((max(1, int(scale * width)), max(1, int(scale * height))))


def _wrap(text: str, font: _Font, width: int) -> list[str]:
    """Lines that fit the box; broken between any two letters, since a text is a word more often
    than a sentence."""
    lines = [""]
    for letter in text:
        shown = letter if letter.isprintable() else "?"
        if font.getlength(lines[-1] + shown) > width:
            if len(lines) == _MAX_LINES:
                lines[-1] = lines[-1][:-2] + "..."
                break
            lines.append("")
        lines[-1] += shown
    return lines
