"""The processes that ``torchrun`` starts to train one network together."""

import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import torch
import torch.distributed as dist

from ocrkit.errors import OcrkitError
from ocrkit.interfaces import SingleProcess, Workers

PATIENCE = timedelta(days=7)
"""How long workers wait for each other. The first may validate for hours; that one has died is for
torchrun to see."""


class TorchWorkers:
    """Workers of PyTorch's default process group. Numbers go over gloo, whatever device the network
    is on."""

    def __init__(self) -> None:
        if not dist.is_initialized():
            dist.init_process_group(
                "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE
            )
        self.index = dist.get_rank()
        self.count = dist.get_world_size()

    def sum(self, value: float, /) -> float:
        return _exchanged(value, dist.all_reduce)

    def from_first(self, value: float, /) -> float:
        return _exchanged(value, partial(dist.broadcast, src=0))

    def finish(self) -> None:
        self.sum(0)
        dist.destroy_process_group()


def _exchanged(value: float, collective: Callable[[torch.Tensor], object]) -> float:
    """What a number becomes in all workers' exchange of theirs."""
    number = torch.tensor(value, dtype=torch.float64)
    references = sys.getrefcount(number)
    collective(number)
    # A thread of gloo wakes this one first and lets go of the tensor next, for which it needs the
    # GIL. A process group that is freed in between, with the GIL held, as after the last exchange,
    # would wait for that thread and it for the GIL, for ever.
    while sys.getrefcount(number) > references:
        time.sleep(1e-4)
    return number.item()


def find() -> Workers:
    """The workers that the environment speaks of, as ``torchrun`` sets it; this process alone where
    it speaks of none."""
    return TorchWorkers() if int(os.environ.get("WORLD_SIZE", "1")) > 1 else SingleProcess()


def cuda_device() -> str:
    """The GPU of this process: of several workers on a machine each has its own. Raises OcrkitError
    where there are too few."""
    index, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if index >= gpus:
        raise OcrkitError(
            f"worker {index} of this machine finds {gpus} GPUs; start no more workers than that, "
            "or --device cpu"
        )
    return f"cuda:{index}"
