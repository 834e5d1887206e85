"""The batches of training out of images that lie in memory, augmented on the network's device."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ocrkit.errors import ConfigError, ImageError
from ocrkit.parts.feeding import Feeder, Feeds
from ocrkit.parts.guests import guest
from ocrkit.parts.networks import Batch, Network, Workers
from ocrkit.parts.options import PartSpec
from ocrkit.parts.registry import registry
from ocrkit.parts.values import Arrays
from ocrkit.pipelines.assembly import Assembly
from ocrkit.training.batches import SORTED, Batches, windows_of
from ocrkit.training.data import TrainingData
from ocrkit.training.packed import Kept, PackedImages, read_all
from ocrkit.training.randomness import AUGMENT, ORDER, WINDOW, random_at


def batches_of(
    assembly: Assembly,
    workers: Workers,
    network: Network,
    threads: int,
    report: Callable[[dict[str, Any]], None],
) -> Batches:
    """What makes a worker's batches, as ``training.feed`` says. Raises ConfigError where a part
    cannot."""
    if assembly.spec.training.feed == "files":
        return Batches(assembly, workers, threads, report)
    feeder = feeder_of(assembly, network)
    return MemoryBatches(assembly, workers, threads, report, feeder=feeder)


def feeder_of(assembly: Assembly, network: Network) -> Feeder:
    """What augments and preprocesses on the network's device. Raises ConfigError that names all
    parts that cannot."""
    name = assembly.backend_name
    lacking = [
        f"{part.kind} {part.use!r}"
        for part in (*assembly.spec.augment, assembly.spec.preprocessor)
        if name not in registry().backends(part.kind, part.use)
    ]
    if assembly.numpy_featurizer is not None:
        lacking.append(f"featurizer {assembly.spec.featurizer.use!r}")
    if assembly.objective.scores:
        lacking.append("objectives that read no text")
    if assembly.plan.image.channels != 1:
        lacking.append("a network that takes colour")
    if not isinstance(network, Feeds):
        lacking = [f"backend {name!r}"]
    if lacking or not isinstance(network, Feeds):
        wrong = f"'memory' is not for {', '.join(lacking)}; leave them out, or set it to 'files'"
        raise ConfigError([f"training.feed: {wrong}"])
    augmentations = [
        _built(named, part, name)
        for named, part in zip(assembly.spec.augment, assembly.augmentations, strict=True)
    ]
    last = assembly.preprocessor.last
    return network.feeder(augmentations, _built(assembly.spec.preprocessor, last, name))


def _built(named: PartSpec, definition: Any, backend: str) -> Any:
    with guest(named.kind, named.use, backend):
        return registry().get(named.kind, named.use, backend).load()(definition)


TOGETHER = 4
"""Batches that are augmented together and parted by the widths that their images then have: some
were stretched, others squeezed. Of 6,000 lines in batches of 8, 9 % of the columns are padding, and
17 % where every batch is augmented by itself."""


@dataclass
class MemoryBatches(Batches):
    """Makes one worker's batches as :class:`Batches` does; images are read before the first one."""

    feeder: Feeder = field(kw_only=True)
    _images: PackedImages | None = None

    def of_epoch(self, data: TrainingData, epoch: int, done: int) -> Iterator[Batch | None]:
        images = self._images = self._images or self._read(data)
        size = self.options.batch_size
        order = random_at(self.options.seed, ORDER, epoch).permutation(len(data.samples))
        chunks = [order[first : first + size] for first in range(0, len(order), size)]
        varies = not self.assembly.plan.image.width
        for first, end in windows_of(len(chunks), SORTED if varies else 1):
            if end <= done:
                continue
            mine = np.concatenate(
                [chunk[self.workers.index :: self.workers.count] for chunk in chunks[first:end]]
            )
            mine = mine[images.widths[mine] > 0]
            mine = mine[np.argsort(images.widths[mine], kind="stable")]
            rng, step = random_at(self.options.seed, WINDOW, epoch, first), first
            parts = np.array_split(mine, end - first)
            groups = [parts[at : at + TOGETHER] for at in range(0, len(parts), TOGETHER)]
            for at in rng.permutation(len(groups)):
                indices, count = np.concatenate(groups[at]), len(groups[at])
                shuffled = rng.permutation(count)
                if step + count > done:
                    batches = self._fed(images, indices, count, data, epoch=epoch, step=step)
                    for number in shuffled[max(0, done - step) :]:
                        yield batches[number]
                step += count

    def _read(self, data: TrainingData) -> PackedImages:
        def tell(index: int, image: Kept | ImageError) -> None:
            self.report({"event": "read", "images": index + 1, "of": len(data.samples)})
            if isinstance(image, ImageError):
                self.skip(data.samples[index], str(image))

        return read_all(data.samples, self.assembly, self.threads, tell)

    def _fed(
        self,
        images: PackedImages,
        indices: Any,
        count: int,
        data: TrainingData,
        *,
        epoch: int,
        step: int,
    ) -> list[Batch | None]:
        """So many batches of these images, without those that augmentation made too narrow for
        what is to be learnt."""
        if not len(indices):
            return [None] * count
        rng = random_at(self.options.seed, AUGMENT, epoch, step, self.workers.index)
        inputs = self.feeder(images.batch(indices), rng)
        targets = [data.target(index, epoch) for index in indices.tolist()]
        rows = []
        for row in np.argsort(inputs["widths"], kind="stable").tolist():
            sample = data.samples[indices[row]]
            steps = self.assembly.steps(int(inputs["widths"][row]))
            if reason := self.assembly.objective.unfit(sample, targets[row], steps):
                self.skip(sample, reason)
            else:
                rows.append(row)
        return [
            self._cut(inputs, targets, part) if len(part) else None
            for part in np.array_split(np.array(rows, np.int64), count)
        ]

    def _cut(self, inputs: Arrays, targets: list[Any], rows: Any) -> Batch:
        """The batch of these rows, no wider than the widest of them."""
        mine = dict(self.feeder.picked(inputs, rows))
        widest, stride = int(mine["widths"].max()), self.assembly.plan.stride
        if not self.assembly.plan.image.width:
            mine["images"] = mine["images"][..., : -(-widest // stride) * stride]
        learnt = self.assembly.objective.targets([targets[row] for row in rows], [], mine, [])
        return Batch(mine, learnt, len(rows), self._pieces(len(rows), widest))
