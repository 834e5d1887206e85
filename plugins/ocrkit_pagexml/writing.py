"""What the writers of ALTO and PAGE have in common: ids that XML allows, lines by their regions."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from ocrkit import Line, Page
from ocrkit.data.words import area_of, bounds
from ocrkit.parts.page import Points
from ocrkit.support.markup import template

_NO_ID = re.compile(r"[^A-Za-zÀ-ÖØ-öø-ÿ0-9_.-]")


class XmlIds:
    """Gives everything in a file an id of its own that XML allows: the one that it has, as far as
    that is one."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def take(self, wanted: str, otherwise: str) -> str:
        """``otherwise`` begins ids that cannot begin as they do."""
        name = _NO_ID.sub("_", wanted)
        if not name or not (name[0].isalpha() or name[0] == "_"):
            name = f"{otherwise}_{name}"
        found, count = name, 1
        while found in self._given:
            count += 1
            found = f"{name}-{count}"
        self._given.add(found)
        return found


@dataclass(frozen=True, slots=True)
class Block:
    """A region and its lines, in reading order; lines of no region are in blocks without one."""

    id: str
    kind: str
    boundary: Points
    lines: tuple[tuple[str, Line], ...]
    """Each with its id in the file."""


def blocks_of(page: Page, ids: XmlIds) -> list[Block]:
    """The page's regions, in the order of their first lines; those without a line behind the one
    before them. Lines of no region that follow each other are a block."""
    lines: dict[str | tuple[int], list[Line]] = {}
    before: str | tuple[int] | None = None
    for number, line in enumerate(page.lines):
        key: str | tuple[int]
        if line.region is not None:
            key = line.region
        else:
            key = before if isinstance(before, tuple) else (number,)
        lines.setdefault(key, []).append(line)
        before = key
    regions = {region.id: region for region in page.regions}
    named = {key: ids.take(key, "region") for key in regions}
    found = []
    for key in _in_order(list(lines), list(regions)):
        region = regions.get(key) if isinstance(key, str) else None
        within = tuple((ids.take(each.id, "line"), each) for each in lines.get(key, ()))
        found.append(
            Block(
                named[region.id] if region else ids.take("", "block"),
                region.kind if region else "text",
                region.boundary if region else (),
                within,
            )
        )
    return found


def _in_order(with_lines: list[str | tuple[int]], regions: list[str]) -> Iterator[str | tuple[int]]:
    empty: dict[str | None, list[str]] = {}
    last = None
    for region in regions:
        if region in with_lines:
            last = region
        else:
            empty.setdefault(last, []).append(region)
    yield from empty.get(None, ())
    for key in with_lines:
        yield key
        yield from empty.get(key, ()) if isinstance(key, str) else ()


def rendered(name: str, page: Page, blocks: list[Block], ids: XmlIds, **more: Any) -> bytes:
    """The file that the template of this name makes of a page, with what both templates need."""
    text = template(Path(__file__).parent, name).render(
        page=page,
        # Programs expect a picture, so a page without one has its own name.
        image=page.image.path if page.image else page.id,
        blocks=blocks,
        ids=ids,
        share=_share,
        bounds=bounds,
        area_of=area_of,
        around=_around,
        **more,
    )
    return text.lstrip().encode()


def _share(value: float) -> str:
    return f"{value:.4f}"


def _around(block: Block) -> Points:
    """All points of a block: its own, or those of its lines."""
    return block.boundary or tuple(point for _, line in block.lines for point in area_of(line))


def root_name(data: bytes) -> str:
    """``alto``, by how a file begins; empty where it does not begin as XML does."""
    parser = etree.XMLPullParser(("start",), resolve_entities=False, no_network=True)
    with suppress(etree.XMLSyntaxError):
        parser.feed(data[:65_536])
    with suppress(etree.XMLSyntaxError):
        for _, element in parser.read_events():
            return str(element.tag).rpartition("}")[2]
    return ""
