"""The featurizer ``separable-cnn`` in PyTorch."""

from collections import OrderedDict

from torch import Tensor, nn

import ocrkit_crnn.separable as definition
from ocrkit.interfaces import ImageSize
from ocrkit_crnn.cnn import EPSILON, MOMENTUM
from ocrkit_torch.resnet import activated


class SeparableCnn(nn.Module):
    """See :class:`ocrkit_crnn.separable.SeparableCnn`. Where all images have one width, nothing
    lies beyond it to be masked."""

    def __init__(self, options: definition.SeparableCnn, input: ImageSize) -> None:
        super().__init__()
        self._masked = input.width is None
        self._columns = options.columns
        inputs = options.stem_channels
        self.stem = ConvNorm(1, inputs, (3, 3), (definition.STRIDE, definition.STRIDE))
        self.stages = nn.ModuleList()
        stages = zip(options.channels, options.blocks, options.columns, strict=True)
        for stage, (channels, blocks, columns) in enumerate(stages):
            stride = (definition.STRIDE, columns)
            if stage < options.full:
                begin: nn.Module = Full(inputs, channels, stride)
                rest: list[nn.Module] = [FullBlock(channels) for _ in range(blocks)]
            else:
                begin = Separable(inputs, channels, stride)
                rest = [SeparableBlock(channels) for _ in range(blocks)]
            self.stages.append(nn.ModuleList([begin, *rest]))
            inputs = channels
        rows = options.rows(input.height or 0)
        self.join = ConvNorm(inputs, options.features, (rows, 1), padded=False)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        widths = _strided(widths, definition.STRIDE)
        x = activated(self.stem(images), widths if self._masked else None)
        for stage, columns in zip(self.stages, self._columns, strict=True):
            widths = _strided(widths, columns)
            for block in stage.children():
                x = block(x, widths if self._masked else None)
        x = activated(self.join(x), widths if self._masked else None)
        return self.dropout(x.squeeze(2).transpose(1, 2)), widths


def _strided(widths: Tensor, columns: int) -> Tensor:
    """The widths of a convolution's results."""
    return (widths + columns - 1) // columns


class ConvNorm(nn.Sequential):
    """A convolution, zeros around its input, and its norm."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        sides: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        *,
        groups: int = 1,
        padded: bool = True,
    ) -> None:
        padding = (sides[0] // 2, sides[1] // 2) if padded else (0, 0)
        conv = nn.Conv2d(inputs, outputs, sides, stride, padding, groups=groups, bias=False)
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        norm = nn.BatchNorm2d(outputs, eps=EPSILON, momentum=1 - MOMENTUM)
        super().__init__(OrderedDict(conv=conv, norm=norm))


class Full(nn.Module):
    """A convolution 3 × 3."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.first = ConvNorm(inputs, outputs, (3, 3), stride)

    def forward(self, x: Tensor, widths: Tensor | None) -> Tensor:
        return activated(self.first(x), widths)


class FullBlock(nn.Module):
    """Feature maps (N, C, H, W), and what two convolutions find to add to them: at first nothing,
    so that a deep network begins as a shallow one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, (3, 3))
        self.second = ConvNorm(channels, channels, (3, 3))
        nn.init.zeros_(self.second.get_parameter("norm.weight"))

    def forward(self, x: Tensor, widths: Tensor | None) -> Tensor:
        return activated(self.second(activated(self.first(x), widths)) + x, widths)


class Separable(nn.Module):
    """A depthwise convolution 3 × 3 and a pointwise one, which mixes no columns."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.depthwise = ConvNorm(inputs, inputs, (3, 3), stride, groups=inputs)
        self.pointwise = ConvNorm(inputs, outputs, (1, 1))

    def found(self, x: Tensor) -> Tensor:
        found: Tensor = self.pointwise(self.depthwise(x).relu())
        return found

    def forward(self, x: Tensor, widths: Tensor | None) -> Tensor:
        return activated(self.found(x), widths)


class SeparableBlock(Separable):
    """Feature maps (N, C, H, W), and what a separable convolution finds to add to them: at first
    nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels)
        nn.init.zeros_(self.pointwise.get_parameter("norm.weight"))

    def forward(self, x: Tensor, widths: Tensor | None) -> Tensor:
        return activated(self.found(x) + x, widths)
