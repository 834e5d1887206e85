"""A network of a plan as PyTorch's modules, and what goes into and out of them."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ocrkit.interfaces import NetworkPlan


class Whole(nn.Module):
    """Featurizer, encoder and head: class scores (N, T, K) before the softmax, and lengths (N,)."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        if plan.featurizer is not None and plan.build_featurizer is not None:
            self.featurizer = plan.build_featurizer(plan.featurizer, plan.image)
        self.encoder = plan.build_encoder(plan.encoder, plan.sequence)
        self.head = nn.Linear(plan.encoded.features, plan.classes)
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self._featurizes = plan.featurizer is not None

    def forward(self, inputs: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
        features, lengths = self.featurizer(inputs, sizes) if self._featurizes else (inputs, sizes)
        return self.scores(features, lengths), lengths

    def scores(self, features: Tensor, lengths: Tensor) -> Tensor:
        scores: Tensor = self.head(self.encoder(features, lengths))
        return scores


def built(plan: NetworkPlan, seed: int | None = None) -> Whole:
    """The network on the CPU, as its modules' constructors initialise it. Nobody else's random
    numbers are touched.

    Without a seed no two are alike. What a module draws and does not register, and so does not
    save, then shows at once.
    """
    with torch.random.fork_rng(devices=[]):
        if seed is None:
            torch.default_generator.seed()
        else:
            torch.default_generator.manual_seed(seed)
        return Whole(plan)


def state_of(whole: Whole) -> dict[str, Tensor]:
    """What a checkpoint stores. A batch norm's count of batches changes nothing where it has a
    momentum."""
    return {
        name: tensor
        for name, tensor in whole.state_dict().items()
        if not name.endswith(".num_batches_tracked")
    }


def tensors(device: torch.device, *arrays: Any) -> list[Tensor]:
    """Arrays on a device: floats as float32, whole numbers as int64."""
    found = []
    for array in arrays:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        dtype = torch.float32 if tensor.is_floating_point() else torch.int64
        found.append(tensor.to(device, dtype, non_blocking=True))
    return found


def array_of(tensor: Tensor) -> Any:
    """A copy as float32 in NumPy, as checkpoints hold it."""
    return np.array(tensor.detach().cpu().numpy(), np.float32, order="C")
