"""The kit on an installed plugin, whose author need not have written a test: what ``ocrkit plugins
test`` runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from ocrkit.errors import PluginError
from ocrkit.parts.kinds import KINDS
from ocrkit.parts.plugins import Plugin
from ocrkit.parts.registry import Entry, nearest, registry
from ocrkit.testing.base import Finding, examine
from ocrkit.testing.small_networks import missing


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of a part's checks; ``backend`` is that of an implementation."""

    kind: str
    name: str
    backend: str | None
    findings: list[Finding]


def examine_plugin(name: str, *, data: Path | None = None) -> Iterator[Examined]:
    """Every part of a plugin, with its default options. ``name`` is the plugin's or its
    distribution's.

    ``data`` is the data set that readers are tested on, else the sample that they ship. Raises
    PluginError where nothing of that name is installed.
    """
    plugins = _named(name)
    for plugin in plugins:
        if plugin.problem:
            yield Examined(
                "plugin", plugin.name, None, [Finding("loads", "failed", plugin.problem)]
            )
    subjects = {
        (entry.kind, entry.name, backend): None  # a dictionary keeps the order
        for entry in registry().entries()
        if entry.plugin in plugins
        for backend in _backends(entry)
    }
    for kind, part, backend in subjects:
        options = {"root": str(data)} if kind == "reader" and data else {}
        yield Examined(kind, part, backend, _examine(kind, part, backend, options))


def _named(name: str) -> list[Plugin]:
    plugins = registry().plugins
    found = [
        each for each in plugins if each.name == name or _normal(each.distribution) == _normal(name)
    ]
    if not found:
        names = sorted({each.name for each in plugins} | {each.distribution for each in plugins})
        raise PluginError(
            f"no plugin or package named {name!r}.{nearest(name, names)} Installed: "
            f"{', '.join(names)}."
        )
    return found


def _normal(distribution: str) -> str:
    """Package names are the same in any case, and with hyphens, underscores and dots alike."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _backends(entry: Entry) -> list[str | None]:
    """On which backends to test an entry: an implementation on its own, a definition on all that
    implement it."""
    if not KINDS[entry.kind].by_backend:
        return [None]
    return (
        [entry.backend]
        if entry.backend
        else [*registry().backends(entry.kind, entry.name)] or [None]
    )


def _examine(kind: str, name: str, backend: str | None, options: dict[str, str]) -> list[Finding]:
    if backend and (reason := missing(backend)):
        return [Finding("all", "skipped", reason)]
    attributes: dict[str, Any] = {
        "name": name,
        "options": options,
        **({"backend": backend} if backend else {}),
    }
    findings = examine(type(kind, (resolve_name(KINDS[kind].conformance),), attributes)())
    # What keeps a part from being made at all is said once.
    outcomes = {(finding.result, finding.reason) for finding in findings}
    (result, reason), *others = outcomes
    return [Finding("all", result, reason)] if reason and not others else findings
