"""What bounds a network on a machine: its multiply-adds over the rate at which matrices are
multiplied here, and what it moves over the rate at which memory is copied."""

import time
from functools import cache
from typing import Any

import numpy as np
from cases import Case, tensor_float32

from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec


def multiply_adds(model: str, width: int) -> float:
    """Of one image through a model's network, counted by PyTorch on shapes alone; ``width`` counts
    where widths vary."""
    return _counted(model, width)[0]


def numbers_moved(model: str, width: int) -> tuple[float, float]:
    """How many numbers every module of a model's network reads and writes for one image, and how
    many parameters all have: what passes through memory at least where nothing is fused."""
    return _counted(model, width)[1:]


@cache
def _counted(model: str, width: int) -> tuple[float, float, float]:
    import torch
    from torch import Tensor, nn
    from torch.utils.flop_counter import FlopCounterMode

    from ocrkit_torch.network import built

    plan = assemble(load_spec(model), backend="torch").plan
    network = built(plan.objective_built()).eval().to("meta")
    moved = 0

    def count(_module: nn.Module, inputs: Any, outputs: Any) -> None:
        nonlocal moved
        for found in (inputs, outputs):
            tensors = found if isinstance(found, tuple) else (found,)
            moved += sum(each.numel() for each in tensors if isinstance(each, Tensor))

    for module in network.modules():
        if not any(module.children()):
            module.register_forward_hook(count)
    image = torch.empty(1, 1, plan.image.height, plan.image.width or width, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(image, torch.full((1,), image.shape[3], device="meta"))
    parameters = sum(each.numel() for each in network.parameters())
    return counter.get_total_flops() / 2, moved, parameters


def rates(case: Case, width: int, passes: int) -> dict[str, float]:
    """The images a second that a machine can compute at most: by its multiply-adds, and on a GPU by
    its memory too. Training takes three ``passes``: forward, and backward to inputs and to
    weights."""
    work = multiply_adds(case.model, width) * passes
    if case.device == "cpu":
        return {"limit_images_per_second": round(product_rate() / 2 / work, 1)}
    rate = torch_product_rate(case.device, case.precision)
    moved, parameters = numbers_moved(case.model, width)
    size = (2 if "bf16" in case.precision else 4) * passes
    image = size * (moved + parameters / case.batch_size)
    return {
        "passes": passes,
        "limit_images_per_second": round(rate / 2 / work, 1),
        "memory_limit_images_per_second": round(copy_rate(case.device) / image, 1),
    }


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


@cache
def torch_product_rate(device: str, precision: str, size: int = 8192, rounds: int = 5) -> float:
    """The same by PyTorch on a device, in the precision of a case."""
    import torch

    from ocrkit_torch.floats import exact_float32

    matrix = torch.rand(
        size, size, device=device, dtype=torch.bfloat16 if "bf16" in precision else torch.float32
    )
    best = float("inf")
    with tensor_float32() if precision == "tf32" else exact_float32():
        for _ in range(rounds):
            start = time.perf_counter()
            (matrix @ matrix)[0, 0].item()  # waits for the device
            best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


@cache
def copy_rate(device: str, size: int = 1 << 30, rounds: int = 5) -> float:
    """Bytes a second that a copy within a device's memory reads and writes, both counted."""
    import torch

    source = torch.randint(0, 255, (size,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        target.copy_(source)
        target[0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return 2 * size / best


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
