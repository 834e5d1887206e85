"""The featurizer ``cnn`` in ONNX."""

import ocrkit_crnn.cnn as definition
from ocrkit.interfaces import ImageSize
from ocrkit_onnx.graph import FLOAT32, Graph


def within(graph: Graph, images: str, widths: str) -> str:
    """1 for the columns of images (N, C, H, W) within their widths (N,) and 0 for those beyond: (N,
    1, 1, W)."""
    width = graph.node("Squeeze", graph.node("Shape", images, start=3, end=4))
    columns = graph.node("Range", graph.constant(0), width, graph.constant(1))
    inside = graph.node(
        "Less", columns, graph.node("Reshape", widths, graph.constant([-1, 1, 1, 1]))
    )
    return graph.node("Cast", inside, to=FLOAT32)


class Cnn:
    """See :class:`ocrkit_crnn.cnn.Cnn`. Where all images have one width nothing lies beyond it, and
    nothing is masked."""

    def __init__(self, options: definition.Cnn, input: ImageSize) -> None:
        self._options = options
        self._masked = input.width is None
        self._size = options.output_size(input)
        self._left_over = (
            input.width is not None and input.width // definition.POOL % options.columns > 0
        )

    def __call__(self, graph: Graph, images: str, widths: str) -> tuple[str, str]:
        def convolved(x: str, index: int) -> str:
            weights = (graph.parameter(f"conv{index}.{name}") for name in ("weight", "bias"))
            return graph.node("Relu", graph.node("Conv", x, *weights, pads=[1, 1, 1, 1]))

        def normed(x: str, index: int) -> str:
            weights = (
                graph.parameter(f"norm{index}.{name}")
                for name in ("weight", "bias", "running_mean", "running_var")
            )
            return graph.node("BatchNormalization", x, *weights, epsilon=definition.EPSILON)

        def masked(x: str, mask: str) -> str:
            return graph.node("Mul", x, mask) if self._masked else x

        pooled = graph.node("Div", widths, graph.constant(definition.POOL))
        mask = within(graph, images, widths) if self._masked else ""
        x = masked(normed(convolved(images, 1), 1), mask)
        window = [definition.POOL, definition.POOL]
        x = graph.node("MaxPool", convolved(x, 2), kernel_shape=window, strides=window)
        mask = within(graph, x, pooled) if self._masked else ""
        x = masked(x, mask)
        x = masked(normed(convolved(x, 3), 3), mask)
        x = masked(normed(convolved(x, 4), 4), mask)
        return self._in_steps(graph, x), graph.node(
            "Div", pooled, graph.constant(self._options.columns)
        )

    def _in_steps(self, graph: Graph, x: str) -> str:
        """Feature maps (N, C, H, W) as steps (N, T, D); columns that fill no whole step are left
        off."""
        x = graph.node("Transpose", x, perm=[0, 3, 1, 2])
        if self._size.steps is not None and self._left_over:
            end = self._size.steps * self._options.columns
            x = graph.node(
                "Slice", x, graph.constant([0]), graph.constant([end]), graph.constant([1])
            )
        return graph.node("Reshape", x, graph.constant([0, -1, self._size.features]))
