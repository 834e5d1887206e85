"""A plugin's parts for a task of its own: a network that marks ink, at a quarter of the image's
resolution. What it learns is made from the image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ink_rows import stretches
from ocrkit import ImageSize, Line, Page, Sample, option
from ocrkit.interfaces import Arrays, Image, PlannedPart, PointMap, Port

STRIDE = 4
PLUGIN = """
import ocrkit

@ocrkit.hookimpl
def ocrkit_models(register):
    register("ink-net", "ink_marker:InkNet")
    register("ink-net", "ink_marker_torch:InkNet", backend="torch", extra="torch")

@ocrkit.hookimpl
def ocrkit_objectives(register):
    register("ink", "ink_marker:Ink", summary="Marks ink")
    register("ink", "ink_marker_torch:Ink", backend="torch", extra="torch")

@ocrkit.hookimpl
def ocrkit_segmenters(register):
    register("ink-box", "ink_marker:InkBox")
    register("ink-lines", "ink_marker:InkLines")
    register("blind", "ink_marker:Blind")
"""
PIPELINE = """
schema = 1
task = "segment"
objective = "ink"
name = "ink"
backends = ["torch"]

[reader]
use = "iam"

[preprocessor]
use = "fit-height"
height = 24

[model]
use = "ink-net"
channels = 6

