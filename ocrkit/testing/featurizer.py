"""Whether a featurizer does what the interface says."""

import numpy as np

from ocrkit.errors import ConfigError
from ocrkit.parts.plans import NetworkPlan, PlannedPart
from ocrkit.parts.protocols import FeaturizerDefinition
from ocrkit.parts.values import FloatArray, ImageSize, IntArray, SequenceSize
from ocrkit.testing.networks import NetworkPartConformance
from ocrkit.testing.simplest import simplest
from ocrkit.testing.small_networks import is_frozen, plan_of, planned, random_images


class FeaturizerConformance(NetworkPartConformance[ImageSize]):
    """Checks of a featurizer: its definition, and its implementations on all backends that are
    installed."""

    kind = "featurizer"
    height: int = 32
    """Of the images to test with, in pixels."""
    width: int = 64
    """Of the images to test with, in pixels; where the width varies, of the widest."""

    def definition(self) -> FeaturizerDefinition:
        definition: FeaturizerDefinition = self.part()
        return definition

    def output(self, size: ImageSize) -> SequenceSize:
        return self.definition().output_size(size)

    def lengths(self, sizes: IntArray) -> IntArray:
        return np.asarray(self.definition().lengths(sizes))

    def sizes(self) -> list[ImageSize]:
        fixed, varying = ImageSize(self.height, self.width), ImageSize(self.height, None)
        try:
            self.output(fixed)
        except ConfigError as error:
            self.check(
                False,
                f"refuses images {self.height} × {self.width} ({error}); set height and width to "
                "what it takes",
            )
        try:
            self.output(varying)
        except ConfigError:
            return [fixed]
        return [fixed, varying]

    def extremes(self) -> list[tuple[ImageSize, list[int]]]:
        height, width, stride = self.height, self.width, self.definition().stride
        sizes = [
            (1, 1),
            (1, width),
            *((height, wide) for wide in (1, stride, 2 * stride + 1, 40 * stride)),
            (4 * height, width),
        ]
        fixed = [(ImageSize(*size), [size[1]] * 2) for size in sizes]
        return [
            *fixed,
            *((ImageSize(height, None), widths) for widths in ([1], [1, width], [40 * stride, 1])),
        ]

    def plan(self, size: ImageSize, *backends: str) -> NetworkPlan:
        definition, backend = self.definition(), backends[0]
        steps = definition.output_size(size)
        parts = {
            "featurizer": PlannedPart(definition, size, self.implementation(backend)),
            "encoder": planned(simplest("encoder", *backends), steps, backend),
        }
        return plan_of(size, parts, backend)

    def inputs(
        self, size: ImageSize, sizes: IntArray, seed: int = 0
    ) -> tuple[FloatArray, IntArray]:
        stride = self.definition().stride
        width = size.width or -(-int(sizes.max()) // stride) * stride
        return random_images(size.height or 0, width, sizes, seed), sizes

    def some(self, size: ImageSize) -> IntArray:
        if size.width is not None:
            return np.full(6, size.width, np.int32)
        stride = self.definition().stride
        least = min(2 * stride, self.width)  # two letters fit
        return np.array(
            [self.width, least, least + 1, self.width - 1, self.width // 2 + 1, self.width],
            np.int32,
        )

    def test_its_definition_computes_sizes(self) -> None:
        """A frozen dataclass; steps, lengths and stride fit each other."""
        definition = self.definition()
        self.check(
            isinstance(definition, FeaturizerDefinition),
            "lacks one of stride, output_size, lengths and parameters",
        )
        self.check(is_frozen(definition), "has a definition that can be changed; freeze it")
        for size in self.sizes():
            with self.works(f"to compute its sizes for {size}"):
                output, again = self.output(size), self.output(size)
                names = definition.parameters(size)
            self.check(output == again, f"declares {output} for {size}, and then {again}")
            self.check(
                all(isinstance(shape, tuple) for shape in names.values()),
                "declares shapes that are no tuples",
            )
            if size.width is None:
                self.check(
                    output.steps is None,
                    f"declares {output.steps} steps for images of any width; expected None",
                )
            else:
                (length,) = self.lengths(np.array([size.width], np.int32))
                self.check(
                    output.steps == length,
                    f"declares {output.steps} steps for images {size.width} pixels wide, but a "
                    f"length of {length}",
                )
        widths = self.width + definition.stride * np.arange(9, dtype=np.int32)
        steps = self.lengths(widths)
        self.check(
            steps[-1] - steps[0] == 8,
            f"says that a step is {definition.stride} pixels wide, but {widths[-1] - widths[0]} "
            "pixels more make "
            f"{steps[-1] - steps[0]} steps more",
        )
