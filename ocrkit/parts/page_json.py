"""Pages as JSON: an object of the fields of :class:`ocrkit.Page`, and so with all that is in it.

``docs/pages.md`` shows one, and has a table of the fields.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ocrkit.errors import DataError
from ocrkit.parts.page import Line, Page, Region

_WORDS = {str: "a text", float: "a number", int: "a whole number", bool: "true or false"}


def page_to_json(page: Page) -> dict[str, Any]:
    """The page as ``json.dumps`` takes it: dictionaries, lists, texts and numbers; every field is
    there.

    >>> page_to_json(Page("note", 300, 200))["lines"]
    []
    """
    return asdict(page, dict_factory=_plain_fields)


def _plain_fields(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in items}


def _plain(value: Any) -> Any:
    """Lists where a tuple is, and Python's own numbers where NumPy's are."""
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.tolist() if hasattr(value, "tolist") else value


def page_from_json(value: Any) -> Page:
    """The page of a JSON object, as ``json.loads`` gives it.

    Fields that a page can do without may be missing. Raises DataError, in one line that names the
    place, for anything else: a field that no page has, a value of another type or outside its
    range, an id that is there twice, a line of a region that is not there.

    >>> page_from_json({"id": "note", "width": 300, "height": -200})
    Traceback (most recent call last):
    ocrkit.errors.DataError: height: -200; expected a whole number, at least 1
    """
    page: Page = _read(value, Page, "", {})
    _check(page)
    return page


@cache
def _types(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _read(value: Any, kind: Any, where: str, limits: Mapping[str, Any]) -> Any:
    """A value as its type in a dataclass has it. Raises DataError where it is of another."""
    if is_dataclass(kind):
        return _read_object(value, kind, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        (kind,) = (each for each in arguments if each is not type(None))
        return None if value is None else _read(value, kind, where, limits)
    if origin is tuple:
        of_any_length = arguments[-1] is ...
        if isinstance(value, list | tuple) and (of_any_length or len(value) == len(arguments)):
            kinds = arguments[:1] * len(value) if of_any_length else arguments
            return tuple(
                _read(each, kind, f"{where}[{place}]", limits)
                for place, (each, kind) in enumerate(zip(value, kinds, strict=True))
            )
    elif origin is Literal:
        if any(value == each and type(value) is type(each) for each in arguments):
            return value
    elif kind is float:
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and _within(value, limits)
        ):
            return float(value)
    elif type(value) is kind and (kind is not int or _within(value, limits)):
        return value
    raise DataError(f"{where}: {_shown(value)}; expected {_described(kind, limits)}")


def _read_object(value: Any, cls: Any, where: str) -> Any:
    known = {each.name: each for each in fields(cls)}
    if not isinstance(value, Mapping):
        raise DataError(
            f"{where or 'page'}: {_shown(value)}; expected an object with {', '.join(known)}"
        )
    start = f"{where}." if where else ""
    for name in value:
        if name not in known:
            raise DataError(f"{start}{name}: no such field; expected {', '.join(known)}")
    for name, each in known.items():
        if name not in value and each.default is MISSING:
            raise DataError(
                f"{start}{name}: missing; expected {_described(_types(cls)[name], each.metadata)}"
            )
    return cls(
        **{
            name: _read(each, _types(cls)[name], f"{start}{name}", known[name].metadata)
            for name, each in value.items()
        }
    )


def _within(value: float, limits: Mapping[str, Any]) -> bool:
    low, high = limits.get("minimum"), limits.get("maximum")
    return (
        abs(value) <= sys.float_info.max
        and (low is None or value >= low)
        and (high is None or value <= high)
    )


def _described(kind: Any, limits: Mapping[str, Any]) -> str:
    """A type in words, with its range."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin is tuple:
        return "a list" if arguments[-1] is ... else f"a list of {len(arguments)} numbers"
    ends = [
        f"at {word} {limits[name]}"
        for word, name in (("least", "minimum"), ("most", "maximum"))
        if limits.get(name) is not None
    ]
    return ", ".join([_WORDS[kind], " and ".join(ends)] if ends else [_WORDS[kind]])


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _check(page: Page) -> None:
    """Raises DataError where the parts of a page do not go together."""
    both: dict[str, Sequence[Region | Line]] = {"regions": page.regions, "lines": page.lines}
    for name, parts in both.items():
        for id_, count in Counter(each.id for each in parts).items():
            if count > 1:
                raise DataError(f"{name}: {count} of them have the id {id_!r}; expected one")
        for place, each in enumerate(parts):
            if len(each.boundary) in (1, 2):
                raise DataError(f"{name}[{place}].boundary: fewer than 3 points")
    regions = {region.id for region in page.regions}
    for place, line in enumerate(page.lines):
        where = f"lines[{place}]"
        if len(line.baseline) == 1:
            raise DataError(f"{where}.baseline: a single point; expected 2 or more")
        if not line.baseline and not line.boundary:
            raise DataError(f"{where}: neither a baseline nor a boundary; expected one of them")
        if line.region is not None and line.region not in regions:
            raise DataError(f"{where}.region: {line.region!r} is not among the page's regions")
        for number, word in enumerate(line.words):
            if len(word.boundary) in (1, 2):
                raise DataError(f"{where}.words[{number}].boundary: fewer than 3 points")
