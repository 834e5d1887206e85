"""The running average of a network's weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ocrkit.parts.networks import AveragesWeights, Network, WeightAverage
from ocrkit.parts.values import Arrays
from ocrkit.training.progress import Progress

AVERAGE_EVERY = 10
"""Steps between two updates of the averaged weights, since that takes as long as part of a step
where they have to be got off a device."""


class Average:
    """The weights' running average, which is validated and kept as the best; without one, the
    network's own weights are."""

    def __init__(self, network: Network, decay: float) -> None:
        self._network = network
        self._decay = decay
        self._average: WeightAverage | None = None

    def begin(self, arrays: Arrays) -> None:
        """The average is these, else the network's weights as they are, if there is to be one."""
        if self._decay:
            arrays = arrays or self._network.state()
            if isinstance(self._network, AveragesWeights):
                self._average = self._network.average(arrays)
            else:
                self._average = AverageInNumpy(self._network, arrays)

    def follow(self, progress: Progress, *, last: bool) -> None:
        """Moves the average towards the network's weights, by what the steps since the last time
        are due; every so many steps, and after the ``last`` of an epoch.

        The average reaches back over 1 / (1 − decay) steps, but never over more than about a tenth
        of all steps so far: weights from before that are no good yet.
        """
        if not self._average or not (last or progress.step % AVERAGE_EVERY == 0):
            return
        steps = min((progress.step - 1) % AVERAGE_EVERY + 1, progress.batch)
        self._average.follow(
            max(1 - self._decay**steps, min(1.0, 10 * steps / progress.step)),
        )

    def state(self) -> Arrays:
        """The averaged weights; nothing where there is no average."""
        return self._average.state() if self._average else {}

    def weights(self) -> Arrays:
        """The averaged weights, else the network's."""
        return self.state() or self._network.state()

    @contextmanager
    def in_network(self) -> Iterator[None]:
        """The network has its averaged weights within, if there are any."""
        if not self._average:
            yield
            return
        self._average.exchange()
        try:
            yield
        finally:
            self._average.exchange()


class AverageInNumpy:
    """Averaged weights in the host's memory, for networks of any backend."""

    def __init__(self, network: Network, arrays: Arrays) -> None:
        self._network, self._arrays = network, arrays

    def follow(self, share: float, /) -> None:
        own = self._network.state()
        self._arrays = {
            name: average + np.float32(share) * (own[name] - average)
            for name, average in self._arrays.items()
        }

    def exchange(self) -> None:
        own = self._network.state()
        self._network.load_state(self._arrays)
        self._arrays = own

    def state(self) -> Arrays:
        return self._arrays
