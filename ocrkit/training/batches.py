"""The batches of training: images that are read, augmented and preprocessed ahead, with what
is to be learnt of them."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocrkit.errors import ImageError
from ocrkit.parts.networks import Batch, Workers
from ocrkit.parts.values import Sample
from ocrkit.pipelines.assembly import Assembly
from ocrkit.reading.preparing import loaded
from ocrkit.support.parallel import AHEAD, ordered_map
from ocrkit.training.data import TrainingData
from ocrkit.training.placed import Placed, made_ready, targets_of
from ocrkit.training.randomness import AUGMENT, ORDER, WINDOW, random_at

SORTED = 32
"""Batches whose images are sorted by width together, where it varies: fewer columns are then spent
on padding."""

WIDEST = 40
"""How many heights wide a batch's images may be before it is computed in pieces: so one with a very
long line needs no more memory than one of long lines."""


def windows_of(batches: int, most: int) -> Iterator[tuple[int, int]]:
    """The first batch of every window of batches that are made together, and the first beyond it:
    windows are of 1, 2, 4, … and at last ``most`` batches, so that an epoch begins after one
    batch's images and not after many thousand."""
    first, size = 0, 1
    while first < batches:
        yield first, min(first + size, batches)
        first, size = first + size, min(2 * size, most)


@dataclass
class Batches:
    """Makes one worker's batches. ``report`` is told of every sample whose image cannot be used,
    once."""

    assembly: Assembly
    workers: Workers
    threads: int
    report: Callable[[dict[str, Any]], None]
    unreadable: dict[str, str] = field(default_factory=dict)
    """Why an image could not be used, by the sample's id."""

    def __post_init__(self) -> None:
        self.options = self.assembly.spec.training

    def in_epoch(self, data: TrainingData) -> int:
        """How many steps an epoch has."""
        return -(-len(data.samples) // self.options.batch_size)

    def of_epoch(self, data: TrainingData, epoch: int, done: int) -> Iterator[Batch | None]:
        """A batch of this worker's part for every step of an epoch but the first ``done``; None
        where no image can be read.

        Images are made ahead, in threads. Where their width varies, some chunks' images together
        are sorted by it and cut into as many batches, which come in random order.
        """
        if done == self.in_epoch(data):
            return
        size = self.options.batch_size
        order = random_at(self.options.seed, ORDER, epoch).permutation(len(data.samples))
        chunks = [order[first : first + size].tolist() for first in range(0, len(order), size)]
        most = 1 if self.assembly.plan.image.width else SORTED
        windows = {
            first: chunks[first:end] for first, end in windows_of(len(chunks), most) if end > done
        }
        mine = {
            first: [
                index
                for chunk in window
                for index in chunk[self.workers.index :: self.workers.count]
            ]
            for first, window in windows.items()
        }
        images = ordered_map(
            lambda index: self._image(data.samples[index], epoch, index),
            (index for indices in mine.values() for index in indices),
            self.threads,
            ahead=max(AHEAD, *map(len, mine.values())),
        )
        for first, indices in mine.items():
            window = windows[first]
            pairs = [
                (next(images), data.target(index, epoch), data.samples[index]) for index in indices
            ]
            kept: list[tuple[Any, Any]]
            kept = [
                (image, target)
                for image, target, sample in pairs
                if self._usable(image, target, sample)
            ]
            kept.sort(key=lambda pair: pair[0].image.shape[1])
            bounds = [len(kept) * part // len(window) for part in range(len(window) + 1)]
            shuffled = random_at(self.options.seed, WINDOW, epoch, first).permutation(len(window))
            for part in shuffled[max(0, done - first) :].tolist():
                batch = kept[bounds[part] : bounds[part + 1]]
                yield self._batch(batch) if batch else None

    def _image(self, sample: Sample, epoch: int, index: int) -> Placed | ImageError:
        """The augmented and preprocessed image, the same for the same seed, epoch and index; or why
        there is none."""
        try:
            rng = random_at(self.options.seed, AUGMENT, epoch, index)
            return made_ready(loaded(sample.load), self.assembly, rng)
        except ImageError as error:
            return error

    def _usable(self, image: Placed | ImageError, target: Any, sample: Sample) -> bool:
        if isinstance(image, ImageError):
            reason = str(image)
        else:
            steps = self.assembly.steps(image.image.shape[1])
            reason = self.assembly.objective.unfit(sample, target, steps)
        if reason:
            self.skip(sample, reason)
        return not reason

    def skip(self, sample: Sample, reason: str) -> None:
        """Tells of a sample whose image cannot be used, if it is for the first time."""
        if sample.id not in self.unreadable:
            self.unreadable[sample.id] = reason
            self.report({"event": "skipped", "id": sample.id, "reason": reason})

    def _batch(self, pairs: Sequence[tuple[Any, Any]]) -> Batch:
        placed, targets = [image for image, _ in pairs], [target for _, target in pairs]
        inputs = self.assembly.make_batch([each.image for each in placed])
        learnt = targets_of(self.assembly, targets, placed, inputs)
        pieces = self._pieces(len(placed), max(each.image.shape[1] for each in placed))
        return Batch(inputs, learnt, len(placed), pieces)

    def _pieces(self, count: int, width: int) -> int:
        """In how many pieces a batch of so many images, the widest so wide, is computed: one, or
        so many that none has more columns than a full batch of images as wide as
        :data:`WIDEST`."""
        full = -(-self.options.batch_size // self.workers.count)
        height = self.assembly.plan.image.height or width  # pages are about as high as wide
        return math.ceil(count * width / (full * WIDEST * height))
