"""A network as PyTorch's modules, and what goes into and out of them."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ocrkit_torch.objective import TorchObjective


def built(objective: TorchObjective, seed: int | None = None) -> nn.Module:
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
        return objective.network()


def state_of(whole: nn.Module) -> dict[str, Tensor]:
    """What a checkpoint stores. A batch norm's count of batches changes nothing where it has a
    momentum."""
    return {
        name: tensor
        for name, tensor in whole.state_dict().items()
        if not name.endswith(".num_batches_tracked")
    }


def tensors(device: torch.device, *arrays: Any) -> list[Tensor]:
    """Arrays, or tensors, on a device: floats as float32, whole numbers as int64."""
    found = []
    for array in arrays:
        tensor = array if isinstance(array, Tensor) else sent(array, device)
        dtype = torch.float32 if tensor.is_floating_point() else torch.int64
        found.append(tensor.to(device, dtype))
    return found


def sent(array: Any, device: torch.device) -> Tensor:
    """An array on a device, which nobody waits for."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    # Memory that is not pinned would be copied by the processor when the device gets to it.
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


class Fetched:
    """Tensors on their way from a device to the host: it may go on with what comes behind them."""

    def __init__(self, *found: Tensor) -> None:
        self._tensors = [each.to("cpu", non_blocking=True) for each in found]
        self._there = None
        if any(each.is_cuda for each in found):
            self._there = torch.cuda.Event()
            self._there.record()

    def wait(self) -> list[Tensor]:
        """The tensors on the host, from any thread."""
        if self._there:
            self._there.synchronize()
        return self._tensors


def array_of(tensor: Tensor) -> Any:
    """A copy as float32 in NumPy, as checkpoints hold it."""
    return np.array(tensor.detach().cpu().numpy(), np.float32, order="C")
