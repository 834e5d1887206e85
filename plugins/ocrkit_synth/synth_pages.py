"""Pages without end to learn from: drawn, with all that is known of them exactly."""

import random
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ocrkit import DataError, Sample, Skipped, option
from ocrkit.interfaces import Image
from ocrkit.support.files import read_text
from ocrkit_synth.pages.camera import Turn, View, expose, view
from ocrkit_synth.pages.hands import Hand
from ocrkit_synth.pages.ink import Written, draw, write
from ocrkit_synth.pages.layout import Layout, lay_out
from ocrkit_synth.pages.paper import written_on
from ocrkit_synth.pages.truth import truth
from ocrkit_synth.pages.writers import (
    CutWriter,
    FontWriter,
    cut_writers,
    font_writers,
    printer,
)

SPLITS = ("all", "train", "validation")
_WORDS = 200_000
"""Words of the text that are in use."""
_LONGEST = 30
"""Characters of a word; longer ones are none."""


class Composition(NamedTuple):
    """All that is decided of a page before it is drawn."""

    layout: Layout
    lines: list[Written]
    seen_by: View
    turn: Turn
    writer: str


@dataclass
class SynthPages:
    """Pages of a text, written in the fonts of a folder, or with other people's words, on paper of
    all kinds, scanned and photographed.

    A page has one to three columns, paragraphs, lists, tables or a spread, headings, dates,
    signatures, notes in the margin, printed heads, words that are crossed out, ruled or squared
    paper, stains, folds and what shows through. ``page`` has it all exactly where it is in the
    picture: baselines, boundaries, heights, words, regions, reading order. Lines of printed heads
    are of kind ``printed``. What is crossed out so that it can be read is in the text; what is
    scribbled over is not.

    Sample ``i`` of a seed is always the same page, however many there are: with the same options,
    fonts and text, and the same releases of NumPy, Pillow and OpenCV. With ``reader``, a share
    ``borrowed`` of the pages is written with the words of that reader's writers, whose images are
    to be of one scale each: ``iam`` for one. Splits: ``all``; ``train`` and ``validation``, which
    share neither a font nor a part of the text, and are the other reader's splits of these names.
    Raises DataError where there are no fonts or no words.
    """

    root: Path = option(Path(), "the folder with fonts, .ttf or .otf, in it or below")
    split: str = option("all", f"one of {', '.join(SPLITS)}")
    words: Path | None = option(None, "a text in UTF-8; unless given, words.txt beside the fonts")
    samples: int = option(
        2000, "how many pages there are; of validation, a twentieth as many", minimum=1
    )
    seed: int = option(0, "fixes the pages", minimum=0)
    width: int = option(
        1200, "width of the sheets in pixels, about that of the pictures", minimum=300, maximum=4000
    )
    smallest: float = option(
        9.0, "least height of an x in pixels; sheets are wider for small writing", minimum=5
    )
    largest: float = option(26.0, "greatest height of an x in pixels", minimum=5)
    turned: float = option(
        0.0, "share of pages that lie on a side or on their head", minimum=0, maximum=1
    )
    leave_out: tuple[str, ...] = option(
        (), "kinds of lines that are drawn, but not in the truth: 'printed'"
    )
    reader: str | None = option(None, "another reader whose words are used: 'iam'")
    reader_root: Path | None = option(None, "where its data are")
    borrowed: float = option(
        0.5, "share of the pages that are written with its words", minimum=0, maximum=1
    )

    forms = None

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise DataError(
                f"synth-pages: no split named {self.split!r}; available: {', '.join(SPLITS)}"
            )
        if self.smallest > self.largest:
            raise DataError(
                f"synth-pages: smallest is {self.smallest:g} and largest {self.largest:g}; "
                "expected the smaller one first"
            )
        self.skipped: list[Skipped] = []
        self._text = self._read_text()
        self._writers = font_writers(self.root, self.split, self._text, self.skipped)
        if not self._writers:
            first = "".join(f"; the first: {each.id}: {each.reason}" for each in self.skipped[:1])
            raise DataError(
                f"synth-pages: no font (.ttf or .otf) in {self.root} can be used for "
                f"{self.split!r}{first}"
            )
        self._others: list[CutWriter] = []
        if self.reader:
            self._others = cut_writers(self.reader, self.reader_root, self.split)

    def _read_text(self) -> list[str]:
        path = self.words or self.root / "words.txt"
        expected = "a text to write; name one with --set reader.words=FILE"
        words = read_text(path, DataError, expected).split()
        tenth = len(words) // 10
        parts = {"all": words, "train": words[tenth:], "validation": words[:tenth]}
        found = [word for word in parts[self.split][:_WORDS] if len(word) <= _LONGEST]
        if not found:
            raise DataError(f"synth-pages: {path} has no words for {self.split!r}")
        return found

    # -------------------------------------------------------------------------------------- samples

    def __len__(self) -> int:
        return self.samples if self.split != "validation" else -(-self.samples // 20)

    def __getitem__(self, index: int) -> Sample:
        """A page; its picture is drawn when ``load`` is called. Raises IndexError."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        name = f"{self.split}-{self.seed}-{index}"
        layout, lines, seen_by, turn, writer = self._compose(index)
        kept = [line for line in lines if layout.regions[line.slot.region] not in self.leave_out]
        page = truth(name, layout, kept, seen_by, turn)
        return Sample(name, page.text, writer, partial(self._draw, index), page=page)

    def _compose(self, index: int) -> Composition:
        rng = random.Random(f"{self.seed} {index}")  # noqa: S311  (nothing secret)
        x_height = self.smallest * (self.largest / self.smallest) ** rng.random()
        writer, hands = self._hands(x_height, rng)
        layout = lay_out(self.width, x_height, rng)
        lines = write(layout, hands, rng)
        turns: tuple[Turn, ...] = (90, 180, 270)
        turn: Turn = rng.choice(turns) if rng.random() < self.turned else 0
        geometry = np.random.default_rng([self.seed, index, 0])
        seen_by = view(layout.width, layout.height, layout.gutter, geometry)
        return Composition(layout, lines, seen_by, turn, writer)

    def _hands(self, x_height: float, rng: random.Random) -> tuple[str, dict[str, Hand]]:
        """The writer's name, and hands of all sizes."""
        sizes = {
            "main": x_height,
            "small": max(0.8 * x_height, 0.9 * self.smallest),
            "large": x_height * rng.uniform(1, 1.6),
        }
        writers: list[FontWriter | CutWriter] = [rng.choice(self._writers)]
        if self._others and rng.random() < self.borrowed:
            writers.insert(0, rng.choice(self._others))
        printed = {"print": printer(x_height * rng.uniform(0.7, 1.3), self._text, rng)}
        for writer in writers:
            try:
                hands = {name: writer.hand(size, rng) for name, size in sizes.items()}
            except ValueError:  # too few of the writer's words can be used
                continue
            return writer.name, hands | printed
        raise AssertionError("a font can always write")

    def _draw(self, index: int) -> Image:
        layout, lines, seen_by, turn, _ = self._compose(index)
        rng = np.random.default_rng([self.seed, index, 1])
        strokes = random.Random(f"{self.seed} {index} strokes")  # noqa: S311
        written, printed = draw(layout, lines, strokes)
        picture = expose(written_on(layout, written, printed, rng), seen_by, rng)
        return np.ascontiguousarray(np.rot90(picture, -turn // 90))

    @classmethod
    def sample_root(cls) -> None:
        return None
