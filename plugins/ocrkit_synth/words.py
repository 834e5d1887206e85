"""Words of a text, drawn in handwriting fonts: a data set as large as one likes, and the same every
time."""

import math
import random
import re
import unicodedata
from bisect import bisect
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np

from ocrkit import DataError, Sample, Skipped, option
from ocrkit.interfaces import Image
from ocrkit.support.files import read_text
from ocrkit_synth.fonts import SPLITS, X_HEIGHT, Font, find_fonts
from ocrkit_synth.ink import write

_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_MARKS = '....,,,,,"""\'\'---:;!?()&'
"""Punctuation, each mark as often as it is drawn."""
ASCII = "".join(map(chr, range(33, 127)))
_LONGEST = 100
"""Characters of a sample; the rest is not drawn."""


class Vocabulary(NamedTuple):
    """Words, and the running sums of their weights."""

    words: list[str]
    sums: list[float]

    def draw(self, rng: random.Random) -> str:
        return self.words[min(bisect(self.sums, rng.random() * self.sums[-1]), len(self.words) - 1)]


def count_words(text: str) -> Counter[str]:
    """How often each word of up to 50 characters occurs: letters, with apostrophes and hyphens
    between them.

    >>> count_words("A dog's life is a dog's life.").most_common(2)
    [("dog's", 2), ('life', 2)]
    """
    plain = unicodedata.normalize("NFC", text).replace("’", "'").replace("‐", "-")
    return Counter(word for word in _WORD.findall(plain) if len(word) <= 50)


