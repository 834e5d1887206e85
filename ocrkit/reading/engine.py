"""Runs images through an assembled pipeline with its network: stages overlap, results come in
order."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from ocrkit.data.cache import CacheWriter, cache_key, cached_images, remove_entry
from ocrkit.data.datasets import Dataset
from ocrkit.errors import ImageError
from ocrkit.parts.guests import failure, guest, part_text
from ocrkit.parts.networks import Network
from ocrkit.parts.protocols import ListsTexts
from ocrkit.parts.values import Arrays, Decoded, Image, Sample, Skipped
from ocrkit.pipelines.assembly import Surroundings
from ocrkit.reading.calls import Calls, apart
from ocrkit.reading.decoded import check_decoded
from ocrkit.reading.larger import note
from ocrkit.reading.places import with_places
from ocrkit.reading.preparing import Prepared, prepare
from ocrkit.reading.values import Reading, Seconds, waited
from ocrkit.support.parallel import ordered_map

BATCH_SIZE = 64
WINDOW = 16
"""Batches whose images are sorted by width before they are cut, where it varies; a power of two."""
WINDOW_BYTES = 32 * 2**20
"""A window with so many bytes of images ends, however few they are."""
WIDER = 1.5
"""How much wider than a batch's narrowest image one may be: the network computes on zeros beside
all narrower ones."""
BATCH_PIXELS = 2**24
"""More pixels, with the zeros beside narrower images, are no batch: a network's maps take some
hundred bytes a pixel."""
PREPARED = 64
"""Images that are prepared ahead, beside windows that wait for the network; a batch, where that is
more."""
NO_INK = Decoded("", 1.0)
"""What is read from an image with nothing on it."""


@dataclass
class _Recognised:
    """A window of samples and what the network makes of them; numbers are indices into the
    window."""

    window: list[tuple[Sample, Prepared]]
    outputs: list[tuple[list[int], Arrays]]
    failed: dict[int, str]
    """Why the network has nothing to say of an image."""


@dataclass
class Recogniser:
    """An assembled pipeline with its network: what evaluation, transcription and validation in
    training have in common."""

    assembly: Surroundings
    network: Network
    threads: int = 0
    batch_size: int = BATCH_SIZE

    def __post_init__(self) -> None:
        self._calls = Calls(self.network)

    def listing(self, count: int) -> "Recogniser":
        """The same, on the same network, but with so many alternatives of each text at most, and at
        least what the decoder gives unasked."""
        decoder = self.assembly.decoder
        if count < 2 or not isinstance(decoder, ListsTexts):
            return self
        with guest("decoder", self.assembly.spec.decoder.use):
            other = decoder.listing(count)
        found = copy(self)
        found.assembly = replace(self.assembly, decoder=other)
        return found

    def may_go_on_after(self, count: int) -> bool:
        """Whether a run that stopped after so many samples can go on and read what it would have
        read without stopping.

        What a network computes differs in the last digits with the batch. Samples are read in
        batches or, where their width varies, in windows of some batches that are sorted by it: of
        1, 1, 2, 4, 8, and from then on 16 batches. So the first come soon, and where a window ends
        depends on the count, if not on memory, which ends one within.
        """
        batches, rest = divmod(count, self.batch_size)
        return not rest and (
            self.assembly.image.width is not None
            or batches % WINDOW == 0
            or batches in (1, 2, 4, 8)
        )

    def _windows(
        self, pairs: Iterator[tuple[Sample, Prepared]], done: int
    ) -> Iterator[list[tuple[Sample, Prepared]]]:
        """The samples that are read together, behind the first ones, which have been done."""
        window, held = [], 0
        for count, pair in enumerate(pairs, start=done + 1):
            window.append(pair)
            held += 0 if isinstance(pair[1].image, ImageError) else pair[1].image.nbytes
            if held >= WINDOW_BYTES or self.may_go_on_after(count):
                yield window
                window, held = [], 0
        if window:
            yield window

    def prepare(
        self, samples: Iterable[Sample], **asked: bool
    ) -> Iterator[tuple[Sample, Prepared]]:
        """Every sample with its preprocessed image, in order; images are read and preprocessed in
        threads, ahead. ``asked`` is as :func:`prepare` takes it."""
        return ordered_map(
            lambda sample: (sample, prepare(sample.load, self.assembly, **asked)),
            samples,
            self.threads,
            ahead=max(PREPARED, self.batch_size),
            at_first=self.batch_size,
        )

    def prepare_all(self, dataset: Dataset) -> Iterator[tuple[Sample, Prepared]]:
        """The same from the cache where it has the samples' images; else they go into it. It holds
        grey ones."""
        key = None
        if self.assembly.image.channels == 1:
            code = self.assembly.preprocessor.fingerprint()
            key = cache_key(dataset, dataset.fingerprint(), code)
        images = cached_images(key) if key else None
        done = 0
        if key and images is not None:
            with images:
                for sample, image in zip(dataset, images, strict=False):
                    yield sample, Prepared(image)
                    done += 1
            if done == len(dataset):
                return
            remove_entry(key)
        with CacheWriter(None if done else key) as writer:
            for sample, item in self.prepare(dataset.after(done)):
                writer.add(item.image)
                yield sample, item
            writer.commit()

    def read(self, load: Callable[[], Image], *, places: bool = False) -> Decoded:
        """What one image says, and with ``places`` where. Raises ImageError where it cannot be
        read."""
        prepared = prepare(load, self.assembly, places=places)
        if isinstance(prepared.image, ImageError):
            raise prepared.image
        recognised = self._recognise([(Sample("", None, None, load), prepared)], Seconds())
        (reading,) = self._decoded(recognised, Seconds())
        if isinstance(reading, Skipped):
            raise ImageError(reading.reason)
        return reading.decoded

    def outputs(self, dataset: Dataset) -> Iterator[tuple[Any, ...]]:
        """What the network says, a batch at a time: samples, and what a decoder is given of its
        outputs: with CTC log-probabilities (N, T, K) and lengths (N,).

        Samples that cannot be read, those without a text, and those without ink, which no decoder
        gets to see, are left out.
        """
        pairs = self.prepare_all(dataset)
        return self._said(pair for pair in pairs if pair[0].text is not None)

    def outputs_of(self, samples: Iterable[Sample]) -> Iterator[tuple[Any, ...]]:
        """The same of any samples, those without a text too; the cache is left alone."""
        return self._said(self.prepare(samples))

    def _said(self, pairs: Iterable[tuple[Sample, Prepared]]) -> Iterator[tuple[Any, ...]]:
        usable = (pair for pair in pairs if not pair[1].blank)
        while window := list(islice(usable, self.batch_size)):
            for numbers, outputs in self._recognise(window, Seconds()).outputs:
                given = self.assembly.objective.decoding(outputs)
                yield [window[number][0] for number in numbers], *given

    def readings(
        self, pairs: Iterator[tuple[Sample, Prepared]], seconds: Seconds, done: int = 0
    ) -> Iterator[Reading | Skipped]:
        """Every sample as it was read, or why it could not be, in order, behind the first ones,
        which have been ``done``.

        The network runs in threads of its own; meanwhile others prepare the next images, and the
        caller's decodes the last.
        """
        for window in self.window_readings(self._windows(pairs, done), seconds):
            yield from window

    def window_readings(
        self, windows: Iterator[list[tuple[Sample, Prepared]]], seconds: Seconds
    ) -> Iterator[list[Reading | Skipped]]:
        """The same of samples that somebody else has put together: those of every window, which are
        read together."""
        calls = self._calls.most
        recognised = ordered_map(
            partial(self._recognise, seconds=seconds),
            waited(windows, "wait_images", seconds),
            calls,
            ahead=calls,
            at_first=0,
        )
        for each in waited(recognised, "wait_network", seconds):
            yield list(self._decoded(each, seconds))
        seconds.wait_network -= seconds.wait_images  # which lies within it

    def _recognise(self, window: list[tuple[Sample, Prepared]], seconds: Seconds) -> _Recognised:
        """A window's images through the network, in batches of about one width."""
        images = {
            number: item.image
            for number, (_, item) in enumerate(window)
            if not isinstance(item.image, ImageError) and not item.blank
        }
        recognised = _Recognised(window, [], {})
        for batch in self._batches(images):
            recognised.outputs += apart(
                lambda numbers: self._run([images[number] for number in numbers], seconds),
                batch,
                recognised.failed,
                partial(failure, f"the network on backend {self.assembly.backend_name!r}"),
            )
        return recognised

    def _batches(self, images: Mapping[int, Image]) -> Iterator[list[int]]:
        """Batches of about one width: as many images as a batch has, but none much wider than the
        first, and together no more pixels than :data:`BATCH_PIXELS`."""
        batch: list[int] = []
        for number in sorted(images, key=lambda number: images[number].shape[1]):
            image = images[number]
            if batch and (
                len(batch) == self.batch_size
                or image.shape[1] > WIDER * images[batch[0]].shape[1]
                or (len(batch) + 1) * image.size > BATCH_PIXELS
            ):
                yield batch
                batch = []
            batch.append(number)
        if batch:
            yield batch

    def _run(self, images: Sequence[Image], seconds: Seconds) -> Arrays:
        inputs = self.assembly.make_batch(images)
        with self._calls.one(seconds):
            outputs = self.network.run(inputs)
        self.assembly.objective.check(outputs, len(images), self.assembly.alphabet)
        return outputs

    def _decoded(self, recognised: _Recognised, seconds: Seconds) -> Iterator[Reading | Skipped]:
        """A window's readings, in its order."""
        found: dict[int, Decoded] = {}
        for numbers, outputs in recognised.outputs:
            of_batch: dict[int, str] = {}
            parts = apart(
                lambda places: self._decode(  # called at once
                    {name: array[places] for name, array in outputs.items()},  # noqa: B023
                    seconds,
                ),
                list(range(len(numbers))),
                of_batch,
                lambda error: failure(part_text("decoder", self.assembly.spec.decoder.use), error),
            )
            found |= {
                numbers[place]: each
                for places, texts in parts
                for place, each in zip(places, texts, strict=True)
            }
            recognised.failed |= {numbers[place]: reason for place, reason in of_batch.items()}
        for number, (sample, item) in enumerate(recognised.window):
            seconds.read += item.read
            seconds.preprocess += item.preprocess
            if isinstance(item.image, ImageError):
                yield Skipped(sample.id, str(item.image))
            elif number in recognised.failed:
                yield Skipped(sample.id, recognised.failed[number])
            else:
                decoded = found.get(number, NO_INK)
                try:
                    if item.to_source:
                        stride = self.assembly.stride
                        decoded = with_places(decoded, item.image, stride, item.to_source)
                except ImageError as error:
                    yield Skipped(sample.id, str(error))
                else:
                    yield Reading(sample, item.image, decoded, note(item.shows, self.assembly.spec))

    def _decode(self, outputs: Arrays, seconds: Seconds) -> list[Decoded]:
        count = len(next(iter(outputs.values())))
        start = time.perf_counter()
        decoded = self.assembly.decode(outputs)
        seconds.decode += time.perf_counter() - start
        check_decoded(decoded, count)
        return decoded
