"""Entry points of installed distributions, from the files that installers leave beside the packages (PyPA's specifications
"Entry points" and "Recording installed projects").

``importlib.metadata`` finds the same, and those in zip files. Importing it, and asking it for versions, takes a tenth of the
time until the first image is read.
"""

import os
import re
import sys
from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

_VALUE = re.compile(r"([\w.]+)\s*(?::\s*([\w.]+)\s*)?(?:\[.*\]\s*)?")
"""``module``, ``module:object`` or ``module:object.attribute``; extras may follow."""


class EntryPoint(NamedTuple):
    """A line of a distribution's ``entry_points.txt``, and what its ``METADATA`` calls the distribution."""

    name: str
    value: str
    distribution: str
    version: str

    def load(self) -> Any:
        """The module, or what it names in it. Raises ValueError for a value that names none, and whatever importing raises."""
        match = _VALUE.fullmatch(self.value)
        if match is None:
            raise ValueError(f"the entry point's value is {self.value!r}; expected 'module' or 'module:object'")
        module, attributes = match.groups()
        return reduce(getattr, filter(None, (attributes or "").split(".")), import_module(module))


def entry_points(group: str) -> list[EntryPoint]:
    """Those of a group, by name and value. Of two distributions of one name the first on ``sys.path`` counts."""
    found: set[EntryPoint] = set()
    seen: set[str] = set()
    for place in sys.path:
        for folder in _metadata_folders(place or "."):
            name = re.split(r"-\d", folder.stem, maxsplit=1)[0]
            key = re.sub(r"[-_.]+", "-", name).lower()
            if key not in seen:
                seen.add(key)
                lines = list(_section(folder, group))
                about = _about(folder) if lines else ("", "")
                found.update(EntryPoint(name, value, *about) for name, value in lines)
    return sorted(found)


def _metadata_folders(place: str) -> list[Path]:
    try:
        with os.scandir(place) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.name.endswith((".dist-info", ".egg-info")))
    except OSError:  # not there, or a zip file
        return []


def _section(folder: Path, group: str) -> Iterator[tuple[str, str]]:
    """Names and values of a group; none where the distribution has no entry points."""
    inside = False
    for line in _lines(folder, "entry_points.txt"):
        if line.startswith("["):
            inside = line.strip("[]").strip() == group
        elif inside and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()


def _about(folder: Path) -> tuple[str, str]:
    """Name and version; the headers end at the first blank line, and a README may follow."""
    about = {"Name": "unknown", "Version": "unknown"}
    for line in _lines(folder, "METADATA") or _lines(folder, "PKG-INFO"):
        if not line:
            break
        key, colon, value = line.partition(":")
        if colon and key in about:
            about[key] = value.strip()
    return about["Name"], about["Version"]


def _lines(folder: Path, file: str) -> list[str]:
    try:
        return [line.strip() for line in (folder / file).read_text("utf-8", errors="replace").splitlines()]
    except OSError:  # not there, or not a folder
        return []
