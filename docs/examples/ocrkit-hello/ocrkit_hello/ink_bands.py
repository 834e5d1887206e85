"""Hand-made features: how bright the image is, step by step, in horizontal bands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ocrkit.errors import ConfigError
from ocrkit.interfaces import FloatArray, ImageSize, IntArray, SequenceSize, option


@dataclass(frozen=True)
class InkBands:
    """The mean brightness (0 black, 1 white) of each of ``bands`` horizontal bands, every
    ``stride`` columns."""

    bands: int = option(16, "horizontal bands, from top to bottom; each is a feature", minimum=1)
    stride: int = option(4, "columns of pixels in a step", minimum=1)

    def output_size(self, input: ImageSize, /) -> SequenceSize:
        """T = width // stride, D = bands. Raises ConfigError for an image that is too small for
        that."""
        narrow = input.width is not None and input.width < self.stride
        if narrow or (input.height or 0) < self.bands:
            raise ConfigError(
                [f"ink-bands needs images of at least {self.bands} × {self.stride} pixels"]
            )
        return SequenceSize(
            features=self.bands, steps=None if input.width is None else input.width // self.stride
        )

    def lengths(self, widths: IntArray, /) -> IntArray:
        return widths // self.stride

    def parameters(self, input: ImageSize, /) -> Mapping[str, tuple[int, ...]]:
        return {}  # nothing to learn, nothing to store


def build(
    definition: InkBands, input: ImageSize
) -> Callable[[FloatArray, IntArray], tuple[FloatArray, IntArray]]:
    """The implementation for backend ``numpy``."""

    def ink_bands(images: FloatArray, widths: IntArray) -> tuple[FloatArray, IntArray]:
        """Images (N, 1, H, W) and widths (N,) → features (N, T, D) and lengths (N,)."""
        count, _, height, width = images.shape
        steps = width // definition.stride
        cut = (
            images[:, 0, :, : steps * definition.stride]
            .reshape(count, height, steps, definition.stride)
            .mean(axis=3)
        )
        bands = [band.mean(axis=1) for band in np.array_split(cut, definition.bands, axis=1)]
        return np.stack(bands, axis=2).astype(np.float32), definition.lengths(widths)

    return ink_bands
