"""The result of scoring a pipeline, or a result file."""

from dataclasses import asdict, dataclass
from typing import Any

from ocrkit.reading.values import Seconds
from ocrkit.scoring.bootstrap import Score
from ocrkit.scoring.confidence import Confidence, Kept
from ocrkit.scoring.contamination import Contamination
from ocrkit.scoring.rules import Rules
from ocrkit.scoring.scores import Details, Scorer


@dataclass(frozen=True, kw_only=True)
class Result:
    """An evaluation, as ``ocrkit run --json`` prints it."""

    pipeline: str
    backend: str
    device: str
    dataset: dict[str, Any]
    samples: int
    metrics: dict[str, Score]
    seconds: Seconds | None
    """None, as ``samples_per_second``, where a result file is scored again."""
    samples_per_second: float | None
    versions: dict[str, str]
    rules: Rules
    left_out: int = 0
    """Samples that do not count by the rules."""
    confidence: Confidence | None = None
    """None where the decoder gives no confidences."""
    kept: Kept | None = None
    """What is left where the samples below a confidence that somebody has named are put aside."""
    contamination: Contamination | None = None
    """None where no form is known to have been trained on or chosen by."""
    details: Details
    higher_is_better: dict[str, bool]
    """By metric."""

    def as_json(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in ("details", "higher_is_better")
        }


def found_by(scorer: Scorer, min_confidence: float | None) -> dict[str, Any]:
    """The fields of a :class:`Result` that a scorer knows."""
    return {
        "samples": len(scorer),
        "metrics": scorer.result(),
        "rules": scorer.rules,
        "left_out": scorer.left_out,
        "confidence": scorer.confidence(),
        "kept": None if min_confidence is None else scorer.kept(min_confidence),
        "details": scorer.details(),
        "higher_is_better": {
            name: metric.higher_is_better for name, metric in scorer.metrics.items()
        },
    }
