"""Reads a data set and scores what was read."""

import time
from collections.abc import Callable, Iterable

from ocrkit.data.datasets import Dataset
from ocrkit.errors import DataError, PluginError
from ocrkit.parts.values import Skipped
from ocrkit.reading.engine import Recogniser
from ocrkit.reading.values import Reading, Seconds
from ocrkit.scoring.rules import RAW, Outcome, Rules
from ocrkit.scoring.scores import Scorer


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
    seconds, start = Seconds(), time.perf_counter()
    scorer, skipped = Scorer(recogniser.assembly.metrics, rules), list(dataset.skipped)
    done = 0
    for before in earlier:
        done += 1
        if isinstance(before, Skipped):
            skipped.append(before)
        else:
            scorer.add(before)
    images = recogniser.prepare_all(dataset.after(done))
    for reading in recogniser.readings(images, seconds, done):
        told = _scored(reading, scorer, seconds)
        if isinstance(told, Skipped):
            skipped.append(told)
        on_reading(told)
    if not len(scorer):
        raise DataError(_nothing(dataset, scorer, skipped))
    seconds.total = time.perf_counter() - start
    return scorer, skipped, seconds


def _scored(reading: Reading | Skipped, scorer: Scorer, seconds: Seconds) -> Reading | Skipped:
    """The reading, which has been added to the scores; or why it could not be."""
    if isinstance(reading, Skipped):
        return reading
    if reading.sample.text is None:
        return Skipped(reading.sample.id, "has no text to compare with")
    start = time.perf_counter()
    try:
        scorer.add(outcome(reading))
    except PluginError as error:
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
