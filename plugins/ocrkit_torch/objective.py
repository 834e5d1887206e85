"""What an objective's implementation for PyTorch has to have."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor, nn


class TorchObjective(Protocol):
    """What ``build(objective, plan)`` gives, where it is registered for backend ``torch``."""

    def network(self) -> nn.Module:
        """The plan's parts put together, with fresh weights.

        Its ``state_dict`` has the names of ``plan.parameters()``; its ``forward`` takes the plan's
        inputs in their order and gives several tensors, for the methods below. All its random
        numbers come from PyTorch's default generator.
        """

    def outputs(self, *given: Tensor) -> tuple[Tensor, ...]:
        """The plan's outputs, in their order, of what the network gave. It is exported to ONNX with
        the network."""

    def trained(self, network: nn.Module) -> nn.Module:
        """The network as it is trained: itself, or within a module that has parameters for training
        only. Raises ConfigError where it cannot be trained so."""

    def losses(self, targets: Mapping[str, Tensor], *given: Tensor) -> tuple[Tensor, Tensor]:
        """The loss (N,) of every sample, as it is reported, and as it is minimised, of what the
        trained module gave. Whole numbers of the targets are int64."""
