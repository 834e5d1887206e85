"""What the XML files of IAM's forms say of words, lines and writers."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from ocrkit.errors import DataError
from ocrkit.interfaces import Skipped
from ocrkit.support.files import open_regular, read_bytes
from ocrkit_iam.spacing import as_written
from ocrkit_iam.texts import LINE_ID, WORD_ID, Line, Lines, Word, Words

_LARGEST_XML = 64 << 20
"""Bytes; IAM's files have some 100,000."""


class Forms(NamedTuple):
    """What the XML files of forms say."""

    writers: dict[str, str]
    """By form."""
    words: Words
    lines: Lines


def parse_xml(data: bytes, name: str = "form.xml") -> tuple[str | None, Words, Lines]:
    """The writer, the words and the lines of a form's XML file.

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
        self._lines: dict[str, Line] = {}
        self._malformed_lines: list[Skipped] = []
        self._line_ok = True
        self._tokens: list[str] = []

    def parse(self, data: bytes) -> tuple[str | None, Words, Lines]:
        from xml.parsers import expat

        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse_declarations
        try:
            self._parser.Parse(data, True)
        # LookupError and ValueError: encodings that Python or expat lacks
        except (expat.ExpatError, LookupError, ValueError) as error:
            raise DataError(f"{self._name}: broken XML ({error})") from None
        return (
            self._writer,
            Words(list(self._words.values()), self._malformed),
            Lines(list(self._lines.values()), self._malformed_lines),
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "form":
            self._writer = attributes.get("writer-id")
        elif tag == "line":
            self._line_ok = attributes.get("segmentation", "ok") == "ok"
            self._line = attributes.get("id", ""), _unescaped(attributes.get("text", ""))
            self._tokens = []
        elif tag == "word":
            self._add_word(attributes.get("id", ""), _unescaped(attributes.get("text", "")))

    def _end(self, tag: str) -> None:
        if tag == "line":
            self._add_line(*self._line)

    def _add_word(self, id_: str, text: str) -> None:
        word_id = WORD_ID.fullmatch(id_)
        if word_id is None or not text or id_ in self._words:
            line = self._parser.CurrentLineNumber
            reason = "malformed word; expected a new id and a text"
            self._malformed.append(Skipped(f"{self._name}:{line}", reason))
        else:
            self._words[id_] = Word(id_, word_id["form"], self._line_ok, text)
            self._tokens.append(text)

    def _add_line(self, id_: str, written: str) -> None:
        line_id = LINE_ID.fullmatch(id_)
        if line_id is None or not self._tokens or id_ in self._lines:
            line = self._parser.CurrentLineNumber
            reason = "malformed line; expected a new id and words"
            self._malformed_lines.append(Skipped(f"{self._name}:{line}", reason))
        else:
            tokens = tuple(self._tokens)
            written = written or as_written(tokens)
            self._lines[id_] = Line(id_, line_id["form"], self._line_ok, tokens, written)

    def _refuse_declarations(
        self, doctype: str, system: str | None, public: str | None, has_declarations: bool
    ) -> None:
        if has_declarations:
            raise DataError(
                f"{self._name}: its DOCTYPE declares things of its own, which IAM's files do not; "
                "refused"
            )


def _unescaped(text: str) -> str:
    from xml.sax.saxutils import unescape

    return unescape(text, {"&quot;": '"', "&apos;": "'"})


def read_xml(folder: Path, forms: Collection[str] | None = None) -> Forms:
    """Writers by form, the words and the lines of the folder's XML files (all of them, or those of
    ``forms``).

    A broken file is one entry of what is malformed among words and among lines.
    """
    whole = Forms({}, Words([], []), Lines([], []))
    for path in sorted(folder.glob("*.xml")):
        if forms is not None and path.stem not in forms:
            continue
        try:
            data = read_bytes(path, DataError, "XML", most=_LARGEST_XML)
            writer, words, lines = parse_xml(data, path.name)
        except DataError as error:
            reason = str(error).removeprefix(f"{path}: ").removeprefix(f"{path.name}: ")
            whole.words.malformed.append(Skipped(path.name, reason))
            whole.lines.malformed.append(Skipped(path.name, reason))
            continue
        if writer:
            whole.writers[path.stem] = writer
        whole.words.words.extend(words.words)
        whole.words.malformed.extend(words.malformed)
        whole.lines.lines.extend(lines.lines)
        whole.lines.malformed.extend(lines.malformed)
    return whole


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
