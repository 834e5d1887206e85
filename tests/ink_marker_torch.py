"""The parts of :mod:`ink_marker` in PyTorch."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

import ink_marker
from ocrkit import ImageSize
from ocrkit.interfaces import NetworkPlan


class InkNet(nn.Module):
    """See :class:`ink_marker.InkNet`."""

    def __init__(self, options: ink_marker.InkNet, input: ImageSize) -> None:
        super().__init__()
        self.first = nn.Conv2d(input.channels, options.channels, 3, stride=2, padding=1)
        self.second = nn.Conv2d(options.channels, 1, 3, stride=2, padding=1)

    def forward(self, images: Tensor, widths: Tensor) -> Tensor:
        x = self.first(images).relu()
        own = (widths + ink_marker.STRIDE - 1) // ink_marker.STRIDE * 2
        inside = torch.arange(x.shape[3], device=x.device) < own[:, None]
        maps: Tensor = self.second(x * inside[:, None, None])
        return maps


class InkNetwork(nn.Module):
    """The whole network: one part."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        self.model = plan.parts["model"].built()

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor]:
        return (self.model(images, widths),)


class Ink:
    """See :class:`ink_marker.Ink`."""

    def __init__(self, options: ink_marker.Ink, plan: NetworkPlan) -> None:
        self._options = options
        self._plan = plan

    def network(self) -> nn.Module:
        return InkNetwork(self._plan)

    def outputs(self, maps: Tensor) -> tuple[Tensor]:
        return (maps.sigmoid(),)

    def trained(self, network: nn.Module) -> nn.Module:
        return network

    def losses(self, targets: Mapping[str, Tensor], maps: Tensor) -> tuple[Tensor, Tensor]:
        ink, counts = targets["ink"], targets["counts"]
        losses = nn.functional.binary_cross_entropy_with_logits(maps, ink, reduction="none")
        weights = counts * (1 + self._options.thorough * ink)
        area = counts.sum(dim=(1, 2, 3))
        own = (losses * counts).sum(dim=(1, 2, 3)) / area
        return own, (losses * weights).sum(dim=(1, 2, 3)) / area
