"""What bounds a network on a machine: its multiply-adds over the rate at which matrices are
multiplied here."""

import time
from functools import cache

import numpy as np

from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec


@cache
def multiply_adds(model: str, width: int) -> float:
    """Of one image through a model's network, counted by PyTorch on shapes alone; ``width`` counts
    where widths vary."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ocrkit_torch.network import built

    plan = assemble(load_spec(model), backend="torch").plan
    network = built(plan).eval().to("meta")
    image = torch.empty(1, 1, plan.image.height, plan.image.width or width, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(image, torch.full((1,), image.shape[3], device="meta"))
    return counter.get_total_flops() / 2


def product_rate(rounds: int = 5) -> float:
    """Floating point operations a second in products of float32 matrices by NumPy's BLAS: the best
    of some sizes."""
    return max(_rate(size, rounds) for size in (512, 1024, 2048))


def _rate(size: int, rounds: int) -> float:
    matrix = np.random.default_rng(0).random((size, size), np.float32)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def torch_product_rate(device: str, precision: str, size: int = 8192, rounds: int = 5) -> float:
    """The same by PyTorch on a device, in the precision of a case, without TensorFloat-32."""
    import torch

    matrix = torch.rand(
        size, size, device=device, dtype=torch.bfloat16 if "bf16" in precision else torch.float32
    )
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        (matrix @ matrix)[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def gpu_name() -> str | None:
    """The GPU that PyTorch sees, if any."""
    try:
        import torch
    except ModuleNotFoundError:
        return None
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def memory_mb(device: str) -> float:
    """This process's memory now, or the most that PyTorch has taken of a GPU's since this was asked
    last."""
    if device == "cuda":
        import torch

        most = torch.cuda.max_memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        return round(most / 1e6, 1)
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return round(int(file.read().split()[1]) * 4096 / 1e6, 1)
