"""The featurizer ``resnet-cnn`` in ONNX."""

from itertools import zip_longest

import numpy as np

import ocrkit_crnn.resnet as definition
from ocrkit.interfaces import ImageSize
from ocrkit_crnn.cnn import EPSILON
from ocrkit_onnx.cnn import within
from ocrkit_onnx.graph import Graph


class ResNetCnn:
    """See :class:`ocrkit_crnn.resnet.ResNetCnn`. Where all images have one width, nothing lies
    beyond it to be masked."""

    def __init__(self, options: definition.ResNetCnn, input: ImageSize) -> None:
        self._options = options
        self._masked = input.width is None
        self._convolutions = options.convolutions()

    def __call__(self, graph: Graph, images: str, widths: str) -> tuple[str, str]:
        def normed(x: str, name: str, **attributes: list[int]) -> str:
            padding = self._convolutions[name][2] // 2
            kernel, bias = _folded(graph, name)
            return graph.node("Conv", x, kernel, bias, pads=[padding] * 4, **attributes)

        def activated(x: str) -> str:
            x = graph.node("Relu", x)
            return graph.node("Mul", x, mask) if self._masked else x

        rows, columns = self._options.stem_rows, self._options.stem_columns
        rounded_up = graph.node("Add", widths, graph.constant(columns - 1))
        widths = graph.node("Div", rounded_up, graph.constant(columns))
        x = normed(images, "stem", strides=[rows, columns])
        mask = within(graph, x, widths) if self._masked else ""
        x = activated(x)
        for stage, (blocks, pool) in enumerate(
            zip_longest(self._options.blocks, self._options.pools)
        ):
            for block in range(blocks):
                name = f"stages.{stage}.{block}"
                projected = x
                if f"{name}.projection" in self._convolutions:
                    projected = normed(x, f"{name}.projection")
                found = normed(activated(normed(x, f"{name}.first")), f"{name}.second")
                x = activated(graph.node("Add", found, projected))
            if pool is not None:
                window = [definition.POOL, pool]
                x = graph.node("MaxPool", x, kernel_shape=window, strides=window)
                widths = graph.node("Div", widths, graph.constant(pool))
                mask = within(graph, x, widths) if self._masked else ""
        highest = graph.node("ReduceMax", x, axes=[2], keepdims=0)
        return graph.node("Transpose", highest, perm=[0, 2, 1]), widths


def _folded(graph: Graph, name: str) -> tuple[str, str]:
    """Weights and bias of a convolution and the norm behind it, which are one convolution here."""
    weight, bias, mean, variance = (
        graph.weight(f"{name}.norm.{each}").astype(np.float64)
        for each in ("weight", "bias", "running_mean", "running_var")
    )
    scale = weight / np.sqrt(variance + EPSILON)
    kernel = graph.weight(f"{name}.conv.weight") * scale[:, None, None, None]
    return graph.constant(kernel), graph.constant(bias - mean * scale)
