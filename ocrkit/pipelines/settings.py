"""``--set``: changes of a pipeline's table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ocrkit.errors import ConfigError
from ocrkit.support.parsing import parse_toml

Setting = tuple[list[str], Any]
"""A dotted name, cut at its dots, and a TOML value."""


def parse_settings(settings: Sequence[str] | Mapping[str, Any]) -> list[Setting]:
    """``a.b=c`` texts, or values by dotted name, which are made TOML values. None takes an option
    away.

    Raises ConfigError for a text that is no setting.
    """
    if isinstance(settings, Mapping):
        return [(name.split("."), _plain(value)) for name, value in settings.items()]
    return [parse_setting(setting) for setting in settings]


def parse_setting(setting: str) -> Setting:
    """``a.b=c`` as the path ["a", "b"] and the TOML value c, or the text c where it is no TOML
    value.

    The path of ``a.b+=c`` is ["a", "b+"].
    """
    name, equals, text = setting.partition("=")
    path = [key.strip() for key in name.split(".")]
    if not equals or not all(key.removesuffix("+") for key in path):
        raise ConfigError(
            [
                (
                    f"--set {setting}: expected PART.OPTION=VALUE, for example --set "
                    "featurizer.channels=64"
                )
            ]
        )
    try:
        value = parse_toml(f"value = {text}")["value"] if "\n" not in text else text
    except ValueError:  # besides TOMLDecodeError, Python's own for numbers of thousands of digits
        value = text
    return path, value


def _plain(value: Any) -> Any:
    """A value of Python as TOML has it."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def apply_settings(table: dict[str, Any], settings: Sequence[Setting]) -> list[str]:
    """Changes the table: tables before what is in them, and ``PART.use`` first: a part that is
    replaced loses its options.

    An item of a list is found by its ``name``, else by its ``use``. A name that ends in + adds to
    the text or the list that is there; a list need not be there. Returns what cannot be done.
    """
    problems = []
    for path, value in sorted(
        settings, key=lambda setting: (len(setting[0]), setting[0][-1] != "use")
    ):
        dotted = ".".join(path)
        target: Any = table
        for key in path[:-1]:
            target = _item(target, key) if isinstance(target, list) else target.setdefault(key, {})
            if not isinstance(target, dict | list):
                break
        if not isinstance(target, dict):
            problems.append(f"--set {dotted}: the pipeline has no table {'.'.join(path[:-1])!r}")
        elif value is None:
            target.pop(path[-1], None)
        elif path[-1] == "use" and len(path) > 1 and value != target.get("use"):
            kept = {name: target[name] for name in ("name",) if name in target}
            target.clear()
            target |= {"use": value, **kept}
        elif path[-1].endswith("+"):
            problems += _add(target, path[-1][:-1].rstrip(), value, dotted)
        else:
            target[path[-1]] = value
    return problems


def _item(items: list[Any], key: str) -> Any:
    """The table in a list that is named so, else the first that uses a part of this name; None
    where there is neither."""
    tables = [item for item in items if isinstance(item, dict)]
    for by in ("name", "use"):
        for table in tables:
            if table.get(by) == key:
                return table
    return None


def _add(table: dict[str, Any], name: str, value: Any, dotted: str) -> list[str]:
    before: Any = table.get(name, [] if isinstance(value, list) else None)
    if type(before) not in (str, list) or type(value) is not type(before):
        return [
            f"--set {dotted}={value!r}: {name} is {before!r}; expected a text or a list to add to"
        ]
    table[name] = before + value
    return []
