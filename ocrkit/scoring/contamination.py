"""Whether a model has seen what it is scored on."""

from collections.abc import Iterable
from dataclasses import dataclass

from ocrkit.networks.seen_forms import SeenForms, key_of
from ocrkit.parts.values import Sample


@dataclass(frozen=True, slots=True)
class Overlap:
    """Samples that a model has seen, and their forms."""

    samples: int
    forms: list[str]
    images: int = 0
    """Those of the samples that are of no form, and were seen themselves."""


@dataclass(frozen=True, slots=True)
class Contamination:
    """What of a data set a model was trained on, and what of the rest it was chosen by."""

    trained: Overlap
    chosen: Overlap

    def in_words(self) -> list[str]:
        """A sentence for each kind that there is."""
        said = []
        for overlap, what, so in (
            (
                self.trained,
                "that the model was trained on",
                "the scores do not tell how well it reads anything new",
            ),
            (
                self.chosen,
                "by which the model was chosen",
                "the scores are better than on anything new",
            ),
        ):
            of_forms = overlap.samples - overlap.images
            if of_forms:
                some = ", ".join(overlap.forms[:3]) + ", …" * (len(overlap.forms) > 3)
                forms = f"{len(overlap.forms):,} form{'s' * (len(overlap.forms) > 1)}"
                said.append(f"{_samples(of_forms)} of {forms} {what} ({some}): {so}")
            if overlap.images:
                said.append(f"{_samples(overlap.images)} among those {what}: {so}")
        return said


def _samples(count: int) -> str:
    return f"{count:,} samples are" if count > 1 else "1 sample is"


def contamination(seen: SeenForms, samples: Iterable[Sample]) -> Contamination | None:
    """What of the samples has been seen; None where none of them has, as far as anybody knows."""
    forms: dict[str, list[str]] = {"trained": [], "chosen": []}
    images = {"trained": 0, "chosen": 0}
    for sample in samples:
        if sample.form:
            if sample.form in seen.trained:
                forms["trained"].append(sample.form)
            elif sample.form in seen.chosen:
                forms["chosen"].append(sample.form)
        elif seen.trained_keys or seen.chosen_keys:
            key = key_of(sample)
            if key in seen.trained_keys:
                images["trained"] += 1
            elif key in seen.chosen_keys:
                images["chosen"] += 1
    if not any(forms.values()) and not any(images.values()):
        return None
    found = {
        kind: Overlap(len(forms[kind]) + images[kind], sorted(set(forms[kind])), images[kind])
        for kind in ("trained", "chosen")
    }
    return Contamination(**found)
