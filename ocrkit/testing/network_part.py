"""A part of a network in the smallest network that a backend makes of it."""

from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar
from unittest import SkipTest

import numpy as np

from ocrkit.errors import ConfigError
from ocrkit.parts.networks import Batch, Network
from ocrkit.parts.plans import NetworkPlan
from ocrkit.parts.registry import registry
from ocrkit.parts.values import Arrays, FloatArray, ImageSize, IntArray, SequenceSize
from ocrkit.testing.base import PartConformance, skipped_where_missing
from ocrkit.testing.small_networks import InNumpy, labels_for, missing, named, random_weights

Size = TypeVar("Size", ImageSize, SequenceSize)


class NetworkPart(PartConformance, Generic[Size]):
    """What a featurizer and an encoder have in common."""

    backend: ClassVar[str | None] = None
    """The backend to test on; every one that has an implementation and is installed unless
    given."""

    # ----------------------------------------------------------------------- what the two kinds say

    def sizes(self) -> list[Size]:
        """The kinds of input to test with: of one size, and where the part takes it, of any."""
        raise NotImplementedError

    def extremes(self) -> list[tuple[Size, list[int]]]:
        """Inputs as small and as large as they come, with the widths, or lengths, of a batch."""
        raise NotImplementedError

    def output(self, size: Size) -> SequenceSize:
        """What the definition declares. Raises ConfigError for inputs that the part cannot take."""
        raise NotImplementedError

    def plan(self, size: Size, *backends: str) -> NetworkPlan:
        """The part in the simplest network that all these backends can build; the implementations
        are the first's."""
        raise NotImplementedError

    def inputs(self, size: Size, sizes: IntArray, seed: int = 0) -> tuple[FloatArray, IntArray]:
        """Random inputs of a network, and their sizes. The first ones are the same whatever comes
        behind them."""
        raise NotImplementedError

    def some(self, size: Size) -> IntArray:
        """Widths, or lengths, of a batch of six, in which two letters fit. The first is the
        largest."""
        raise NotImplementedError

    def lengths(self, sizes: IntArray) -> IntArray:
        """The lengths that the definition declares for inputs of these sizes."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------- building

    def backends(self) -> list[str]:
        """The backends to test on. Skips where none is installed."""
        entry, having = self.entry, registry().backends(self.kind, self.name)
        wanted = [self.backend] if self.backend else having
        self.check(
            wanted and set(wanted) <= set(having),
            f"has no implementation for {self.backend or 'any backend'}",
        )
        reasons = {backend: missing(backend) or self._missing_for(backend) for backend in wanted}
        installed = [backend for backend, reason in reasons.items() if reason is None]
        if not installed:
            raise SkipTest(f"{entry}: {'; '.join(filter(None, reasons.values()))}")
        return installed

    def _missing_for(self, backend: str) -> str | None:
        """Why an implementation's optional dependencies are not installed; None where they are."""
        try:
            self.implementation(backend)
        except SkipTest as skip:
            return str(skip)
        return None

    def each(self) -> Iterator[tuple[str, Size]]:
        """Every backend with every kind of input."""
        for backend in self.backends():
            for size in self.sizes():
                self.where = f"for backend {backend!r} on {text_of(size)}"
                yield backend, size

    def trainable(self) -> Iterator[tuple[str, Size, Network]]:
        """The same, with a network of fresh weights, for the backends that train. Skips where none
        does."""
        reasons = []
        trains = False
        for backend, size in self.each():
            network = self.network(backend, size)
            try:
                network.initialize(1)
            except ConfigError as error:
                reasons.append(str(error))
                continue
            trains = True
            yield backend, size, network
        if not trains:
            raise SkipTest("; ".join(dict.fromkeys(reasons)))

    def implementation(self, backend: str) -> Any:
        entry = registry().get(self.kind, self.name, backend)
        with skipped_where_missing(entry):
            return entry.load()

    def network(
        self,
        backend: str,
        size: Size,
        arrays: Arrays | None = None,
        plan: NetworkPlan | None = None,
    ) -> Network:
        """The part's network with these weights, else with random ones."""
        if backend == "numpy":
            definition = self.part()
            with self.works("when it is built"):
                return InNumpy(self.implementation(backend)(definition, size))
        plan = plan or self.plan(size, backend)
        with self.works("when its network is built"):
            network: Network = (
                registry().get("backend", backend).load()().network(plan, device="cpu", threads=0)
            )
            network.load_state(random_weights(plan.parameters(), 0) if arrays is None else arrays)
        return network

    def predict(
        self, network: Network, inputs: FloatArray, sizes: IntArray
    ) -> tuple[FloatArray, IntArray]:
        with self.works(f"to compute inputs {inputs.shape} with sizes {sizes.tolist()}"):
            outputs = network.run(named(inputs, sizes))
        name = "features" if isinstance(network, InNumpy) else "log_probs"
        arrays = [outputs[each] for each in (name, "lengths")]
        self.check(
            all(isinstance(each, np.ndarray) for each in arrays),
            f"gives {type(arrays[0]).__name__} and {type(arrays[1]).__name__}; expected two NumPy "
            "arrays",
        )
        return arrays[0], arrays[1]

    def batch(self, network: Network, size: Size) -> Batch:
        inputs, sizes = self.inputs(size, self.some(size))
        _, lengths = self.predict(network, inputs, sizes)
        return Batch(named(inputs, sizes), labels_for(lengths), len(inputs))


def varies(size: ImageSize | SequenceSize) -> bool:
    return (size.width if isinstance(size, ImageSize) else size.steps) is None


def text_of(size: ImageSize | SequenceSize) -> str:
    if isinstance(size, ImageSize):
        return f"images {size.height} × {'any width' if size.width is None else size.width}"
    return f"{'any number of' if size.steps is None else size.steps} steps of {size.features}"
