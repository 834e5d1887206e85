"""The featurizer ``resnet`` apart from its network: options, sizes, and what a checkpoint stores.
PyTorch is imported only where somebody asks for the last."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ocrkit import ConfigError, ImageSize, SequenceSize, option
from ocrkit.interfaces import IntArray


@dataclass(frozen=True)
class ResNet:
    """A stem, then ``blocks`` residual blocks (He et al. 2016, "Deep Residual Learning for Image
    Recognition", figure 2).

    The stem is conv 4×4 of stride 4, norm, relu. A block adds to its input conv–norm–relu–conv–norm
    of it, and ends with relu; its convolutions are 3×3, every norm a batch norm (Ioffe & Szegedy
    2015). A column of the result is a step, its features ordered by channel, then row. Every stage
    is zero beyond the image's width.
    """

    stride: ClassVar[int] = 4
    """Pixels of the image in a step, and in a row of the feature maps."""

    channels: int = option(32, "channels of every convolution", minimum=1)
    blocks: int = option(3, "residual blocks of two convolutions each", minimum=1)

    def output_size(self, input: ImageSize, /) -> SequenceSize:
        """T = width // 4, D = channels · (height // 4). Raises ConfigError for images smaller than
        4 × 4."""
        rows = (input.height or 0) // self.stride
        if not rows or (input.width is not None and input.width < self.stride):
            raise ConfigError(
                [f"resnet needs images of at least {self.stride} × {self.stride} pixels"]
            )
        steps = None if input.width is None else input.width // self.stride
        return SequenceSize(self.channels * rows, steps)

    def lengths(self, widths: IntArray, /) -> IntArray:
        return widths // self.stride

    def parameters(self, input: ImageSize, /) -> Mapping[str, tuple[int, ...]]:
        """As the module has them, which is the only implementation."""
        from ocrkit_resnet.implementation import ResNet as Module
        from ocrkit_torch.parameters import parameters_of

        return parameters_of(lambda: Module(self, input))
