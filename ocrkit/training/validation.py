"""The validation split: whether it can choose the best epoch."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import numpy as np

from ocrkit.data.datasets import Dataset
from ocrkit.errors import DataError, ImageError, UnfitError
from ocrkit.parts.networks import Network
from ocrkit.parts.values import Sample, Skipped
from ocrkit.pipelines.assembly import Assembly
from ocrkit.reading.engine import BATCH_SIZE, Recogniser
from ocrkit.reading.preparing import prepare
from ocrkit.scoring.evaluate import evaluate
from ocrkit.scoring.rules import Rules


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
        sample for sample in labelled if metric.counts(sample.text or "", sample.text or "")[1]
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
    while batch := list(islice(samples, BATCH_SIZE)):
        images, targets = [], []
        for sample in batch:
            target, image = _target(assembly, sample), prepare(sample.load, assembly).image
            if isinstance(image, ImageError) or target is None:
                lacks = f"has no {assembly.objective.truth}"
                unusable.append(Skipped(sample.id, lacks if target is None else str(image)))
            else:
                images.append(image)
                targets.append(target)
        if images:
            inputs = assembly.make_batch(images)
            outputs = network.run(inputs)
            made = assembly.objective.targets(targets, images, inputs)
            for name, counts in assembly.objective.score(outputs, inputs, made).items():
                sums[name] += counts
    scores = {name: counts.tolist() for name, counts in sums.items()}
    return {
        name: above / below if below else None for name, (above, below) in scores.items()
    }, unusable
