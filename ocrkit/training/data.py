"""The samples that a network is trained on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocrkit.data.datasets import Dataset, open_dataset
from ocrkit.errors import ConfigError, DataError, UnfitError
from ocrkit.parts.values import Sample, Skipped
from ocrkit.pipelines.assembly import Assembly
from ocrkit.training.teaching import Readings, Taught, taught
from ocrkit.training.validation import check_validation


@dataclass(frozen=True)
class DataSets:
    """What a run is trained on and validated on."""

    main: Dataset
    also: list[Dataset]
    validation: Dataset | None


def open_data(
    assembly: Assembly, root: str | Path | None, split: str | None, limit: int | None
) -> DataSets:
    """The data sets that ``[training]`` names. Raises DataError where one cannot be used,
    ConfigError for options."""
    spec, options = assembly.spec, assembly.spec.training
    main = open_dataset(
        spec.reader,
        cutter=spec.cutter,
        root=root,
        split=split or options.split,
        only=options.only,
        exclude=options.exclude,
        limit=limit,
    )
    validation = None
    if options.validation and not main.is_sample:
        only = options.validation_only
        validation = open_dataset(
            spec.reader,
            cutter=spec.cutter,
            root=root,
            split=options.validation,
            only=only,
            exclude="",
            limit=limit,
        )
        check_validation(assembly, validation)
    elif options.patience and not main.is_sample:
        raise ConfigError(
            ["training.patience: stopping early needs training.validation, the split to watch"]
        )
    also = [open_dataset(part, cutter=spec.cutter, limit=limit) for part in spec.also]
    return DataSets(main, also, validation)


@dataclass(frozen=True)
class TrainingData:
    """Samples that can be trained on, and those that cannot."""

    samples: list[Sample]
    targets: list[Any]
    """What is to be learnt of each, as the objective says it."""
    skipped: list[Skipped]
    notes: list[str]
    """What is to be said of the data, a line each."""
    taught: Taught | None = None
    """What a teacher says of the same samples."""

    def target(self, index: int, epoch: int) -> Any:
        """What this sample learns in this epoch."""
        return self.taught.target(index, epoch) if self.taught else self.targets[index]

    def taught_by(self, assembly: Assembly, readings: Sequence[Readings]) -> "TrainingData":
        """The same with what a teacher read. Raises DataError where nothing is left."""
        kept, learnt, skipped = taught(assembly, self.samples, self.targets, readings)
        if not kept:
            first = skipped[0]
            raise DataError(f"no sample can be trained on; the first: {first.id}: {first.reason}")
        samples = [self.samples[number] for number in kept]
        return TrainingData(samples, learnt.targets, self.skipped + skipped, self.notes, learnt)


def collect(assembly: Assembly, dataset: Dataset) -> TrainingData:
    """What is to be learnt of all samples. Those that the network can never learn are left out, or
    refused, as ``training.unfit`` says.

    Raises DataError where nothing is left, or where a sample is refused.
    """
    objective, alphabet = assembly.objective, assembly.alphabet
    steps = assembly.steps(assembly.image.width)
    samples, targets, skipped = [], [], list(dataset.skipped)
    unfit: list[Skipped] = []
    for sample in dataset:
        try:
            target = objective.target(sample, alphabet)
            if target is None and not assembly.spec.training.teacher:
                skipped.append(Skipped(sample.id, f"has no {objective.truth} to train on"))
                continue
            reason = "" if target is None else objective.unfit(sample, target, steps)
        except UnfitError as error:
            reason = str(error)
        if reason:
            unfit.append(Skipped(sample.id, reason))
        else:
            samples.append(sample)
            targets.append(target)
    if unfit and assembly.spec.training.unfit == "refuse":
        raise DataError(
            f"{len(unfit)} labels cannot be learnt; the first: {unfit[0].id}: {unfit[0].reason}"
        )
    if not samples:
        first = (unfit + skipped)[0]
        raise DataError(
            f"{dataset.root}: no sample can be trained on; the first: {first.id}: {first.reason}"
        )
    notes = objective.notes(list(dataset), samples, alphabet)
    return TrainingData(samples, targets, skipped + unfit, notes)


def joined(parts: Iterable[TrainingData]) -> TrainingData:
    """The samples of several data sets, one after another; every epoch shuffles them all
    together."""
    whole = TrainingData([], [], [], [])
    for part in parts:
        whole.samples.extend(part.samples)
        whole.targets.extend(part.targets)
        whole.skipped.extend(part.skipped)
        whole.notes.extend(part.notes)
    return whole
