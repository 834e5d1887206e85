"""The featurizer ``resnet-cnn`` in Gluon."""

from itertools import zip_longest
from typing import Any

import ocrkit_crnn.resnet as definition
from ocrkit.interfaces import ImageSize
from ocrkit_crnn.cnn import EPSILON, MOMENTUM
from ocrkit_gluon.cnn import beyond_width
from ocrkit_gluon.mxnet import mxnet

nn = mxnet.gluon.nn


class ResNetCnn(nn.HybridBlock):  # type: ignore[misc, name-defined]  # MXNet has no types
    """See :class:`ocrkit_crnn.resnet.ResNetCnn`. Where all images have one width, nothing lies
    beyond it to be masked."""

    def __init__(self, options: definition.ResNetCnn, input: ImageSize) -> None:
        super().__init__()
        self._masked = input.width is None
        self._options = options
        inputs = options.stem_channels
        with self.name_scope():
            self.relu = nn.Activation(
                "relu"
            )  # the operator `relu` has no oneDNN kernel and takes ten times as long
            self.stem = ConvNorm(
                1, inputs, definition.KERNEL, (options.stem_rows, options.stem_columns)
            )
            self.stages = nn.HybridSequential()
            for channels, blocks in zip(options.channels, options.blocks, strict=True):
                stage = nn.HybridSequential()
                for _ in range(blocks):
                    stage.add(Block(inputs, channels))
                    inputs = channels
                self.stages.add(stage)
            self.dropout = nn.Dropout(options.dropout)

    def hybrid_forward(self, F: Any, images: Any, widths: Any) -> tuple[Any, Any]:
        def activated(x: Any) -> Any:
            x = self.relu(x)
            return beyond_width(F, x, widths) if self._masked else x

        widths = F.ceil(widths / self._options.stem_columns)
        x = activated(self.stem(images))
        for stage, pool in zip_longest(self.stages, self._options.pools):
            for block in stage:
                found = block.second(activated(block.first(x)))
                x = activated(found + (block.projection(x) if block.projection else x))
            if pool is not None:
                window = (definition.POOL, pool)
                x = F.Pooling(x, kernel=window, stride=window, pool_type="max")
                widths = F.floor(widths / pool)
        return self.dropout(F.transpose(F.max(x, axis=2), (0, 2, 1))), widths


class Block(nn.HybridBlock):  # type: ignore[misc, name-defined]
    """What a residual block is made of."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        with self.name_scope():
            self.first = ConvNorm(inputs, channels, 3)
            self.second = ConvNorm(channels, channels, 3)
            self.projection = ConvNorm(inputs, channels, 1) if inputs != channels else None


class ConvNorm(nn.HybridBlock):  # type: ignore[misc, name-defined]
    """A convolution, zeros around its input, and its norm."""

    def __init__(
        self, inputs: int, outputs: int, side: int, stride: tuple[int, int] = (1, 1)
    ) -> None:
        super().__init__()
        # The deviation that keeps the scale of activations through many layers of relu (He et al.
        # 2015, "Delving Deep …").
        he = mxnet.init.MSRAPrelu(factor_type="out", slope=0.0)
        with self.name_scope():
            self.conv = nn.Conv2D(
                outputs,
                side,
                stride,
                padding=side // 2,
                in_channels=inputs,
                use_bias=False,
                weight_initializer=he,
            )
            self.norm = nn.BatchNorm(epsilon=EPSILON, momentum=MOMENTUM, in_channels=outputs)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.norm(self.conv(x))
