"""What random augmentations have in common: parameters that are drawn for many images at once, and
applied to one."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from ocrkit.interfaces import Image, PointMap

Drawn = dict[str, npt.NDArray[Any]]
"""An augmentation's parameters by name, a row an image."""
Sizes = npt.NDArray[np.int64]
"""Heights and widths of images in pixels, (N, 2)."""


class Drawing(ABC):
    """An augmentation in two steps, so that what augments on another device draws the same.

    One image alone gets the same random numbers, in the same order, as a batch of one.
    """

    probability: float
    """The share of the images that are changed, 0 to 1."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, sizes: Sizes, /) -> Drawn:
        """Parameters for images of these sizes, all of which are changed."""

    @abstractmethod
    def apply(self, *image: Any, **drawn: Any) -> Image:
        """The changed image, uint8 (H, W) → uint8 (H', W'), with its parameters by name: floats and
        whole numbers, and arrays where an image has several numbers of a name."""

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        if rng.random() >= self.probability:
            return image
        return self.apply(image, **first(self.draw(rng, np.array([image.shape]))))


class InPlace(Drawing):
    """A drawing that changes pixels where they are and moves none, so that what is learnt of places
    stays right (:class:`~ocrkit.interfaces.MovesPoints`)."""

    def moved(self, image: Image, rng: np.random.Generator, /) -> tuple[Image, PointMap]:
        return self(image, rng), np.positive


def first(drawn: Drawn) -> dict[str, Any]:
    """The parameters of the first image, as :meth:`Drawing.apply` takes them."""
    return {
        name: values[0].item() if values.ndim == 1 else values[0] for name, values in drawn.items()
    }
