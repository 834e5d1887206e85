"""The objective ``ctc`` as an ONNX graph."""

from typing import Any

from ocrkit.interfaces import NetworkPlan
from ocrkit_onnx.graph import Graph
from ocrkit_onnx.network_graph import BuildGraph


def ctc(options: Any, plan: NetworkPlan) -> BuildGraph:
    """See :class:`ocrkit_ctc.objective.Ctc`."""

    def build(graph: Graph, inputs: str, sizes: str) -> tuple[str, str]:
        features, lengths = inputs, sizes
        if "featurizer" in plan.parts:
            features, lengths = plan.parts["featurizer"].built()(
                graph.part("featurizer"), inputs, sizes
            )
        encoded = plan.parts["encoder"].built()(graph.part("encoder"), features, lengths)
        head = graph.part("head")
        scores = head.node("MatMul", encoded, head.constant(head.weight("weight").T))
        scores = head.node("Add", scores, head.parameter("bias"))
        return head.node("LogSoftmax", scores, axis=-1), lengths

    return build
