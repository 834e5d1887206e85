"""Hand-made features: how much ink a few columns have, and where it lies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ocrkit import ConfigError, ImageSize, SequenceSize, option
from ocrkit.interfaces import FloatArray, IntArray


@dataclass(frozen=True)
class InkProfile:
    """Three numbers from 0 to 1 a step: mean ink, its centre from the top, and its spread about the
    centre."""

    stride: int = option(4, "columns of pixels in a step", minimum=1)

    def output_size(self, input: ImageSize, /) -> SequenceSize:
        """T = width // stride, D = 3. Raises ConfigError for images narrower than a step."""
        if input.width is not None and input.width < self.stride:
            raise ConfigError(
                [f"ink-profile needs images at least {self.stride} pixels wide, not {input.width}"]
            )
        return SequenceSize(3, None if input.width is None else input.width // self.stride)

    def lengths(self, widths: IntArray, /) -> IntArray:
        return widths // self.stride

    def parameters(self, input: ImageSize, /) -> Mapping[str, tuple[int, ...]]:
        return {}  # nothing to learn, nothing to store


def build(
    definition: InkProfile, input: ImageSize
) -> Callable[[FloatArray, IntArray], tuple[FloatArray, IntArray]]:
    """The implementation for backend ``numpy``, which goes before a network of any backend."""

    def ink_profile(images: FloatArray, widths: IntArray) -> tuple[FloatArray, IntArray]:
        """Images (N, 1, H, W), zero beyond their widths (N,) → features (N, T, 3) and lengths
        (N,)."""
        count, _, height, width = images.shape
        steps = width // definition.stride
        columns = images[:, 0, :, : steps * definition.stride].reshape(
            count, height, steps, definition.stride
        )
        ink = 1 - columns.mean(axis=3)  # (N, H, T)
        rows = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
        share = ink / np.maximum(ink.sum(axis=1, keepdims=True), 1e-6)
        centre = (share * rows).sum(axis=1)
        spread = np.sqrt((share * (rows - centre[:, None]) ** 2).sum(axis=1))
        return np.stack([ink.mean(axis=1), centre, spread], axis=2).astype(
            np.float32
        ), definition.lengths(widths)

    return ink_profile
