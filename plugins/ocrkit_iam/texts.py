"""What words.txt, lines.txt and forms.txt say of IAM's words, lines and writers."""

import re
from typing import Literal, NamedTuple

from ocrkit.interfaces import Skipped
from ocrkit_iam.spacing import as_written

# An id becomes part of a file's path, so nothing but letters, digits and hyphens may be in it.
_LINE_ID = r"(?P<id>(?P<form>[A-Za-z0-9]+-[A-Za-z0-9]+)-[0-9]+"
_WORD_ID = _LINE_ID + "-[0-9]+)"
WORD_ID, LINE_ID = re.compile(_WORD_ID), re.compile(_LINE_ID + ")")
_NUMBER = r"-?\d{1,9}"
_BOX = rf"(?P<x>{_NUMBER}) (?P<y>{_NUMBER}) (?P<width>{_NUMBER}) (?P<height>{_NUMBER})"
_FLAG = rf"(?P<flag>ok|err|er) (?P<grey>{_NUMBER})"
_WORD_ROW = re.compile(rf"{_WORD_ID} {_FLAG} {_BOX} \S+ (?P<text>\S.*)", re.ASCII)
_LINE_ROW = re.compile(rf"{_LINE_ID}) {_FLAG} {_NUMBER} {_BOX} (?P<text>\S.*)", re.ASCII)
BETWEEN_TOKENS = "|"


class Word(NamedTuple):
    """What words.txt or the XML say of a word."""

    id: str
    form: str
    ok: bool
    """Whether its line was cut into words correctly; the flag is the line's."""
    text: str


class Words(NamedTuple):
    """What is known of some words, and the rows that make no sense."""

    words: list[Word]
    malformed: list[Skipped]


class Line(NamedTuple):
    """What lines.txt or the XML say of a line."""

    id: str
    form: str
    ok: bool
    """Whether it was cut into words correctly."""
    tokens: tuple[str, ...]
    """Its words and punctuation marks."""
    written: str
    """Its text with the spaces that were written: the XML's own, else by rule."""

    def text(self, spacing: Literal["tokens", "written"]) -> str:
        """Its tokens joined by spaces, or as it was written."""
        return " ".join(self.tokens) if spacing == "tokens" else self.written


class Lines(NamedTuple):
    """What is known of some lines, and the rows that make no sense."""

    lines: list[Line]
    malformed: list[Skipped]


class PlacedWord(NamedTuple):
    """A row of words.txt with the word's place on its form, in pixels."""

    word: Word
    line: str
    """Id of its line."""
    grey: int
    """Ink is darker than this grey level, by which IAM found it in the line."""
    x: int
    y: int
    width: int
    """As the height, -1 where the word was not found."""
    height: int


def parse_words(text: str, name: str = "words.txt") -> Words:
    """The rows ``id ok|err graylevel x y w h tag text`` of words.txt; a text may hold spaces.

    Its header documents a tenth field and the flag ``er``; the rows have nine, and say ``err``.
    Lines that start with ``#`` are comments before the first row only, since ``#`` is also a token.
    A malformed row is named by its line number.

    >>> words, malformed = parse_words("a01-000u-00-00 ok 154 408 768 27 51 AT A\\nno row")
    >>> words
    [Word(id='a01-000u-00-00', form='a01-000u', ok=True, text='A')]
    >>> malformed[0].id
    'words.txt:2'
    """
    rows, malformed = _rows(text, name, _WORD_ROW, "id ok|err graylevel x y w h tag text")
    return Words([_word(row) for row in rows], malformed)


def parse_placed_words(
    text: str, name: str = "words.txt"
) -> tuple[list[PlacedWord], list[Skipped]]:
    """The same rows with the places of the words, and those that are malformed.

    >>> parse_placed_words("a01-000u-00-00 ok 154 408 768 27 51 AT A")[0][0][1:]
    ('a01-000u-00', 154, 408, 768, 27, 51)
    """
    rows, malformed = _rows(text, name, _WORD_ROW, "id ok|err graylevel x y w h tag text")
    return [
        PlacedWord(
            _word(row),
            row["id"].rpartition("-")[0],
            *(int(row[field]) for field in ("grey", "x", "y", "width", "height")),
        )
        for row in rows
    ], malformed


def parse_lines(text: str, name: str = "lines.txt") -> Lines:
    """The rows ``id ok|err graylevel components x y w h text`` of lines.txt, as those of words.txt;
    tokens stand between ``|``.

    >>> lines, _ = parse_lines("a01-000u-06 ok 159 20 363 1825 2051 87 Griffiths|,|M P|for")
    >>> lines[0].tokens, lines[0].written
    (('Griffiths', ',', 'M P', 'for'), 'Griffiths, M P for')
    """
    rows, malformed = _rows(
        text, name, _LINE_ROW, "id ok|err graylevel components x y w h tokens|between|bars"
    )
    lines = []
    for row in rows:
        tokens = tuple(filter(None, row["text"].split(BETWEEN_TOKENS)))
        lines.append(Line(row["id"], row["form"], row["flag"] == "ok", tokens, as_written(tokens)))
    return Lines([line for line in lines if line.tokens], malformed)


def _word(row: re.Match[str]) -> Word:
    return Word(row["id"], row["form"], row["flag"] == "ok", row["text"])


def _rows(
    text: str, name: str, pattern: re.Pattern[str], expected: str
) -> tuple[list[re.Match[str]], list[Skipped]]:
    """The rows of a table, each id once, and those that are not as ``expected``."""
    rows: dict[str, re.Match[str]] = {}
    malformed: list[Skipped] = []
    in_header = True
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.rstrip()
        if not line or (in_header and line.startswith("#")):
            continue
        in_header = False
        row = pattern.fullmatch(line)
        if row is None:
            reason = f"malformed row; expected: {expected}"
            malformed.append(Skipped(f"{name}:{number}", reason))
        elif row["id"] in rows:
            malformed.append(Skipped(f"{name}:{number}", f"second row of {row['id']}"))
        else:
            rows[row["id"]] = row
    return list(rows.values()), malformed


def parse_forms(text: str) -> dict[str, str]:
    """Writers by form, from the rows ``form writer …`` of forms.txt."""
    rows = (line.split() for line in text.split("\n") if not line.startswith("#"))
    return {row[0]: row[1] for row in rows if len(row) > 1}