[training]
split = "aachen/train"
validation = "aachen/validation"
epochs = 3
batch_size = 8
learning_rate = 0.03
thorough = 0.2
"""


@dataclass(frozen=True)
class InkNet:
    """Two convolutions, each of half the resolution."""

    channels: int = option(4, "maps between the convolutions", minimum=1)

    @property
    def stride(self) -> int:
        return STRIDE

    def output_size(self, input: ImageSize) -> ImageSize:
        width = None if input.width is None else -(-input.width // STRIDE)
        return ImageSize(-(-input.height // STRIDE), width)

    def parameters(self, input: ImageSize) -> dict[str, tuple[int, ...]]:
        return {
            "first.weight": (self.channels, input.channels, 3, 3),
            "first.bias": (self.channels,),
            "second.weight": (1, self.channels, 3, 3),
            "second.bias": (1,),
        }


@dataclass(frozen=True)
class Ink:
    """Where ink is, by binary cross-entropy."""

    thorough: float = option(0.0, "additional weight of pixels with ink", minimum=0.0)

    parts: ClassVar = ("model",)
    outputs: ClassVar = (Port("ink", "float32", ("N", 1, "H", "W")),)
    explained: ClassVar = "ink: float32 (N, 1, H, W), how sure it is that there is ink, 0 to 1"
    measured: ClassVar = "maps"
    truth: ClassVar = "image"
    placed: ClassVar = False
    by_class: ClassVar = ()
    scores: ClassVar = {"ink-f1": True}

    def plan(
        self, parts: Mapping[str, PlannedPart], alphabet: None
    ) -> tuple[dict[str, PlannedPart], tuple[Port, ...]]:
        model = parts["model"]
        size = model.definition.output_size(model.size)
        axes = ("N", 1, size.height, size.width or "w")
        return dict(parts), (Port("ink", "float32", axes),)

    def target(self, sample: Sample, alphabet: None) -> bool:
        return True

    def unfit(self, sample: Sample, target: bool, steps: None) -> str:
        return ""

    def notes(
        self, samples: Sequence[Sample], learnt: Sequence[Sample], alphabet: None
    ) -> list[str]:
        return []

    def targets(
        self,
        targets: Sequence[Any],
        images: Sequence[Image],
        inputs: Arrays,
        to_source: Sequence[PointMap],
    ) -> Arrays:
        """``ink`` and ``counts`` float32 (N, 1, H, W): where ink is, and which pixels count."""
        count, _, height, width = inputs["images"].shape
        ink = np.zeros((count, 1, height // STRIDE, width // STRIDE), np.float32)
        counts = np.zeros_like(ink)
        for row, which, image in zip(ink, counts, images, strict=True):
            padded = np.full((height, width), 255, np.uint8)
            padded[:, : image.shape[1]] = image
            blocks = padded.reshape(height // STRIDE, STRIDE, width // STRIDE, STRIDE)
            row[0] = blocks.min(axis=(1, 3)) < 128
            which[0, :, : columns(image.shape[1])] = 1
        return {"ink": ink, "counts": counts}

    def check(self, outputs: Arrays, count: int, alphabet: None) -> None:
        if outputs["ink"].ndim != 4 or len(outputs["ink"]) != count:
            raise ValueError(f"it gave {outputs['ink'].shape} for {count} images")

    def decoding(self, outputs: Arrays) -> tuple[Any, ...]:
        return ()

    def score(
        self, outputs: Arrays, inputs: Arrays, targets: Arrays
    ) -> dict[str, tuple[float, float]]:
        found, ink = (outputs["ink"] > 0.5) * targets["counts"], targets["ink"]
        return {"ink-f1": (2 * float((found * ink).sum()), float(found.sum() + ink.sum()))}

    def valid(self, outputs: Arrays, inputs: Arrays) -> list[Arrays]:
        rows = zip(outputs["ink"], inputs["widths"].tolist(), strict=True)
        return [{"ink": row[0, :, : columns(width)].copy()} for row, width in rows]

    def margin(self, valid: Arrays) -> float:
        return float("inf")

    def stored(self, items: Sequence[Arrays]) -> Arrays:
        return {
            "ink": np.concatenate([item["ink"].ravel() for item in items]),
            "ink_shapes": np.array([item["ink"].shape for item in items], np.int32),
        }

    def restored(self, arrays: Arrays) -> list[Arrays]:
        shapes = arrays["ink_shapes"].tolist()
        ends = np.cumsum([height * width for height, width in shapes])[:-1]
        parts = np.split(arrays["ink"], ends)
        return [{"ink": part.reshape(shape)} for part, shape in zip(parts, shapes, strict=True)]


@dataclass(frozen=True)
class InkBox:
    """A single line, around all ink."""

    takes: ClassVar = (Port("ink", "float32", ("H", "W")),)

    def __call__(self, image: Image, outputs: Arrays) -> Page:
        ink = outputs["ink"]
        rows, found = np.flatnonzero((ink > 0.5).any(axis=1)), np.flatnonzero((ink > 0.5).any(0))
        size = image.shape[1], image.shape[0]
        if not len(found):
            return Page("", *size)
        top, bottom, left, right = (
            float(STRIDE * each) for each in (rows[0], rows[-1] + 1, found[0], found[-1] + 1)
        )
        base = ((left, bottom), (right, bottom))
        return Page("", *size, lines=(Line("1", base, (), bottom - top, 0.0, confidence=1.0),))


@dataclass(frozen=True)
class InkLines:
    """Lines by rows of ink, and of each of these by columns."""

    takes: ClassVar = (Port("ink", "float32", ("H", "W")),)

    def __call__(self, image: Image, outputs: Arrays) -> Page:
        ink = outputs["ink"] > 0.5
        lines: list[Line] = []
        for top, bottom in stretches(ink.any(axis=1), 1):
            for left, right in stretches(ink[top:bottom].any(axis=0), 20):
                height = float(STRIDE * (bottom - top))
                level = STRIDE * bottom - 0.2 * height
                base = ((float(STRIDE * left), level), (float(STRIDE * right), level))
                lines.append(Line(str(len(lines)), base, (), 0.8 * height, 0.2 * height))
        return Page("", image.shape[1], image.shape[0], lines=tuple(lines))


@dataclass(frozen=True)
class Blind:
    """Takes what no network gives, and finds a line on every page."""

    takes: ClassVar = (Port("baselines", "float32", ("H", "W")),)

    def __call__(self, image: Image, outputs: Arrays) -> Page:
        return Page("", 10, 10, lines=(Line("1", ((0, 5), (10, 5))),))


def columns(width: int) -> int:
    """Of the map of an image of this width."""
    return -(-width // STRIDE)
