"""The objective ``pixels`` in PyTorch."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

from ocrkit.interfaces import NetworkPlan
from ocrkit_pages import objective
from ocrkit_pages.maps import SHARES, UNIT

_DICE = 0.5
"""Weight of the soft Dice beside the cross-entropy."""


class PixelsNetwork(nn.Module):
    """The whole network: one part."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        self.model = plan.parts["model"].built()

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor]:
        return (self.model(images, widths),)


class Pixels:
    """See :class:`ocrkit_pages.objective.Pixels`, and what ``ocrkit_torch`` says of objectives."""

    def __init__(self, options: objective.Pixels, plan: NetworkPlan) -> None:
        self._plan = plan

    def network(self) -> nn.Module:
        return PixelsNetwork(self._plan)

    def outputs(self, maps: Tensor) -> tuple[Tensor]:
        shares, heights = maps[:, :SHARES].sigmoid(), maps[:, SHARES:].relu() * UNIT
        return (torch.cat([shares, heights], dim=1),)

    def trained(self, network: nn.Module) -> nn.Module:
        return network

    def losses(self, targets: Mapping[str, Tensor], maps: Tensor) -> tuple[Tensor, Tensor]:
        """The loss (N,) of every page, the mean over what is known of each map, added up."""
        maps, true, known = maps.float(), targets["maps"], targets["known"]
        shares = binary_cross_entropy_with_logits(
            maps[:, :SHARES], true[:, :SHARES], reduction="none"
        )
        heights = smooth_l1_loss(maps[:, SHARES:], true[:, SHARES:], reduction="none")
        each = torch.cat([shares, heights], dim=1)
        area = known.sum(dim=(2, 3)).clamp(min=1)
        losses = ((each * known).sum(dim=(2, 3)) / area).sum(dim=1)
        losses = losses + _DICE * _soft_dice(
            maps[:, :SHARES].sigmoid(), true[:, :SHARES], known[:, :SHARES]
        )
        return losses, losses


def _soft_dice(found: Tensor, true: Tensor, known: Tensor) -> Tensor:
    """One less the overlap of maps in 0..1 (Milletari et al. 2016, "V-Net"), summed over those of
    which anything is known, of every page (N,)."""
    found, true = found * known, true * known
    both = (found * true).sum(dim=(2, 3))
    either = found.square().sum(dim=(2, 3)) + true.square().sum(dim=(2, 3))
    lost = 1 - (2 * both + 1) / (either + 1)
    return (lost * (known.sum(dim=(2, 3)) > 0)).sum(dim=1)
