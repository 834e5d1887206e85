"""Changes texts in a TOML file and leaves everything else, comments and all, as somebody has
written it."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import tomli_w

from ocrkit.support.parsing import parse_toml

_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"' + "|'[^'\n]*'")
"""A text in quotes on one line; what stands in a comment may look so too."""
_Place = tuple[str | int, ...]
"""Where a value is: keys of tables and places in lists."""


def changed(text: str, table: dict[str, Any]) -> str:
    """The TOML text, its values those of the table, which differs from it in texts alone or has
    others on top.

    Where a text cannot be found in one line, all is written anew, without the comments. What is
    given back is the table.
    """
    try:
        for place, value in list(_texts(table)):
            if _at(parse_toml(text), place) != value:
                text = _with(text, place, value)
    except LookupError:
        return tomli_w.dumps(table)
    return text if parse_toml(text) == table else tomli_w.dumps(table)


def _texts(value: Any, place: _Place = ()) -> Iterator[tuple[_Place, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(each, (*place, key))


def _at(value: Any, place: _Place) -> Any:
    """The value at a place; None where there is none."""
    for key in place:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def _with(text: str, place: _Place, value: str) -> str:
    """The text with this value. Each that may be the old one is tried: the parser says which it
    was.

    Raises LookupError where none is.
    """
    table, literal = parse_toml(text), tomli_w.dumps({"x": value}).removeprefix("x = ").strip()
    if len(place) == 1 and place[0] not in table:
        return f"{place[0]} = {literal}\n{text}"
    expected = copy.deepcopy(table)
    inside: Any = _at(expected, place[:-1])
    inside[place[-1]] = value
    for match in _STRING.finditer(text):
        candidate = f"{text[: match.start()]}{literal}{text[match.end() :]}"
        try:
            if parse_toml(candidate) == expected:
                return candidate
        except ValueError:
            continue
    raise LookupError(place)
