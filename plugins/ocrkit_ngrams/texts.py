"""The texts that models are trained on: the lines of files, or their words."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from ocrkit.support.files import text_pieces

_CHUNK = 1 << 20
"""Characters of different texts that are taken at a time."""


def composed(text: str) -> str:
    """The text in Unicode's form NFC."""
    return unicodedata.normalize("NFC", text)


def read_texts(
    path: Path,
    *,
    words: bool,
    normalize: Callable[[str], str] = composed,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Iterator[Counter[str]]:
    """The texts of a UTF-8 file and how often each occurs, some megabytes of different ones at a
    time.

    A text is a line without the white space around it; with ``words``, a word (see
    :func:`split_words`). Empty ones are left out. ``normalize`` gives each the Unicode form that
    the model has, as :meth:`ocrkit.Alphabet.normalize` does. ``on_bytes`` is told how many bytes
    more have been read. Raises OcrkitError where the file cannot be read.
    """
    counts: Counter[str] = Counter()
    for text in text_pieces(path):
        found = split_words(text) if words else filter(None, map(str.strip, text.split("\n")))
        counts.update(map(normalize, found))
        on_bytes(len(text.encode()))
        if sum(map(len, counts)) > _CHUNK:
            yield counts
            counts = Counter()
    yield counts


def characters_of(
    paths: Iterable[Path], *, words: bool, on_bytes: Callable[[int], None] = lambda _: None
) -> str:
    """All characters of the texts of files, in Unicode's form NFC, in order. Raises as
    :func:`read_texts`."""
    found: set[str] = set()
    for path in paths:
        for counts in read_texts(path, words=words, on_bytes=on_bytes):
            found.update(*counts)
    return "".join(sorted(found))


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
