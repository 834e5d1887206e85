"""The share of samples that were read without a mistake."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Exact:
    """Samples whose prediction is the reference, over all samples."""

    higher_is_better: ClassVar[bool] = True

    def counts(self, reference: str, prediction: str, /) -> tuple[float, float]:
        return float(prediction == reference), 1.0
