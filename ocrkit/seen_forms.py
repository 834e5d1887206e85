"""What weights have seen: the data that they were trained on, and those by which they were chosen."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ocrkit.interfaces import Sample

IMAGES = "seen.txt"
"""In the folder of a run: ``trained`` or ``chosen`` and a sample's key, a line each."""


@dataclass(frozen=True, slots=True)
class SeenForms:
    """What weights have seen, as far as their manifest or their training run says: forms, and of samples that are of no form
    the keys (:func:`key_of`)."""

    trained: frozenset[str] = frozenset()
    chosen: frozenset[str] = frozenset()
    """Those by which something was chosen: the best epoch, say, or a temperature."""
    trained_keys: frozenset[str] = frozenset()
    chosen_keys: frozenset[str] = frozenset()


def key_of(sample: Sample) -> str:
    """What a sample is known by that is of no form, 16 hexadecimal digits: its image file's bytes, so that files may be moved
    and renamed; of one without a file, its id and text. Empty where the file cannot be read."""
    if sample.path is None:
        return hashlib.sha256(f"{sample.id}\0{sample.text}".encode(errors="surrogatepass")).hexdigest()[:16]
    try:
        with Path(sample.path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError:
        return ""


def forms_of(samples: Iterable[Sample]) -> list[str]:
    return sorted({sample.form for sample in samples if sample.form})


def keys_of(samples: Iterable[Sample]) -> frozenset[str]:
    """The keys of those that are of no form."""
    return frozenset(key_of(sample) for sample in samples if not sample.form) - {""}


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
        about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        before, validation = about.get("init") or {}, about.get("validation") or {}
        seen = SeenForms(
            frozenset([*about["forms"], *before.get("trained", [])]),
            frozenset([*validation.get("forms", []), *before.get("chosen", [])]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return SeenForms()
    return with_keys(seen, folder)


def with_keys(seen: SeenForms, folder: Path) -> SeenForms:
    """The same with the keys that ``seen.txt`` in the folder of a run or a model lists, where there is one."""
    try:
        lines = [line.partition(" ") for line in (folder / IMAGES).read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return seen
    trained, chosen = (frozenset(key for word, _, key in lines if word == kind) for kind in ("trained", "chosen"))
    return replace(seen, trained_keys=trained, chosen_keys=chosen)


def key_lines(seen: SeenForms) -> str:
    """The content of ``seen.txt``."""
    kinds = (("trained", seen.trained_keys), ("chosen", seen.chosen_keys))
    return "".join(f"{kind} {key}\n" for kind, keys in kinds for key in sorted(keys))
