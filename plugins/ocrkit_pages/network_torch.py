"""The model ``baseline-net`` in PyTorch."""

from collections import OrderedDict
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import interpolate

from ocrkit.interfaces import ImageSize
from ocrkit_pages import network


class BaselineNet(nn.Module):
    """See :class:`ocrkit_pages.network.BaselineNet`."""

    def __init__(self, options: network.BaselineNet, input: ImageSize) -> None:
        super().__init__()
        widths, pyramid = options.widths, options.pyramid
        first = ConvNorm(1, options.stem, 3, stride=2)
        second = ConvNorm(options.stem, widths[0], 3, stride=2)
        self.stem = nn.Sequential(OrderedDict(first=first, relu=nn.ReLU(), second=second))
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width) for _ in range(blocks)))
            for width, blocks in zip(widths, options.blocks, strict=True)
        )
        self.down = nn.ModuleList(Separable(*pair, stride=2) for pair in pairwise(widths))
        self.lateral = nn.ModuleList(ConvNorm(width, pyramid, 1) for width in widths)
        self.smooth = nn.ModuleList(Separable(pyramid, pyramid) for _ in widths)
        self.head = Separable(pyramid, options.head)
        self.last = nn.Conv2d(options.head, options.maps, 1)

    def forward(self, images: Tensor, widths: Tensor) -> Tensor:
        """Images (N, 1, H, W), sides multiples of the stride → maps (N, M, H / 4, W / 4). Images
        of a batch are of one size, so nothing lies beyond their widths."""
        x = self.stem(images)
        found = []
        for stage, down in zip(self.stages, [None, *self.down], strict=True):
            x = stage(x if down is None else down(x))
            found.append(x)
        above: Tensor | None = None
        for x, lateral, smooth in reversed(
            list(zip(found, self.lateral, self.smooth, strict=True))
        ):
            x = lateral(x)
            if above is not None:
                x = x + interpolate(above, size=x.shape[2:], mode="nearest")
            above = smooth(x).relu()
        maps: Tensor = self.last(self.head(above).relu())
        return maps


class ConvNorm(nn.Sequential):
    """A convolution, zeros around its input, and its norm; no relu follows."""

    def __init__(
        self, inputs: int, outputs: int, side: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        conv = nn.Conv2d(
            inputs, outputs, side, stride, padding=side // 2, groups=groups, bias=False
        )
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        super().__init__(OrderedDict(conv=conv, norm=nn.BatchNorm2d(outputs)))


class Separable(nn.Module):
    """A depthwise convolution 3 × 3 and one 1 × 1 (Howard et al. 2017, "MobileNets")."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = ConvNorm(inputs, inputs, 3, stride=stride, groups=inputs)
        self.pointwise = ConvNorm(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.pointwise(self.depthwise(x).relu())
        return found


class Block(nn.Module):
    """Feature maps (N, C, H, W), and what is found to add to them: at first nothing, so that a deep
    network begins as a shallow one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = ConvNorm(channels, channels, 3, groups=channels)
        self.wider = ConvNorm(channels, 2 * channels, 1)
        self.back = ConvNorm(2 * channels, channels, 1)
        nn.init.zeros_(self.back.get_parameter("norm.weight"))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = x + self.back(self.wider(self.depthwise(x)).relu())
        return found
