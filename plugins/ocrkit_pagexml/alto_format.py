"""The format ``alto``: pages as ALTO 4.2, which is valid as 4.4 too."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO, ClassVar

from ocrkit import Line, Page, Word
from ocrkit.data.words import area_of, bounds
from ocrkit.interfaces import Picture
from ocrkit_pagexml.alto import parse
from ocrkit_pagexml.writing import Block, XmlIds, blocks_of, rendered, root_name


@dataclass(frozen=True)
class Alto:
    """ALTO 4.2 as eScriptorium and kraken take it: numbers of baselines and polygons apart by
    spaces, to a hundredth of a pixel, a String a word with its confidence, the kinds of regions and
    lines as tags, corrected lines marked ``CS``, ``fileName`` always there.

    A line whose words do not make up its text is one String, and its confidence is the line's. A
    line of which only the baseline is known gets the area around it. Lines are by region, in the
    order of their first lines.
    """

    ending: ClassVar[str] = ".xml"
    takes_several: ClassVar[bool] = False
    takes_pictures: ClassVar[bool] = False

    def write(self, pages: Iterable[tuple[Page, Picture | None]], file: BinaryIO, /) -> None:
        ((page, _),) = pages
        ids = XmlIds()
        blocks = blocks_of(page, ids)
        kinds = [kind for block in blocks for kind in _kinds(block) if kind != "text"]
        tags = {kind: ids.take("", "tag") for kind in dict.fromkeys(kinds)}
        more = {
            "page_name": PurePath(page.id).name,  # the same wherever the page lay
            "tags": tags,
            "decimal": _decimal,
            "pieces": _pieces,
        }
        file.write(rendered("alto.xml.j2", page, blocks, ids, **more))

    def claims(self, data: bytes, /) -> bool:
        return root_name(data) == "alto"

    def parse(self, data: bytes, /) -> Page:
        return parse(data)


def _kinds(block: Block) -> Iterable[str]:
    return (block.kind, *(line.kind for _, line in block.lines))


def _decimal(value: float) -> str:
    """``12.5``: to a hundredth, without zeros that say nothing."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _pieces(line: Line) -> list[Word | str]:
    """What a line's text is made of: words, spaces between them, and what is left at its end as a
    hyphen; or the whole as one word, an empty one too, since the schema wants one."""
    rest = line.text or ""
    pieces: list[Word | str] = []
    for word in line.words:
        if rest.startswith(" ") and pieces:
            pieces.append(" ")
            rest = rest[1:]
        if not word.text or " " in word.text or not rest.startswith(word.text):
            break
        pieces.append(word)
        rest = rest.removeprefix(word.text)
    else:
        if len(rest) <= 1 and rest != " " and pieces:
            return [*pieces, rest] if rest else pieces
    return [Word(line.text or "", bounds(area_of(line)), line.confidence)]
