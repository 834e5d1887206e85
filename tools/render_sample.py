"""Renders the small sample of IAM-like words that ships with ocrkit.

    pip install "numpy==1.26.4" "opencv-python-headless==4.11.0.86" "pillow==13.0.0"
    python tools/render_sample.py

It needs npm too: the handwriting fonts come from the npm registry when the script runs, and only
the images are kept. The same versions of these packages and the same seed give the same files, byte
for byte.

A word is drawn with its writer's font at three times its size, then bent (slant, a wavy baseline,
wobbling strokes), inked with a pen whose width and darkness drift, laid on slightly dirty paper,
reduced to sixteen grey levels as IAM's scans are, and cut out along its ink.
"""

import argparse
import shutil
import subprocess
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from io import BytesIO
from json import loads
from pathlib import Path
from xml.sax.saxutils import escape

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

SUPERSAMPLING = 3
PAGE_WIDTH, PAGE_HEIGHT = 2479, 3542  # A4 at 300 dots an inch, as IAM's forms
FONT_VERSION = "5.3.0"
LICENCE = "OFL-1.1"  # of every font

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Writer:
    """One writer: a font, and how this hand holds the pen. Lengths are pixels of the finished
    image."""

    id: str
    font: str  # the npm package @fontsource/FONT
    file: str  # its weight and style
    name: str
    author: str
    x_height: float
    pen: float  # added to the font's own stroke width; negative for a finer pen
    slant: float  # horizontal shift for each pixel of height, added to the font's own
    ink: int  # grey of a full stroke, 0 black to 255 white
    paper: (
        float  # grey of the paper before noise; below 247 it comes out as the second lightest level
    )


WRITERS = [
    Writer(
        "900",
        "kalam",
        "300-normal",
        "Kalam Light",
        "Indian Type Foundry",
        32,
        -0.2,
        0.02,
        48,
        250.8,
    ),
    Writer(
        "901",
        "handlee",
        "400-normal",
        "Handlee",
        "Joe Prince (Admix Designs)",
        34,
        0.0,
        0.08,
        42,
        251.3,
    ),
    Writer(
        "902",
        "patrick-hand",
        "400-normal",
        "Patrick Hand",
        "Patrick Wagesreiter",
        34,
        -0.7,
        0.10,
        60,
        248.6,
    ),
    Writer(
        "903",
        "caveat",
        "400-normal",
        "Caveat",
        "The Caveat Project Authors",
        32,
        0.1,
        0.0,
        34,
        251.8,
    ),
    Writer(
        "904",
        "indie-flower",
        "400-normal",
        "Indie Flower",
        "Kimberly Geswein",
        34,
        -0.2,
        0.0,
        55,
        248.3,
    ),
    Writer(
        "905",
        "nanum-pen-script",
        "400-normal",
        "Nanum Pen Script",
        "Sandoll (for NHN)",
        35,
        -0.1,
        0.12,
        38,
        250.3,
    ),
    Writer(
        "906",
        "cedarville-cursive",
        "400-normal",
        "Cedarville Cursive",
        "Kimberly Geswein",
        32,
        0.4,
        0.0,
        45,
        250.8,
    ),
    Writer(
        "907",
        "shadows-into-light",
        "400-normal",
        "Shadows Into Light",
        "Kimberly Geswein",
        40,
        0.3,
        0.10,
        66,
        249.8,
    ),
    Writer(
        "908",
        "bad-script",
        "400-normal",
        "Bad Script",
        "The Bad Script Project Authors",
        35,
        0.5,
        0.0,
        40,
        249.4,
    ),
    Writer(
        "909",
        "architects-daughter",
        "400-normal",
        "Architects Daughter",
        "Kimberly Geswein",
        32,
        -0.4,
        0.15,
        50,
        251.3,
    ),
]

