"""What metrics count of a sample."""

import math
from typing import Any

from ocrkit.errors import PluginError
from ocrkit.parts.guests import failure
from ocrkit.parts.page_protocols import PageMetric
from ocrkit.parts.protocols import Metric
from ocrkit.parts.registry import registry
from ocrkit.scoring.rules import Outcome


def full_name(metric: str) -> str:
    """A metric's full name, which is what its summary says before the colon; its own where the
    pipeline has named it."""
    try:
        summary = registry().get("metric", metric).summary
    except PluginError:
        return metric
    return summary.partition(":")[0] or metric


def counts_of(name: str, metric: Metric | PageMetric, outcome: Outcome) -> tuple[float, float]:
    """What a metric counts of an outcome. Raises PluginError, whatever the metric raises, or where
    it gives no numbers."""
    try:
        compared: tuple[Any, Any] = outcome.reference, outcome.prediction
        if hasattr(metric, "takes_pages"):  # isinstance takes longer than most metrics
            if outcome.pages is None:
                raise ValueError(f"it scores pages; {outcome.id} is none")
            compared = outcome.pages
        share, of = metric.counts(*compared)
        if not (math.isfinite(share) and math.isfinite(of)):
            raise ValueError(f"it gave {share!r} and {of!r}; expected two numbers")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(failure(f"metric {name!r}", error)) from error
    return float(share), float(of)
