"""The validation split: whether it can choose the best epoch."""

from ocrkit.data.datasets import Dataset
from ocrkit.errors import DataError, ImageError
from ocrkit.parts.values import Sample, Skipped
from ocrkit.pipelines.assembly import Assembly
from ocrkit.reading.engine import Recogniser
from ocrkit.reading.preparing import prepare
from ocrkit.scoring.evaluate import evaluate
from ocrkit.scoring.rules import Rules


def choosing_metric(assembly: Assembly) -> str:
    """The metric by which the best epoch is chosen."""
    return assembly.spec.training.metric or next(iter(assembly.metrics))


def check_validation(assembly: Assembly, validation: Dataset) -> None:
    """Raises DataError where no sample of the split can be scored, before hours are spent on what
    could not choose."""
    where = f"{validation.root}: validation split {validation.split!r}"
    labelled = [sample for sample in validation if sample.text is not None]
    if not labelled:
        raise DataError(
            f"{where}: none of {len(validation):,} images has a text, so it cannot choose the best "
            "epoch; "
            "add texts, or train without: training.validation="
        )
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
    reason = ""
    for sample in counted:
        reason = _unreadable(assembly, sample)
        if not reason:
            return
    raise DataError(
        f"{where}: none of {len(counted):,} images can be read; the last: {counted[-1].id}: "
        f"{reason}"
    )


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
