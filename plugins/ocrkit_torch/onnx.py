"""A network as an ONNX file, for ONNX Runtime and others."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from ocrkit.errors import OcrkitError, PluginError
from ocrkit.interfaces import NetworkPlan


class _Reading(nn.Module):
    """Log-probabilities (N, T, K) and lengths (N,) int64 of images and widths."""

    def __init__(self, whole: nn.Module) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        scores, lengths = self.whole(images, widths)
        # Adding zero makes an output of its own where the network hands an input through.
        return scores.log_softmax(dim=2), lengths.to(torch.int64) + 0


def export(whole: nn.Module, plan: NetworkPlan) -> bytes:
    """An ONNX file with the weights inside, for any batch size and, where ``plan.image.width`` is None, any width.

    Inputs: ``images`` (N, 1, H, W) float32 and ``widths`` (N,) int64. Outputs: ``log_probs`` (N, T, K) float32 and
    ``lengths`` (N,) int64. Raises OcrkitError for a network that PyTorch cannot export, PluginError without its exporter.
    """
    if plan.featurizer is None:
        raise OcrkitError("the featurizer runs in NumPy, outside the network, and cannot be exported; use one of backend torch")
    try:
        import onnxscript  # noqa: F401  (torch.onnx needs it, and says so less clearly)
    except ModuleNotFoundError as error:
        raise PluginError("exporting needs onnxscript, which is not installed. Try: pip install 'ocrkit[export]'") from error
    stride = plan.featurizer.stride
    # Sizes above 1 that differ from each other, since the exporter takes 1 for a constant and equal sizes for one.
    width = plan.image.width or 12 * stride
    images, widths = torch.zeros(3, 1, plan.image.height, width), torch.full((3,), width)
    shapes = {"images": {0: Dim.DYNAMIC}, "widths": {0: Dim.DYNAMIC}}
    if plan.image.width is None:
        shapes["images"][3] = Dim.DYNAMIC
    module = _Reading(whole).eval()
    # The exporter lends these operators a kernel for a varying number of steps. PyTorch 2.13 caches which kernel an operator
    # has, and the loops that it has traced, and so misses the loan in every export of a process but the first.
    for operator in (torch.ops.aten.lstm.input, torch.ops.aten.gru.input):
        operator._dispatch_cache.clear()
    torch.compiler.reset()
    try:
        with _quiet(), torch.no_grad():
            program: Any = torch.onnx.export(
                module, (images, widths), dynamo=True, dynamic_shapes=shapes, verbose=False,
                input_names=["images", "widths"], output_names=["log_probs", "lengths"],
            )  # fmt: skip
    except Exception as error:  # what a third party's module raises while it is traced can be anything
        raise OcrkitError(f"PyTorch cannot export this network to ONNX: {_reason(error)}") from error
    model = program.model_proto
    # The exporter notes shapes as it saw them and leaves the dynamic ones unnamed; nobody should rely on either.
    del model.graph.value_info[:]
    sizes = {
        "images": ("N", 1, plan.image.height, plan.image.width or "W"),
        "widths": ("N",),
        "log_probs": ("N", plan.sequence.steps or "T", plan.classes),
        "lengths": ("N",),
    }
    for value in (*model.graph.input, *model.graph.output):
        for dimension, size in zip(value.type.tensor_type.shape.dim, sizes[value.name], strict=True):
            dimension.Clear()
            setattr(dimension, "dim_param" if isinstance(size, str) else "dim_value", size)
    return bytes(model.SerializeToString())


def _reason(error: BaseException) -> str:
    """The first line of what the exporter stumbled over: its own errors are advice of many lines around that."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter prints, logs and warns of what does not concern whoever asked for a file."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
