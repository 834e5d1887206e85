"""Runs images through an assembled pipeline with its network: stages overlap, results come in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from ocrkit.assembly import Surroundings
from ocrkit.cache import CacheWriter, cache_key, cached_images
from ocrkit.errors import DataError, ImageError
from ocrkit.interfaces import (
    Decoded,
    FloatArray,
    Image,
    IntArray,
    Network,
    Sample,
    Skipped,
    TakesCallsTogether,
)
from ocrkit.parallel import ordered_map

if TYPE_CHECKING:  # what scores is imported by what scores: reading needs none of it
    from ocrkit.datasets import Dataset
    from ocrkit.evaluation import Outcome, Rules, Scorer

BATCH_SIZE = 64
WINDOW = 16
"""Batches whose images are sorted by width before they are cut, where it varies."""
_T = TypeVar("_T")


@dataclass
class Seconds:
    """Seconds by stage. Stages overlap, and reading and preprocessing add up all threads, so they may exceed the total.

    ``wait_images`` and ``wait_network``: how long a run stood still until images had been read, and until the network was
    through with them. What it waited for longest is what bounds it.
    """

    total: float = 0.0
    read: float = 0.0
    preprocess: float = 0.0
    network: float = 0.0
    decode: float = 0.0
    score: float = 0.0
    wait_images: float = 0.0
    wait_network: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One evaluated sample: the sample, the image as the network saw it, and what was read."""

    sample: Sample
    image: Image
    decoded: Decoded

    @property
    def outcome(self) -> Outcome:
        from ocrkit.evaluation import Outcome

        sample, decoded = self.sample, self.decoded
        return Outcome(sample.id, sample.text or "", decoded.text, sample.writer, sample.form, decoded.confidence)


@dataclass
class _Prepared:
    """A preprocessed image or its error, with the seconds that it took."""

    image: Image | ImageError
    read: float = 0.0
    preprocess: float = 0.0


_Recognised = tuple[list[tuple[Sample, _Prepared]], list[tuple[list[int], FloatArray, IntArray]]]
"""A window's samples, and batches of the network's outputs: indices into the window, log-probabilities, lengths."""


def _waited(items: Iterator[_T], stage: str, seconds: Seconds) -> Iterator[_T]:
    """The items, with the time that passes until they come added to the seconds."""
    while True:
        start = time.perf_counter()
        try:
            item = next(items)
        except StopIteration:
            return
        finally:
            setattr(seconds, stage, getattr(seconds, stage) + time.perf_counter() - start)
        yield item


class _Calls:
    """Lets as many threads at a time call a network as it takes, and measures for how long any of them does."""

    def __init__(self, network: Network) -> None:
        self.most = network.callers if isinstance(network, TakesCallsTogether) else 1
        self._places = threading.Semaphore(self.most)
        self._lock = threading.Lock()
        self._inside = 0
        self._since = 0.0

    @contextmanager
    def one(self, seconds: Seconds) -> Iterator[None]:
        """A call; it waits until there is a place for it."""
        with self._places:
            with self._lock:
                self._since = self._since if self._inside else time.perf_counter()
                self._inside += 1
            try:
                yield
            finally:
                with self._lock:
                    self._inside -= 1
                    if not self._inside:
                        seconds.network += time.perf_counter() - self._since


