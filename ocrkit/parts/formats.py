"""Pages in files of the formats that plugins add: ALTO, PAGE, JSON and others."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from ocrkit.errors import DataError, PluginError
from ocrkit.parts.guests import guest
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.page import Page
from ocrkit.parts.page_protocols import Format, Parses, Picture
from ocrkit.parts.registry import registry
from ocrkit.support.files import read_bytes, write_atomically

MAX_BYTES = 64_000_000
"""The largest file of a page that is read."""


def make_format(name: str, options: dict[str, Any] | None = None) -> Format:
    """The format of this name, with these options. Raises PluginError where there is none, and
    ConfigError for options that it does not take."""
    return cast(Format, make_part(PartSpec("format", name, options or {})))


def save_page(
    page: Page, path: str | Path, format: str, picture: Picture | None = None, **options: Any
) -> None:
    """Writes a page into a file, which appears whole or not at all.

    ``format`` is one that ``ocrkit plugins list`` shows, ``options`` are its own. Formats that show
    the ``picture``, PDF for one, need it. Raises DataError where it is missing, PluginError for a
    format that is not there, OcrkitError where the file cannot be written.
    """
    made = make_format(format, options)
    if made.takes_pictures and picture is None:
        raise DataError(f"{path}: the format {format!r} needs the page's picture; give one")
    shown = picture if made.takes_pictures else None
    with (
        write_atomically(Path(path)) as temporary,
        temporary.open("wb") as file,
        guest("format", format),
    ):
        made.write([(page, shown)], file)


def parse_page(data: bytes) -> Page:
    """The page of a file's bytes, in whichever of the installed formats they are. Raises DataError,
    in one line, where they are in none of them or damaged."""
    for parser in _parsers():
        with guest("format", parser.name):
            claimed = parser.part.claims(data)
        if claimed:
            with guest("format", parser.name):
                return parser.part.parse(data)
    names = " or ".join(parser.name for parser in _parsers()) or "none, which no plugin reads"
    raise DataError(f"no page in any format that is read; expected {names}")


def read_page(path: Path) -> Page:
    """The page of a file, as :func:`parse_page` reads it. Raises DataError, whose line begins with
    the path."""
    data = read_bytes(path, DataError, "a page", most=MAX_BYTES)
    try:
        return parse_page(data)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def page_endings() -> frozenset[str]:
    """What the names of files that :func:`read_page` reads end with, in small letters: ``.xml``."""
    return frozenset(each.ending for each in _parsers())


@dataclass(frozen=True, slots=True)
class _Parser:
    name: str
    ending: str
    part: Parses


@cache
def _parsers() -> tuple[_Parser, ...]:
    """The formats that can be read, except those that lack a library."""
    found = []
    for name in registry().names("format"):
        try:
            part = make_format(name)
        except PluginError:
            continue
        ending = part.ending.lower()
        if isinstance(part, Parses):
            found.append(_Parser(name, ending, part))
    return tuple(found)
