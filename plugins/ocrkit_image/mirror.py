"""A toy: images seen in a mirror."""

from dataclasses import dataclass

import numpy as np

from ocrkit import option
from ocrkit.interfaces import Image


@dataclass(frozen=True)
class Mirror:
    """Turns left and right round in some images: uint8 (H, W) → uint8 (H, W)."""

    probability: float = option(
        0.5, "share of the images that are changed", minimum=0.0, maximum=1.0
    )

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        return image[:, ::-1].copy() if rng.random() < self.probability else image
