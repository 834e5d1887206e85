"""A network of a plan, with its weights, as an ONNX graph."""

from ocrkit.errors import ConfigError
from ocrkit.interfaces import Arrays, NetworkPlan
from ocrkit_onnx.graph import FLOAT32, INT64, Graph


def network_graph(plan: NetworkPlan, arrays: Arrays) -> Graph:
    """The network with its weights as an ONNX graph.

    Inputs: ``images`` float32 (N, 1, H, W) and ``widths`` int64 (N,), or ``features`` (N, T, D) and
    ``steps`` (N,) behind a featurizer of backend ``numpy``. Outputs: ``log_probs`` float32 (N, T,
    K) and ``lengths`` int64 (N,). N may be 0. Raises ConfigError where the implementations use
    other parameters than ``arrays`` has.
    """
    graph = Graph(arrays)
    steps = plan.sequence.steps or "T"
    if plan.featurizer is not None and plan.build_featurizer is not None:
        width = plan.image.width or "W"
        images = graph.input(
            "images", FLOAT32, ["N", plan.image.channels, plan.image.height, width]
        )
        widths = graph.input("widths", INT64, ["N"])
        count, images, widths = _one_at_least(graph, images, widths, axis=3)
        featurizer = plan.build_featurizer(plan.featurizer, plan.image)
        features, lengths = featurizer(graph.part("featurizer"), images, widths)
    else:
        features = graph.input("features", FLOAT32, ["N", steps, plan.sequence.features])
        lengths = graph.input("steps", INT64, ["N"])
        count, features, lengths = _one_at_least(graph, features, lengths, axis=1)
    encoder = plan.build_encoder(plan.encoder, plan.sequence)
    encoded = encoder(graph.part("encoder"), features, lengths)
    head = graph.part("head")
    scores = head.node("MatMul", encoded, head.constant(head.weight("weight").T))
    scores = head.node("Add", scores, head.parameter("bias"))
    log_probs = head.node("LogSoftmax", scores, axis=-1)
    first, batch = graph.constant([0]), graph.constant([0])
    log_probs, lengths = (graph.node("Slice", x, first, count, batch) for x in (log_probs, lengths))
    graph.output("log_probs", log_probs, FLOAT32, ["N", steps, plan.classes])
    graph.output("lengths", lengths, INT64, ["N"])
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
