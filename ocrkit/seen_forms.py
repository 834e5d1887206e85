"""The forms that weights have seen: those that they were trained on, and those by which they were chosen."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class SeenForms:
    """The forms that weights have seen, as far as their manifest or their training run says."""

    trained: frozenset[str] = frozenset()
    chosen: frozenset[str] = frozenset()
    """Those by which something was chosen: the best epoch, say, or a temperature."""


def as_lines(ids: Iterable[str]) -> str:
    """Ids as a manifest has them: one text, an id a line, which is read much faster than a list."""
    return "".join(f"{each}\n" for each in ids)


def of_manifest(manifest: Mapping[str, Any]) -> SeenForms:
    """What a model's manifest says of ``training.runs`` and ``choosing``."""
    runs = manifest.get("training", {}).get("runs", [])
    trained = frozenset(form for run in runs for form in run.get("forms", "").splitlines())
    return SeenForms(trained, frozenset(manifest.get("choosing", {}).get("forms", "").splitlines()))


def of_run(folder: Path) -> SeenForms:
    """What ``run.json`` in the folder of a training run says; nothing where there is none that can be read."""
    try:
        about = json.loads((folder / "run.json").read_bytes())
        before, validation = about.get("init") or {}, about.get("validation") or {}
        return SeenForms(
            frozenset([*about["forms"], *before.get("trained", [])]),
            frozenset([*validation.get("forms", []), *before.get("chosen", [])]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return SeenForms()
