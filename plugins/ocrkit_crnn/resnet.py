"""A residual featurizer: a wide stem, stages of residual blocks with pooling between them, and a
maximum over every column."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from ocrkit.errors import ConfigError
from ocrkit.interfaces import ImageSize, IntArray, SequenceSize, option

KERNEL = 7
"""Height and width of the stem's convolution."""
POOL = 2
"""Rows that every pooling joins."""


@dataclass(frozen=True)
class ResNetCnn:
    """Residual convolutional features of an image, in reading order, after Retsinas et al. ("Best
    Practices for a Handwritten Text Recognition System", 2022).

    The stem is conv 7×7–norm–relu with a stride. Then come stages of residual blocks (He et al.
    2016, "Deep Residual Learning for Image Recognition"), with max-pooling between stages. A block
    adds to its input conv–norm–relu–conv–norm of it, and ends with relu; its convolutions are 3 ×
    3, and where the channels change, the input goes through conv 1×1–norm first. Every norm is a
    batch norm (Ioffe & Szegedy 2015). A step's features are the largest values of a column, over
    all its rows, one a channel. Every layer is zero beyond the image's width.
    """

    channels: tuple[int, ...] = option(
        (32, 64, 128), "channels of every stage; the last are the features of a step"
    )
    blocks: tuple[int, ...] = option((2, 3, 2), "residual blocks of every stage")
    pools: tuple[int, ...] = option(
        (2, 2), "columns that the pooling between two stages joins; rows are joined by two"
    )
    stem_channels: int = option(32, "channels of the stem", minimum=1)
    stem_rows: int = option(4, "vertical stride of the stem in pixels", minimum=1, maximum=KERNEL)
    stem_columns: int = option(
        2, "horizontal stride of the stem in pixels", minimum=1, maximum=KERNEL
    )
    dropout: float = option(0.2, "share of features dropped in training", minimum=0.0, maximum=0.95)

    def __post_init__(self) -> None:
        problems = [
            f"resnet-cnn: {name} is {list(values)}; expected whole numbers from 1"
            for name, values in (
                ("channels", self.channels),
                ("blocks", self.blocks),
                ("pools", self.pools),
            )
            if min(values, default=1) < 1
        ]
        if not len(self.channels) == len(self.blocks) == len(self.pools) + 1:
            problems.append(
                f"resnet-cnn: channels has {len(self.channels)} stages, blocks {len(self.blocks)}, "
                f"pools {len(self.pools)}; "
                "expected as many channels as blocks, and pools between them: one fewer"
            )
        if problems:
            raise ConfigError(problems)

    @property
    def stride(self) -> int:
        """Pixels of the input in a step."""
        return self.stem_columns * prod(self.pools)

    def output_size(self, input: ImageSize, /) -> SequenceSize:
        """T as :meth:`lengths` has it, D = the last stage's channels. Raises ConfigError for too
        small images."""
        rows = -(-(input.height or 0) // self.stem_rows) // POOL ** len(self.pools)
        steps = (
            None if input.width is None else int(self.lengths(np.array([input.width], np.int32))[0])
        )
        if not rows or steps == 0:
            height = self.stem_rows * (POOL ** len(self.pools) - 1) + 1
            width = self.stride - self.stem_columns + 1
            size = f"{input.height} × {input.width or 'any'}"
            raise ConfigError(
                [f"resnet-cnn needs images of at least {height} × {width} pixels, not {size}"]
            )
        return SequenceSize(self.channels[-1], steps)

    def lengths(self, widths: IntArray, /) -> IntArray:
        """The stem's columns are those that begin within the width; poolings leave out columns that
        fill no whole one."""
        return -(-widths // self.stem_columns) // prod(self.pools)

    def convolutions(self) -> dict[str, tuple[int, int, int]]:
        """Output channels, input channels and side of every convolution, by the name that it shares
        with its norm."""
        found = {"stem": (self.stem_channels, 1, KERNEL)}
        inputs = self.stem_channels
        for stage, (channels, blocks) in enumerate(zip(self.channels, self.blocks, strict=True)):
            for block in range(blocks):
                name = f"stages.{stage}.{block}"
                found[f"{name}.first"] = (channels, inputs, 3)
                found[f"{name}.second"] = (channels, channels, 3)
                if channels != inputs:
                    found[f"{name}.projection"] = (channels, inputs, 1)
                inputs = channels
        return found

    def parameters(self, input: ImageSize, /) -> Mapping[str, tuple[int, ...]]:
        """Convolutions have no bias, since their norms have one."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, (outputs, inputs, side) in self.convolutions().items():
            shapes[f"{name}.conv.weight"] = (outputs, inputs, side, side)
            for each in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{name}.norm.{each}"] = (outputs,)
        return shapes
