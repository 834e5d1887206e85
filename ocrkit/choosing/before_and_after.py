"""What a model that was taught reads better than before."""

from pathlib import Path
from typing import Any

from ocrkit.choosing.own_data import ENOUGH
from ocrkit.data.datasets import open_dataset
from ocrkit.parts.options import make_part
from ocrkit.parts.values import Skipped
from ocrkit.pipeline import load_text
from ocrkit.pipelines.file import load_spec
from ocrkit.scoring.comparison import Comparison, compare
from ocrkit.scoring.evaluate import outcome
from ocrkit.scoring.rules import Outcome, Rules


def before_and_after(
    pipeline: str, out: Path, threads: int, *, by_document: bool
) -> tuple[Comparison, str]:
    """The model as it was and as it is now, on the samples to measure by, and the metric's name.
    Documents are the clusters where the samples were split by them and there are enough."""
    after = load_spec(out)
    name = after.training.metric or next(iter(after.metrics))
    runs = [_outcomes(source, out, threads) for source in (pipeline, str(out))]
    documents = {each.form for each in runs[0]}
    if not by_document or len(documents) < ENOUGH:
        runs = [[_alone(each) for each in run] for run in runs]
    metric = make_part(after.metrics[name])
    return compare(runs[0], runs[1], {name: metric}, Rules(unicode="NFC")), name


def _outcomes(source: str, out: Path, threads: int) -> list[Outcome]:
    """What a pipeline makes of the samples that the new model is measured by."""
    of_run, found = load_spec(out), list[Outcome]()

    def listen(reading: Any) -> None:
        if not isinstance(reading, Skipped):
            found.append(outcome(reading))

    with load_text(source, threads=threads) as pipeline:
        dataset = open_dataset(of_run.reader, cutter=of_run.cutter)
        pipeline.evaluate(dataset=dataset, on_reading=listen, rules=Rules(unicode="NFC"))
    return found


def _alone(each: Outcome) -> Outcome:
    """An outcome that is a cluster of its own: it is this hand that is learnt, so that its other
    samples, and not other hands, are what may turn out otherwise."""
    return Outcome(each.id, each.reference, each.prediction, None, None, each.confidence)
