"""What augmentations and preprocessors are on a device: stages of a batch, each the twin of a
definition that works on one image.

All random parameters are drawn by the definition's ``draw``, on the CPU; sizes and maps of places,
a few numbers an image, are NumPy's. What has a value a pixel is PyTorch's.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ocrkit.errors import ConfigError
from ocrkit_torch.network import sent

Drawn = dict[str, npt.NDArray[Any]]
"""Parameters by name, a row an image that is changed."""
Sizes = npt.NDArray[np.int64]
"""Heights and widths in pixels, (N, 2)."""
Maps = npt.NDArray[np.float64]
"""Matrices (N, 3, 3) that take (x, y, 1) of one canvas to that of another; the first pixel's centre
is (0, 0)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pixels of a batch lie in the images at the stage that looks at them."""

    x: Tensor
    """Float32 (N, H, W), or what is broadcast to that; ``y`` alike."""
    y: Tensor
    sizes: Sizes
    """Of the images at that stage."""


Placing = Callable[[], Place]
"""Computes places, for who needs them."""


class Stage:
    """An augmentation on a device, made from its definition."""

    def __init__(self, definition: Any) -> None:
        self.definition = definition


class Moves(Stage, ABC):
    """An augmentation that moves pixels."""

    @abstractmethod
    def canvas(self, sizes: Sizes, drawn: Drawn) -> tuple[Sizes, Maps]:
        """The sizes of what images of these sizes become, and maps from that back to the images."""

    def bends(self) -> bool:
        """Whether pixels also move each by itself, as :meth:`bent` says."""
        return False

    def bent(self, place: Place, drawn: Drawn) -> tuple[Tensor, Tensor]:
        """How far to the right and down of each place on the new canvas its pixel is to be taken
        from."""
        raise NotImplementedError


class Thickens(Stage, ABC):
    """An augmentation that looks at each pixel's neighbours."""

    @abstractmethod
    def changed(self, images: Tensor, drawn: Drawn, unit: npt.NDArray[np.float64]) -> Tensor:
        """Float32 (N, H, W) in 0..255 → the same. A pixel of the stage is ``unit`` (N, 2) pixels of
        these images wide and high."""


class Lights(Stage, ABC):
    """An augmentation of each pixel by itself, by its level and its place."""

    @abstractmethod
    def lit(self, images: Tensor, place: Placing, drawn: Drawn, paper: Tensor) -> Tensor:
        """Float32 (N, H, W) in 0..255 → the same. ``place()`` says where pixels lie; ``paper``
        (N, 1, 1): its levels."""

    def paper(self, paper: Tensor, drawn: Drawn) -> Tensor:
        """What becomes of the paper's levels, (N, 1, 1)."""
        return paper


class Fits(Stage, ABC):
    """The pipeline's last preprocessor on a device: scales images, and adds margins."""

    def __init__(self, definition: Any) -> None:
        """Raises ConfigError where it is to invert images: augmentations want dark writing."""
        if getattr(definition, "ink", "dark") != "dark":
            raise ConfigError(
                [f"training.feed: 'memory' needs preprocessor.ink = 'dark', not {definition.ink!r}"]
            )
        super().__init__(definition)

    @abstractmethod
    def fitted(self, sizes: Sizes) -> tuple[Sizes, Sizes, Sizes]:
        """For images of these sizes: what each is scaled to (N, 2), the margins above it and to its
        left (N, 2), and its width with margins (N,)."""

    @abstractmethod
    def margin(self, images: Tensor, margins: Sizes, paper: Tensor) -> Tensor:
        """The levels (N, 1, 1) of the margins around scaled images."""


def together(x: Tensor, y: Tensor) -> Tensor:
    """Places (N, H, W, 2) as ``grid_sample`` takes them; on the CPU ``stack`` takes many times as
    long."""
    shape = torch.broadcast_shapes(x.shape, y.shape)
    places = torch.empty((*shape, 2), device=x.device)
    places[..., 0], places[..., 1] = x, y
    return places


def column(values: npt.NDArray[Any], device: torch.device) -> Tensor:
    """A number an image, (N,), as float32 (N, 1, 1)."""
    return on(values, device)[:, None, None]


def on(values: npt.NDArray[Any], device: torch.device) -> Tensor:
    """An array on a device, as float32."""
    return sent(np.asarray(values, np.float32), device)
