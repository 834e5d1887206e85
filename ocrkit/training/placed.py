"""Images as a network takes them, with where their pixels come from, and what is learnt of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ocrkit.parts.values import Arrays, Image, PointMap
from ocrkit.pipelines.assembly import Assembly
from ocrkit.reading.preparing import augmented, exact_source_map, preprocessed

if TYPE_CHECKING:  # NumPy imports its random numbers when they are first named
    import numpy as np


@dataclass(frozen=True, slots=True)
class Placed:
    """An image that is preprocessed, and augmented before that."""

    image: Image
    to_source: PointMap | None
    """Takes its points to those of the sample's image, where the objective is placed."""


def made_ready(image: Image, assembly: Assembly, rng: "np.random.Generator | None") -> Placed:
    """A sample's image, augmented unless ``rng`` is None, and preprocessed. Raises ImageError."""
    before: PointMap | None = None
    if rng is not None:
        image, before = augmented(image, assembly, rng)
    pixels = preprocessed(image, assembly)
    if not assembly.objective.placed:
        return Placed(pixels, None)
    after = exact_source_map(image, assembly)
    assert after is not None  # noqa: S101  (a pipeline is only trained where all parts can tell)
    first, last = before, after
    return Placed(pixels, (lambda points: first(last(points))) if first else last)


def targets_of(
    assembly: Assembly, targets: Sequence[Any], placed: Sequence[Placed], inputs: Arrays
) -> Arrays:
    """What a batch's outputs are compared with."""
    maps = [each.to_source for each in placed if each.to_source]
    images = [each.image for each in placed]
    made: Arrays = assembly.objective.targets(targets, images, inputs, maps)
    return made
