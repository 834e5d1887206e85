"""Images with titles, drawn as one picture."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from ocrkit.parts.values import Image
from ocrkit.support.files import write_atomically

WORDS, PAGES = (256, 80), (420, 560)
"""Width and height in pixels that an image is fitted into, shrunk or enlarged to at most twice its
size."""
_MARGIN = 12
_FONT_SIZE = 16
_LINE_HEIGHT = 20
_MAX_LINES = 3
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_grid(
    images: Sequence[Image],
    titles: Sequence[str],
    columns: int,
    path: Path,
    box: tuple[int, int] = WORDS,
) -> None:
    """Writes a PNG of ``images``, uint8 (H, W), or (H, W, 3) in RGB, row by row, each below its
    title.

    Long titles are wrapped, and cut after three lines with ``...``. Letters that no font at hand
    has appear as boxes. Raises OcrkitError where the file cannot be written.
    """
    font = _font("".join(titles))
    width, height = box
    wrapped = [_wrap(title, font, width) for title in titles]
    title_height = _LINE_HEIGHT * max(map(len, wrapped), default=0)
    step_x, step_y = width + _MARGIN, title_height + height + _MARGIN
    rows = -(-len(images) // columns)
    mode, paper = ("RGB", (255, 255, 255)) if any(each.ndim == 3 for each in images) else ("L", 255)
    page = Pillow.new(mode, (columns * step_x + _MARGIN, rows * step_y + _MARGIN), paper)
    draw = ImageDraw.Draw(page)
    for index, (image, lines) in enumerate(zip(images, wrapped, strict=True)):
        x, y = _MARGIN + index % columns * step_x, _MARGIN + index // columns * step_y
        for number, line in enumerate(lines):
            draw.text(
                (x, y + title_height - (len(lines) - number) * _LINE_HEIGHT),
                line,
                fill=0,
                font=font,
            )
        page.paste(_fit(image, box), (x, y + title_height))
    with write_atomically(path) as temporary:
        page.save(temporary, format="PNG")


def _font(text: str) -> _Font:
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
                return ImageFont.truetype(name, _FONT_SIZE)
            except OSError:
                continue
    return ImageFont.load_default(_FONT_SIZE)


def _fit(image: Image, box: tuple[int, int]) -> Pillow.Image:
    height, width = image.shape[:2]
    scale = min(2.0, box[0] / width, box[1] / height)
    return Pillow.fromarray(image).resize((max(1, int(scale * width)), max(1, int(scale * height))))


def _wrap(text: str, font: _Font, width: int) -> list[str]:
    """Lines that fit the box; broken between any two letters, since a title is a word more often
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
