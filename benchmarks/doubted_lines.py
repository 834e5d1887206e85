"""Below which mean confidence of its characters a line is doubted: how many lines that a model can
read have less, and how many that it cannot.

    python benchmarks/doubted_lines.py iam-lines --data IAM --split aachen/validation --print FONTS

Can be read: the data set's lines. Cannot: the same upside down, and their texts printed in the
TrueType fonts of the folder FONTS, 32 pixels high. Whether print cannot be read is seen by its
character error rate.
"""

import argparse
from collections.abc import Iterable
from itertools import cycle
from pathlib import Path

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont
from rapidfuzz.distance import Levenshtein

import ocrkit
from ocrkit import Decoded
from ocrkit.images.grey import as_grey
from ocrkit.interfaces import Image
from ocrkit.reading.page_readings import UNSURE, sure_of

THRESHOLDS = sorted({0.6, 0.7, 0.75, 0.8, 0.9, UNSURE})
HEIGHT = 32
"""Pixels of printed letters."""


def printed(text: str, font: Path) -> Image:
    """A line of print, black on white."""
    face = ImageFont.truetype(str(font), HEIGHT)
    width = round(face.getlength(text)) + HEIGHT
    line = Pictures.new("L", (width, 2 * HEIGHT), 255)
    ImageDraw.Draw(line).text((HEIGHT // 2, HEIGHT // 3), text, fill=0, font=face)
    return np.asarray(line)


def row(name: str, found: Iterable[Decoded], truths: list[str]) -> None:
    readings = list(found)
    sure = np.array([sure_of(each) for each in readings])
    edits = sum(
        Levenshtein.distance(truth, each.text) for truth, each in zip(truths, readings, strict=True)
    )
    shares = " | ".join(f"{np.mean(sure < threshold):.3f}" for threshold in THRESHOLDS)
    print(f"| {name} | {edits / sum(map(len, truths)):.3f} | {np.median(sure):.2f} | {shares} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pipeline")
    parser.add_argument("--data")
    parser.add_argument("--split")
    parser.add_argument("--print", dest="fonts", type=Path, required=True, metavar="FONTS")
    parser.add_argument("--limit", type=int)
    asked = parser.parse_args()
    fonts = sorted(asked.fonts.glob("*.ttf"))
    if not fonts:
        raise SystemExit(f"{asked.fonts}: no TrueType fonts in this folder")
    with ocrkit.load(asked.pipeline, device="cpu") as lines:
        assert isinstance(lines, ocrkit.Pipeline)
        samples = list(lines.dataset(asked.data, asked.split, asked.limit))
        truths = [sample.text or "" for sample in samples]
        images = [as_grey(sample.load()) for sample in samples]
        kinds = {
            "as they are": images,
            "upside down": [np.ascontiguousarray(image[::-1, ::-1]) for image in images],
            "printed": [
                printed(text, font) for text, font in zip(truths, cycle(fonts), strict=False)
            ],
        }
        heads = " | ".join(f"under {threshold}" for threshold in THRESHOLDS)
        print(f"| {len(images)} lines | CER | median confidence | {heads} |")
        print("|---" * (3 + len(THRESHOLDS)) + "|")
        for name, pictures in kinds.items():
            items = lines.read_many(pictures)
            row(name, (item.decoded or Decoded("", 0.0) for item in items), truths)


if __name__ == "__main__":
    main()
