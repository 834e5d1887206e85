"""The files of the rendered sample, in IAM's layout."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sample_content import WRITERS, Writer

PAGE_WIDTH, PAGE_HEIGHT = 2479, 3542  # A4 at 300 dots an inch, as IAM's forms
FONT_VERSION = "5.3.0"
LICENCE = "OFL-1.1"  # of every font


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

{words} words and {lines} lines by {writers} writers in the layout of the [IAM Handwriting Database](https://fki.tic.heia-fr.ch/databases/iam-handwriting-database):
`words/`, `lines/`, `ascii/` and `xml/`. Nothing in it comes from IAM: the sentences were written for ocrkit, and the words
were rendered from handwriting fonts by `tools/render_sample.py` (seed {seed}), which also puts the lines together from them as
`ocrkit data lines` does, and writes this page. The form ids (`z00-…`) and writer ids (`{first}` to `{last}`) lie outside IAM's.

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
    page = README.format(
        words=words,
        lines=sum(len(form.lines) for form in forms),
        writers=len(WRITERS),
        seed=seed,
        first=WRITERS[0].id,
        last=WRITERS[-1].id,
        table=table,
    )
    (root / "README.md").write_text(page, encoding="utf-8", newline="\n")
