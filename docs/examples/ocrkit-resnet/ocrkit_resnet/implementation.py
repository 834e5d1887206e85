"""The featurizer ``resnet`` in PyTorch."""

import torch
from torch import Tensor, nn

from ocrkit import ImageSize
from ocrkit_resnet import definition


class ResNet(nn.Module):
    """See :class:`ocrkit_resnet.definition.ResNet`. A checkpoint knows the parameters by the names
    of the attributes."""

    def __init__(self, options: definition.ResNet, input: ImageSize) -> None:
        super().__init__()
        self._stride = options.stride
        self.stem = Stem(options.channels, options.stride)
        self.blocks = nn.ModuleList(Block(options.channels) for _ in range(options.blocks))

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 1, H, W), zero beyond their widths (N,) → features (N, T, D) and lengths
        (N,)."""
        lengths = widths // self._stride
        x = within(self.stem(images), lengths)
        for block in self.blocks:
            x = block(x, lengths)
        return x.permute(0, 3, 1, 2).flatten(2), lengths


class Stem(nn.Module):
    """Cuts images (N, 1, H, W) into patches: feature maps (N, C, H // stride, W // stride)."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, channels, stride, stride=stride, bias=False)  # the norm has a bias
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, images: Tensor) -> Tensor:
        patches: Tensor = self.norm(self.conv(images)).relu()
        return patches


class Block(nn.Module):
    """Feature maps (N, C, H, T), and what two convolutions find to add to them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        found = within(self.norm1(self.conv1(x)).relu(), lengths)
        return within((x + self.norm2(self.conv2(found))).relu(), lengths)


def within(x: Tensor, lengths: Tensor) -> Tensor:
    """Feature maps (N, C, H, T) with zeros beyond each image's own steps (N,).

    A norm makes something of nothing there, and the next convolution would carry it into the
    image's last steps: what is read would then depend on the other images of the batch.
    """
    steps = torch.arange(x.shape[3], device=x.device)
    return x * (steps < lengths[:, None])[:, None, None]
