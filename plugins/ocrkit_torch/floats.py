"""What float32 means here."""

from contextlib import AbstractContextManager
from typing import Any

import torch

from ocrkit.support.parallel import HeldSetting

_BACKENDS: Any = torch.backends
_KINDS = (_BACKENDS.cuda.matmul, _BACKENDS.cudnn.conv, _BACKENDS.cudnn.rnn)


def _read() -> list[str]:
    return [kind.fp32_precision for kind in _KINDS]


def _write(precisions: list[str]) -> None:
    for kind, precision in zip(_KINDS, precisions, strict=True):
        kind.fp32_precision = precision


_PRECISIONS = HeldSetting(_read, _write)
"""PyTorch has one for all of the process."""


def exact_float32() -> AbstractContextManager[None]:
    """No TensorFloat-32 within: its ten bits of mantissa would read other text than the CPU does.

    Several threads may be within at a time; the last to leave puts back what there was before.
    """
    return _PRECISIONS.at(["ieee"] * len(_KINDS))
