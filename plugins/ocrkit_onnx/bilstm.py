"""The encoder ``bilstm`` in ONNX."""

import numpy as np

import ocrkit_crnn.bilstm as definition
from ocrkit.interfaces import FloatArray, SequenceSize
from ocrkit_onnx.graph import INT32, Graph


class BiLstm:
    """See :class:`ocrkit_crnn.bilstm.BiLstm`. Where all sequences have one length, none is told."""

    def __init__(self, options: definition.BiLstm, input: SequenceSize) -> None:
        self._options = options
        self._varies = input.steps is None

    def __call__(self, graph: Graph, features: str, lengths: str) -> str:
        hidden = self._options.hidden
        lengths = graph.node("Cast", lengths, to=INT32) if self._varies else ""
        x = graph.node("Transpose", features, perm=[1, 0, 2])
        for layer in range(self._options.layers):
            if layer:
                x = graph.node(
                    "Reshape",
                    graph.node("Transpose", x, perm=[0, 2, 1, 3]),
                    graph.constant([0, 0, 2 * hidden]),
                )
            weights = [
                graph.constant(_of_both(graph, kind, layer))
                for kind in ("weight_ih", "weight_hh", "bias")
            ]
            x = graph.node(
                "LSTM", x, *weights, lengths, direction="bidirectional", hidden_size=hidden
            )  # (T, 2, N, hidden)
        return graph.node(
            "Reshape",
            graph.node("Transpose", x, perm=[2, 0, 1, 3]),
            graph.constant([0, 0, 2 * hidden]),
        )


def _of_both(graph: Graph, kind: str, layer: int) -> FloatArray:
    """A layer's weights of both directions, (2, …), as ONNX has them: gates input, output, forget,
    cell."""

    kinds = ("bias_ih", "bias_hh") if kind == "bias" else (kind,)
    names = [f"{each}_l{layer}{direction}" for direction in definition.DIRECTIONS for each in kinds]
    gates = [np.split(graph.weight(name), 4) for name in names]
    ordered = np.concatenate([part for i, f, g, o in gates for part in (i, o, f, g)])
    return ordered.reshape(len(definition.DIRECTIONS), -1, *ordered.shape[1:])
