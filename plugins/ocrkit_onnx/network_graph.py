"""A network of a plan, with its weights, as an ONNX graph."""

from collections.abc import Callable

from ocrkit.errors import ConfigError
from ocrkit.interfaces import Arrays, NetworkPlan
from ocrkit_onnx.graph import FLOAT32, INT64, Graph

BuildGraph = Callable[[Graph, str, str], tuple[str, ...]]
"""What an objective's implementation gives for this backend: it adds the plan's parts to a graph,
for the values of its inputs, and returns those of its outputs, in the plan's order."""
TYPES = {"float32": FLOAT32, "int64": INT64}


def network_graph(plan: NetworkPlan, arrays: Arrays) -> Graph:
    """The network with its weights as an ONNX graph, with the plan's inputs and outputs. N may be
    0. Raises ConfigError where the implementations use other parameters than ``arrays`` has.
    """
    graph = Graph(arrays)
    first, sizes = (
        graph.input(port.name, TYPES[port.dtype], list(port.axes)) for port in plan.inputs
    )
    axis = 3 if plan.inputs[0].name == "images" else 1
    count, first, sizes = _one_at_least(graph, first, sizes, axis=axis)
    build: BuildGraph = plan.objective_built()
    values = build(graph, first, sizes)
    start, batch = graph.constant([0]), graph.constant([0])
    cut = [graph.node("Slice", value, start, count, batch) for value in values]
    for port, value in zip(plan.outputs, cut, strict=True):
        graph.output(port.name, value, TYPES[port.dtype], list(port.axes))
    unused = sorted(arrays.keys() - graph.used)
    if unused:
        wrong = "the onnx network has other parameters than its definition says"
        raise ConfigError([f"{wrong}: it does not use {unused[0]}"])
    return graph


def _one_at_least(graph: Graph, inputs: str, sizes: str, axis: int) -> tuple[str, str, str]:
    """N as (1,), and the inputs and their sizes, or one input of zeros where there is none.

    Of nothing some of ONNX Runtime's operators end the whole process. ``axis`` is the one that the
    sizes are of.
    """
    count = graph.node("Shape", inputs, start=0, end=1)
    lacking = graph.node("Sub", graph.constant([1]), count)
    missing = graph.node("Max", lacking, graph.constant([0]))
    shape = graph.node("Concat", missing, graph.node("Shape", inputs, start=1), axis=0)
    blank = graph.node("ConstantOfShape", shape)
    whole = graph.node("Shape", inputs, start=axis, end=axis + 1)
    its_size = graph.node("Slice", whole, graph.constant([0]), missing)
    return (
        count,
        graph.node("Concat", inputs, blank, axis=0),
        graph.node("Concat", sizes, its_size, axis=0),
    )
