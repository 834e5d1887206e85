"""ALTO, versions 2 to 4.4 (https://www.loc.gov/standards/alto/)."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

from ocrkit import DataError
from ocrkit.parts.page import Line, Maker, Page, PageImage, Points, Region, Word
from ocrkit_pagexml.xml import (
    Element,
    Ids,
    box,
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


def parse(data: bytes) -> Page:
    """The page of an ALTO file.

    Coordinates are in the file's unit, in which ``width`` and ``height`` are the page's: pixels,
    tenths of a millimetre (``mm10``) or 1,200ths of an inch. ``image.path`` is the ``fileName``, as
    it stands there, or there is no image. ``id`` is the page's, or empty. A line of which the file
    does not say where it is has neither baseline nor boundary.

    Texts are the CONTENT of Strings: spaces between them are where an SP is, or, in a line without
    any, between every two; a HYP is the hyphen at the line's end. Kinds of regions and lines are
    the labels of their tags. Blocks are in the order of ReadingOrder, else of the file. Raises
    DataError, in one line, for anything else than one page of ALTO.
    """
    root = root_of(data)
    if name_of(root) != "alto":
        raise DataError(f"<{name_of(root)}>; expected ALTO, whose root is <alto>")
    found = list(descendants(root, "Page"))
    if len(found) != 1:
        raise DataError(f"ALTO of {len(found)} pages; expected one page a file")
    (page,) = found
    tags = _tags(root)
    region_ids, line_ids = Ids("region"), Ids("line")
    regions, lines = [], []
    places = _places(root)
    for block in _ordered(descendants(page, "TextBlock"), places):
        region = region_ids.take(block.get("ID"))
        regions.append(Region(region, _kind(block, tags), _boundary(block)))
        corrected = block.get("CS") == "true"
        lines += [
            _line(element, line_ids, region, tags, corrected)
            for element in _ordered(children(block, "TextLine"), places)
        ]
    name = first(descendants(root, "fileName"))
    path = plain(name.text) if name is not None else ""
    width, height = size(page, "WIDTH", "HEIGHT")
    return Page(
        plain(page.get("ID")),
        width,
        height,
        PageImage(path) if path else None,
        regions=tuple(regions),
        lines=tuple(lines),
        made_by=tuple(_makers(root)),
    )


def _makers(root: Element) -> Iterator[Maker]:
    """The programs that had a part in it, as ALTO 4 has them."""
    for step in descendants(root, "Processing"):
        found = {name_of(each): plain(each.text) for each in step.iterdescendants()}
        if name := found.get("softwareName"):
            task = found.get("processingStepDescription", "")
            yield Maker(task, name, found.get("softwareVersion", ""))


def _tags(root: Element) -> dict[str, str]:
    """The labels of tags, by id."""
    return {
        tag.get("ID"): plain(tag.get("LABEL"))
        for tags in children(root, "Tags")
        for tag in tags
        if tag.get("ID") and plain(tag.get("LABEL"))
    }


def _places(root: Element) -> dict[str, int]:
    """The places of blocks and lines in the reading order that ALTO 4.3 and later have."""
    orders = children(root, "ReadingOrder")
    references = (each for order in orders for each in descendants(order, "ElementRef"))
    return {each.get("REF"): place for place, each in enumerate(references)}


def _ordered(elements: Iterable[Element], places: dict[str, int]) -> list[Element]:
    """Those without a place are last; a block without one is where its first line is."""

    def place(element: Element) -> int:
        inside = (places.get(each.get("ID")) for each in descendants(element, "TextLine"))
        named = (found for found in (places.get(element.get("ID")), *inside) if found is not None)
        return next(named, len(places))

    return sorted(elements, key=place)


def _kind(element: Element, tags: dict[str, str]) -> str:
    named = (tags.get(tag) for tag in (element.get("TAGREFS") or "").split())
    return next(filter(None, named), "text")


def _line(element: Element, ids: Ids, region: str, tags: dict[str, str], corrected: bool) -> Line:
    strings = list(children(element, "String"))
    confidences = [wc for each in strings if (wc := share(each.get("WC"))) is not None]
    boundary = _boundary(element)
    return Line(
        ids.take(element.get("ID")),
        _baseline(element, strings),
        boundary,
        region=region,
        kind=_kind(element, tags),
        text=_text(element) if strings else None,
        confidence=fmean(confidences) if confidences else None,
        words=_words(strings),
        corrected=corrected
        or element.get("CS") == "true"
        or (bool(strings) and all(each.get("CS") == "true" for each in strings)),
    )


def _text(line: Element) -> str:
    spaced = first(children(line, "SP")) is not None
    text = ""
    for each in line:
        if name_of(each) == "SP":
            text += " "
        elif name_of(each) == "String":
            text += (" " if text and not spaced else "") + plain(each.get("CONTENT"))
        elif name_of(each) == "HYP":
            hyphen = plain(each.get("CONTENT")) or "-"
            text = text.rstrip().removesuffix(hyphen) + hyphen
    return text.strip()


def _words(strings: Sequence[Element]) -> tuple[Word, ...]:
    """No words where Strings are not words, but the whole line, as eScriptorium writes it."""
    texts = [plain(each.get("CONTENT")) for each in strings]
    if any(" " in text for text in texts):
        return ()
    return tuple(
        Word(text, _boundary(each), share(each.get("WC")))
        for text, each in zip(texts, strings, strict=True)
        if text
    )


def _baseline(line: Element, strings: Sequence[Element]) -> Points:
    """Points, or the height of a level baseline, as ALTO up to 4.1 has it."""
    written = line.get("BASELINE")
    level = number(written)
    if level is None:
        return points(written, 2)
    boxes = [found for each in (line, *strings) if (found := _box(each))]
    if not boxes:
        return ()
    return ((boxes[0][0][0], level), (boxes[0][1][0], level))


def _boundary(element: Element) -> Points:
    """The polygon of its shape, else its box; empty where it has neither."""
    shape = first(children(element, "Shape"))
    polygon = None if shape is None else first(children(shape, "Polygon"))
    return (points(polygon.get("POINTS"), 3) if polygon is not None else ()) or _box(element)


def _box(element: Element) -> Points:
    left, top, width, height = (
        number(element.get(name)) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT")
    )
    if left is None or top is None or not width or not height or width < 0 or height < 0:
        return ()
    return box(left, top, width, height)
