"""A network as an ONNX file, for ONNX Runtime and others."""

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

from ocrkit.errors import OcrkitError, PluginError, install_hint
from ocrkit.interfaces import NetworkPlan
from ocrkit_torch.objective import TorchObjective


class _Reading(nn.Module):
    """The plan's outputs of images and widths; whole numbers are int64."""

    def __init__(self, whole: nn.Module, objective: TorchObjective) -> None:
        super().__init__()
        self.whole = whole
        self._objective = objective

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, ...]:
        outputs = self._objective.outputs(*self.whole(images, widths))
        # Adding zero makes an output of its own where the network hands an input through.
        return tuple(
            each if each.is_floating_point() else each.to(torch.int64) + 0 for each in outputs
        )


def export(whole: nn.Module, objective: TorchObjective, plan: NetworkPlan) -> bytes:
    """An ONNX file with the weights inside, for any batch size and any size of images that varies
    in ``plan.image``.

    Inputs: ``images`` (N, C, H, W) float32 and ``widths`` (N,) int64. Outputs: the plan's. Raises
    OcrkitError for a network that PyTorch cannot export, PluginError without its exporter.
    """
    if plan.inputs[0].name != "images":
        raise OcrkitError(
            "the featurizer runs in NumPy, outside the network, and cannot be exported; use one of "
            "backend torch"
        )
    try:
        import onnxscript  # noqa: F401  (torch.onnx needs it, and says so less clearly)
    except ModuleNotFoundError as error:
        hint = install_hint("export")
        raise PluginError(f"exporting needs onnxscript, which is not installed. {hint}") from error
    model = _traced(_Reading(whole, objective).eval(), plan)
    _name_sizes(model.graph, plan)
    _take_nothing(model.graph, [port.name for port in plan.outputs])
    return bytes(model.SerializeToString())


def _traced(module: nn.Module, plan: NetworkPlan) -> Any:
    """The exporter's ModelProto. Raises OcrkitError for a network that PyTorch cannot export."""
    # Sizes above 1 that differ from each other, since the exporter takes 1 for a constant and equal
    # sizes for one.
    width, height = plan.image.width or 12 * plan.stride, plan.image.height or 7 * plan.stride
    images = torch.zeros(3, plan.image.channels, height, width)
    widths = torch.full((3,), width)
    names = [port.name for port in plan.outputs]
    shapes = {"images": {0: Dim.DYNAMIC}, "widths": {0: Dim.DYNAMIC}}
    for axis, fixed in ((2, plan.image.height), (3, plan.image.width)):
        if fixed is None:
            shapes["images"][axis] = Dim.DYNAMIC
    # The exporter lends these operators a kernel for a varying number of steps. PyTorch 2.13 caches
    # which kernel an operator has, and the loops that it has traced, and so misses the loan in
    # every export of a process but the first.
    for operator in (torch.ops.aten.lstm.input, torch.ops.aten.gru.input):
        operator._dispatch_cache.clear()
    torch.compiler.reset()
    try:
        with _quiet(), torch.no_grad():
            program: Any = torch.onnx.export(
                module, (images, widths), dynamo=True, dynamic_shapes=shapes, verbose=False,
                input_names=["images", "widths"], output_names=names,
            )  # fmt: skip
    # What a third party's module raises while it is traced can be anything.
    except Exception as error:
        raise OcrkitError(
            f"PyTorch cannot export this network to ONNX: {_reason(error)}"
        ) from error
    return program.model_proto


def _name_sizes(graph: Any, plan: NetworkPlan) -> None:
    """Says of inputs and outputs which sizes are fixed, and names those that vary.

    The exporter notes shapes as it saw them and leaves the dynamic ones unnamed; nobody should rely
    on either. Of every node it notes where in this machine's files it comes from.
    """
    del graph.value_info[:], graph.metadata_props[:]
    for node in graph.node:
        del node.metadata_props[:]
    sizes = {port.name: port.axes for port in (*plan.inputs, *plan.outputs)}
    for value in (*graph.input, *graph.output):
        dimensions = value.type.tensor_type.shape.dim
        for dimension, size in zip(dimensions, sizes[value.name], strict=True):
            dimension.Clear()
            setattr(dimension, "dim_param" if isinstance(size, str) else "dim_value", size)


def _take_nothing(graph: Any, outputs: list[str]) -> None:
    """Makes a graph work for N = 0 too: it then computes one image of zeros, and gives none of it.

    The exporter's graphs are for one image at least; of none, ONNX Runtime may end the whole
    process.
    """
    from onnx import helper, numpy_helper

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> Any:
        return helper.make_node(operator, inputs, [f"nothing_{output}"], **attributes)

    for name, number in (("zero", 0), ("one", 1)):
        graph.initializer.append(
            numpy_helper.from_array(np.array([number], np.int64), f"nothing_{name}")
        )
    before = [
        node("Shape", ["images"], "count", start=0, end=1),
        node("Shape", ["images"], "size", start=1),
        node("Shape", ["images"], "width", start=3),
        node("Sub", ["nothing_one", "nothing_count"], "lacking"),
        node("Max", ["nothing_lacking", "nothing_zero"], "missing"),
        node("Concat", ["nothing_missing", "nothing_size"], "shape", axis=0),
        node("ConstantOfShape", ["nothing_shape"], "image"),
        node("Slice", ["nothing_width", "nothing_zero", "nothing_missing"], "its_width"),
        node("Concat", ["images", "nothing_image"], "images", axis=0),
        node("Concat", ["widths", "nothing_its_width"], "widths", axis=0),
    ]
    _rename(graph, {name: f"nothing_{name}" for name in ("images", "widths", *outputs)})
    after = [
        helper.make_node(
            "Slice", [f"nothing_{name}", "nothing_zero", "nothing_count", "nothing_zero"], [name]
        )
        for name in outputs
    ]
    nodes = [*before, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(nodes)


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Renames values in a graph's nodes, and in the graphs within them, which see those around
    them."""
    for node in graph.node:
        for values in (node.input, node.output):
            for index, value in enumerate(values):
                values[index] = names.get(value, value)
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                _rename(inner, names)


def _reason(error: BaseException) -> str:
    """The first line of what the exporter stumbled over: its own errors are advice of many lines
    around that."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter prints, logs and warns of what does not concern whoever asked for a file."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