@dataclass
class Recogniser:
    """An assembled pipeline with its network: what evaluation, transcription and validation in training have in common."""

    assembly: Surroundings
    network: Network
    threads: int = 0
    batch_size: int = BATCH_SIZE

    def __post_init__(self) -> None:
        self._calls = _Calls(self.network)

    def _prepare(self, load: Callable[[], Image]) -> _Prepared:
        start = time.perf_counter()
        try:
            image = load()
            loaded = time.perf_counter()
            return _Prepared(self.assembly.preprocessor(image), loaded - start, time.perf_counter() - loaded)
        except ImageError as error:
            return _Prepared(error, time.perf_counter() - start)

    @property
    def window(self) -> int:
        """How many samples are read together: a batch, or, where the width varies, several that are sorted by it."""
        return self.batch_size * (1 if self.assembly.image.width else WINDOW)

    def prepare(self, samples: Iterable[Sample]) -> Iterator[tuple[Sample, _Prepared]]:
        """Every sample with its preprocessed image, in order; images are read and preprocessed in threads, ahead."""
        return ordered_map(lambda sample: (sample, self._prepare(sample.load)), samples, self.threads)

    def prepare_all(self, dataset: Dataset) -> Iterator[tuple[Sample, _Prepared]]:
        """The same from the cache where it has the samples' images; else they go into it."""
        key = cache_key(dataset, dataset.fingerprint(), self.assembly.preprocessor.fingerprint())
        images = cached_images(key) if key else None
        if images is not None:
            with images:
                yield from zip(dataset, map(_Prepared, images), strict=True)
            return
        with CacheWriter(key) as writer:
            for sample, item in self.prepare(dataset):
                writer.add(item.image)
                yield sample, item
            writer.commit()

    def decode(self, images: Sequence[Image], seconds: Seconds) -> list[Decoded]:
        """What preprocessed images say."""
        return self._decode(*self._predict(images, seconds), seconds)

    def _predict(self, images: Sequence[Image], seconds: Seconds) -> tuple[FloatArray, IntArray]:
        with self._calls.one(seconds):
            return self.network.predict(*self.assembly.make_batch(images))

    def _decode(self, log_probs: FloatArray, lengths: IntArray, seconds: Seconds) -> list[Decoded]:
        start = time.perf_counter()
        decoded = self.assembly.decoder(log_probs, lengths, self.assembly.alphabet)
        seconds.decode += time.perf_counter() - start
        return decoded

    def outputs(self, dataset: Dataset) -> Iterator[tuple[list[Sample], FloatArray, IntArray]]:
        """What the network says, a batch at a time: samples, log-probabilities (N, T, K), lengths (N,).

        Samples that cannot be read, and those without a text, are left out.
        """
        pairs = ((sample, item.image) for sample, item in self.prepare_all(dataset))
        usable = ((sample, image) for sample, image in pairs if sample.text is not None and not isinstance(image, ImageError))
        while batch := list(islice(usable, self.batch_size)):
            yield [sample for sample, _ in batch], *self._predict([image for _, image in batch], Seconds())

    def readings(self, pairs: Iterator[tuple[Sample, _Prepared]], seconds: Seconds) -> Iterator[Reading | Skipped]:
        """Every sample as it was read, or why it could not be, in order.

        The network runs in threads of its own; meanwhile others prepare the next images, and the caller's decodes the last.
        """
        windows, calls = iter(lambda: list(islice(pairs, self.window)), []), self._calls.most
        recognised = ordered_map(
            partial(self._recognise, seconds=seconds), _waited(windows, "wait_images", seconds), calls, ahead=calls
        )
        for window, batches in _waited(recognised, "wait_network", seconds):
            decoded: dict[int, Decoded] = {}
            for indices, log_probs, lengths in batches:
                decoded |= zip(indices, self._decode(log_probs, lengths, seconds), strict=True)
            for index, (sample, item) in enumerate(window):
                seconds.read += item.read
                seconds.preprocess += item.preprocess
                if isinstance(item.image, ImageError):
                    yield Skipped(sample.id, str(item.image))
                else:
                    yield Reading(sample, item.image, decoded[index])
        seconds.wait_network -= seconds.wait_images  # which lies within it

    def _recognise(self, window: list[tuple[Sample, _Prepared]], seconds: Seconds) -> _Recognised:
        """A window's images through the network, in batches of about one width."""
        images = {index: item.image for index, (_, item) in enumerate(window) if not isinstance(item.image, ImageError)}
        order = sorted(images, key=lambda index: images[index].shape[1])
        batches = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        return window, [(batch, *self._predict([images[index] for index in batch], seconds)) for batch in batches]

    def evaluate(
        self,
        dataset: Dataset,
        on_reading: Callable[[Reading | Skipped], None] = lambda _: None,
        earlier: Iterable[Outcome | Skipped] = (),
        rules: Rules | None = None,
    ) -> tuple[Scorer, list[Skipped], Seconds]:
        """Scores of all samples, those that could not be used, and seconds by stage.

        ``on_reading`` is told of every sample as it comes. ``earlier`` is what became of the first samples in a run that was
        interrupted; they are scored, but not read again. Raises DataError where no sample can be scored.
        """
        from ocrkit.evaluation import RAW, Scorer

        seconds, start = Seconds(), time.perf_counter()
        scorer, skipped = Scorer(self.assembly.metrics, rules or RAW), list(dataset.skipped)
        done = 0
        for outcome in earlier:
            done += 1
            if isinstance(outcome, Skipped):
                skipped.append(outcome)
            else:
                scorer.add(outcome)
        for reading in self.readings(self.prepare_all(dataset.after(done)), seconds):
            if isinstance(reading, Reading) and reading.sample.text is None:
                reading = Skipped(reading.sample.id, "has no text to compare with")
            if isinstance(reading, Skipped):
                skipped.append(reading)
            else:
                before = time.perf_counter()
                scorer.add(reading.outcome)
                seconds.score += time.perf_counter() - before
            on_reading(reading)
        if not len(scorer):
            if scorer.left_out:
                raise DataError(f"{dataset.root}: all {scorer.left_out:,} samples are left out as punctuation")
            first = skipped[0]
            raise DataError(
                f"{dataset.root}: none of {len(skipped)} samples can be used; the first: {first.id}: {first.reason}"
            )
        seconds.total = time.perf_counter() - start
        return scorer, skipped, seconds
