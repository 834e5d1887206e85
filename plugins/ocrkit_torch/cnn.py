"""The featurizer ``cnn`` in PyTorch."""

from typing import cast

import torch
from torch import Tensor, nn

import ocrkit_crnn.cnn as definition
from ocrkit.interfaces import ImageSize


def beyond_width(images: Tensor, widths: Tensor) -> Tensor:
    """Images (N, C, H, W) with zeros beyond their widths (N,)."""
    columns = torch.arange(images.shape[3], device=images.device)
    return images * (columns < widths[:, None])[:, None, None]


class Cnn(nn.Module):
    """See :class:`ocrkit_crnn.cnn.Cnn`. Where all images have one width nothing lies beyond it, and
    nothing is masked."""

    def __init__(self, options: definition.Cnn, input: ImageSize) -> None:
        super().__init__()
        self._masked = input.width is None
        self._columns = options.columns
        channels = options.channels
        self.conv1 = _convolution(1, channels)
        self.norm1 = _norm(channels)
        self.conv2 = _convolution(channels, channels)
        self.conv3 = _convolution(channels, channels)
        self.norm3 = _norm(channels)
        self.conv4 = _convolution(channels, channels)
        self.norm4 = _norm(channels)
        self.pool = nn.MaxPool2d(definition.POOL)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        def masked(x: Tensor, widths: Tensor) -> Tensor:
            return beyond_width(x, widths) if self._masked else x

        x = masked(self.norm1(self.conv1(images).relu()), widths)
        pooled = widths // definition.POOL
        x = masked(self.pool(self.conv2(x).relu()), pooled)
        x = masked(self.dropout(self.norm3(self.conv3(x).relu())), pooled)
        x = masked(self.norm4(self.conv4(x).relu()), pooled)
        return self._in_steps(x), pooled // self._columns

    def _in_steps(self, x: Tensor) -> Tensor:
        """Feature maps (N, C, H, W) as steps (N, T, D); columns that fill no whole step are left
        off."""
        steps = x.shape[3] // self._columns
        x = x[..., : steps * self._columns].permute(0, 3, 1, 2)
        return x.reshape(x.shape[0], steps, self._columns * x.shape[2] * x.shape[3])


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.xavier_uniform_(convolution.weight)
    nn.init.zeros_(cast("nn.Parameter", convolution.bias))
    return convolution


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=definition.EPSILON, momentum=1 - definition.MOMENTUM)
