"""Names and shapes of parameters, for definitions of parts that PyTorch alone has."""

from collections.abc import Callable

import torch
from torch import nn

from ocrkit_torch.network import state_of


def parameters_of(build: Callable[[], nn.Module]) -> dict[str, tuple[int, ...]]:
    """What a checkpoint stores of the module that ``build`` makes: names and shapes.

    For the ``parameters`` of a definition whose part has an implementation in PyTorch and no other,
    so that nobody types shapes. The module is made on the device ``meta``: no memory is taken,
    and nobody's random numbers are touched. Raises whatever ``build`` raises.

    >>> from torch import nn
    >>> parameters_of(lambda: nn.Linear(3, 2))
    {'weight': (2, 3), 'bias': (2,)}
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        module = build()
    return {name: tuple(tensor.shape) for name, tensor in state_of(module).items()}
