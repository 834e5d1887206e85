"""The objective ``ctc`` in PyTorch."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ocrkit.errors import ConfigError
from ocrkit.interfaces import NetworkPlan


class CtcNetwork(nn.Module):
    """Featurizer, encoder and head: class scores (N, T, K) before the softmax, and lengths (N,)."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        self._featurizes = "featurizer" in plan.parts
        if self._featurizes:
            self.featurizer = plan.parts["featurizer"].built()
        self.encoder = plan.parts["encoder"].built()
        head = plan.parts["head"]
        self.head = nn.Linear(head.size.features, head.definition.classes)  # type: ignore[union-attr]
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, inputs: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
        features, lengths = self.featurizer(inputs, sizes) if self._featurizes else (inputs, sizes)
        return self.scores(features, lengths), lengths

    def scores(self, features: Tensor, lengths: Tensor) -> Tensor:
        scores: Tensor = self.head(self.encoder(features, lengths))
        return scores


class Shortcut(nn.Module):
    """A second head that maps the featurizer's output to class scores, past the encoder, by a
    convolution over three steps (Retsinas et al., "Best Practices for a Handwritten Text
    Recognition System", 2022)."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        # Zeros need no random numbers. Their gradients are not zero.
        self.weight = nn.Parameter(torch.zeros(classes, features, 3))
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, features: Tensor) -> Tensor:
        steps_last = features.transpose(1, 2)
        scores = nn.functional.conv1d(steps_last, self.weight, self.bias, padding=1)
        return scores.transpose(1, 2)


class WithShortcut(nn.Module):
    """A network as it is trained with a CTC shortcut."""

    def __init__(self, whole: CtcNetwork, plan: NetworkPlan) -> None:
        super().__init__()
        self.whole = whole
        features, head = plan.parts["encoder"].size, plan.parts["head"].definition
        self.shortcut = Shortcut(features.features, head.classes)  # type: ignore[union-attr]

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The network's class scores (N, T, K), lengths (N,), and the shortcut's class scores."""
        features, lengths = self.whole.featurizer(images, widths)
        shortcut = self.shortcut(features)
        return self.whole.scores(features, lengths), lengths, shortcut


class Ctc:
    """See :class:`ocrkit_ctc.objective.Ctc`, and :class:`ocrkit_torch.objective.TorchObjective`."""

    def __init__(self, options: Any, plan: NetworkPlan) -> None:
        self._options = options
        self._plan = plan

    def network(self) -> CtcNetwork:
        return CtcNetwork(self._plan)

    def outputs(self, scores: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        # whoever reads in bf16 does so under autocast
        return scores.float().log_softmax(dim=2), lengths

    def trained(self, network: nn.Module) -> nn.Module:
        if not self._options.shortcut:
            return network
        if "featurizer" not in self._plan.parts:
            wrong = "needs a featurizer of backend 'torch', which it is to train"
            raise ConfigError([f"training.shortcut: {wrong}"])
        assert isinstance(network, CtcNetwork)  # noqa: S101  (it is of this objective)
        return WithShortcut(network, self._plan)

    def losses(
        self, targets: Mapping[str, Tensor], scores: Tensor, lengths: Tensor, *shortcut: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The CTC loss (N,) of every sample in nats (Graves et al. 2006)."""
        labels, label_lengths = targets["labels"], targets["label_lengths"]
        losses = [_ctc_loss(each, lengths, labels, label_lengths) for each in (scores, *shortcut)]
        minimised = losses[0]
        if self._options.shortcut:
            minimised = minimised + self._options.shortcut * losses[1]
        if self._options.length_weighted:
            minimised = minimised * label_lengths.clamp(min=1)
        return losses[0], minimised


def _ctc_loss(scores: Tensor, lengths: Tensor, labels: Tensor, label_lengths: Tensor) -> Tensor:
    device = scores.device
    if torch.are_deterministic_algorithms_enabled():  # CUDA's own adds up gradients in any order
        scores, lengths, labels, label_lengths = (
            each.cpu() for each in (scores, lengths, labels, label_lengths)
        )
    losses = nn.functional.ctc_loss(
        scores.float().log_softmax(dim=2).transpose(0, 1),
        labels.clamp(min=0),
        lengths,
        label_lengths,
        blank=scores.shape[2] - 1,
        reduction="none",
    )
    return losses.to(device)
