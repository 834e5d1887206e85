"""Training images that lie in memory, and what makes a network's inputs of them on its device."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy.typing as npt

from ocrkit.parts.values import Arrays

if TYPE_CHECKING:  # NumPy imports its random numbers when they are first named
    import numpy as np


@dataclass(frozen=True, slots=True)
class Pictures:
    """The grey images of a batch as they lie in memory, scaled down to about what the network
    sees."""

    pixels: "npt.NDArray[np.uint8]"
    """(N, H, W): each image in the upper left corner, and its paper's level beyond."""
    stored: "npt.NDArray[np.int64]"
    """Height and width of each image in ``pixels``, (N, 2)."""
    sizes: "npt.NDArray[np.int64]"
    """Its height and width before it was scaled down, (N, 2)."""
    paper: "npt.NDArray[np.uint8]"
    """The level of its paper, (N,)."""


class Feeder(Protocol):
    """Augments and preprocesses on a device."""

    def __call__(self, pictures: Pictures, rng: "np.random.Generator", /) -> Arrays:
        """The network's inputs, by name, a row a picture. Images may be the framework's own arrays,
        on the device; widths are NumPy's.

        All its randomness comes from ``rng``.
        """

    def picked(self, inputs: Arrays, rows: "npt.NDArray[np.int64]", /) -> Arrays:
        """These rows, (n,), of inputs that it made; nobody waits for the device."""


@runtime_checkable
class Feeds(Protocol):
    """What a network has besides whose backend augments and preprocesses on its device."""

    def feeder(self, augmentations: Sequence[Any], preprocessor: Any, /) -> Feeder:
        """A feeder of parts that the implementations for the backend made of their definitions, in
        their order, and of the pipeline's last preprocessor's."""
