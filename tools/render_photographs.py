"""Makes photographs of words out of scans of words, to measure how well a model reads photographs.

    python tools/render_photographs.py --to photographs
    python tools/render_photographs.py --to photographs --data IAM --split aachen/validation

Each scan is laid on paper as ink, and photographed: margins, ruled lines, a turned and larger
image, coloured ink and paper, uneven light, a shadow, blur, noise, and JPEG. Without `--data` the
scans are the small sample that ships with ocrkit. The result is a folder that the reader `folder`
reads: JPEG files, and `labels.tsv` with texts and writers.

An image depends on its scan, the seed and its place in the data set, and on nothing else. With
`--only EFFECT ...` every image has these effects, and no other.

This measures what is trained with the augmentations of `ocrkit_image`, so it shares no code with
them.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrkit.data.datasets import open_dataset
from ocrkit.errors import ImageError, OcrkitError
from ocrkit.parts.options import PartSpec
from ocrkit.pipelines.settings import parse_setting

Floats = NDArray[np.float32]
Rng = np.random.Generator

CHANCES = {
    "margin": 1.0,
    "ruled": 0.4,
    "turn": 1.0,
    "scale": 1.0,
    "paper": 1.0,
    "ink": 1.0,
    "shading": 1.0,
    "shadow": 0.5,
    "camera": 1.0,
}
"""The effects in the order in which they come about, with the share of photographs that have
them."""
WHITE, BLACK = (255.0, 255.0, 255.0), (40.0, 40.0, 40.0)
LINE_INKS = ((200.0, 160.0, 130.0), (150.0, 150.0, 150.0), (140.0, 130.0, 205.0))
"""Blue, grey and red. All colours are blue, green, red, as OpenCV has them."""


def coverage(scan: NDArray[np.uint8]) -> Floats:
    """How much ink covers each pixel, 0 to 1: 0 is the scan's paper, 1 its darkest strokes."""
    paper, darkest = np.percentile(scan, (90, 1))
    share = (paper - scan) / max(40.0, paper - darkest)
    return ((share - 0.08) / 0.92).clip(0, 1).astype(np.float32)  # less is the scan's paper


def with_margin(ink: Floats, rng: Rng) -> Floats:
    """Adds 15 to 45 pixels on each side, at the scan's scale."""
    top, bottom, left, right = rng.integers(15, 45, 4, endpoint=True).tolist()
    return np.pad(ink, ((top, bottom), (left, right)))


def ruled_lines(shape: tuple[int, int], rng: Rng) -> Floats:
    """One line below or through the writing, or several: coverage by the printer's ink."""
    height = shape[0]
    lines = np.zeros(shape, np.float32)
    spacing = rng.uniform(0.35, 0.7) * height if rng.random() < 0.4 else 2.0 * height
    first = rng.uniform(0.5, 0.85) * height
    thickness = rng.uniform(1.0, 2.5)
    rows = np.arange(height)
    for y in np.arange(first - 4 * spacing, height, spacing):
        lines += np.clip(thickness / 2 + 0.5 - np.abs(rows - y), 0, 1)[:, None].astype(np.float32)
    return np.asarray(lines.clip(0, 1) * np.float32(rng.uniform(0.4, 0.9)), np.float32)


def turned_and_scaled(layer: Floats, degrees: float, scale: float) -> Floats:
    """Seen by a camera that is a little askew; nothing is cut off."""
    height, width = layer.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    columns, rows = round(width * cos + height * sin), round(width * sin + height * cos)
    matrix[:, 2] += (columns - width) / 2, (rows - height) / 2
    size = max(1, columns), max(1, rows)
    return np.asarray(cv2.warpAffine(layer, matrix, size, flags=cv2.INTER_LINEAR), np.float32)


def paper_colour(rng: Rng) -> Floats:
    """White, cream, grey or bluish paper."""
    level = rng.uniform(165, 245)
    tint = np.array([rng.uniform(0.86, 1.03), rng.uniform(0.96, 1.01), 1.0])
    return np.asarray((level * tint).clip(0, 255), np.float32)


def ink_colour(rng: Rng) -> Floats:
    """A blue or black pen."""
    if rng.random() < 0.5:
        return np.array(
            [rng.uniform(90, 170), rng.uniform(40, 90), rng.uniform(20, 70)], np.float32
        )
    return np.full(3, rng.uniform(15, 80), np.float32) + rng.uniform(-8, 8, 3).astype(np.float32)


def places(shape: tuple[int, int], angle: float) -> Floats:
    """How far each pixel lies in a direction: −0.5 to 0.5 of the image's diagonal, 0 in the
    middle."""
    height, width = shape
    rows = (np.arange(height) + 0.5)[:, None] - height / 2
    columns = (np.arange(width) + 0.5)[None, :] - width / 2
    along = columns * np.cos(angle) + rows * np.sin(angle)
    return np.asarray(along / np.hypot(height, width), np.float32)


