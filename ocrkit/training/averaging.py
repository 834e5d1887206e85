"""The running average of a network's weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ocrkit.parts.networks import Network
from ocrkit.parts.values import Arrays
from ocrkit.training.progress import Progress

AVERAGE_EVERY = 10
"""Steps between two updates of the averaged weights, since getting all weights off a GPU takes as
long as part of a step."""


class Average:
    """The weights' running average, which is validated and kept as the best; without one, the
    network's own weights are."""

    def __init__(self, network: Network, decay: float) -> None:
        self._network = network
        self._decay = decay
        self.arrays: Arrays = {}
        """Empty where there is none."""

    def begin(self, arrays: Arrays) -> None:
        """The average is these, else the network's weights as they are, if there is to be one."""
        if self._decay:
            self.arrays = arrays or self._network.state()

    def follow(self, progress: Progress, *, last: bool) -> None:
        """Moves the average towards the network's weights, by what the steps since the last time
        are due; every so many steps, and after the ``last`` of an epoch.

        The average reaches back over 1 / (1 − decay) steps, but never over more than about a tenth
        of all steps so far: weights from before that are no good yet.
        """
        if not self.arrays or not (last or progress.step % AVERAGE_EVERY == 0):
            return
        steps = min((progress.step - 1) % AVERAGE_EVERY + 1, progress.batch)
        share = np.float32(max(1 - self._decay**steps, min(1.0, 10 * steps / progress.step)))
        own = self._network.state()
        self.arrays = {
            name: average + share * (own[name] - average) for name, average in self.arrays.items()
        }

    def weights(self) -> Arrays:
        """The averaged weights, else the network's."""
        return self.arrays or self._network.state()

    @contextmanager
    def in_network(self) -> Iterator[None]:
        """The network has its averaged weights within, if there are any."""
        own = self._network.state()
        self._network.load_state(self.arrays or own)
        try:
            yield
        finally:
            self._network.load_state(own)
