"""Whether a sequence encoder does what the interface says."""

import numpy as np

from ocrkit.parts.plans import NetworkPlan, PlannedPart
from ocrkit.parts.protocols import EncoderDefinition
from ocrkit.parts.values import FloatArray, ImageSize, IntArray, SequenceSize
from ocrkit.testing.networks import NetworkPartConformance
from ocrkit.testing.small_networks import is_frozen, plan_of


class EncoderConformance(NetworkPartConformance[SequenceSize]):
    """Checks of a sequence encoder: its definition, and its implementations on all backends that
    are installed."""

    kind = "encoder"
    features: int = 12
    """D of the sequences to test with."""
    steps: int = 10
    """T of the sequences to test with; where it varies, of the longest."""

    def definition(self) -> EncoderDefinition:
        definition: EncoderDefinition = self.part()
        return definition

    def output(self, size: SequenceSize) -> SequenceSize:
        return self.definition().output_size(size)

    def lengths(self, sizes: IntArray) -> IntArray:
        return sizes

    def sizes(self) -> list[SequenceSize]:
        return [SequenceSize(self.features, self.steps), SequenceSize(self.features, None)]

    def extremes(self) -> list[tuple[SequenceSize, list[int]]]:
        fixed = [
            (SequenceSize(*size), [size[1]] * 2)
            for size in ((1, 1), (self.features, 1), (self.features, 300))
        ]
        # Images narrower than a step make sequences of no steps.
        return [
            *fixed,
            *((SequenceSize(self.features, None), lengths) for lengths in ([1], [1, 300], [2, 0])),
        ]

    def plan(self, size: SequenceSize, *backends: str) -> NetworkPlan:
        part = PlannedPart(self.definition(), size, self.implementation(backends[0]))
        return plan_of(ImageSize(1, None), {"encoder": part}, backends[0])

    def inputs(
        self, size: SequenceSize, sizes: IntArray, seed: int = 0
    ) -> tuple[FloatArray, IntArray]:
        """Features beyond a sequence's length are random too, and others in every batch: they must
        not count."""
        batch = np.random.default_rng([seed, len(sizes)]).normal(
            size=(len(sizes), size.steps or sizes.max(), size.features)
        )
        for index, (row, own) in enumerate(zip(batch, sizes, strict=True)):
            row[:own] = np.random.default_rng([seed, index]).normal(size=(int(own), size.features))
        return batch.astype(np.float32), sizes

    def some(self, size: SequenceSize) -> IntArray:
        if size.steps is not None:
            return np.full(6, size.steps, np.int32)
        return np.array(
            [self.steps, 2, 3, self.steps - 1, self.steps // 2 + 1, self.steps], np.int32
        )

    def test_its_definition_computes_sizes(self) -> None:
        """A frozen dataclass that keeps the number of steps."""
        definition = self.definition()
        self.check(isinstance(definition, EncoderDefinition), "lacks output_size or parameters")
        self.check(is_frozen(definition), "has a definition that can be changed; freeze it")
        for size in self.sizes():
            with self.works(f"to compute its sizes for {size}"):
                output, names = self.output(size), definition.parameters(size)
            self.check(
                output.steps == size.steps,
                f"declares {output.steps} steps for {size}; an encoder keeps their number",
            )
            self.check(
                all(isinstance(shape, tuple) for shape in names.values()),
                "declares shapes that are no tuples",
            )
