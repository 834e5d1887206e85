"""Draws what a page pipeline makes of a page: its lines marked in the picture, their texts beside it.

    python tools/draw_read_page.py iam-pages plugins/ocrkit_pagexml/sample/letter.png --to docs/pictures/page.png

README and documentation show pictures that this made, so that they stay true.
"""  # noqa: E501

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

import ocrkit
from ocrkit.errors import OcrkitError
from ocrkit.images import read_image
from ocrkit.parts.page import Line, Page
from ocrkit.support.files import write_atomically

HEIGHT = 640
"""Of the picture, in pixels."""
MARGIN = 16
FONT = ImageFont.load_default(17)
INK = (20, 20, 20)


def beside(page: Page, picture: Pillow.Image) -> Pillow.Image:
    """The picture, and to its right every line's text at the line's height."""
    scale = picture.height / page.height
    left = picture.width + 2 * MARGIN
    width = max((FONT.getlength(line.text or "") for line in page.lines), default=0.0)
    drawn = Pillow.new("RGB", (left + round(width) + MARGIN, picture.height), "white")
    drawn.paste(picture)
    draw = ImageDraw.Draw(drawn)
    for line in page.lines:
        draw.text((left, scale * level(line)), line.text or "", fill=INK, font=FONT, anchor="ls")
    return drawn


def marked(image: Pillow.Image, page: Page) -> Pillow.Image:
    """The page with its lines under a light colour."""
    over = Pillow.new("RGBA", image.size)
    draw = ImageDraw.Draw(over)
    for line in page.lines:
        if line.boundary:
            draw.polygon(line.boundary, fill=(60, 130, 220, 50))
        if line.baseline:
            draw.line(line.baseline, fill=(30, 100, 200, 200), width=2)
    return Pillow.alpha_composite(image.convert("RGBA"), over).convert("RGB")


def level(line: Line) -> float:
    """The height on the page at which a line stands."""
    return float(np.mean([y for _, y in line.baseline or line.boundary or ()]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pipeline", help="a page pipeline of the zoo, or a pipeline's file")
    parser.add_argument("image", type=Path)
    parser.add_argument("--to", required=True, type=Path, metavar="FILE.png")
    arguments = parser.parse_args()
    try:
        with ocrkit.load(arguments.pipeline) as pages:
            page = pages.read(arguments.image)
        image = read_image(arguments.image)
    except OcrkitError as error:
        sys.exit(str(error))
    picture = marked(Pillow.fromarray(image), page)
    picture = picture.resize((round(picture.width * HEIGHT / picture.height), HEIGHT))
    arguments.to.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(arguments.to) as temporary:
        beside(page, picture).quantize(64).save(temporary, format="PNG")


if __name__ == "__main__":
    main()
