"""What there is of IAM in a folder: images and texts, as they are found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ocrkit.data.findings import Finding
from ocrkit.errors import DataError
from ocrkit.interfaces import Skipped
from ocrkit.support.files import read_text
from ocrkit_iam.files import (
    LEVELS,
    Level,
    ascii_file,
    form_folder,
    image_sizes,
    images_folder,
    xml_folder,
)
from ocrkit_iam.texts import LINE_ID, WORD_ID, Line, Word, parse_forms, parse_lines, parse_words
from ocrkit_iam.xml_forms import read_xml

_ID = {"words": WORD_ID, "lines": LINE_ID}


@dataclass(frozen=True)
class Images:
    """The images of a level."""

    folder: Path
    sizes: dict[str, dict[str, int]]
    """Bytes of every image, by form and by the id of its word or line."""

    def files(self) -> dict[str, int]:
        """Bytes by id."""
        return {id_: size for form in self.sizes.values() for id_, size in form.items()}

    def not_empty(self) -> dict[str, Path]:
        """The images that have any bytes, by id."""
        return {
            id_: form_folder(self.folder, form) / f"{id_}.png"
            for form, of_form in self.sizes.items()
            for id_, size in of_form.items()
            if size
        }


@dataclass
class Texts:
    """What ``ascii/`` or ``xml/`` says."""

    place: Path | None = None
    words: dict[str, Word] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    writers: dict[str, str] = field(default_factory=dict)
    """By form."""

    def rows(self, level: Level) -> dict[str, Word] | dict[str, Line]:
        """By id."""
        return self.words if level == "words" else self.lines


def all_images(root: Path, level: Level) -> Images:
    """Where all was extracted into one folder, images of words and of lines are told by their
    names."""
    folder = images_folder(root, level)
    kind = _ID[level] if folder == root else None
    sizes = {}
    for form in sorted(each for each in folder.glob("*/*-*/") if each.is_dir()):
        if form == form_folder(folder, form.name):
            found = image_sizes(folder, form.name) or {}
            if kind:
                found = {id_: size for id_, size in found.items() if kind.fullmatch(id_)}
            if found or not kind:
                sizes[form.name] = found
    return Images(folder, sizes)


def ascii_texts(root: Path, findings: list[Finding]) -> Texts:
    """What words.txt, lines.txt and forms.txt say."""
    texts = Texts()
    for name in ("forms.txt", *(f"{level}.txt" for level in LEVELS)):
        table = ascii_file(root, name)
        if table is None:
            continue
        shown = table.relative_to(root).as_posix()
        try:
            content = read_text(table, DataError)
        except DataError as error:
            findings.append(Finding("problem", str(error)))
            continue
        if name == "forms.txt":
            texts.writers = parse_forms(content)
            continue
        texts.place = texts.place or table
        if name == "words.txt":
            words, malformed = parse_words(content, shown)
            texts.words = {word.id: word for word in words}
        else:
            lines, malformed = parse_lines(content, shown)
            texts.lines = {line.id: line for line in lines}
        findings += _malformed(malformed)
    return texts


def xml_texts(root: Path, findings: list[Finding]) -> Texts:
    """What the XML files say."""
    folder = xml_folder(root)
    if folder is None:
        return Texts()
    writers, words, lines = read_xml(folder)
    findings += _malformed([*dict.fromkeys([*words.malformed, *lines.malformed])])
    return Texts(
        folder,
        {word.id: word for word in words.words},
        {line.id: line for line in lines.lines},
        writers,
    )


def _malformed(rows: list[Skipped]) -> Iterator[Finding]:
    if rows:
        names = tuple(f"{row.id} ({row.reason})" for row in rows)
        yield Finding("problem", f"{len(names):,} malformed", names)
