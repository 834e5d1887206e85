"""The running average of a network's weights, on its device."""

import numpy as np
import torch
from torch import Tensor, nn

from ocrkit.interfaces import Arrays
from ocrkit.support.parallel import LastingThreads
from ocrkit_torch.network import array_of, state_of
from ocrkit_torch.threads import in_its_thread


class TorchAverage:
    """See :class:`ocrkit.interfaces.WeightAverage`. All weights together are a few calls, as in
    PyTorch's own optimizers."""

    def __init__(self, whole: nn.Module, arrays: Arrays, thread: LastingThreads) -> None:
        self._whole = whole
        self.thread = thread
        self._begin(arrays)

    @in_its_thread
    @torch.no_grad()
    def _begin(self, arrays: Arrays) -> None:
        self._average = {
            name: torch.empty_like(own).copy_(torch.from_numpy(np.array(arrays[name], np.float32)))
            for name, own in state_of(self._whole).items()
        }

    def _both(self) -> tuple[list[Tensor], list[Tensor]]:
        """The network's weights and the averaged ones, in the same order."""
        own = state_of(self._whole)
        return list(own.values()), [self._average[name] for name in own]

    @in_its_thread
    @torch.no_grad()
    def follow(self, share: float, /) -> None:
        own, average = self._both()
        # _foreach_lerp_ would round otherwise: so the bits are those of AverageInNumpy.
        way = torch._foreach_sub(own, average)
        torch._foreach_mul_(way, float(np.float32(share)))
        torch._foreach_add_(average, way)

    @in_its_thread
    @torch.no_grad()
    def exchange(self) -> None:
        for own, average in zip(*self._both(), strict=True):
            kept = own.clone()
            own.copy_(average)
            average.copy_(kept)

    @in_its_thread
    def state(self) -> Arrays:
        return {name: array_of(average) for name, average in self._average.items()}
