"""How far confidences can be trusted."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocrkit.scoring.bootstrap import Table

BINS = 15
"""Of confidences, for their calibration error."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The samples whose confidence is ``min_confidence`` or more, and how well they are read."""

    min_confidence: float
    samples: int
    share: float
    """Of all samples, 0 to 1."""
    wrong: float | None
    """The share of these samples that are not read exactly, 0 to 1; None where there are none."""
    metrics: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far confidences can be trusted."""

    ece: float
    """Expected calibration error, 0 to 1; see :func:`calibration_error`."""
    kept: list[Kept]
    """What is left where the least sure samples are put aside: all, 95 %, … 5 % of the samples, and
    more where several are equally sure. This is the risk-coverage curve of El-Yaniv and Wiener
    (JMLR 11, 2010)."""


def calibration_error(confidences: Table, right: npt.NDArray[np.bool_]) -> float:
    """The expected calibration error of confidences (N,) in 0..1 where ``right`` (N,) says which
    readings are right.

    Samples are sorted by confidence into 15 bins of equal width; it is the distance between a bin's
    mean confidence and its share of right samples, averaged over the samples (Guo, Pleiss, Sun and
    Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 2).
    """
    return float(np.abs(_gaps(confidences, right)).sum() / len(confidences))


def _gaps(confidences: Table, right: npt.NDArray[np.bool_]) -> Table:
    """By how much the confidences of every bin add up to more than its right samples."""
    bins = np.minimum((confidences * BINS).astype(np.int64), BINS - 1)
    return np.asarray(np.bincount(bins, weights=confidences - right, minlength=BINS), np.float64)
