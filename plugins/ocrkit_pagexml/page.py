"""PAGE XML, 2013-07-15 to 2024-07-15 (https://github.com/PRImA-Research-Lab/PAGE-XML)."""

import re
from collections.abc import Iterator
from typing import Literal

from ocrkit import DataError
from ocrkit.parts.page import Line, Maker, Page, PageImage, Points, Region, Word
from ocrkit_pagexml.xml import (
    Element,
    Ids,
    children,
    descendants,
    first,
    name_of,
    number,
    plain,
    points,
    root_of,
    share,
    size,
)

_GROUPS = ("OrderedGroup", "UnorderedGroup", "OrderedGroupIndexed", "UnorderedGroupIndexed")
_REFERENCES = ("RegionRef", "RegionRefIndexed")
_TURNS: dict[str, Literal[0, 90, 180, 270]] = {"90": 90, "180": 180, "270": 270}
"""As ocrkit writes them."""


def parse(data: bytes) -> Page:
    """The page of a PAGE XML file. Coordinates are pixels.

    ``image.path`` is the ``imageFilename``, as it stands there, or there is no image; ``id`` is
    empty, since pages have none. A line of which the file does not say where it is has neither
    baseline nor boundary.

    A line's text is its own TextEquiv, of several that of the lowest index; where it has none, or
    an empty one, its words'. Regions are in the order of ReadingOrder, else of ``readingOrder`` in
    ``custom``, else of the file; so are the lines of a region. Kinds are the ``structure`` in
    ``custom``, else a region's ``type``. Raises DataError, in one line, for anything else than a
    page of PAGE XML.
    """
    root = root_of(data)
    if name_of(root) != "PcGts":
        raise DataError(f"<{name_of(root)}>; expected PAGE XML, whose root is <PcGts>")
    page = first(children(root, "Page"))
    if page is None:
        raise DataError("PAGE XML without a <Page>")
    region_ids, line_ids = Ids("region"), Ids("line")
    regions, lines = [], []
    for element in _ordered_regions(page):
        region = region_ids.take(element.get("id"))
        regions.append(Region(region, _region_kind(element), _points(element, "Coords", 3)))
        lines += [
            _line(each, line_ids, region)
            for each in _by_custom_index(list(children(element, "TextLine")))
        ]
    path = plain(page.get("imageFilename"))
    width, height = size(page, "imageWidth", "imageHeight")
    return Page(
        "",
        width,
        height,
        PageImage(path) if path else None,
        _TURNS.get(_custom(page, "turned", "degrees"), 0),
        tuple(regions),
        tuple(lines),
        tuple(_makers(root)),
        _dpi(page),
    )


def _dpi(page: Element) -> float | None:
    """Pixels per inch, as PAGE has them from 2018 on."""
    said = number(page.get("imageXResolution"))
    unit = {"PPI": 1.0, "PPCM": 2.54}.get(page.get("imageResolutionUnit"), 0.0)
    return said * unit if said and said * unit > 0 else None


def _makers(root: Element) -> Iterator[Maker]:
    """The programs that had a part in it, as PAGE of 2019 has them."""
    for item in descendants(root, "MetadataItem"):
        if item.get("type") == "processingStep" and (name := plain(item.get("value"))):
            labels = (each for each in descendants(item, "Label") if each.get("type") == "version")
            version = next((plain(each.get("value")) for each in labels), "")
            yield Maker(plain(item.get("name")), name, version)


def _ordered_regions(page: Element) -> list[Element]:
    """The regions of text, and whatever else has lines, cells of tables for one."""
    found = [
        each
        for each in page.iterdescendants()
        if name_of(each) == "TextRegion" or first(children(each, "TextLine")) is not None
    ]
    order = first(children(page, "ReadingOrder"))
    places = {} if order is None else {id_: n for n, id_ in enumerate(_references(order))}
    if not places:
        return _by_custom_index(found)
    return sorted(found, key=lambda each: _place(each, places))


def _references(group: Element) -> Iterator[str]:
    """The ids of regions in a reading order, those in groups in their groups' place."""
    members = list(children(group, *_GROUPS, *_REFERENCES))
    members.sort(key=lambda each: number(each.get("index")) or 0)
    for each in members:
        if each.get("regionRef"):
            yield each.get("regionRef")
        yield from _references(each)


def _place(region: Element, places: dict[str, int]) -> int:
    """A region's place, or that of the region around it; the others are last."""
    named = (places.get(each.get("id")) for each in (region, *region.iterancestors()))
    return next((place for place in named if place is not None), len(places))


def _by_custom_index(elements: list[Element]) -> list[Element]:
    """By their index in ``custom``, where all have one."""
    indices = [number(_custom(each, "readingOrder", "index")) for each in elements]
    if None in indices:
        return elements
    order = sorted(range(len(elements)), key=lambda n: indices[n] or 0)
    return [elements[n] for n in order]


def _custom(element: Element, rule: str, name: str) -> str:
    """``heading`` for structure and type of ``readingOrder {index:0;} structure
    {type:heading;}``."""
    rules = re.search(rf"\b{rule}\s*\{{([^}}]*)\}}", element.get("custom") or "")
    values = re.search(rf"(?:^|[;\s]){name}\s*:([^;]*)", rules[1]) if rules else None
    return plain(values[1]) if values else ""


def _region_kind(region: Element) -> str:
    named = _custom(region, "structure", "type") or plain(region.get("type"))
    return named or name_of(region).removesuffix("Region").lower() or "text"


def _line(element: Element, ids: Ids, region: str) -> Line:
    words = tuple(
        Word(text, _points(each, "Coords", 3), confidence)
        for each in children(element, "Word")
        for text, confidence in [_text(each)]
        if text
    )
    text, confidence = _text(element)
    if not text and words:
        text = " ".join(word.text for word in words)
    return Line(
        ids.take(element.get("id")),
        _points(element, "Baseline", 2),
        _points(element, "Coords", 3),
        region=region,
        kind=_custom(element, "structure", "type") or "text",
        text=text,
        confidence=confidence,
        words=words,
        corrected=bool(_custom(element, "corrected", "by")),
    )


def _text(element: Element) -> tuple[str | None, float | None]:
    """The main text of a line or a word and its confidence; None where nobody has said."""
    found = list(children(element, "TextEquiv"))
    if not found:
        return None, None
    main = min(found, key=lambda each: number(each.get("index") or "-1") or 0)
    written = first(children(main, "Unicode", "PlainText"))
    text = "" if written is None else plain(written.text)
    return text, share(main.get("conf"))


def _points(element: Element, name: str, least: int) -> Points:
    """The points of Coords or Baseline; up to 2010 they were elements."""
    found = first(children(element, name))
    if found is None:
        return ()
    if found.get("points") is not None:
        return points(found.get("points"), least)
    each = descendants(found, "Point")
    return points(" ".join(f"{point.get('x')},{point.get('y')}" for point in each), least)
