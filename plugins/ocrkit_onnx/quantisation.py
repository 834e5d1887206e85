"""Networks in 8-bit integers: convolutions calibrated on images, and the weights of LSTMs."""

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
    batches (the network's inputs by name) show. LSTMs: weights alone, a scale a gate; they compute
    in float32. ONNX Runtime's own LSTM in int8 scales what comes by all images of a batch, so that
    a text would depend on its neighbours'. Raises PluginError where the package ``onnx`` is
    missing.
    """
    try:
        from onnxruntime.quantization import QuantType, quantize_static
    except ModuleNotFoundError as error:
        hint = install_hint("int8")
        raise PluginError(f"int8 needs {error.name}, which is not installed. {hint}") from error
    with scratch_folder() as folder, _quiet():
        folded, convolved = folder / "folded.onnx", folder / "convolved.onnx"
        _fold(model, folded)
        # Weights of seven bits: where a processor lacks the instruction for 8-bit products (VNNI),
        # sums of two products of eight bits overflow the sixteen that it has for them, and the text
        # is nonsense.
        # ReLU too, or half of a convolution's range would go to the negative values that it cuts
        # off.
        operators = ["Conv", "Relu", "MaxPool"]
        quantize_static(
            folded,
            convolved,
            _Batches(batches),
            op_types_to_quantize=operators,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
        return _with_narrow_lstms(convolved)


def _with_narrow_lstms(path: Path) -> bytes:
    """The model with the weights of its LSTMs as 8-bit integers and a scale a gate. ONNX Runtime
    makes floats of them when it opens the model."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path)
    graph = model.graph
    weights = {
        name for node in graph.node if node.op_type == "LSTM" for name in list(node.input)[1:3]
    }
    made = []
    for tensor in [each for each in graph.initializer if each.name in weights]:
        array = numpy_helper.to_array(tensor)
        scale = np.abs(array).max(axis=2, keepdims=True).clip(np.finfo(np.float32).tiny) / 127
        graph.initializer.remove(tensor)
        for name, part in (("whole", np.rint(array / scale).astype(np.int8)), ("scale", scale)):
            graph.initializer.append(numpy_helper.from_array(part, f"{tensor.name}.{name}"))
        whole, floats = f"{tensor.name}.whole", f"{tensor.name}.floats"
        made.append(helper.make_node("Cast", [whole], [floats], to=onnx.TensorProto.FLOAT))
        made.append(helper.make_node("Mul", [floats, f"{tensor.name}.scale"], [tensor.name]))
    nodes = [*made, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


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
