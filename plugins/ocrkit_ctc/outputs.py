"""What a network gives for a batch, cut down to the classes that matter.

With an alphabet of thousands nearly all classes of a step have next to no probability. So decoders
look at *columns*: of every sample the blank and those characters that matter in any of its steps.
Only columns are turned into float64; of all other classes is kept what they have together.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a network gives for N samples of T steps, in C columns each.

    Everywhere but in texts that leave the decoder, characters are numbers of columns.
    """

    log_probs: Float64Array
    """Of columns (N, T, C), zeros in the steps that do not count."""
    probs: Float64Array
    lengths: Ids
    """How many steps count (N,)."""
    classes: Ids
    """The class of each column (N, C), ascending, the blank's last. Before it there may be columns
    of no class, which have −1 and are never probable."""
    rest: Float64Array
    """The probability of all classes without a column, together (N, T)."""
    again: Float64Array
    """Of a class without a column that the step before shows, the probability, at least and at most
    (N, T, 2): the mean, weighted by the probabilities in the step before."""
    most: Float64Array
    """No class without a column has a higher log-probability (N, T)."""
    source: npt.NDArray[np.floating[Any]]
    """What the network gave, with all K classes, for these samples and others."""
    rows: Ids
    """Where it has these samples (N,)."""
    temperature: float = 1.0
    """What the source's log-probabilities have been divided by."""

    @classmethod
    def of(cls, log_probs: npt.NDArray[np.floating[Any]], lengths: Ids) -> "Outputs":
        """Outputs with a column for every class."""
        exact = log_probs.astype(np.float64)
        size, steps, classes = exact.shape
        return cls(
            exact,
            np.exp(exact),
            lengths,
            np.tile(np.arange(classes), (size, 1)),
            np.zeros((size, steps)),
            np.zeros((size, steps, 2)),
            np.full((size, steps), -np.inf),
            log_probs,
            np.arange(size),
        )

    def __getitem__(self, samples: Ids) -> "Outputs":
        if np.array_equal(samples, np.arange(len(self.lengths))):
            return self
        return Outputs(
            self.log_probs[samples],
            self.probs[samples],
            self.lengths[samples],
            self.classes[samples],
            self.rest[samples],
            self.again[samples],
            self.most[samples],
            self.source,
            self.rows[samples],
            self.temperature,
        )

    def ids(self, labels: Ids, samples: Ids) -> Ids:
        """The class ids of columns, −1 where there is none; ``samples`` says whose they are, and is
        as long as the first axis."""
        of = samples.reshape(-1, *[1] * (labels.ndim - 1))
        return np.where(labels < 0, -1, self.classes[of, labels])
