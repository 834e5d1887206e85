"""Parts by name with their options: checked against the fields of the part's class, then made."""

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union

from ocrkit.errors import ConfigError, PluginError
from ocrkit.parts.guests import guest
from ocrkit.parts.plugins import one_line
from ocrkit.parts.registry import nearest, registry

PARTS = ("reader", "preprocessor", "featurizer", "encoder", "decoder")


@dataclass(frozen=True, slots=True)
class PartSpec:
    """A part by name, with the options that the pipeline gives it."""

    kind: str
    use: str
    options: dict[str, Any]


def describe_type(annotation: Any) -> str:
    """An option's type in words: ``a whole number``, ``one of 'a', 'b'``."""
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in typing.get_args(annotation))
    if origin in (Union, types.UnionType):
        return " or ".join(
            describe_type(choice)
            for choice in typing.get_args(annotation)
            if choice is not type(None)
        )
    if origin is tuple:
        return f"a list of {describe_type(typing.get_args(annotation)[0])}"
    names = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a text",
        Path: "a path",
    }
    return names.get(annotation, str(annotation))


def describe_options(cls: Any) -> list[dict[str, Any]]:
    """The options of a part, as plain values: name, type in words with its range, default, whether
    it is required, meaning.

    What has no options is no dataclass. Raises PluginError where a type cannot be told.
    """
    if not is_dataclass(cls):
        return []
    hints, described = _types(cls), []
    for each in fields(cls):
        if not each.init:
            continue
        default = each.default if each.default_factory is MISSING else each.default_factory()
        limits = _range(each.metadata)
        described.append(
            {
                "name": each.name,
                "type": describe_type(hints[each.name]) + (f", {limits}" if limits else ""),
                "default": None if default is MISSING else _plain(default),
                "required": default is MISSING,
                "documentation": each.metadata.get("doc", ""),
            }
        )
    return described


def _plain(value: Any) -> Any:
    """An option's value as a pipeline's file has it."""
    return (
        [_plain(item) for item in value]
        if isinstance(value, tuple)
        else str(value)
        if isinstance(value, Path)
        else value
    )


def _types(cls: Any) -> dict[str, Any]:
    """The types of a part's options. Raises PluginError where they cannot be told."""
    try:
        return typing.get_type_hints(cls)
    except Exception as error:  # a type may be written as any expression
        raise PluginError(
            f"{cls.__module__}.{cls.__qualname__}: the types of its options cannot be told: "
            f"{one_line(error)}. "
            "What they name is to be imported in the module itself, not under TYPE_CHECKING."
        ) from error


def _convert(value: Any, annotation: Any) -> Any:
    """The TOML value as the annotated type. Raises TypeError where it is of another."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        if any(value == choice and type(value) is type(choice) for choice in arguments):
            return value
    elif origin in (Union, types.UnionType):
        for choice in arguments:
            if choice is type(None):
                if value is None:
                    return None
                continue
            try:
                return _convert(value, choice)
            except TypeError:
                continue
    elif origin is tuple:
        if isinstance(value, list | tuple):
            return tuple(_convert(item, arguments[0]) for item in value)
    elif annotation is float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    elif annotation is Path:
        if isinstance(value, str | Path):
            return Path(value)
    elif annotation is Any or (type(value) is annotation):
        return value
    raise TypeError


def _limits(value: Any, metadata: Mapping[str, Any]) -> str:
    """The range of an option in words, if the value is a number outside it."""
    low, high = metadata.get("minimum"), metadata.get("maximum")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    if (low is None or value >= low) and (high is None or value <= high):  # NaN is in no range
        return ""
    return _range(metadata)


def _range(metadata: Mapping[str, Any]) -> str:
    """The range of an option in words; nothing where it has none."""
    limits = (("least", metadata.get("minimum")), ("most", metadata.get("maximum")))
    return " and ".join(f"at {word} {limit:g}" for word, limit in limits if limit is not None)


def check_options(
    cls: type, options: Mapping[str, Any], where: str, kind: str = ""
) -> tuple[dict[str, Any], list[str]]:
    """Options as a dataclass takes them, and what is wrong with them, each problem naming ``where``
    and the option.

    ``kind`` is the part's, among whose others one may have an option that this one lacks.
    """
    if not isinstance(cls, type) or not is_dataclass(cls):
        return {}, [
            (
                f"{where}: {cls.__module__}.{cls.__qualname__} is no dataclass; expected one whose "
                "fields are the part's options"
            )
        ]
    hints = _types(cls)
    known = {each.name: each for each in fields(cls) if each.init}
    problems = []
    values = {}
    for name, value in options.items():
        if name not in known:
            listed = ", ".join(known) or "none"
            hint = nearest(name, list(known)) or _who_has(name, kind)
            problems.append(f"{where}: no option {name!r}.{hint} Options: {listed}.")
            continue
        try:
            values[name] = _convert(value, hints[name])
        except TypeError:
            problems.append(f"{where}.{name}: {value!r}; expected {describe_type(hints[name])}")
            continue
        limits = _limits(values[name], known[name].metadata)
        if limits:
            problems.append(f"{where}.{name}: {value!r}; expected {limits}")
    missing = [
        n
        for n, each in known.items()
        if n not in options and each.default is MISSING and each.default_factory is MISSING
    ]
    problems += [
        f"{where}.{name}: missing; expected {describe_type(hints[name])}" for name in missing
    ]
    return values, problems


def _who_has(option: str, kind: str) -> str:
    """`` 'ctc-beam' has it: decoder.use=ctc-beam.``, or nothing where no other part of this kind
    has the option."""
    for use in registry().names(kind) if kind in PARTS else ():
        try:
            cls = registry().get(kind, use).load()
        except PluginError:
            continue
        if is_dataclass(cls) and option in {each.name for each in fields(cls) if each.init}:
            return f" {use!r} has it: {kind}.use={use}."
    return ""


def make_part(part: PartSpec, **more: Any) -> Any:
    """The part with its options (and ``more`` of them). Raises ConfigError with all that is wrong,
    or PluginError."""
    cls = registry().get(part.kind, part.use).load()
    where = part.kind if part.kind != "metric" else f"metrics.{part.use}"
    values, problems = check_options(cls, {**part.options, **more}, where, part.kind)
    if problems:
        raise ConfigError(problems)
    with guest(part.kind, part.use):
        return cls(**values)
