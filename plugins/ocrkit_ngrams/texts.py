"""The texts that models are trained on: the lines of files, their words, or lines as pages have
them."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from random import Random

from ocrkit.support.files import text_pieces

_CHUNK = 1 << 22
"""Characters of different texts that are taken at a time."""
_LIMITS = 30, 80
"""Characters of a handwritten line."""


def composed(text: str) -> str:
    """The text in Unicode's form NFC."""
    return unicodedata.normalize("NFC", text)


def read_texts(
    path: Path,
    *,
    units: Iterable[str] = ("line",),
    normalize: Callable[[str], str] = composed,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Iterator[Counter[str]]:
    """The texts of a UTF-8 file and how often each occurs, some megabytes of different ones at a
    time.

    A text is what :data:`UNITS` say; of several units, the texts of all. ``normalize`` gives each
    the Unicode form that the model has, as :meth:`ocrkit.Alphabet.normalize` does. ``on_bytes`` is
    told how many bytes more have been read. Raises OcrkitError where the file cannot be read.
    """
    counts: Counter[str] = Counter()
    cuts = [(UNITS[unit], Random(seed)) for seed, unit in enumerate(units)]  # noqa: S311
    for piece in text_pieces(path):
        for cut, random in cuts:
            counts.update(map(normalize, cut(piece, random)))
        on_bytes(len(piece.encode()))
        if sum(map(len, counts)) > _CHUNK:
            yield counts
            counts = Counter()
    yield counts


def characters_of(
    paths: Iterable[Path],
    *,
    units: Iterable[str] = ("line",),
    on_bytes: Callable[[int], None] = lambda _: None,
) -> str:
    """All characters of the texts of files, in Unicode's form NFC, in order. Raises as
    :func:`read_texts`."""
    found: set[str] = set()
    for path in paths:
        for counts in read_texts(path, units=units, on_bytes=on_bytes):
            found.update(*counts)
    return "".join(sorted(found))


def split_lines(text: str) -> Iterator[str]:
    """The lines that are not empty, without the white space around them."""
    return filter(None, map(str.strip, text.split("\n")))


def split_words(text: str) -> Iterator[str]:
    """What stands between white space, with the punctuation around it split off: ``"Well," (he
    said)`` has eight words.

    Punctuation before and after a word is one word each; equal ones in a row (``...``) are one
    together. Within a word it stays (``don't``, ``3.5``).
    """
    for token in text.split():
        word = token.strip("""!"'(),-./:;?[]`{|}~*#&…–—‘’“”«»""")
        before, _, after = token.partition(word) if word else ("", "", token)
        yield from _runs(before)
        if word:
            yield word
        yield from _runs(after)


def _runs(punctuation: str) -> Iterator[str]:
    return ("".join(run) for _, run in groupby(punctuation))


def wrap(text: str, random: Random) -> Iterator[str]:
    """The lines of a text broken at white space into lines of up to 30 to 80 characters, random
    limits, as a page breaks sentences anywhere."""
    for paragraph in split_lines(text):
        line, limit = "", random.randint(*_LIMITS)
        for word in paragraph.split():
            if line and len(line) + 1 + len(word) > limit:
                yield line
                line, limit = word, random.randint(*_LIMITS)
            else:
                line = f"{line} {word}" if line else word
        yield line


def wrap_tokens(text: str, random: Random) -> Iterator[str]:
    """The same with white space around punctuation, as IAM's transcriptions have it: ``Well , he
    said``."""
    return wrap("\n".join(" ".join(split_words(line)) for line in split_lines(text)), random)


UNITS: Mapping[str, Callable[[str, Random], Iterator[str]]] = {
    "line": lambda text, _: split_lines(text),
    "word": lambda text, _: split_words(text),
    "wrapped": wrap,
    "tokens": wrap_tokens,
}
"""What may be a text, by the name that a model's file has for it, and how a file's text is cut into
such; random numbers decide where lines are broken."""
