"""Parts by name with their options: checked against the fields of the part's class, then made."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from ocrkit.errors import ConfigError, PluginError
from ocrkit.parts.checked import (
    check_fields,
    describe_range,
    describe_type,
    init_fields,
    types_of,
)
from ocrkit.parts.guests import guest
from ocrkit.parts.kinds import KINDS, ONE_EACH
from ocrkit.parts.registry import nearest, registry


@dataclass(frozen=True, slots=True)
class PartSpec:
    """A part by name, with the options that the pipeline gives it."""

    kind: str
    use: str
    options: dict[str, Any]


def describe_options(cls: Any) -> list[dict[str, Any]]:
    """The options of a part, as plain values: name, type in words with its range, default, whether
    it is required, meaning.

    What has no options is no dataclass. Raises PluginError where a type cannot be told.
    """
    if not is_dataclass(cls):
        return []
    hints, described = types_of(cls), []
    for each in init_fields(cls).values():
        default = each.default if each.default_factory is MISSING else each.default_factory()
        limits = describe_range(each.metadata)
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


def check_options(
    cls: type, options: Mapping[str, Any], where: str, kind: str = "", more: Sequence[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """Options as a dataclass takes them, and what is wrong with them, each problem naming ``where``
    and the option.

    ``kind`` is the part's, among whose others one may have an option that this one lacks. ``more``
    are options of another class in the same table, for messages.
    """
    if not isinstance(cls, type) or not is_dataclass(cls):
        return {}, [
            (
                f"{where}: {cls.__module__}.{cls.__qualname__} is no dataclass; expected one whose "
                "fields are the part's options"
            )
        ]
    known = [*init_fields(cls), *more]
    problems = [
        f"{where}: no option {name!r}.{nearest(name, known) or _who_has(name, kind)} "
        f"Options: {', '.join(known) or 'none'}."
        for name in options
        if name not in known
    ]
    values, mistakes = check_fields(cls, options, where)
    return values, problems + mistakes


def _who_has(option: str, kind: str) -> str:
    """`` 'x' has it: decoder.use=x.``, or nothing where no other part of this kind
    has the option."""
    for use in registry().names(kind) if kind in ONE_EACH else ():
        try:
            cls = registry().get(kind, use).load()
        except PluginError:
            continue
        if is_dataclass(cls) and option in init_fields(cls):
            return f" {use!r} has it: {kind}.use={use}."
    return ""


def make_part(part: PartSpec, **more: Any) -> Any:
    """The part with its options (and ``more`` of them); where it has no name, the one of its kind
    that is taken where nobody names one. Raises ConfigError with all that is wrong, or
    PluginError."""
    use = part.use or registry().default(part.kind)
    cls = registry().get(part.kind, use).load()
    first = "".join(KINDS[part.kind].places[:1])
    where = f"{first.strip('[]')}.{use}" if first.startswith("[[") else part.kind
    values, problems = check_options(cls, {**part.options, **more}, where, part.kind)
    if problems:
        raise ConfigError(problems)
    with guest(part.kind, use):
        return cls(**values)
