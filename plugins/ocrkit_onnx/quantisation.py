"""Networks in 8-bit integers: convolutions calibrated on images, LSTMs scaled as they run."""

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from ocrkit.errors import PluginError, install_hint
from ocrkit.interfaces import Arrays
from ocrkit.support.files import scratch_folder


class _Batches:
    """Training images as ONNX Runtime's calibration asks for them: one batch after the other, then
    None."""

    def __init__(self, batches: Iterable[Arrays]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> Arrays | None:
        for batch in self._batches:
            return {name: _as_onnx(array) for name, array in batch.items()}
        return None


def _as_onnx(array: Any) -> Any:
    """Whole numbers are int64 there."""
    return array if array.dtype == np.float32 else array.astype(np.int64)


def quantise(model: bytes, batches: Iterable[Arrays]) -> bytes:
    """An ONNX file of the same network in int8 (Jacob et al. 2018), and with the same inputs and
    outputs.

    Convolutions: weights a scale a channel, activations a scale each, from the ranges that the
    batches (the network's inputs by name) show. LSTMs: weights a scale a channel, activations by
    what comes (ONNX Runtime's own operator). Raises PluginError where the package ``onnx`` is
    missing.
    """
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic, quantize_static
    except ModuleNotFoundError as error:
        hint = install_hint("int8")
        raise PluginError(f"int8 needs {error.name}, which is not installed. {hint}") from error
    with scratch_folder() as folder, _quiet():
        folded, convolved, whole = (
            folder / f"{name}.onnx" for name in ("folded", "convolved", "whole")
        )
        _fold(model, folded)
        # Weights of seven bits: where a processor lacks the instruction for 8-bit products (VNNI),
        # sums of two products of eight bits overflow the sixteen that it has for them, and the text
        # is nonsense.
        narrow: dict[str, Any] = {
            "weight_type": QuantType.QInt8,
            "per_channel": True,
            "reduce_range": True,
        }
        # ReLU too, or half of a convolution's range would go to the negative values that it cuts
        # off.
        operators = ["Conv", "Relu", "MaxPool"]
        quantize_static(
            folded, convolved, _Batches(batches), op_types_to_quantize=operators, **narrow
        )
        quantize_dynamic(convolved, whole, op_types_to_quantize=["LSTM"], **narrow)
        return whole.read_bytes()


def _fold(model: bytes, path: Path) -> None:
    """Writes the model with everything computed that depends on constants alone, such as the
    weights of an LSTM."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser logs advice about preparing the model, which has been done."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
