"""A small residual featurizer for processors: few channels, strides in place of pooling, and
depthwise-separable convolutions where there are many channels."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from ocrkit.errors import ConfigError
from ocrkit.interfaces import ImageSize, IntArray, SequenceSize, option

STRIDE = 2
"""Rows in one row of the stem's result, and of every stage's; columns of the stem's."""


@dataclass(frozen=True)
class SeparableCnn:
    """Convolutional features of an image, in reading order, for little work.

    The stem is conv 3×3–norm–relu of stride 2. Every stage begins with a convolution of stride 2
    over rows, and goes on with residual blocks (He et al. 2016, "Deep Residual Learning for Image
    Recognition"). Convolutions of the first ``full`` stages are 3 × 3; those of the others are a
    depthwise one of 3 × 3 and a pointwise one (Howard et al. 2017, "MobileNets"), which take less
    work, but not less time where channels are few (as in Tan & Le 2021, "EfficientNetV2"). A step
    joins all rows of a column by a convolution as high as they are. Every convolution has a batch
    norm (Ioffe & Szegedy 2015), and every layer is zero beyond the image's width.
    """

    channels: tuple[int, ...] = option((32, 96), "channels of every stage")
    blocks: tuple[int, ...] = option((1, 3), "residual blocks of every stage")
    columns: tuple[int, ...] = option((2, 1), "horizontal stride at the beginning of every stage")
    full: int = option(
        1, "stages, from the first on, whose convolutions are not separable", minimum=0
    )
    stem_channels: int = option(16, "channels of the stem", minimum=1)
    features: int = option(96, "features of a step", minimum=1)
    dropout: float = option(0.1, "share of features dropped in training", minimum=0.0, maximum=0.95)

    def __post_init__(self) -> None:
        listed = {"channels": self.channels, "blocks": self.blocks, "columns": self.columns}
        problems = [
            f"separable-cnn: {name} is {list(values)}; expected whole numbers from {least}"
            for (name, values), least in zip(listed.items(), (1, 0, 1), strict=True)
            if min(values, default=least) < least
        ]
        if len({len(values) for values in listed.values()}) != 1 or not self.channels:
            problems.append(
                f"separable-cnn: channels has {len(self.channels)} stages, blocks "
                f"{len(self.blocks)}, columns {len(self.columns)}; expected as many of each, and "
                "one at least"
            )
        if problems:
            raise ConfigError(problems)

    @property
    def stride(self) -> int:
        """Pixels of the input in a step."""
        return int(STRIDE * prod(self.columns))

    def output_size(self, input: ImageSize, /) -> SequenceSize:
        """T as :meth:`lengths` has it, D = features. Raises ConfigError for images without rows or
        columns."""
        if not input.height or input.width == 0:
            size = f"{input.height} × {input.width}"
            raise ConfigError([f"separable-cnn needs images of a pixel at least, not {size}"])
        steps = None if input.width is None else -(-input.width // self.stride)
        return SequenceSize(self.features, steps)

    def lengths(self, widths: IntArray, /) -> IntArray:
        """Every step that begins within the width counts."""
        return np.asarray(-(-widths // self.stride), widths.dtype)

    def rows(self, height: int) -> int:
        """Rows of the last stage's result, which a step joins."""
        return int(-(-height // STRIDE ** (1 + len(self.channels))))

    def convolutions(self, height: int) -> dict[str, tuple[int, int, int, int]]:
        """Output channels, input channels of a group, height and width of every convolution, by the
        name that it shares with its norm; depthwise ones have a group a channel."""
        found = {"stem": (self.stem_channels, 1, 3, 3)}
        inputs = self.stem_channels
        for stage, (channels, blocks) in enumerate(zip(self.channels, self.blocks, strict=True)):
            for block in range(blocks + 1):  # the first has the stride
                name = f"stages.{stage}.{block}"
                if stage >= self.full:
                    found[f"{name}.depthwise"] = (inputs, 1, 3, 3)
                    found[f"{name}.pointwise"] = (channels, inputs, 1, 1)
                else:
                    found[f"{name}.first"] = (channels, inputs, 3, 3)
                    if block:
                        found[f"{name}.second"] = (channels, channels, 3, 3)
                inputs = channels
        found["join"] = (self.features, inputs, self.rows(height), 1)
        return found

    def parameters(self, input: ImageSize, /) -> Mapping[str, tuple[int, ...]]:
        """Convolutions have no bias, since their norms have one."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, shape in self.convolutions(input.height or 0).items():
            shapes[f"{name}.conv.weight"] = shape
            for each in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{name}.norm.{each}"] = shape[:1]
        return shapes
