"""Models' manifests: every key that ocrkit knows, its type, who needs it; and how they are
written."""

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ocrkit.support.files import write_atomically

SCHEMA = 2
MOST_TOLERANCE = 1e-3
"""The largest difference in log-probabilities (nats, float32) that a golden set may allow."""


class _Kind(NamedTuple):
    """A type of value, in words, and how to tell it."""

    words: str
    fits: Callable[[Any], bool]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TEXT = _Kind("a text", lambda value: isinstance(value, str))
_WHOLE = _Kind("a whole number, 0 or more", _is_whole)
_COUNT = _Kind("a whole number above 0", lambda value: _is_whole(value) and value > 0)
_TABLE = _Kind("a table", lambda value: isinstance(value, dict))
_TABLES = _Kind(
    "a list of tables",
    lambda value: isinstance(value, list) and all(isinstance(each, dict) for each in value),
)
_SCORES = _Kind(
    "a table of tables with a number `value`",
    lambda value: (
        isinstance(value, dict)
        and all(isinstance(s, dict) and _is_number(s.get("value")) for s in value.values())
    ),
)


def _is_address(value: Any) -> bool:
    from ocrkit.support.web import is_safe  # which imports what speaks HTTP and TLS

    return isinstance(value, str) and is_safe(value)


_FILE = _Kind(
    "the name of a file beside the manifest",
    lambda value: (
        isinstance(value, str)
        and re.fullmatch(r"[^/\\\0]+", value) is not None
        and value not in (".", "..")
    ),
)
_SHA256 = _Kind(
    "64 hexadecimal digits in small letters",
    lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None,
)
_URL = _Kind("an https address without a login", _is_address)
_POSITIVE = _Kind("a number above 0", lambda value: _is_number(value) and 0 < value < math.inf)
_SHARE = _Kind("a number from 0 to 1", lambda value: _is_number(value) and 0 <= value <= 1)
_TOLERANCE = _Kind(
    f"a number above 0, at most {MOST_TOLERANCE:g}",
    lambda value: _is_number(value) and 0 < value <= MOST_TOLERANCE,
)

LOADING, VERIFYING, OPTIONAL = 0, 1, 2
"""Who needs a key, where the table that it is in is there."""

_KEYS: dict[str, tuple[_Kind, int]] = {
    "name": (_TEXT, VERIFYING),
    "summary": (_TEXT, OPTIONAL),
    "licence": (_TEXT, VERIFYING),
    "terms": (_TEXT, OPTIONAL),
    "weights": (_TABLE, LOADING),
    "weights.file": (_FILE, LOADING),
    "weights.sha256": (_SHA256, LOADING),
    "weights.url": (_URL, OPTIONAL),
    "weights.bytes": (_COUNT, VERIFYING),
    "weights.dtype": (_TEXT, OPTIONAL),
    "weights.parameters": (_COUNT, OPTIONAL),
    "network": (_TABLE, VERIFYING),
    "network.alphabet": (_TEXT, VERIFYING),
    "network.height": (_COUNT, VERIFYING),
    "network.featurizer": (_TABLE, VERIFYING),
    "network.encoder": (_TABLE, VERIFYING),
    "golden": (_TABLE, VERIFYING),
    "golden.file": (_FILE, VERIFYING),
    "golden.sha256": (_SHA256, VERIFYING),
    "golden.bytes": (_COUNT, VERIFYING),
    "golden.items": (_COUNT, VERIFYING),
    "golden.tolerance": (_TOLERANCE, VERIFYING),
    "golden.margin": (_POSITIVE, VERIFYING),
    "golden.source": (_TEXT, OPTIONAL),
    "golden.backend": (_TEXT, OPTIONAL),
    "golden.device": (_TEXT, OPTIONAL),
    "golden.versions": (_TABLE, OPTIONAL),
    "training": (_TABLE, OPTIONAL),
    "training.data": (_TEXT, OPTIONAL),
    "training.runs": (_TABLES, OPTIONAL),
    "choosing": (_TABLE, OPTIONAL),
    "choosing.purpose": (_TEXT, OPTIONAL),
    "forms": (_TABLE, OPTIONAL),
    "forms.file": (_FILE, LOADING),
    "forms.trained": (_WHOLE, LOADING),
    "forms.chosen": (_WHOLE, LOADING),
    "images": (_TABLE, OPTIONAL),
    "images.file": (_FILE, LOADING),
    "images.trained": (_WHOLE, LOADING),
    "images.chosen": (_WHOLE, LOADING),
    "confidence": (_TABLE, OPTIONAL),
    "confidence.temperature": (_POSITIVE, LOADING),
    "confidence.fitted_on": (_TEXT, OPTIONAL),
    "confidence.measured_on": (_TEXT, OPTIONAL),
    "confidence.ece_before": (_SHARE, OPTIONAL),
    "confidence.ece_after": (_SHARE, OPTIONAL),
    "confidence.command": (_TEXT, OPTIONAL),
    "results": (_TABLE, OPTIONAL),
    "results.dataset": (_TEXT, LOADING),
    "results.samples": (_COUNT, OPTIONAL),
    "results.command": (_TEXT, OPTIONAL),
    "results.metrics": (_SCORES, LOADING),
}


def manifest_problems(manifest: Mapping[str, Any], *, verifying: bool = False) -> list[str]:
    """All that is wrong with a manifest, a line each. ``verifying`` asks for the keys that ``ocrkit
    zoo verify`` needs too."""
    problems = []
    if manifest.get("schema") != SCHEMA:
        problems.append(
            f"schema: {manifest.get('schema')!r}; expected {SCHEMA}: it was made for another "
            "version of ocrkit"
        )
    for name, (kind, needed) in _KEYS.items():
        above, _, key = name.rpartition(".")
        table = manifest.get(above) if above else manifest
        if not isinstance(table, Mapping):
            continue  # what should be this table has its own line
        if key not in table:
            if (
                needed == LOADING
                or (needed == VERIFYING and verifying)
                or (name == "weights.bytes" and "url" in table)
            ):
                problems.append(f"{name} is missing; expected {kind.words}")
        elif not kind.fits(table[key]):
            problems.append(f"{name}: {table[key]!r}; expected {kind.words}")
    return problems


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Writes a manifest, whole or not at all."""
    import tomli_w

    with write_atomically(path) as temporary:
        temporary.write_text(tomli_w.dumps(manifest), encoding="utf-8")
