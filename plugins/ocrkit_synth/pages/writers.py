"""Whose hands pages are written in: fonts of a folder, and writers of another reader's words."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

from PIL import ImageFont

from ocrkit import DataError, Sample, Skipped
from ocrkit.interfaces import Reader
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.support.files import walk
from ocrkit_synth.fonts import X_HEIGHT, Font
from ocrkit_synth.pages.hands import CutHand, CutWord, FontHand, Hand, pool

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SEEN = 20_000
"""Samples of another reader that are looked at to find its writers."""
_FEW = 8
"""A writer needs so many words to write a page."""


@dataclass(frozen=True)
class FontWriter:
    """Writes a text in a font: the words that it has all characters of."""

    font: Font
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.font.name

    def hand(self, x_height: float, rng: random.Random) -> Hand:
        """A hand of this size that begins anywhere in the text."""
        face = self.font.face.font_variant(size=self.font.face.size * x_height / X_HEIGHT)
        return FontHand(face, self.words, rng.randrange(len(self.words)))


@dataclass(frozen=True)
class CutWriter:
    """Writes with the words that somebody has written."""

    name: str
    samples: Sequence[Sample]

    @cached_property
    def words(self) -> list[CutWord]:
        return pool(self.samples, random.Random(self.name))  # noqa: S311  (nothing secret)

    def hand(self, x_height: float, rng: random.Random) -> Hand:
        """A hand of this size. Raises ValueError where too few words can be used."""
        if len(self.words) < _FEW:
            raise ValueError(f"{len(self.words)} words can be used; expected {_FEW} or more")
        return CutHand(self.words, x_height)


def font_writers(
    root: Path, split: str, text: Sequence[str], skipped: list[Skipped]
) -> list[FontWriter]:
    """The fonts of a folder, every fifth for validation, with what of the text they can write;
    those that cannot be used are noted."""
    paths = sorted(path for path in walk(root) if path.suffix.lower() in {".ttf", ".otf"})
    chosen = {
        "all": paths,
        "train": [path for number, path in enumerate(paths) if number % 5],
        "validation": paths[::5],
    }[split]
    characters = sorted(set("".join(text)) | set(_LETTERS))
    words: dict[frozenset[str], tuple[str, ...]] = {}
    writers = []
    for font in map(Font, chosen):
        try:
            lacks = font.lacks(characters)
        except (OSError, ValueError) as error:
            skipped.append(Skipped(font.path.name, str(error)))
            continue
        if lacks not in words:
            words[lacks] = tuple(word for word in text if lacks.isdisjoint(word))
        if lacks.isdisjoint(_LETTERS) and words[lacks]:
            writers.append(FontWriter(font, words[lacks]))
        else:
            skipped.append(Skipped(font.path.name, "lacks the characters of every word"))
    return writers


def cut_writers(reader: str, root: Path | None, split: str) -> list[CutWriter]:
    """The writers of a reader who have words enough. Raises DataError where there is none."""
    place = {} if root is None else {"root": str(root)}
    other: Reader = make_part(PartSpec("reader", reader, {"split": split}), **place)
    of_writer: defaultdict[str, list[Sample]] = defaultdict(list)
    for number in range(min(len(other), _SEEN)):
        sample = other[number]
        if sample.text:
            of_writer[sample.writer or "unknown"].append(sample)
    found = [
        CutWriter(name, samples)
        for name, samples in sorted(of_writer.items())
        if len(samples) >= _FEW
    ]
    if not found:
        raise DataError(
            f"synth-pages: no writer of {reader!r} has {_FEW} words or more in {split!r}"
        )
    return found


def printer(x_height: float, text: Sequence[str], rng: random.Random) -> Hand:
    """Print, of about this size."""
    face = cast(ImageFont.FreeTypeFont, ImageFont.load_default(2 * x_height))
    return FontHand(face, text, rng.randrange(len(text)))
