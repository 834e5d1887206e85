"""The samples that a network is trained on, with their labels."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ocrkit.data.datasets import Dataset, open_dataset
from ocrkit.errors import ConfigError, DataError
from ocrkit.parts.characters import lacking, named
from ocrkit.parts.codec import steps_needed
from ocrkit.parts.values import Sample, Skipped
from ocrkit.pipelines.assembly import Assembly
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
            spec.reader, root=root, split=options.validation, only=only, exclude="", limit=limit
        )
        check_validation(assembly, validation)
    elif options.patience and not main.is_sample:
        raise ConfigError(
            ["training.patience: stopping early needs training.validation, the split to watch"]
        )
    return DataSets(main, [open_dataset(part, limit=limit) for part in spec.also], validation)


@dataclass(frozen=True)
class TrainingData:
    """Samples that can be trained on, with their labels, and those that cannot."""

    samples: list[Sample]
    labels: list[list[int]]
    skipped: list[Skipped]
    notes: list[str]
    """What is to be said of the texts: characters that the alphabet lacks, and other Unicode
    forms."""


def collect(assembly: Assembly, dataset: Dataset) -> TrainingData:
    """Labels of all samples. Those that the network can never write are left out, or refused, as
    ``training.unfit`` says.

    Raises DataError where nothing is left, or where a label is refused.
    """
    samples, labels, skipped = [], [], list(dataset.skipped)
    unfit: list[Skipped] = []
    texts: list[str] = []
    normalised = 0
    for sample in dataset:
        if sample.text is None:
            skipped.append(Skipped(sample.id, "has no text to train on"))
            continue
        text = assembly.alphabet.normalize(sample.text)
        texts.append(text)
        if unknown := assembly.alphabet.unknown(text):
            characters = ", ".join(map(named, unknown))
            unfit.append(Skipped(sample.id, f"{text!r} has {characters}, which the alphabet lacks"))
        elif too_long := too_long_for(text, assembly.plan.sequence.steps):
            unfit.append(Skipped(sample.id, too_long))
        else:
            samples.append(sample)
            labels.append(assembly.alphabet.encode(text))
            normalised += text != sample.text
    if unfit and assembly.spec.training.unfit == "refuse":
        raise DataError(
            f"{len(unfit)} labels cannot be learnt; the first: {unfit[0].id}: {unfit[0].reason}"
        )
    if not samples:
        first = (unfit + skipped)[0]
        raise DataError(
            f"{dataset.root}: no sample can be trained on; the first: {first.id}: {first.reason}"
        )
    notes = [
        note for note in (lacking(texts, assembly.alphabet), _in_another_form(normalised)) if note
    ]
    return TrainingData(samples, labels, skipped + unfit, notes)


def _in_another_form(count: int) -> str:
    texts = f"{count:,} texts are" if count > 1 else "1 text is"
    return (
        f"{texts} learnt in another Unicode form, in which the alphabet has all of their characters"
        if count
        else ""
    )


def joined(parts: Iterable[TrainingData]) -> TrainingData:
    """The samples of several data sets, one after another; every epoch shuffles them all
    together."""
    whole = TrainingData([], [], [], [])
    for part in parts:
        whole.samples.extend(part.samples)
        whole.labels.extend(part.labels)
        whole.skipped.extend(part.skipped)
        whole.notes.extend(part.notes)
    return whole


def too_long_for(text: str, steps: int | None) -> str:
    needed = steps_needed(text)
    return (
        f"{text!r} needs {needed} steps, the network has {steps}"
        if steps is not None and needed > steps
        else ""
    )
