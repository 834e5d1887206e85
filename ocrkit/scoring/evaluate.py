"""Reads a data set and scores what was read."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ocrkit.data.datasets import Dataset
from ocrkit.errors import DataError, PluginError
from ocrkit.parts.values import Skipped
from ocrkit.reading.engine import Recogniser
from ocrkit.reading.page_readings import PageReading, PageSeconds
from ocrkit.reading.pages import PageReader
from ocrkit.reading.values import Reading, Seconds
from ocrkit.scoring.result_rows import page_outcome
from ocrkit.scoring.rules import RAW, Outcome, Rules
from ocrkit.scoring.scores import Scorer

_Read = TypeVar("_Read", Reading, PageReading)


def outcome(reading: Reading) -> Outcome:
    """What is compared of a reading."""
    sample, decoded = reading.sample, reading.decoded
    return Outcome(
        sample.id,
        sample.text or "",
        decoded.text,
        sample.writer,
        sample.form,
        decoded.confidence,
    )


def evaluate(
    recogniser: Recogniser,
    dataset: Dataset,
    on_reading: Callable[[Reading | Skipped], None] = lambda _: None,
    earlier: Iterable[Outcome | Skipped] = (),
    rules: Rules = RAW,
) -> tuple[Scorer, list[Skipped], Seconds]:
    """Scores of all samples, those that could not be used, and seconds by stage.

    ``on_reading`` is told of every sample as it comes. ``earlier`` is what became of the first
    samples in a run that was interrupted; they are scored, but not read again. Raises DataError
    where no sample can be scored.
    """
    seconds = Seconds()

    def readings(done: int) -> Iterator[Reading | Skipped]:
        images = recogniser.prepare_all(dataset.after(done))
        return recogniser.readings(images, seconds, done)

    scorer = Scorer(recogniser.assembly.metrics, rules)
    skipped = _evaluated(
        readings=readings,
        outcome_of=outcome,
        scorer=scorer,
        seconds=seconds,
        dataset=dataset,
        on_reading=on_reading,
        earlier=earlier,
    )
    return scorer, skipped, seconds


def evaluate_pages(
    reader: PageReader,
    dataset: Dataset,
    on_reading: Callable[[PageReading | Skipped], None] = lambda _: None,
    earlier: Iterable[Outcome | Skipped] = (),
    rules: Rules = RAW,
) -> tuple[Scorer, list[Skipped], PageSeconds]:
    """The same of pages."""
    seconds = PageSeconds()

    def readings(done: int) -> Iterator[PageReading | Skipped]:
        return reader.readings(dataset.after(done), seconds, done)

    def outcome_of(reading: PageReading) -> Outcome:
        return page_outcome(reading.sample, reading.page)

    scorer = Scorer(reader.assembly.metrics, rules)
    skipped = _evaluated(
        readings=readings,
        outcome_of=outcome_of,
        scorer=scorer,
        seconds=seconds,
        dataset=dataset,
        on_reading=on_reading,
        earlier=earlier,
    )
    return scorer, skipped, seconds


def _evaluated(
    *,
    readings: Callable[[int], Iterator[_Read | Skipped]],
    outcome_of: Callable[[_Read], Outcome],
    scorer: Scorer,
    seconds: Seconds,
    dataset: Dataset,
    on_reading: Callable[[_Read | Skipped], None],
    earlier: Iterable[Outcome | Skipped],
) -> list[Skipped]:
    """Adds all samples to the scores, and gives those that could not be used. ``readings`` are of
    the samples behind so many first ones."""
    start, skipped, done = time.perf_counter(), list(dataset.skipped), 0
    for before in earlier:
        done += 1
        if isinstance(before, Skipped):
            skipped.append(before)
        else:
            scorer.add(before)
    for reading in readings(done):
        told = reading
        if not isinstance(reading, Skipped):
            told = _scored(reading, outcome_of, scorer, seconds)
        if isinstance(told, Skipped):
            skipped.append(told)
        on_reading(told)
    if not len(scorer):
        raise DataError(_nothing(dataset, scorer, skipped))
    seconds.total = time.perf_counter() - start
    return skipped


def _scored(
    reading: _Read, outcome_of: Callable[[_Read], Outcome], scorer: Scorer, seconds: Seconds
) -> _Read | Skipped:
    """The reading, which has been added to the scores; or why it could not be."""
    if reading.sample.text is None:
        return Skipped(reading.sample.id, "has no text to compare with")
    start = time.perf_counter()
    try:
        scorer.add(outcome_of(reading))
    except (PluginError, ValueError) as error:
        return Skipped(reading.sample.id, str(error))
    finally:
        seconds.score += time.perf_counter() - start
    return reading


def _nothing(dataset: Dataset, scorer: Scorer, skipped: list[Skipped]) -> str:
    """Why no sample could be scored."""
    if scorer.left_out:
        return f"{dataset.root}: all {scorer.left_out:,} samples are left out as punctuation"
    first = skipped[0]
    return (
        f"{dataset.root}: none of {len(skipped)} samples can be used; the first: "
        f"{first.id}: {first.reason}"
    )