# One form a writer, in the writers' order, and a second one for the first writer. Tokens are
# separated by spaces and "_" is a space inside a token. A line that starts with "!" was badly
# segmented. "#(word)" is a word struck out again, which IAM transcribes as "#".
FORMS = [
    """The baker opens her shop at 6 every
    morning . By seven the first loaves
    are cool , and the smell has already
    filled half the street .""",
    """Our old boat leaks , but we don't
    mind . We carry two buckets , a map
    and 14 sandwiches ; nobody has ever
    gone home hungry .""",
    """" Is this the right platform ? " asked
    the man with the green suitcase . I told
    him that the train to Quarry Hill
    leaves from number 9 .""",
    """Bell & Sons sold clocks , watches
    and very loud alarms . Their window
    showed 35 different times , yet not
    one of them was correct !""",
    """Rain fell on Monday , on Tuesday and
    again on Thursday . By Friday the cat
    had moved into the kitchen cupboard
    and would not come out .""",
    """An M_P visited the school in June .
    The children asked him 27 questions ; #(seven)
    eight were about lunch and one was
    about space travel .""",
    """Grandmother's garden has only one rule :
    never water the roses at noon . She
    says it ( and proves it ) each summer
    with a very long stick .""",
    """Jack and Zoe walked 18 miles in new
    shoes . The next day they bought soft
    slippers , a box of plasters and a jar
    of orange jam .""",
    """A good map is honest : it shows
    the hills as well as the roads .
    !Keep it dry
    - and fold it gently when you stop .""",
    """Mr. Hopkins repairs violins in a room
    above the station . Every express train
    makes the cups dance , so he drinks
    his tea between 3 and 4 o'clock .""",
    """In 1962 the village library owned just
    80 books . Today it lends more than
    that in an hour , and the old stove
    is a quiet reading corner .""",
]

# Grammatical tags after the fashion of IAM's; nothing in ocrkit uses them, so the rest are simply
# nouns and names.
TAGS = {
    "AT": "a an",
    "ATI": "the",
    "CC": "and but yet",
    "IN": "at on in with by from to into about between above than as",
    "INO": "of",
    "PP3": "it he she they we i",
    "PP$": "her his our their",
    "BEZ": "is",
    "BEDZ": "was",
    "BED": "were",
    "HVZ": "has",
    "DT": "this that",
    "CD": "one two seven eight",
    "DOX": "don't",
    "XNOT": "not",
}
TAG_OF = {word: tag for tag, words in TAGS.items() for word in words.split()}


@dataclass(frozen=True)
class Word:
    """A rendered word with its place on the page."""

    id: str
    text: str
    tag: str
    image: NDArray[np.uint8]
    x: int
    y: int
    components: list[
        tuple[int, int, int, int]
    ]  # x, y, width, height of every connected piece of ink, on the page

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])


@dataclass(frozen=True)
class Line:
    id: str
    ok: bool
    threshold: int  # the grey level that separates ink from paper
    words: list[Word]

    @property
    def flag(self) -> str:
        return "ok" if self.ok else "err"

    @property
    def box(self) -> tuple[int, int, int, int]:
        left, top = min(word.x for word in self.words), min(word.y for word in self.words)
        right, bottom = (
            max(word.x + word.width for word in self.words),
            max(word.y + word.height for word in self.words),
        )
        return left, top, right - left, bottom - top


@dataclass(frozen=True)
class Form:
    id: str
    writer: Writer
    lines: list[Line]


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


def tag_of(text: str, opening: bool) -> str:
    if text == "#":
        return "&GA"
    if text == '"':
        return '*"' if opening else '**"'
    if not text[0].isalnum():
        return "*-" if text == "-" else text
    if text[0].isdigit():
        return "CD"
    return TAG_OF.get(text.lower(), "NP" if text[0].isupper() else "NN")


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


def write_images(forms: list[Form], root: Path) -> None:
    for form in forms:
        folder = root / "words" / form.id[:3] / form.id
        folder.mkdir(parents=True)
        for line in form.lines:
            for word in line.words:
                Image.fromarray(word.image).save(folder / f"{word.id}.png", optimize=True)


