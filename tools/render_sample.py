"""Renders the small sample of IAM-like words and lines that ships with ocrkit.

    pip install "numpy==1.26.4" "opencv-python-headless==4.11.0.86" "pillow==13.0.0"
    python -m pip install --no-deps .
    python tools/render_sample.py

It needs npm too: the handwriting fonts come from the npm registry when the script runs, and only
the images are kept. The same versions of these packages and the same seed give the same files, byte
for byte.

A word is drawn with its writer's font at three times its size, then bent (slant, a wavy baseline,
wobbling strokes), inked with a pen whose width and darkness drift, laid on slightly dirty paper,
reduced to sixteen grey levels as IAM's scans are, and cut out along its ink. Lines are put together
from the words as `ocrkit data lines` does.
"""

import argparse
import shutil
import subprocess
import tarfile
import tempfile
from io import BytesIO
from json import loads
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from sample_content import FORMS, WRITERS, Writer, tag_of
from sample_files import (
    FONT_VERSION,
    LICENCE,
    Form,
    Line,
    Word,
    write_ascii,
    write_images,
    write_readme,
    write_xml,
)

from ocrkit_iam.assembly import assemble

SUPERSAMPLING = 3

Floats = NDArray[np.float32]


def fetch_font(writer: Writer, folder: Path) -> bytes:
    """The font file of a writer from its npm package, whose licence must be the one that the
    sample's README names."""
    package = f"@fontsource/{writer.font}@{FONT_VERSION}"
    command = ["npm", "pack", "--silent", package]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 — nothing in it comes from outside
    with tarfile.open(folder / f"fontsource-{writer.font}-{FONT_VERSION}.tgz") as archive:

        def contents(name: str) -> bytes:
            if (file := archive.extractfile(f"package/{name}")) is None:
                raise SystemExit(f"{package}: {name} is no file")
            return file.read()

        licence = loads(contents("package.json"))["license"]
        font = contents(f"files/{writer.font}-latin-{writer.file}.woff2")
    if licence != LICENCE:
        raise SystemExit(f"{package} is under {licence}; the sample's README promises {LICENCE}")
    return font


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], step: float) -> Floats:
    """Smooth random field (H, W) of about unit deviation that changes over ``step`` pixels."""
    height, width = shape
    knots = rng.standard_normal((int(height / step) + 3, int(width / step) + 3)).astype(np.float32)
    return np.asarray(cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def draw(
    text: str,
    struck_out: bool,
    font: ImageFont.FreeTypeFont,
    x_height: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """The bare glyphs, white on black, with a margin of three x-heights; the baseline lies a third
    of the way up."""
    margin = int(3 * x_height)
    width = int(font.getlength(text)) + 2 * margin
    canvas = Image.new("L", (width, 3 * margin))
    pen = ImageDraw.Draw(canvas)
    pen.text((margin, 2 * margin), text, font=font, fill=255, anchor="ls")
    if struck_out:
        for height in (0.35, 0.6):
            ends = [int(2 * margin - x_height * (height + rng.normal(0, 0.08))) for _ in range(2)]
            pen.line(
                (margin - 10, ends[0], width - margin + 10, ends[1]),
                fill=255,
                width=int(0.13 * x_height),
            )
    return np.asarray(canvas)


def bend(
    glyphs: NDArray[np.uint8], writer: Writer, x_height: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Slants and tilts the glyphs, lets the baseline wander and the strokes wobble."""
    height, width = glyphs.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    above = 2 * height / 3 - y
    slant = writer.slant + rng.normal(0, 0.05)
    tilt = rng.normal(0, 0.012)
    wander = smooth_noise(rng, (1, width), 1.5 * x_height) * 0.05 * x_height
    wobble_x, wobble_y = (
        smooth_noise(rng, glyphs.shape, 0.6 * x_height) * 0.03 * x_height for _ in range(2)
    )
    source_x = x - slant * above + wobble_x
    source_y = y + tilt * (x - width / 2) + wander + wobble_y
    return np.asarray(cv2.remap(glyphs, source_x, source_y, cv2.INTER_LINEAR), np.uint8)


def ink(glyphs: NDArray[np.uint8], writer: Writer, rng: np.random.Generator) -> Floats:
    """How much ink lies on every pixel of the finished image, 0 to 1: strokes of drifting width
    with soft edges."""
    inside = cv2.distanceTransform((glyphs >= 128).astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((glyphs < 128).astype(np.uint8), cv2.DIST_L2, 5)
    distance = (inside - outside) / SUPERSAMPLING
    width = writer.pen / 2 + 0.3 * smooth_noise(rng, glyphs.shape, 20 * SUPERSAMPLING)
    coverage = np.clip(0.45 + (distance + width) / 2.2, 0, 1)
    size = (glyphs.shape[1] // SUPERSAMPLING, glyphs.shape[0] // SUPERSAMPLING)
    return np.asarray(
        cv2.resize(coverage.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32
    )


def scan(coverage: Floats, writer: Writer, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The grey image of the ink on paper, in IAM's sixteen levels (multiples of 17)."""
    grain = 4 * rng.standard_normal(coverage.shape) + 5 * smooth_noise(rng, coverage.shape, 2)
    stroke = writer.ink + rng.normal(0, 6) + 14 * smooth_noise(rng, coverage.shape, 25) + grain
    # Scanned paper is lighter far from the ink: most of the specks lie near the strokes.
    shade = cv2.GaussianBlur(coverage, (0, 0), 6)
    paper = (
        writer.paper
        - 8 * shade
        + 1.5 * smooth_noise(rng, coverage.shape, 30)
        + 1.7 * rng.standard_normal(coverage.shape)
    )
    grey = paper * (1 - coverage) + stroke * coverage
    return np.asarray(np.clip(np.rint(grey / 17), 1, 15) * 17, np.uint8)


def render_line(
    line_id: str,
    source: str,
    writer: Writer,
    font: bytes,
    *,
    baseline: int,
    rng: np.random.Generator,
) -> Line:
    ok = not source.startswith("!")
    face = ImageFont.truetype(BytesIO(font), 100, layout_engine=ImageFont.Layout.BASIC)
    top, bottom = face.getbbox("x", anchor="ls")[1::2]
    x_height = writer.x_height * SUPERSAMPLING
    face = face.font_variant(size=100 * x_height / (bottom - top))
    threshold = int(rng.integers(150, 180))
    x = int(rng.integers(300, 400))
    words: list[Word] = []
    for number, token in enumerate(source.removeprefix("!").split()):
        struck_out = token.startswith("#(")
        text = token[2:-1] if struck_out else token.replace("_", " ")
        coverage = ink(
            bend(draw(text, struck_out, face, x_height, rng), writer, x_height, rng), writer, rng
        )
        _, _, boxes, _ = cv2.connectedComponentsWithStats((coverage > 0.35).astype(np.uint8))
        boxes = boxes[1:, :4]
        left, above = boxes[:, :2].min(axis=0)
        right, below = (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
        image = scan(coverage, writer, rng)[above:below, left:right]
        y = baseline - coverage.shape[0] * 2 // 3 + int(above) + int(rng.normal(0, 1.5))
        text = "#" if struck_out else text
        opening = not any(word.text == '"' for word in words)
        components = [
            (int(x + bx - left), int(y + by - above), int(width), int(height))
            for bx, by, width, height in boxes
        ]
        words.append(
            Word(
                f"{line_id}-{number:02}",
                text,
                tag_of(text, opening),
                image,
                x,
                y,
                sorted(components),
            )
        )
        x += image.shape[1] + int(rng.normal(1.6, 0.25) * writer.x_height)
    return Line(line_id, ok, threshold, words)


def render_form(number: int, source: str, writer: Writer, font: bytes, seed: int) -> Form:
    form_id = f"z00-{number:03}"
    lines = []
    for row, line in enumerate(source.splitlines()):
        rng = np.random.default_rng([seed, number, row])
        lines.append(
            render_line(
                f"{form_id}-{row:02}", line.strip(), writer, font, baseline=800 + 180 * row, rng=rng
            )
        )
    return Form(form_id, writer, lines)


def write_lines(root: Path) -> None:
    """Puts the lines together, in sixteen grey levels as well."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        assemble(root, made)
        for path in sorted((made / "lines").rglob("*.png")):
            target = root / path.relative_to(made)
            target.parent.mkdir(parents=True, exist_ok=True)
            levels = np.rint(np.array(Image.open(path)) / 17).astype(np.uint8) * 17
            Image.fromarray(levels).save(target, optimize=True)


def main() -> None:
    default = Path(__file__).resolve().parent.parent / "plugins" / "ocrkit_iam" / "sample"
    parser = argparse.ArgumentParser(
        description="Render the sample of IAM-like words that ships with ocrkit."
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=default,
        help="folder to write, replaced if it is there (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        fonts = {writer.id: fetch_font(writer, Path(folder)) for writer in WRITERS}
    writers = [*WRITERS, WRITERS[0]]
    forms = [
        render_form(number, source, writer, fonts[writer.id], options.seed)
        for number, (source, writer) in enumerate(zip(FORMS, writers, strict=True))
    ]
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    write_images(forms, options.out)
    write_ascii(forms, options.out)
    write_xml(forms, options.out)
    write_lines(options.out)
    write_readme(forms, options.out, options.seed)


if __name__ == "__main__":
    main()
