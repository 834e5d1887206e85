"""The featurizer ``cnn`` in Gluon."""

from typing import Any

import ocrkit_crnn.cnn as definition
from ocrkit.interfaces import ImageSize
from ocrkit_gluon.mxnet import mxnet

nn = mxnet.gluon.nn


def beyond_width(F: Any, images: Any, widths: Any) -> Any:
    """Images (N, C, H, W) with zeros beyond their widths (N,)."""
    columns = F.reshape(F.contrib.arange_like(images, axis=3), (1, 1, 1, -1))
    return F.broadcast_mul(images, F.broadcast_lesser(columns, F.reshape(widths, (-1, 1, 1, 1))))


class Cnn(nn.HybridBlock):  # type: ignore[misc, name-defined]  # MXNet has no types
    """See :class:`ocrkit_crnn.cnn.Cnn`. Where all images have one width nothing lies beyond it, and
    nothing is masked."""

    def __init__(self, options: definition.Cnn, input: ImageSize) -> None:
        super().__init__()
        self._masked = input.width is None
        self._options = options
        self._features, self._steps = (
            options.output_size(input).features,
            options.output_size(input).steps,
        )
        channels = options.channels
        with self.name_scope():
            self.relu = nn.Activation(
                "relu"
            )  # the operator `relu` has no oneDNN kernel and takes ten times as long
            self.conv1 = nn.Conv2D(channels, 3, padding=1, in_channels=1)
            self.norm1 = nn.BatchNorm(
                epsilon=definition.EPSILON, momentum=definition.MOMENTUM, in_channels=channels
            )
            self.conv2 = nn.Conv2D(channels, 3, padding=1, in_channels=channels)
            self.pool = nn.MaxPool2D(definition.POOL, definition.POOL)
            self.conv3 = nn.Conv2D(channels, 3, padding=1, in_channels=channels)
            self.norm3 = nn.BatchNorm(
                epsilon=definition.EPSILON, momentum=definition.MOMENTUM, in_channels=channels
            )
            self.dropout = nn.Dropout(options.dropout)
            self.conv4 = nn.Conv2D(channels, 3, padding=1, in_channels=channels)
            self.norm4 = nn.BatchNorm(
                epsilon=definition.EPSILON, momentum=definition.MOMENTUM, in_channels=channels
            )

    def hybrid_forward(self, F: Any, images: Any, widths: Any) -> tuple[Any, Any]:
        def masked(x: Any, widths: Any) -> Any:
            return beyond_width(F, x, widths) if self._masked else x

        x = masked(self.norm1(self.relu(self.conv1(images))), widths)
        pooled = F.floor(widths / definition.POOL)
        x = masked(self.pool(self.relu(self.conv2(x))), pooled)
        x = masked(self.dropout(self.norm3(self.relu(self.conv3(x)))), pooled)
        x = masked(self.norm4(self.relu(self.conv4(x))), pooled)
        return self._in_steps(F, x), F.floor(pooled / self._options.columns)

    def _in_steps(self, F: Any, x: Any) -> Any:
        """Feature maps (N, C, H, W) as steps (N, T, D); columns that fill no whole step are left
        off."""
        x = F.transpose(x, (0, 3, 1, 2))
        if self._steps is not None:
            x = F.slice_axis(x, axis=1, begin=0, end=self._steps * self._options.columns)
        return F.reshape(x, (0, -1, self._features))