def write_ascii(forms: list[Form], root: Path) -> None:
    words, lines, rows = [], [], []
    for form in forms:
        for line in form.lines:
            for word in line.words:
                box = f"{word.x} {word.y} {word.width} {word.height}"
                words.append(f"{word.id} {line.flag} {line.threshold} {box} {word.tag} {word.text}")
            components = sum(len(word.components) for word in line.words)
            box = " ".join(str(number) for number in line.box)
            lines.append(
                f"{line.id} {line.flag} {line.threshold} {components} {box} "
                f"{'|'.join(word.text for word in line.words)}"
            )
        good = [line for line in form.lines if line.ok]
        all_words = [word for line in form.lines for word in line.words]
        sentences = sum(word.text in {".", "?", "!"} for word in all_words)
        extent = "all" if len(good) == len(form.lines) else "prt"
        counts = (
            f"{len(form.lines)} {len(good)} {len(all_words)} "
            f"{sum(len(line.words) for line in good)}"
        )
        rows.append(f"{form.id} {form.writer.id} {sentences} {extent} {counts}")
    folder = root / "ascii"
    folder.mkdir()
    for name, format, content in (
        ("words", "word-id ok|err grey-level x y width height tag text", words),
        ("lines", "line-id ok|err grey-level components x y width height words-joined-by-|", lines),
        ("forms", "form-id writer-id sentences all|prt lines lines-ok words words-ok", rows),
    ):
        title = f"#--- {name}.txt "
        header = [
            title.ljust(78, "-") + "#",
            "#",
            "# ocrkit's rendered sample, in the layout of the IAM database",
            "#",
        ]
        text = "\n".join([*header, f"# format: {format}", "#", *content]) + "\n"
        (folder / f"{name}.txt").write_text(text, encoding="ascii", newline="\n")


def escaped(text: str) -> str:
    """IAM escapes its texts twice, of which the XML writer does one."""
    return escape(text, {'"': "&quot;"})


def write_xml(forms: list[Form], root: Path) -> None:
    folder = root / "xml"
    folder.mkdir()
    for form in forms:
        size = {"width": str(PAGE_WIDTH), "height": str(PAGE_HEIGHT)}
        element = ET.Element("form", {"id": form.id, "writer-id": form.writer.id, **size})
        part = ET.SubElement(element, "handwritten-part")
        for line in form.lines:
            text = escaped(" ".join(word.text for word in line.words))
            settings = {"segmentation": line.flag, "threshold": str(line.threshold)}
            row = ET.SubElement(part, "line", {"id": line.id, "text": text, **settings})
            for word in line.words:
                entry = ET.SubElement(
                    row,
                    "word",
                    {"id": word.id, "tag": escaped(word.tag), "text": escaped(word.text)},
                )
                for component in word.components:
                    box = zip(("x", "y", "width", "height"), map(str, component), strict=True)
                    ET.SubElement(entry, "cmp", dict(box))
        ET.indent(element)
        xml = ET.tostring(element, encoding="ISO-8859-1", xml_declaration=True)
        (folder / f"{form.id}.xml").write_bytes(xml + b"\n")


README = """\
# The sample

{words} words by {writers} writers in the layout of the [IAM Handwriting Database](https://fki.tic.heia-fr.ch/databases/iam-handwriting-database):
`words/`, `ascii/` and `xml/`. Nothing in it comes from IAM: the sentences were written for ocrkit, and the words
were rendered from handwriting fonts by `tools/render_sample.py` (seed {seed}), which also writes this page. The form ids
(`z00-…`) and writer ids (`{first}` to `{last}`) lie outside IAM's.

It exists so that ocrkit can be tried and tested without IAM. Fonts are far more regular than people, so scores on it say
nothing about how well a model reads handwriting.

As in IAM, punctuation stands apart, a token may hold a space (`M P`), `#` marks a word that was struck out, and the words of a
badly segmented line are flagged `err`. The grammatical tags are rough.

## Licences

The images and the texts: Apache-2.0, like the rest of ocrkit. The fonts themselves are not part of ocrkit; each is under the
SIL Open Font License 1.1, which does not extend to documents made with a font. They came from these npm packages:

| writer | font | author | package | licence |
|---|---|---|---|---|
{table}
"""  # noqa: E501


def write_readme(forms: list[Form], root: Path, seed: int) -> None:
    table = "\n".join(
        f"| {writer.id} | {writer.name} | {writer.author} | `@fontsource/{writer.font}` "
        f"{FONT_VERSION} | {LICENCE} |"
        for writer in WRITERS
    )
    words = sum(len(line.words) for form in forms for line in form.lines)
    first, last = WRITERS[0].id, WRITERS[-1].id
    page = README.format(
        words=words, writers=len(WRITERS), seed=seed, first=first, last=last, table=table
    )
    (root / "README.md").write_text(page, encoding="utf-8", newline="\n")


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
    write_readme(forms, options.out, options.seed)


if __name__ == "__main__":
    main()
