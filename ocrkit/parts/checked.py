"""Tables that anybody may have written, checked against the fields of a dataclass: options of
parts, manifests, run files, headers of result files, what exported networks say of themselves.

A field's annotation is its type: ``int``, ``float``, ``bool``, ``str``, ``Path``, ``Literal[...]``,
``X | None``, ``tuple[X, ...]``, ``tuple[X, Y]``, ``list[X]``, ``dict[str, X]``, another
dataclass, or one of these with a :class:`Rule`. Keys that are no field are left to the caller, to
refuse or to let pass.

>>> from dataclasses import dataclass
>>> @dataclass
... class Weights:
...     sha256: Sha256
...     parameters: Count = 0
>>> checked(Weights, {"sha256": 3, "parameters": -1})
Traceback (most recent call last):
ocrkit.parts.checked.CheckError: sha256: 3; expected 64 hexadecimal digits in small letters; \
parameters: -1; expected a whole number above 0
"""

import math
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union

from ocrkit.errors import PluginError
from ocrkit.parts.plugins import one_line

_MOST_SAID, _LONGEST_SHOWN = 10, 200
"""CheckError in a line, and characters of a wrong value."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must be besides its type: ``Annotated[int, Rule("an even number", is_even)]``.

    ``words`` say what is expected, the type with it.
    """

    words: str
    fits: Callable[[Any], bool]


Whole = Annotated[int, Rule("a whole number, 0 or more", lambda value: value >= 0)]
Count = Annotated[int, Rule("a whole number above 0", lambda value: value > 0)]
Finite = Annotated[float, Rule("a finite number", math.isfinite)]
NotNegative = Annotated[float, Rule("a number, 0 or more", lambda value: 0 <= value < math.inf)]
Positive = Annotated[float, Rule("a number above 0", lambda value: 0 < value < math.inf)]
Share = Annotated[float, Rule("a number from 0 to 1", lambda value: 0 <= value <= 1)]
Sha256 = Annotated[
    str,
    Rule(
        "64 hexadecimal digits in small letters",
        lambda value: re.fullmatch("[0-9a-f]{64}", value) is not None,
    ),
]


class CheckError(ValueError):
    """All that is wrong with a table. ``problems`` are a line each; the message is one line."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        more = len(self.problems) - _MOST_SAID
        said = [*self.problems[:_MOST_SAID], *([f"and {more:,} more"] if more > 0 else [])]
        super().__init__("; ".join(said))


T = TypeVar("T")


def checked(cls: type[T], table: Any) -> T:
    """The dataclass that a table of TOML or JSON describes. Raises CheckError with all that is
    wrong, each with its dotted place."""
    problems: list[str] = []
    found = _convert(table, cls, "", problems)
    if problems:
        raise CheckError(problems)
    return typing.cast(T, found)


def check_fields(
    cls: type, table: Mapping[str, Any], where: str = ""
) -> tuple[dict[str, Any], list[str]]:
    """Those values of a table that are right, as the dataclass takes them, and what is wrong with
    the others or missing, each problem with its place below ``where``."""
    hints, values = types_of(cls), {}
    problems: list[str] = []
    for name, each in init_fields(cls).items():
        place = _below(where, name)
        mistakes: list[str] = []
        if name in table:
            found = _convert(table[name], hints[name], place, mistakes)
            limits = _limits(found, each.metadata)
            if limits and not mistakes:
                mistakes.append(f"{place}: {_shown(table[name])}; expected {limits}")
            if not mistakes:
                values[name] = found
        elif each.default is MISSING and each.default_factory is MISSING:
            mistakes.append(f"{place}: missing; expected {describe_type(hints[name])}")
        problems += mistakes
    return values, problems


def table_of(made: Any) -> dict[str, Any]:
    """A dataclass as a table that :func:`checked` makes it of again: without the fields that have
    their defaults."""
    values = {name: (getattr(made, name), each) for name, each in init_fields(made).items()}
    return {name: _plain(value) for name, (value, each) in values.items() if value != each.default}


def _plain(value: Any) -> Any:
    """A value of a field as TOML and JSON have it."""
    if is_dataclass(value):
        return table_of(value)
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def init_fields(cls: Any) -> dict[str, Field[Any]]:
    """The fields of a dataclass that it is made of, by name."""
    return {each.name: each for each in fields(cls) if each.init}


def types_of(cls: Any) -> dict[str, Any]:
    """The types of a dataclass's fields. Raises PluginError where they cannot be told."""
    try:
        return _hints(cls)
    except Exception as error:  # a type may be written as any expression
        raise PluginError(
            f"{cls.__module__}.{cls.__qualname__}: the types of its options cannot be told: "
            f"{one_line(error)}. "
            "What they name is to be imported in the module itself, not under TYPE_CHECKING."
        ) from error


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


