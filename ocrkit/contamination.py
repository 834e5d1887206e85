"""Whether a model has seen what it is scored on."""

from collections.abc import Iterable
from dataclasses import dataclass

from ocrkit.interfaces import Sample
from ocrkit.seen_forms import SeenForms


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
