"""Lines of a text, drawn in handwriting fonts: a data set as large as one likes, and the same every
time."""

import math
import random
import unicodedata
from bisect import bisect
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from ocrkit import DataError, Sample, Skipped, option
from ocrkit.interfaces import Image
from ocrkit.support.files import read_text
from ocrkit_synth.fonts import SPLITS, X_HEIGHT, Font, find_fonts
from ocrkit_synth.ink import LINE_TILT, write
from ocrkit_synth.words import ASCII, number

_SPACES = 0.7, 1.8
"""Spaces of a line by those of its font."""
_UNEVEN = 0.2
"""How much the spaces of a line differ from each other: the deviation of their logarithm."""
_JUMP = 0.04
"""Deviation of words from the baseline, in x-heights."""


@dataclass
class SynthLines:
    """Lines of a text file, drawn in the fonts of a folder with random spaces, size, slant, pen,
    ink, paper and cut.

    A line is a piece of a paragraph, which is a line of the file, with its capitals, accents and
    punctuation. Sample ``i`` of a seed is always the same line, font and pixels, however many
    samples there are: with the same options, fonts and text, and the same releases of NumPy,
    Pillow and OpenCV. The font's name stands for the writer. A font never draws a character that
    it lacks: lines end before such a word.

    Splits: ``all``; ``train`` and ``validation``, which share neither a font nor a paragraph: every
    fifth font and about every tenth paragraph are for validation. Raises DataError where there are
    no fonts or no text.
    """

    root: Path = option(Path(), "the folder with fonts, .ttf or .otf, in it or below")
    split: str = option("all", f"one of {', '.join(SPLITS)}")
    text: Path | None = option(
        None, "a text in UTF-8, a paragraph a line; unless given, words.txt beside the fonts"
    )
    samples: int = option(
        100_000, "how many samples there are; of validation, a twentieth as many", minimum=1
    )
    seed: int = option(0, "fixes lines, fonts and pixels", minimum=0)
    longest: int = option(
        70,
        "most characters of a line; how many it has at most is drawn evenly from a third of that",
        minimum=10,
        maximum=200,
    )
    numbers: float = option(
        0.03, "share of the words in whose place a number is written", minimum=0, maximum=1
    )

    forms = None

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise DataError(
                f"synth-lines: no split named {self.split!r}; available: {', '.join(SPLITS)}"
            )
        self._paragraphs = self._read()
        self._sums = list(accumulate(map(len, self._paragraphs)))
        words = {word for paragraph in self._paragraphs for word in paragraph}
        characters = sorted(set().union(*words, ASCII))
        self.skipped: list[Skipped] = []
        self._fonts: list[tuple[Font, frozenset[str]]] = []
        """Fonts, and the words that each cannot write."""
        unwritten: dict[frozenset[str], frozenset[str]] = {}
        for font in find_fonts(self.root, self.split):
            try:
                lacks = font.lacks(characters)
                font.pen  # noqa: B018  (measured now, so that a font that cannot be is left out)
            except (OSError, ValueError) as error:
                self.skipped.append(Skipped(font.path.name, str(error)))
                continue
            if lacks not in unwritten:
                unwritten[lacks] = frozenset(word for word in words if lacks.intersection(word))
            if 2 * len(unwritten[lacks]) > len(words):
                self.skipped.append(
                    Skipped(font.path.name, "cannot write most of the text's words")
                )
            else:
                self._fonts.append((font, lacks))
        if not self._fonts:
            first = "".join(f"; the first: {each.id}: {each.reason}" for each in self.skipped[:1])
            raise DataError(
                f"synth-lines: no font (.ttf or .otf) in {self.root} can be used for "
                f"{self.split!r}{first}"
            )

    def _read(self) -> list[list[str]]:
        """The split's paragraphs: their words, as the text has them."""
        path = self.text or self.root / "words.txt"
        expected = "a text to draw lines of; name one with --set reader.text=FILE"
        paragraphs = read_text(path, DataError, expected).split("\n")
        if self.split != "all":
            held_out = self.split == "validation"
            paragraphs = [each for each in paragraphs if _is_held_out(each) == held_out]
        plain = (unicodedata.normalize("NFC", each).replace("’", "'") for each in paragraphs)
        found = [
            [word for word in each.split() if len(word) <= self.longest // 3] for each in plain
        ]
        if not any(found):
            raise DataError(f"synth-lines: {path} has no text for {self.split!r}")
        return [each for each in found if each]

    def __len__(self) -> int:
        return self.samples if self.split != "validation" else math.ceil(self.samples / 20)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        rng = random.Random(self.seed << 32 | index)  # noqa: S311
        font, lacks = self._fonts[rng.randrange(len(self._fonts))]
        text = self._line(lacks, rng)
        load = partial(render_line, font, text, self.seed, index)
        return Sample(f"{self.split}-{self.seed}-{index}", text, font.name, load)

    def _line(self, lacks: frozenset[str], rng: random.Random) -> str:
        """A piece of the text that a font can write which lacks these characters."""
        most = rng.randint(self.longest // 3, self.longest)
        line = ""
        while not line:  # most of the text can be written
            at = rng.randrange(self._sums[-1])
            place = bisect(self._sums, at)
            paragraph = self._paragraphs[place]
            for word in paragraph[at - self._sums[place] :]:
                written = number(rng) if rng.random() < self.numbers else word
                longer = f"{line} {written}".lstrip()
                if len(longer) > most or not lacks.isdisjoint(written):
                    break
                line = longer
        return line

    @classmethod
    def sample_root(cls) -> None:
        return None


def _is_held_out(paragraph: str) -> bool:
    """Whether a paragraph is for validation: about one in ten, the same in any text."""
    return crc32(paragraph.strip().encode()) % 10 == 0


def draw_line(font: Font, text: str, rng: np.random.Generator) -> Image:
    """The words of a text beside each other, light on black, with spaces of their own: uint8
    (H, W)."""
    face = font.face
    words = text.split()
    space = max(face.getlength(" "), X_HEIGHT / 3) * rng.uniform(*_SPACES)
    spaces = space * np.exp(rng.normal(0, _UNEVEN, len(words)))
    widths = [face.getlength(word) for word in words]
    at = np.cumsum([0.0, *(widths + spaces)[:-1]])
    jumps = rng.normal(0, _JUMP * X_HEIGHT, len(words))
    places = [(float(x), float(y)) for x, y in zip(at, jumps, strict=True)]
    boxes = np.array([face.getbbox(word, anchor="ls") for word in words], np.float64) + np.hstack(
        [places, places]
    )
    left, top = np.floor(boxes[:, :2].min(axis=0)).astype(int) - 4
    right, bottom = np.ceil(boxes[:, 2:].max(axis=0)).astype(int) + 5
    canvas = Pillow.new("L", (int(right - left), int(bottom - top)))
    pencil = ImageDraw.Draw(canvas)
    for word, (x, y) in zip(words, places, strict=True):
        pencil.text((x - left, y - top), word, font=face, fill=255, anchor="ls")
    return np.asarray(canvas)


def render_line(font: Font, text: str, seed: int, index: int) -> Image:
    """The picture of a line: uint8 (H, W), dark ink on light paper, the same for the same
    arguments."""
    rng = np.random.default_rng([seed, index])
    return write(draw_line(font, text, rng), X_HEIGHT, font.pen, rng, LINE_TILT)