@dataclass
class SynthWords:
    """Words of a text file, drawn in the fonts of a folder with random size, slant, pen, ink, paper
    and cut.

    Sample ``i`` of a seed is always the same word, font and pixels, however many samples there are:
    with the same options, fonts and text, and the same releases of NumPy, Pillow and OpenCV. The
    font's name stands for the writer. A font never draws a character that it lacks: it gets only
    words that it can write, and words that no font can write are left out and named.

    Splits: ``all``; ``train`` and ``validation``, which share neither a font nor a word of the
    text: every fifth font and about every tenth word are for validation. Raises DataError where
    there are no fonts or no words.
    """

    root: Path = option(Path(), "the folder with fonts, .ttf or .otf, in it or below")
    split: str = option("all", f"one of {', '.join(SPLITS)}")
    words: Path | None = option(
        None, "a text, or a list of words, in UTF-8; unless given, words.txt beside the fonts"
    )
    samples: int = option(
        100_000, "how many samples there are; of validation, a twentieth as many", minimum=1
    )
    seed: int = option(0, "fixes words, fonts and pixels", minimum=0)
    longest: int = option(
        1, "most words of a sample; their number is drawn evenly", minimum=1, maximum=20
    )
    temper: float = option(
        0.5,
        "exponent on how often a word occurs: 1 as in the text, 0 all alike",
        minimum=0,
        maximum=1,
    )
    capitals: float = option(
        0.1,
        "share of the words that get a capital, a third of them all capitals",
        minimum=0,
        maximum=1,
    )
    attached: float = option(
        0.05, "share of the words with a punctuation mark attached", minimum=0, maximum=1
    )
    punctuation: float = option(
        0.1, "share of words that are a punctuation mark alone", minimum=0, maximum=1
    )
    numbers: float = option(0.03, "share of words that are numbers", minimum=0, maximum=1)
    strings: float = option(
        0.05, "share of words that are random strings of ASCII characters", minimum=0, maximum=1
    )

    forms = None

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise DataError(
                f"synth-words: no split named {self.split!r}; available: {', '.join(SPLITS)}"
            )
        counts = self._count()
        self.skipped: list[Skipped] = []
        self._fonts: list[Font] = []
        self._texts: list[Vocabulary] = []
        """What each font can write."""
        self._lacks: list[frozenset[str]] = []
        by_lack: dict[frozenset[str], Vocabulary] = {}
        characters = sorted(set(ASCII).union(*counts))
        for font in find_fonts(self.root, self.split):
            try:
                lacks = font.lacks(characters)
                font.pen  # noqa: B018  (measured now, so that a font that cannot be is left out)
            except (OSError, ValueError) as error:
                self.skipped.append(Skipped(font.path.name, str(error)))
                continue
            if lacks not in by_lack:
                by_lack[lacks] = self._vocabulary(counts, lacks)
            if not by_lack[lacks].words:
                self.skipped.append(Skipped(font.path.name, "lacks the characters of every word"))
                continue
            self._fonts.append(font)
            self._texts.append(by_lack[lacks])
            self._lacks.append(lacks)
        if not self._fonts:
            first = "".join(f"; the first: {each.id}: {each.reason}" for each in self.skipped[:1])
            raise DataError(
                f"synth-words: no font (.ttf or .otf) in {self.root} can be used for "
                f"{self.split!r}{first}"
            )
        nowhere = frozenset.intersection(*self._lacks)
        if nowhere:
            self.skipped += [
                Skipped(word, "no font has all its characters")
                for word in counts
                if nowhere.intersection(word)
            ]

    def _count(self) -> Counter[str]:
        path = self.words or self.root / "words.txt"
        expected = "a text to draw words of; name one with --set reader.words=FILE"
        counts = count_words(read_text(path, DataError, expected))
        if self.split != "all":
            held_out = self.split == "validation"
            for word in list(counts):
                if _is_held_out(word) != held_out:
                    del counts[word]
        if not counts:
            raise DataError(f"synth-words: {path} has no words for {self.split!r}")
        return counts

    def _vocabulary(self, counts: Mapping[str, int], lacks: frozenset[str]) -> Vocabulary:
        words = sorted(word for word in counts if lacks.isdisjoint(word))
        return Vocabulary(words, list(accumulate(counts[word] ** self.temper for word in words)))

    # -------------------------------------------------------------------------------------- samples

    def __len__(self) -> int:
        return self.samples if self.split != "validation" else math.ceil(self.samples / 20)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        rng = random.Random(self.seed << 32 | index)  # noqa: S311
        chosen = rng.randrange(len(self._fonts))
        words = [self._token(chosen, rng) for _ in range(rng.randint(1, self.longest))]
        text = " ".join(words)[:_LONGEST].strip()
        font = self._fonts[chosen]
        load = partial(render, font, text, self.seed, index)
        return Sample(f"{self.split}-{self.seed}-{index}", text, font.name, load)

    def _token(self, chosen: int, rng: random.Random) -> str:
        lacks, kind = self._lacks[chosen], rng.random()
        token = ""
        if (kind := kind - self.punctuation) < 0:
            token = rng.choice(_MARKS)
        elif (kind := kind - self.numbers) < 0:
            token = number(rng)
        elif kind - self.strings < 0:
            characters = [each for each in ASCII if each not in lacks]
            token = "".join(rng.choices(characters, k=rng.randint(1, 8)))
        if token and lacks.isdisjoint(token):
            return token
        word = self._texts[chosen].draw(rng)
        changed = word
        if rng.random() < self.capitals:
            changed = word.upper() if rng.random() < 1 / 3 else word[0].upper() + word[1:]
        if rng.random() < self.attached:
            mark = rng.choice(_MARKS)
            changed = mark + changed if mark in "(\"'" else changed + mark
        return changed if lacks.isdisjoint(changed) else word

    @classmethod
    def sample_root(cls) -> None:
        return None


def _is_held_out(word: str) -> bool:
    """Whether a word is for validation: about one in ten, the same in any text."""
    return crc32(word.lower().encode()) % 10 == 0


def number(rng: random.Random) -> str:
    """A number as texts have them: a count, a year, a share, a date."""
    digits = str(rng.randrange(10 ** rng.randint(1, 4)))
    match rng.randrange(6):
        case 0:
            return f"{digits}{rng.choice('.,:/-')}{rng.randrange(100)}"
        case 1:
            return f"{digits}{rng.choice(('st', 'nd', 'rd', 'th', 's', '%', ',000'))}"
        case 2:
            return str(rng.randint(1500, 2029))
    return digits


def render(font: Font, text: str, seed: int, index: int) -> Image:
    """The picture of a text: uint8 (H, W), dark ink on light paper, the same for the same
    arguments."""
    return write(font.draw(text), X_HEIGHT, font.pen, np.random.default_rng([seed, index]))
