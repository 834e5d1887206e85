"""Relative paths in a pipeline's file start at the file, wherever ``ocrkit`` is called."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from ocrkit.errors import PluginError
from ocrkit.parts.kinds import KINDS
from ocrkit.parts.registry import registry

NARROWING = ("only", "exclude")
"""Options of every reader, which the core itself has: files of ids, of forms or samples."""


def make_absolute(table: dict[str, Any], folder: Path, training: type) -> None:
    """Makes the relative paths among the options of a table's parts absolute, as they are seen from
    the folder.

    ``training`` is the class of the options in ``[training]``. Options that name files are those of
    type Path, and those made with ``option(…, file=…)``. What is no table, or names no part that is
    installed, is left alone.
    """
    for _, options, kinds in _tables(table, training):
        for name, kind in kinds.items():
            if name in options:
                options[name] = _absolute(options[name], folder, kind)


def files_in(table: dict[str, Any], training: type) -> list[str]:
    """The options of a table that name files or folders: ``decoder.lexicon = '/words.txt'``, …"""
    return [
        f"{where}.{name} = {options[name]!r}"
        for where, options, kinds in _tables(table, training)
        for name, kind in kinds.items()
        if options.get(name) and not _is_part(options[name], kind)
    ]


def absolute_reference(reference: str, folder: Path) -> str:
    """The same weights or network, named so that they are found from anywhere: ``zoo:NAME`` is; a
    path is made absolute."""
    return (
        str((folder / reference).absolute())
        if reference and not reference.startswith("zoo:")
        else reference
    )


def _tables(
    table: dict[str, Any], training: type
) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Every table of options, called by its kind of part, with the names of those that are
    files."""
    for kind in KINDS.values():
        more = dict.fromkeys(NARROWING, "") if kind.name == "reader" else {}
        for place in kind.places:
            for item in _tables_at(table, place):
                yield kind.name, item, more | _files_of(_class_of(kind.name, item.get("use")))
    yield "training", _as_table(table.get("training")), _files_of(training)


def _tables_at(table: dict[str, Any], place: str) -> list[dict[str, Any]]:
    """What stands at a place (see :class:`ocrkit.parts.kinds.Kind`), a table or a list of them."""
    *above, last = place.strip("[]").split(".")
    for name in above:
        table = _as_table(table.get(name))
    return [_as_table(item) for item in _as_list(table.get(last))]


def _as_table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _class_of(kind: str, use: Any) -> Any:
    try:
        return registry().get(kind, str(use)).load()
    except PluginError:  # told where the pipeline is checked
        return None


def _files_of(cls: Any) -> dict[str, str]:
    """The options of a class that name files; and the kind of part whose names may stand in a
    file's place, if any."""
    if not is_dataclass(cls):
        return {}
    try:
        hints = get_type_hints(cls)
    except Exception:  # noqa: BLE001  (told where the pipeline is checked: a type may be written as any expression)
        return {}
    kinds = {each.name: each.metadata.get("file") for each in fields(cls)}
    paths = {name: "" for name, hint in hints.items() if _is_path(hint)}
    return paths | {name: kind for name, kind in kinds.items() if kind is not None}


def _is_path(annotation: Any) -> bool:
    """Whether it is Path, ``Path | None`` or ``tuple[Path, ...]``."""
    return annotation is Path or any(_is_path(each) for each in get_args(annotation))


def _absolute(value: Any, folder: Path, kind: str) -> Any:
    if isinstance(value, list):
        return [_absolute(each, folder, kind) for each in value]
    if not isinstance(value, str) or not value or _is_part(value, kind):
        return value
    return str((folder / value).absolute())


def _is_part(value: Any, kind: str) -> bool:
    """Whether it names a part of this kind and no file: ``english``, or ``zoo:iam-crnn``."""
    if not kind or not isinstance(value, str):
        return False
    return value.startswith(f"{kind}:") or value in registry().names(kind)
