"""The featurizer ``resnet-cnn`` in PyTorch."""

from collections import OrderedDict
from itertools import zip_longest

from torch import Tensor, nn
from torch.nn.functional import max_pool2d

import ocrkit_crnn.resnet as definition
from ocrkit.interfaces import ImageSize
from ocrkit_crnn.cnn import EPSILON, MOMENTUM
from ocrkit_torch.cnn import beyond_width


class ResNetCnn(nn.Module):
    """See :class:`ocrkit_crnn.resnet.ResNetCnn`. Where all images have one width, nothing lies
    beyond it to be masked."""

    def __init__(self, options: definition.ResNetCnn, input: ImageSize) -> None:
        super().__init__()
        self._masked = input.width is None
        self._options = options
        inputs = options.stem_channels
        self.stem = ConvNorm(
            1, inputs, definition.KERNEL, (options.stem_rows, options.stem_columns)
        )
        self.stages = nn.ModuleList()
        for channels, blocks in zip(options.channels, options.blocks, strict=True):
            stage = nn.ModuleList()
            for _ in range(blocks):
                stage.append(Block(inputs, channels))
                inputs = channels
            self.stages.append(stage)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        widths = (widths + self._options.stem_columns - 1) // self._options.stem_columns
        x = activated(self.stem(images), widths if self._masked else None)
        for stage, pool in zip_longest(self.stages, self._options.pools):
            for block in stage.children():
                x = block(x, widths if self._masked else None)
            if pool is not None:
                x, widths = max_pool2d(x, (definition.POOL, pool)), widths // pool
        return self.dropout(x.amax(dim=2).transpose(1, 2)), widths


class Block(nn.Module):
    """Feature maps (N, C, H, W), and what two convolutions find to add to them."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(inputs, channels, 3)
        self.second = ConvNorm(channels, channels, 3)
        self.projection = ConvNorm(inputs, channels, 1) if inputs != channels else nn.Identity()

    def forward(self, x: Tensor, widths: Tensor | None) -> Tensor:
        found = self.second(activated(self.first(x), widths))
        return activated(found + self.projection(x), widths)


class ConvNorm(nn.Sequential):
    """A convolution, zeros around its input, and its norm."""

    def __init__(
        self, inputs: int, outputs: int, side: int, stride: tuple[int, int] = (1, 1)
    ) -> None:
        conv = nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False)
        # The deviation that keeps the scale of activations through many layers of relu (He et al.
        # 2015, "Delving Deep …").
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        super().__init__(
            OrderedDict(conv=conv, norm=nn.BatchNorm2d(outputs, eps=EPSILON, momentum=1 - MOMENTUM))
        )


def activated(x: Tensor, widths: Tensor | None) -> Tensor:
    """relu of feature maps (N, C, H, W), zero beyond the widths (N,) if there are any."""
    x = x.relu()
    return x if widths is None else beyond_width(x, widths)
