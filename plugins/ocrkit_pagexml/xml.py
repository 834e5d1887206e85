"""What ALTO and PAGE have in common: XML that anybody may have written, numbers and points in
it."""

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from ocrkit import DataError
from ocrkit.parts.page import Points

MAX_BYTES = 64_000_000
"""The largest file that is read; a register with thousands of cells has some five million."""
MAX_MARKS = 2_000_000
"""Elements and attributes that a file may have, each of which takes some 200 bytes; that register
has 200,000."""
Element = Any
"""An element of lxml's tree; the library has no types."""


def root_of(data: bytes) -> Element:
    """The root element of an XML file in whatever encoding it declares.

    Entities are not resolved, nothing is fetched, comments and processing instructions are left
    out. Raises DataError, in one line, for what is no whole XML, for files that declare entities,
    and beyond ``MAX_BYTES`` and ``MAX_MARKS``.
    """
    if len(data) > MAX_BYTES:
        raise DataError(f"{len(data):,} bytes of XML; the limit is {MAX_BYTES:,}")
    marks = data.count(b"<") + data.count(b"=")
    if marks > MAX_MARKS:
        raise DataError(f"{marks:,} elements and attributes; the limit is {MAX_MARKS:,}")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise DataError(f"no whole XML: {' '.join(str(error).split())}") from None
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise DataError("declares entities of its own; expected ALTO or PAGE XML without any")
    return root


def name_of(element: Element) -> str:
    """``TextLine`` for ``{any namespace}TextLine``: versions differ in their namespaces."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element, *names: str) -> Iterator[Element]:
    """The children of these names, in their order."""
    return (child for child in element if name_of(child) in names)


def descendants(element: Element, *names: str) -> Iterator[Element]:
    """What is anywhere below of these names, in the order of the file."""
    return (each for each in element.iterdescendants() if name_of(each) in names)


def first(elements: Iterable[Element]) -> Element | None:
    return next(iter(elements), None)


def number(text: str | None) -> float | None:
    """None where it is missing, no number or not finite."""
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def share(text: str | None) -> float | None:
    """A number from 0 to 1, else None."""
    found = number(text)
    return found if found is not None and 0 <= found <= 1 else None


def points(text: str | None, least: int) -> Points:
    """Points as both formats write them: ``x,y x,y``, or ``x y x y`` as eScriptorium does; with
    fractions, negative or not. Empty where they make no sense, or there are less than so many.

    >>> points("10,20 30.5,-4", 2)
    ((10.0, 20.0), (30.5, -4.0))
    >>> points("10,20", 2)
    ()
    """
    numbers = [number(each) for each in re.split(r"[\s,]+", (text or "").strip())]
    whole = [each for each in numbers if each is not None]
    if len(whole) < len(numbers) or len(whole) % 2 or len(whole) < 2 * least:
        return ()
    return tuple(zip(whole[::2], whole[1::2], strict=True))


def box(left: float, top: float, width: float, height: float) -> Points:
    """The corners of a rectangle."""
    right, bottom = left + width, top + height
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def size(element: Element, width: str, height: str) -> tuple[int, int]:
    """The size of a page by two attributes. Raises DataError where it has none."""
    sizes = []
    for attribute in (width, height):
        found = number(element.get(attribute))
        if found is None or not 1 <= round(found) < 1 << 31:
            raise DataError(
                f"{name_of(element)} {attribute}: {element.get(attribute)!r}; expected the page's "
                "size, a number above 0"
            )
        sizes.append(round(found))
    return sizes[0], sizes[1]


def plain(text: str | None) -> str:
    """The text in one line, without white space around it."""
    return " ".join(re.split(r"[\t\r\n]+", text or "")).strip()


class Ids:
    """Gives every part of a page an id of its own, whatever the file says."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._given: set[str] = set()

    def take(self, id_: str | None) -> str:
        """The id itself where it is one and new; else one that is made."""
        wanted = plain(id_) or f"{self._name}{len(self._given) + 1}"
        found, count = wanted, 1
        while found in self._given:
            count += 1
            found = f"{wanted}-{count}"
        self._given.add(found)
        return found
