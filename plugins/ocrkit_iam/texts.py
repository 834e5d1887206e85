"""What words.txt, forms.txt and the XML files say of IAM's words and writers."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from ocrkit.errors import DataError
from ocrkit.interfaces import Skipped
from ocrkit.support.files import open_regular, read_bytes

_LARGEST_XML = 64 << 20
"""Bytes; IAM's files have some 100,000."""
# An id becomes part of a file's path, so nothing but letters, digits and hyphens may be in it.
_WORD_ID = re.compile(r"([A-Za-z0-9]+-[A-Za-z0-9]+)-[0-9]+-[0-9]+")
_ROW = re.compile(
    r"(?P<id>\S+) (?P<flag>ok|err|er) -?\d+ -?\d+ -?\d+ -?\d+ -?\d+ \S+ (?P<text>\S.*)", re.ASCII
)


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
    words: dict[str, Word] = {}
    malformed: list[Skipped] = []
    in_header = True
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.rstrip()
        if not line or (in_header and line.startswith("#")):
            continue
        in_header = False
        row = _ROW.fullmatch(line)
        word_id = _WORD_ID.fullmatch(row["id"]) if row else None
        if row is None or word_id is None:
            reason = "malformed row; expected: id ok|err graylevel x y w h tag text"
            malformed.append(Skipped(f"{name}:{number}", reason))
        elif row["id"] in words:
            malformed.append(Skipped(f"{name}:{number}", f"second row of {row['id']}"))
        else:
            words[row["id"]] = Word(row["id"], word_id[1], row["flag"] == "ok", row["text"])
    return Words(list(words.values()), malformed)


def parse_xml(data: bytes, name: str = "form.xml") -> tuple[str | None, Words]:
    """The writer and the words of a form's XML file.

    IAM escapes its texts twice (``&amp;quot;``), so the five XML entities are resolved once more.
    Boxes (``cmp``) are not needed: a word may have none. A DOCTYPE that names a file is passed
    over, the file never read. Raises DataError for broken XML, and for a DOCTYPE with declarations
    of its own, whose entities can grow without bound.
    """
    return _FormFile(name).parse(data)


class _FormFile:
    """What expat comes across in the XML file of a form."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._writer: str | None = None
        self._words: dict[str, Word] = {}
        self._malformed: list[Skipped] = []
        self._line_ok = True

    def parse(self, data: bytes) -> tuple[str | None, Words]:
        from xml.parsers import expat

        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.StartDoctypeDeclHandler = self._refuse_declarations
        try:
            self._parser.Parse(data, True)
        # LookupError and ValueError: encodings that Python or expat lacks
        except (expat.ExpatError, LookupError, ValueError) as error:
            raise DataError(f"{self._name}: broken XML ({error})") from None
        return self._writer, Words(list(self._words.values()), self._malformed)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "form":
            self._writer = attributes.get("writer-id")
        elif tag == "line":
            self._line_ok = attributes.get("segmentation", "ok") == "ok"
        elif tag == "word":
            self._add(attributes.get("id", ""), attributes.get("text", ""))

    def _add(self, id_: str, escaped: str) -> None:
        from xml.sax.saxutils import unescape

        text = unescape(escaped, {"&quot;": '"', "&apos;": "'"})
        word_id = _WORD_ID.fullmatch(id_)
        if word_id is None or not text or id_ in self._words:
            line = self._parser.CurrentLineNumber
            reason = "malformed word; expected a new id and a text"
            self._malformed.append(Skipped(f"{self._name}:{line}", reason))
        else:
            self._words[id_] = Word(id_, word_id[1], self._line_ok, text)

    def _refuse_declarations(
        self, doctype: str, system: str | None, public: str | None, has_declarations: bool
    ) -> None:
        if has_declarations:
            raise DataError(
                f"{self._name}: its DOCTYPE declares things of its own, which IAM's files do not; "
                "refused"
            )


def read_xml(folder: Path, forms: Collection[str] | None = None) -> tuple[dict[str, str], Words]:
    """Writers by form, and the words of the folder's XML files (all of them, or those of
    ``forms``).

    A broken file is one entry of ``malformed``.
    """
    writers: dict[str, str] = {}
    words: list[Word] = []
    malformed: list[Skipped] = []
    for path in sorted(folder.glob("*.xml")):
        if forms is not None and path.stem not in forms:
            continue
        try:
            data = read_bytes(path, DataError, "XML", most=_LARGEST_XML)
            writer, found = parse_xml(data, path.name)
        except DataError as error:
            reason = str(error).removeprefix(f"{path}: ").removeprefix(f"{path.name}: ")
            malformed.append(Skipped(path.name, reason))
            continue
        if writer:
            writers[path.stem] = writer
        words += found.words
        malformed += found.malformed
    return writers, Words(words, malformed)


def parse_forms(text: str) -> dict[str, str]:
    """Writers by form, from the rows ``form writer …`` of forms.txt."""
    rows = (line.split() for line in text.split("\n") if not line.startswith("#"))
    return {row[0]: row[1] for row in rows if len(row) > 1}


def xml_writers(folder: Path, forms: Iterable[str]) -> dict[str, str]:
    """Writers by form, from the first few bytes of each form's XML file."""
    writers: dict[str, str] = {}
    for form in forms:
        try:
            with open_regular(folder / f"{form}.xml", DataError) as file:
                found = re.search(rb'<form\b[^>]*\bwriter-id="(\w+)"', file.read(4096))
        except (DataError, OSError):
            continue
        if found:
            writers[form] = found[1].decode()
    return writers
