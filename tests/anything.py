"""Tables in which anything may stand in any place, for what reads tables that anybody may have
written."""

import json
from typing import Any

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
"""Any value of JSON, and of TOML."""


def damaged(table: dict[str, Any]) -> st.SearchStrategy[Any]:
    """The table with any value in place of one of its own, which may be itself, or with a key
    less."""
    places = [place for place in _places(table) if place]
    replaced = st.builds(_replaced, st.just(table), st.sampled_from(places), JSON)
    removed = st.builds(_removed, st.just(table), st.sampled_from(places))
    return replaced | removed | JSON


def _places(table: Any) -> list[tuple[str | int, ...]]:
    """Where in a value something can be put."""
    if isinstance(table, dict):
        items: list[tuple[str | int, Any]] = list(table.items())
    else:
        items = list(enumerate(table)) if isinstance(table, list) else []
    return [(), *((key, *below) for key, value in items for below in _places(value))]


def _copy(table: Any, place: tuple[str | int, ...]) -> tuple[Any, Any]:
    """A copy of a table, and the table or list in it that the place is in."""
    copy = target = json.loads(json.dumps(table))
    for key in place[:-1]:
        target = target[key]
    return copy, target


def _replaced(table: Any, place: tuple[str | int, ...], value: Any) -> Any:
    copy, target = _copy(table, place)
    target[place[-1]] = value
    return copy


def _removed(table: Any, place: tuple[str | int, ...]) -> Any:
    copy, target = _copy(table, place)
    del target[place[-1]]
    return copy
