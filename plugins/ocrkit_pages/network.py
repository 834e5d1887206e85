"""The network that sees a page and gives maps of its lines."""

from collections.abc import Mapping
from dataclasses import dataclass

from ocrkit.errors import ConfigError
from ocrkit.interfaces import ImageSize, option

QUARTER = 4
"""Pixels of the image, along each side, in a pixel of the maps."""


@dataclass(frozen=True)
class BaselineNet:
    """Maps of a page at a quarter of its resolution, out of features at strides 4, 8, 16 and 32.

    The stem is two convolutions 3 × 3 of stride 2. Then come stages of residual blocks at strides
    that double: a depthwise convolution 3 × 3, and two 1 × 1 that make twice as many channels and
    as many again (after Sandler et al. 2018, "MobileNetV2", and the small backbones of PaddleOCR).
    From the last stage up, a pyramid adds to each stage's features those of the next one, enlarged
    by repeating pixels (Lin et al. 2017, "Feature Pyramid Networks"). A head makes maps of the
    finest. All convolutions but the last have a batch norm.
    """

    stem: int = option(16, "channels of the first convolution", minimum=1)
    widths: tuple[int, ...] = option((32, 48, 64, 160), "channels of every stage, from stride 4 on")
    blocks: tuple[int, ...] = option((2, 3, 5, 3), "residual blocks of every stage")
    pyramid: int = option(64, "channels of the pyramid", minimum=1)
    head: int = option(32, "channels of the last convolution but one", minimum=1)
    maps: int = option(6, "maps that it gives: as many as the objective wants", minimum=1)

    def __post_init__(self) -> None:
        problems = [
            f"baseline-net: {name} is {list(values)}; expected whole numbers from 1"
            for name, values in (("widths", self.widths), ("blocks", self.blocks))
            if min(values, default=0) < 1
        ]
        if len(self.widths) != len(self.blocks):
            problems.append(
                f"baseline-net: {len(self.widths)} widths and {len(self.blocks)} numbers of "
                "blocks; expected one each a stage"
            )
        if problems:
            raise ConfigError(problems)

    @property
    def stride(self) -> int:
        """Pixels of the image, along each side, in a pixel of the last stage."""
        return QUARTER << (len(self.widths) - 1)

    def output_size(self, input: ImageSize, /) -> ImageSize:
        """A quarter of the input, along each side. Raises ConfigError for images in colour, and
        for sides that no last stage's pixels fill."""
        wrong = [side for side in (input.height, input.width) if side and side % self.stride]
        if wrong:
            raise ConfigError(
                [f"baseline-net: a side of {wrong[0]} pixels; expected a multiple of {self.stride}"]
            )
        if input.channels != 1:
            raise ConfigError(["baseline-net takes grey images, and these are in colour"])
        height, width = (side and side // QUARTER for side in (input.height, input.width))
        return ImageSize(height, width, self.maps)

    def parameters(self, input: ImageSize, /) -> Mapping[str, tuple[int, ...]]:
        """Of every convolution with its norm, and of the last one, which has a bias."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, (outputs, inputs, side) in self._convolutions().items():
            shapes[f"{name}.conv.weight"] = (outputs, inputs, side, side)
            for each in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{name}.norm.{each}"] = (outputs,)
        shapes["last.weight"] = (self.maps, self.head, 1, 1)
        shapes["last.bias"] = (self.maps,)
        return shapes

    def _convolutions(self) -> dict[str, tuple[int, int, int]]:
        """Output channels, input channels of a group, and side of every convolution with a norm;
        depthwise ones have a group a channel."""
        found = {
            "stem.first": (self.stem, 1, 3),
            "stem.second": (self.widths[0], self.stem, 3),
        }
        before = self.widths[0]
        for stage, (width, blocks) in enumerate(zip(self.widths, self.blocks, strict=True)):
            if stage:
                found[f"down.{stage - 1}.depthwise"] = (before, 1, 3)
                found[f"down.{stage - 1}.pointwise"] = (width, before, 1)
            for block in range(blocks):
                name = f"stages.{stage}.{block}"
                found[f"{name}.depthwise"] = (width, 1, 3)
                found[f"{name}.wider"] = (2 * width, width, 1)
                found[f"{name}.back"] = (width, 2 * width, 1)
            found[f"lateral.{stage}"] = (self.pyramid, width, 1)
            found[f"smooth.{stage}.depthwise"] = (self.pyramid, 1, 3)
            found[f"smooth.{stage}.pointwise"] = (self.pyramid, self.pyramid, 1)
            before = width
        found["head.depthwise"] = (self.pyramid, 1, 3)
        found["head.pointwise"] = (self.head, self.pyramid, 1)
        return found