def shading(shape: tuple[int, int], rng: Rng) -> Floats:
    """Light from one side: up to 35 % darker at the other end, and a little at the corners."""
    along = places(shape, rng.uniform(0, 2 * np.pi))
    across = places(shape, rng.uniform(0, 2 * np.pi))
    slope = rng.uniform(0.05, 0.35)
    light = 1 - slope * (along + 0.5) - rng.uniform(0, 0.15) * 4 * across**2
    return np.asarray(light, np.float32)


def shadow(shape: tuple[int, int], rng: Rng) -> Floats:
    """A hand's or a phone's shadow, with a hard or a soft edge somewhere across the image."""
    along = places(shape, rng.uniform(0, 2 * np.pi)) - np.float32(rng.uniform(-0.35, 0.35))
    softness = rng.uniform(1, 4) if rng.random() < 0.5 else rng.uniform(15, 80)  # in pixels
    edge = (1 + np.tanh(2 * along * np.hypot(*shape) / softness)) / 2
    return np.asarray(1 - rng.uniform(0.2, 0.5) * edge, np.float32)


def camera(photograph: Floats, rng: Rng) -> Floats:
    """A lens that is a little out of focus, and a sensor's noise."""
    blurred = cv2.GaussianBlur(photograph, (0, 0), rng.uniform(0.4, 1.2))
    noise = rng.normal(0, rng.uniform(1, 4), photograph.shape)
    return np.asarray(blurred + noise, np.float32)


def photograph(
    scan: NDArray[np.uint8], seed: int, index: int, only: list[str]
) -> tuple[NDArray[np.uint8], int]:
    """The photograph of a scan, uint8 (height, width, 3), and the quality that JPEG is to have.

    Every effect draws from a generator of its own, so that it is the same with and without others.
    """

    def has(effect: str) -> bool:
        chance = generators[effect].random()
        return effect in only if only else chance < CHANCES[effect]

    generators = {name: np.random.default_rng([seed, index, i]) for i, name in enumerate(CHANCES)}
    ink = coverage(scan)
    if has("margin"):
        ink = with_margin(ink, generators["margin"])
    ruled = has("ruled")
    lines = ruled_lines(ink.shape, generators["ruled"]) if ruled else np.zeros_like(ink)
    degrees = generators["turn"].uniform(-2, 2) if has("turn") else 0.0
    scale = generators["scale"].uniform(1.6, 2.4) if has("scale") else 1.0
    if degrees or scale != 1:
        ink, lines = (turned_and_scaled(each, degrees, scale) for each in (ink, lines))

    paper = paper_colour(generators["paper"]) if has("paper") else np.array(WHITE, np.float32)
    pen = ink_colour(generators["ink"]) if has("ink") else np.array(BLACK, np.float32)
    line_ink = np.array(LINE_INKS, np.float32)[generators["ruled"].integers(len(LINE_INKS))]
    # Ink lets through a share of what the paper under it reflects, so that colours multiply.
    image = paper * (1 - lines[..., None] * (1 - line_ink / 255))
    image = image * (1 - ink[..., None] * (1 - pen / 255))
    for name, light in (("shading", shading), ("shadow", shadow)):
        if has(name):
            image = image * light(ink.shape, generators[name])[..., None]
    quality = 95
    if has("camera"):
        image = camera(image, generators["camera"])
        quality = int(generators["camera"].integers(60, 90, endpoint=True))
    return np.rint(image).clip(0, 255).astype(np.uint8), quality


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", required=True, type=Path, metavar="DIR", help="a new folder")
    parser.add_argument("--reader", default="iam", help="of the scans (default: iam)")
    parser.add_argument("--data", metavar="ROOT", help="the scans (default: the shipped sample)")
    parser.add_argument("--split", help="which of them, where there is --data")
    parser.add_argument(
        "--set", action="append", default=[], dest="options", metavar="NAME=VALUE",
        help="an option of the reader, for example only=FILE with the ids of forms",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only", nargs="+", choices=CHANCES, default=[], metavar="EFFECT",
        help=", ".join(CHANCES),
    )  # fmt: skip
    arguments = parser.parse_args()
    options = {path[0]: value for path, value in map(parse_setting, arguments.options)}
    try:
        scans = open_dataset(
            PartSpec("reader", arguments.reader, options),
            root=arguments.data,
            split=arguments.split,
        )
    except OcrkitError as error:
        sys.exit(str(error))
    arguments.to.mkdir(parents=True)
    rows = []
    for index, sample in enumerate(scans):
        try:
            scan = sample.load()
        except ImageError as error:
            print(f"left out: {error}", file=sys.stderr)  # noqa: T201
            continue
        image, quality = photograph(scan, arguments.seed, index, arguments.only)
        name = f"{index:06}.jpg"
        parameters = (cv2.IMWRITE_JPEG_QUALITY, quality)
        if not cv2.imwrite(str(arguments.to / name), image, parameters):
            raise OSError(f"{arguments.to / name}: cannot be written")
        columns = [name, sample.text or "", *([sample.writer] if sample.writer else [])]
        rows.append("\t".join(columns) + "\n")
    (arguments.to / "labels.tsv").write_text("".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
