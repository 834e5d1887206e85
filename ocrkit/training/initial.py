"""Starting from other weights: fine-tuning."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocrkit.errors import WeightsError
from ocrkit.networks.seen_forms import SeenForms
from ocrkit.parts.networks import Network
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.trained import find_weights, provenance_of
from ocrkit.training.run_file import Init


@dataclass(frozen=True)
class Origin:
    """The weights that a run begins from, and what of them holds for the run's own weights."""

    weights: str
    licence: str
    temperature: float | None
    """What makes confidences fit; the best guess until somebody calibrates the run's own
    weights."""
    seen: SeenForms

    @classmethod
    def of(cls, reference: str) -> "Origin":
        """Raises WeightsError or OcrkitError where there are none."""
        known = provenance_of(reference)
        return cls(reference, known.licence, known.temperature, known.find_seen())

    @classmethod
    def of_run(cls, init: Init) -> "Origin":
        """What :meth:`as_init` gave. Keys of samples are not in it."""
        seen = SeenForms(frozenset(init.trained), frozenset(init.chosen))
        return cls(init.weights, init.licence, init.temperature, seen)

    def as_init(self) -> Init:
        """For ``run.json``."""
        return Init(
            weights=self.weights,
            licence=self.licence,
            temperature=self.temperature,
            trained=sorted(self.seen.trained),
            chosen=sorted(self.seen.chosen),
        )


def header_of(origin: Origin | None, teacher: Origin | None = None) -> dict[str, Any]:
    """What a file of the run's weights says of those that it began from and of those that taught
    it, wherever it is copied to."""
    licences = [each.licence for each in (origin, teacher) if each and each.licence]
    known = {
        "licence": " ".join(dict.fromkeys(licences)),
        "temperature": origin and origin.temperature,
    }
    return {name: value for name, value in known.items() if value}


def take_what_fits(assembly: Assembly, network: Network, reference: str) -> dict[str, Any]:
    """Loads the weights of another network as far as names and shapes agree; returns what was taken
    and what was not.

    Arrays with a row a class are rebuilt for another alphabet: rows of the characters that both
    have, and the last, are kept. Where the weights do not say their alphabet, they start fresh.
    Raises WeightsError where nothing fits.
    """
    source = find_weights(reference, Path()).weights
    state = network.state()
    fresh = []
    by_class = assembly.objective.by_class
    fits = all(
        name in source.arrays and source.arrays[name].shape[1:] == state[name].shape[1:]
        for name in by_class
    )
    old: str = source.about.get("alphabet", "") if fits and by_class else ""
    rows = {character: index for index, character in enumerate(old)}
    for name, array in state.items():
        given = source.arrays.get(name)
        if given is None or (name in by_class and not old):
            fresh.append(name)
        elif name in by_class:
            for index, character in enumerate(assembly.alphabet.characters):
                if character in rows:
                    array[index] = given[rows[character]]
            array[-1] = given[-1]
        elif given.shape == array.shape:
            array[...] = given
        else:
            fresh.append(name)
    if len(fresh) == len(state):
        raise WeightsError(f"{source.path}: none of its arrays fits the network")
    network.load_state(state)
    characters = assembly.alphabet.characters if assembly.alphabet else ""
    shared = sum(character in rows for character in characters)
    return {"arrays": len(state) - len(fresh), "fresh": fresh, "characters": shared}
