"""The validation split: whether it can choose the best epoch."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

import numpy as np

from ocrkit.data.datasets import Dataset
from ocrkit.errors import DataError, ImageError, UnfitError
from ocrkit.parts.networks import Network, Workers
from ocrkit.parts.values import Sample, Skipped
from ocrkit.pipelines.assembly import Assembly
from ocrkit.reading.engine import BATCH_SIZE, Recogniser
from ocrkit.reading.preparing import loaded, prepare
from ocrkit.scoring.counts import counts_of
from ocrkit.scoring.evaluate import evaluate
from ocrkit.scoring.rules import Outcome, Rules
from ocrkit.training.averaging import Average
from ocrkit.training.placed import made_ready, targets_of
from ocrkit.training.progress import Progress

FEW = 8
"""Pages that are scored together: a page's maps take some hundred bytes a pixel."""


def choosing_metric(assembly: Assembly) -> str:
    """The metric, or score of the objective, by which the best epoch is chosen."""
    return assembly.spec.training.metric or next(iter((*assembly.metrics, *_own(assembly))))


def higher_is_better(assembly: Assembly, name: str) -> bool:
    """Whether more of a metric, or of a score of the objective, is better."""
    if name in assembly.metrics:
        return assembly.metrics[name].higher_is_better
    return _own(assembly)[name]


def _own(assembly: Assembly) -> Mapping[str, bool]:
    scores: Mapping[str, bool] = assembly.objective.scores
    return scores


def check_validation(assembly: Assembly, validation: Dataset) -> None:
    """Raises DataError where no sample of the split can be scored, before hours are spent on what
    could not choose."""
    where = f"{validation.root}: validation split {validation.split!r}"
    objective = assembly.objective
    labelled = [each for each in validation if _target(assembly, each) is not None]
    if not labelled:
        raise DataError(
            f"{where}: none of {len(validation):,} images has a {objective.truth}, so it cannot "
            f"choose the best epoch; add {objective.truth}s, or train without: training.validation="
        )
    counted = labelled
    if assembly.spec.task == "text":
        counted = _counted(assembly, labelled, where)
    reason = ""
    for sample in counted:
        reason = _unreadable(assembly, sample)
        if not reason:
            return
    raise DataError(
        f"{where}: none of {len(counted):,} images can be read; the last: {counted[-1].id}: "
        f"{reason}"
    )


def _target(assembly: Assembly, sample: Sample) -> Any:
    """What is to be learnt of a sample; of text, the text, whatever characters it has."""
    if assembly.spec.task == "text":
        return sample.text
    try:
        return assembly.objective.target(sample, assembly.alphabet)
    except UnfitError:
        return None


def _counted(assembly: Assembly, labelled: list[Sample], where: str) -> list[Sample]:
    """The samples whose text counts with the metric that chooses. Raises DataError for none."""
    name = choosing_metric(assembly)
    metric = assembly.metrics[name]
    counted = [
        sample
        for sample in labelled
        if counts_of(name, metric, Outcome(sample.id, sample.text or "", sample.text or ""))[1]
    ]
    if not counted:
        raise DataError(
            f"{where}: {name} has no value on its {len(labelled):,} texts, so it cannot choose the "
            "best epoch"
        )
    return counted


def _unreadable(assembly: Assembly, sample: Sample) -> str:
    image = prepare(sample.load, assembly).image
    return str(image) if isinstance(image, ImageError) else ""


class Validation:
    """Scores a network on the validation split, and says whether it is the best so far."""

    def __init__(
        self,
        assembly: Assembly,
        network: Network,
        workers: Workers,
        threads: int,
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self._assembly = assembly
        self._network = network
        self._workers = workers
        self._threads = threads
        self._report = report
        self._told_of_unusable = False

    def __call__(
        self, validation: Dataset, average: Average, progress: Progress
    ) -> tuple[dict[str, float | None], bool]:
        """Scores of the averaged weights, if there are any, none for the workers that wait for the
        first one's; and whether they are the best, which is noted."""
        self._report({"event": "validate"})
        metric = choosing_metric(self._assembly)
        scores: dict[str, float | None] = {}
        if not self._workers.index:
            with average.in_network():
                scores, unusable = self._scored(validation)
            if unusable and not self._told_of_unusable:
                self._told_of_unusable = True
                self._report(
                    {"event": "unscored", "samples": len(unusable), "first": asdict(unusable[0])}
                )
            if scores[metric] is None:
                raise DataError(
                    f"{metric} has no value on the validation split, so it cannot choose the best "
                    "epoch"
                )
        score, best = self._workers.from_first(scores.get(metric) or 0.0), progress.best_score
        higher = higher_is_better(self._assembly, metric)
        improved = best is None or (score > best if higher else score < best)
        if improved:
            progress.best_score = score
        return scores, improved

    def _scored(self, validation: Dataset) -> tuple[dict[str, float | None], list[Skipped]]:
        if self._assembly.spec.task == "text":
            return scored(Recogniser(self._assembly, self._network, self._threads), validation)
        return scored_outputs(self._assembly, self._network, validation)


def scored(
    reader: Recogniser, validation: Dataset
) -> tuple[dict[str, float | None], list[Skipped]]:
    """The network's scores by metric, None where one has no value, and the samples that could not
    be scored.

    Texts are compared in Unicode's form NFC, whichever form the labels and the alphabet are in.
    """
    scorer, unusable, _ = evaluate(reader, validation, rules=Rules(unicode="NFC"))
    return {name: score.value for name, score in scorer.result().items()}, unusable


def scored_outputs(
    assembly: Assembly, network: Network, validation: Dataset
) -> tuple[dict[str, float | None], list[Skipped]]:
    """The same where no text is read: the objective's own scores of the network's outputs."""
    sums = {name: np.zeros(2) for name in assembly.objective.scores}
    unusable: list[Skipped] = []
    samples = iter(validation)
    while batch := list(islice(samples, BATCH_SIZE if assembly.image.height else FEW)):
        images, targets = [], []
        for sample in batch:
            target = _target(assembly, sample)
            try:
                if target is None:
                    raise ImageError(f"has no {assembly.objective.truth}")
                images.append(made_ready(loaded(sample.load), assembly, None))
                targets.append(target)
            except ImageError as error:
                unusable.append(Skipped(sample.id, str(error)))
        for numbers in assembly.together([each.image for each in images]):
            some = [images[number] for number in numbers]
            inputs = assembly.make_batch([each.image for each in some])
            made = targets_of(assembly, [targets[number] for number in numbers], some, inputs)
            scores = assembly.objective.score(network.run(inputs), inputs, made)
            for name, counts in scores.items():
                sums[name] += counts
    values = {name: counts.tolist() for name, counts in sums.items()}
    return {
        name: above / below if below else None for name, (above, below) in values.items()
    }, unusable
