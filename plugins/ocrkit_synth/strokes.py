"""The reader of recorded pen strokes, which are drawn anew: the words or lines of IAM-OnDB as if
they had been written on paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from ocrkit import DataError, Sample, Skipped, option
from ocrkit.interfaces import Image
from ocrkit_synth.cutting import X_HEIGHT, Word, cut, whole
from ocrkit_synth.ink import LINE_TILT, TILT, write
from ocrkit_synth.recordings import TABLE, Stroke, read_lines, writer_of
from ocrkit_synth.spacing import as_tokens

_PEN = 4
"""Pixels that it is wide."""


def draw(strokes: Sequence[Stroke]) -> Image:
    """The strokes with a pen four pixels wide, light on black, with some space around them: uint8
    (H, W)."""
    points = np.concatenate(strokes)
    corner = points.min(axis=0) - 8
    width, height = np.ceil(points.max(axis=0) - corner + 8).astype(int).tolist()
    canvas = np.zeros((height, width), np.uint8)
    # The first point comes twice, since a line of one point would not be drawn.
    lines = [
        np.rint((np.vstack([stroke[:1], stroke]) - corner) * 16).astype(np.int32)
        for stroke in strokes
    ]
    cv2.polylines(canvas, lines, False, (255,), _PEN, cv2.LINE_AA, 4)
    return canvas


def render(strokes: Sequence[Stroke], seed: int, index: int, tilt: float = TILT) -> Image:
    """The picture of some strokes: uint8 (H, W), dark ink on light paper, the same for the same
    arguments."""
    return write(draw(strokes), X_HEIGHT, _PEN, np.random.default_rng([seed, index]), tilt)


@dataclass
class Strokes:
    """Words or lines of recorded pen strokes, drawn with random size, slant, pen, ink, paper and
    cut; see :mod:`ocrkit_synth.recordings` for the layouts.

    For words, a line is cut at gaps between strokes into the words of its text. Lines where it is
    not clear which gaps these are, are left out and named. Another seed gives other pictures of the
    same writing. Ids of words, lines and forms begin with ``ondb-``, since IAM has forms of the
    same names.

    The only split is ``all``; narrow it by form ids. Raises DataError where nothing can be read.
    """

    root: Path = option(Path(), "the folder with lineStrokes/ and ascii/, or with lines.jsonl.gz")
    split: str = option("all", "'all'")
    seed: int = option(0, "fixes the pictures", minimum=0)
    level: Literal["words", "lines"] = option("words", "what an image shows")
    spacing: Literal["tokens", "written"] = option(
        "tokens",
        "of lines: punctuation apart, as tokens of IAM joined by spaces have it, or as written",
    )

    forms = None

    def __post_init__(self) -> None:
        if self.split != "all":
            raise DataError(
                f"strokes: no split named {self.split!r}; the only one is 'all'; narrow it by form "
                "ids"
            )
        self.skipped: list[Skipped] = []
        self._words: list[Word] = []
        for line in read_lines(self.root, self.skipped):
            try:
                self._words += [whole(line)] if self.level == "lines" else cut(line)
            except ValueError as error:
                self.skipped.append(Skipped(line.id, str(error)))
        if not self._words:
            first = "".join(f"; the first: {each.id}: {each.reason}" for each in self.skipped[:1])
            raise DataError(
                f"strokes: no {self.level} under {self.root}; expected lineStrokes/ and ascii/, or "
                f"{TABLE}{first}"
            )
        forms = {word.form for word in self._words}
        self._writers = {form: writer_of(self.root, form) for form in forms}

    def __len__(self) -> int:
        return len(self._words)

    def __getitem__(self, index: int) -> Sample:
        if index < 0:
            raise IndexError(index)
        word = self._words[index]
        lines = self.level == "lines"
        load = partial(render, word.strokes, self.seed, index, LINE_TILT if lines else TILT)
        text = as_tokens(word.text) if lines and self.spacing == "tokens" else word.text
        return Sample(word.id, text, self._writers[word.form], load, f"ondb-{word.form}")

    @classmethod
    def sample_root(cls) -> None:
        return None