def describe_type(annotation: Any) -> str:
    """A type in words: ``a whole number``, ``one of 'a', 'b'``."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return str(arguments[1].words)
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in arguments)
    if origin in (Union, types.UnionType):
        choices = [describe_type(each) for each in arguments if each is not type(None)]
        return " or ".join(choices)
    if origin in (tuple, list):
        length = f"{len(arguments)}, each " if _is_fixed(origin, arguments) else ""
        return f"a list of {length}{describe_type(arguments[0])}"
    if origin is dict or is_dataclass(annotation):
        return "a table"
    names = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a text",
        Path: "a path",
    }
    return names.get(annotation, str(annotation))


def describe_range(metadata: Mapping[str, Any]) -> str:
    """The range of an option in words; nothing where it has none."""
    limits = (("least", metadata.get("minimum")), ("most", metadata.get("maximum")))
    return " and ".join(f"at {word} {limit:g}" for word, limit in limits if limit is not None)


def _limits(value: Any, metadata: Mapping[str, Any]) -> str:
    """The range of an option in words, if the value is a number outside it."""
    low, high = metadata.get("minimum"), metadata.get("maximum")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    if (low is None or value >= low) and (high is None or value <= high):  # NaN is in no range
        return ""
    return describe_range(metadata)


def _convert(value: Any, annotation: Any, place: str, problems: list[str]) -> Any:
    """The value as the annotated type; what is wrong with it goes to the problems."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    mistakes: list[str] = []
    if is_dataclass(annotation) and isinstance(value, Mapping):
        values, mistakes = check_fields(typing.cast(type, annotation), value, place)
        problems += mistakes
        return None if mistakes else typing.cast(Any, annotation)(**values)
    if origin in (tuple, list) and isinstance(value, list | tuple):
        kinds = arguments if _is_fixed(origin, arguments) else arguments[:1] * len(value)
        if len(kinds) == len(value):
            return origin(
                _convert(item, kind, f"{place}[{index}]", problems)
                for index, (item, kind) in enumerate(zip(value, kinds, strict=True))
            )
    if origin is dict and isinstance(value, Mapping):
        return {
            name: _convert(each, arguments[1], _below(place, name), problems)
            for name, each in value.items()
        }
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        choices = [choice for choice in arguments if choice is not type(None)]
        if len(choices) == 1:
            return _convert(value, choices[0], place, problems)
        for choice in choices:
            found = _convert(value, choice, place, mistakes := [])
            if not mistakes:
                return found
    elif origin is Annotated:
        found = _convert(value, arguments[0], place, mistakes)
        if not mistakes and arguments[1].fits(found):
            return found
    elif _is_simple(value, annotation):
        return annotation(value) if annotation in (float, Path) else value
    said = f"{_shown(value)}; expected {describe_type(annotation)}"
    problems.append(f"{place}: {said}" if place else said)
    return None


def _is_fixed(origin: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether lists of this type have a fixed length."""
    return origin is tuple and arguments[-1] is not ...


def _is_simple(value: Any, annotation: Any) -> bool:
    """Whether the value is of a type that has no others within it."""
    if typing.get_origin(annotation) is Literal:
        choices = typing.get_args(annotation)
        return any(value == choice and type(value) is type(choice) for choice in choices)
    if annotation is float:
        return isinstance(value, float) or (type(value) is int and abs(value) <= sys.float_info.max)
    if annotation is Path:
        return isinstance(value, str | Path)
    return annotation is Any or type(value) is annotation


def _below(place: str, name: str) -> str:
    """The place of a key, which is quoted as TOML quotes it."""
    key = name if re.fullmatch(r"[\w-]+", name) else repr(name)
    return f"{place}.{key}" if place else key


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
