"""The format ``page``: pages as PAGE XML."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, ClassVar, Literal

import ocrkit
from ocrkit import Line, Page, Word, option
from ocrkit.data.words import words_in_text
from ocrkit.interfaces import Picture
from ocrkit_pagexml.page import parse
from ocrkit_pagexml.writing import XmlIds, blocks_of, rendered, root_name

_KINDS = {
    *("paragraph", "heading", "caption", "header", "footer", "page-number", "drop-capital"),
    *("credit", "floating", "signature-mark", "catch-word", "marginalia", "footnote"),
    *("footnote-continued", "endnote", "TOC-entry", "other"),
}
"""Types of regions that all versions know."""
_NOWHERE = ((0.0, 0.0), (0.0, 0.0))
"""What stands for the area of something of which nobody knows where it is, which the format asks
for; as a polygon it has too few points."""


@dataclass(frozen=True)
class PageXml:
    """PAGE XML of 2019, or of 2013, which Transkribus takes: whole points on the page, the
    baseline, a Word a word and the text of a line with their confidences, kinds as ``structure``
    and, where the format knows them, types of regions, and the reading order of regions and lines.

    Words are there where they make up the line's text and have a boundary each. A line of which
    only the baseline is known gets the area around it. Lines are by region, in the order of their
    first lines.
    """

    schema: Literal[2019, 2013] = option(2019, "the year of the format's version")

    ending: ClassVar[str] = ".xml"
    takes_several: ClassVar[bool] = False
    takes_pictures: ClassVar[bool] = False

    def write(self, pages: Iterable[tuple[Page, Picture | None]], file: BinaryIO, /) -> None:
        ((page, _),) = pages
        ids = XmlIds()
        made = rendered(
            "page.xml.j2",
            page,
            blocks_of(page, ids),
            ids,
            namespace=f"http://schema.primaresearch.org/PAGE/gts/pagecontent/{self.schema}-07-15",
            creator=f"ocrkit {ocrkit.__version__}",
            created=_now(),
            after_2013=self.schema != 2013,
            kinds=_KINDS,
            nowhere=_NOWHERE,
            whole=_whole,
            rule=_rule,
            words=_words,
        )
        file.write(made)

    def claims(self, data: bytes, /) -> bool:
        return root_name(data) == "PcGts"

    def parse(self, data: bytes, /) -> Page:
        return parse(data)


def _now() -> str:
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    when = datetime.fromtimestamp(int(seconds), UTC) if seconds.isdecimal() else datetime.now(UTC)
    return when.isoformat(timespec="seconds")


def _whole(value: float, most: int) -> int:
    return min(max(round(value), 0), most)


def _rule(kind: str) -> str:
    """A kind as ``custom`` can have it, whose signs it must not use."""
    return re.sub(r"[{};:]", "_", kind)


def _words(line: Line) -> tuple[Word, ...]:
    words = words_in_text(line)
    return words if all(word.boundary for word in words) else ()
