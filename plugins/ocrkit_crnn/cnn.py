"""The seed's featurizer: four convolutions of 3 × 3, and neighbouring columns joined into steps."""

from collections.abc import Mapping
from dataclasses import dataclass

from ocrkit.errors import ConfigError
from ocrkit.interfaces import ImageSize, IntArray, SequenceSize, option

POOL = 2
"""The pooling halves height and width once."""
EPSILON = 1e-5
"""Added to the variance in batch normalisation."""
MOMENTUM = 0.9
"""Share of the old running mean and variance that a training step keeps."""


@dataclass(frozen=True)
class Cnn:
    """Convolutional features of an image, in reading order.

    conv–relu–norm, conv–relu–pool 2×2, conv–relu–norm–dropout, conv–relu–norm; every convolution is
    3 × 3 with zero padding, every norm a batch norm (Ioffe & Szegedy 2015). ``columns``
    neighbouring columns of the result make one step; a step's features are ordered by column, then
    channel, then row. Every stage is zero beyond the image's width.
    """

    channels: int = option(32, "channels of every convolution", minimum=1)
    columns: int = option(
        2, "columns of the pooled image in a step; a step is twice as many pixels wide", minimum=1
    )
    dropout: float = option(
        0.5,
        "share of activations dropped in training, before the last convolution",
        minimum=0.0,
        maximum=0.95,
    )

    @property
    def stride(self) -> int:
        """Pixels of the input in a step."""
        return POOL * self.columns

    def output_size(self, input: ImageSize, /) -> SequenceSize:
        """T = width // (2 · columns), D = columns · channels · (height // 2). Raises ConfigError
        for too small images."""
        rows = (input.height or 0) // POOL
        if not rows:
            raise ConfigError([f"cnn needs images at least {POOL} pixels high, not {input.height}"])
        if input.width is not None and input.width < self.stride:
            raise ConfigError(
                [f"cnn needs images at least {self.stride} pixels wide, not {input.width}"]
            )
        steps = None if input.width is None else input.width // self.stride
        return SequenceSize(self.columns * self.channels * rows, steps)

    def lengths(self, widths: IntArray, /) -> IntArray:
        return widths // self.stride

    def parameters(self, input: ImageSize, /) -> Mapping[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        for index, inputs in enumerate((1, self.channels, self.channels, self.channels), start=1):
            shapes[f"conv{index}.weight"] = (self.channels, inputs, 3, 3)
            shapes[f"conv{index}.bias"] = (self.channels,)
            if index != 2:
                for name in ("weight", "bias", "running_mean", "running_var"):
                    shapes[f"norm{index}.{name}"] = (self.channels,)
        return shapes
