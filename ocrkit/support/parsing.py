"""TOML and JSON that anybody may have written: whatever is wrong with them is a ValueError of one
line."""

import json
import re
import tomllib
from dataclasses import asdict, is_dataclass
from typing import Any

_DEEPEST = 64
"""Tables and lists within each other."""
_LARGEST = 1 << 63
"""No whole number is as large: TOML promises none, and beyond some hundred digits no float can hold
it."""
_MOST_DOTS = 1000
"""In a line of TOML: for a key of so many parts ``tomllib`` takes the square of their number."""
_NEEDS_A_LOOK = re.compile(r"[0-9]{19}|\\u[dD]")
_NO_TEXT = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Halves of characters. The rest of the low ones stand for bytes of files' names that are not
UTF-8."""
_NOT_SHOWN = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def parse_toml(text: str) -> dict[str, Any]:
    """Raises ValueError where the text is no TOML, nested beyond reason, or has numbers of more
    than 64 bits."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > _MOST_DOTS:
            raise ValueError(f"more than {_MOST_DOTS:,} dots (at line {number})")
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    _check(table)
    return table


def parse_json(text: str | bytes) -> Any:
    """Raises ValueError where the text is no JSON in UTF-8, nested beyond reason, or has numbers of
    more than 64 bits, or halves of characters."""
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    try:
        value = json.loads(text)
    except RecursionError:
        raise _too_deep() from None
    if text.count("[") + text.count("{") > _DEEPEST or _NEEDS_A_LOOK.search(
        text
    ):  # a row of a million seldom does
        _check(value)
    return value


def json_text(value: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """A value with the dataclasses and the numbers of NumPy's in it as JSON that everybody can read
    and any terminal can show.

    What JSON has no number for, NaN and the infinities, is null. Controls, and halves of
    characters, which stand for bytes of names that are not UTF-8, are escapes, so that texts are
    exact.
    """

    def dumped(value: Any, *, allow_nan: bool) -> str:
        return json.dumps(
            value, ensure_ascii=ascii_only, indent=indent, default=_plain, allow_nan=allow_nan
        )

    try:
        text = dumped(value, allow_nan=False)
    except ValueError:
        text = dumped(
            json.loads(dumped(value, allow_nan=True), parse_constant=lambda _: None),
            allow_nan=False,
        )
    return _NOT_SHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def _too_deep() -> ValueError:
    return ValueError(f"tables and lists within each other, more than {_DEEPEST} deep")


def _check(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += each.keys()
                below += each.values()
            elif isinstance(each, list):
                below += each
            elif isinstance(each, int) and not -_LARGEST <= each < _LARGEST:
                raise ValueError("a whole number of more than 64 bits")
            elif isinstance(each, str) and _NO_TEXT.search(each):
                raise ValueError("a text with halves of characters")
        if not below:
            return
        level = below
    raise _too_deep()
