"""Whether a model has seen what it is scored on: the forms that it was trained on, and those by which it was chosen."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocrkit.interfaces import Sample


@dataclass(frozen=True, slots=True)
class SeenForms:
    """The forms that weights have seen, as far as their manifest or their training run says."""

    trained: frozenset[str] = frozenset()
    chosen: frozenset[str] = frozenset()
    """Those by which something was chosen: the best epoch, say, or a temperature."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Samples that a model has seen, their number and their forms."""

    samples: int
    forms: list[str]


@dataclass(frozen=True, slots=True)
class Contamination:
    """What of a data set a model was trained on, and what of the rest it was chosen by."""

    trained: Overlap
    chosen: Overlap

    def in_words(self) -> list[str]:
        """A sentence for each kind that there is."""
        said = []
        for overlap, what, so in (
            (self.trained, "that the model was trained on", "the scores do not tell how well it reads anything new"),
            (self.chosen, "by which the model was chosen", "the scores are better than on anything new"),
        ):
            if overlap.samples:
                some = ", ".join(overlap.forms[:3]) + ", …" * (len(overlap.forms) > 3)
                forms = f"{len(overlap.forms):,} form{'s' * (len(overlap.forms) > 1)}"
                samples = f"{overlap.samples:,} samples are" if overlap.samples > 1 else "1 sample is"
                said.append(f"{samples} of {forms} {what} ({some}): {so}")
        return said


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
        return SeenForms(
            frozenset([*about["forms"], *before.get("trained", [])]),
            frozenset([*validation.get("forms", []), *before.get("chosen", [])]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return SeenForms()


def contamination(seen: SeenForms, samples: Iterable[Sample]) -> Contamination | None:
    """What of the samples has been seen; None where none of their forms has, as far as anybody knows."""
    found: dict[str, list[str]] = {"trained": [], "chosen": []}
    for sample in samples:
        for kind, forms in (("trained", seen.trained), ("chosen", seen.chosen - seen.trained)):
            if sample.form is not None and sample.form in forms:
                found[kind].append(sample.form)
    if not any(found.values()):
        return None
    return Contamination(**{name: Overlap(len(forms), sorted(set(forms))) for name, forms in found.items()})
