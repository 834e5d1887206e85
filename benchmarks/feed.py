"""What training costs outside the network: images read anew for every epoch beside images in
memory, augmented on the device "cpu".

    python benchmarks/feed.py --pipeline iam-crnn
    python benchmarks/feed.py --pipeline iam-crnn --data IAM

Each step is run by itself, in one thread, over the same words of the training split, or the
rendered words that ship without ``--data``; processor time, which other work on the machine
changes little, is the smallest of ``--rounds``.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from ocrkit.interfaces import Pictures
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.build import assemble, build_network
from ocrkit.pipelines.file import read_spec
from ocrkit.reading.preparing import applied, loaded, preprocessed
from ocrkit.training.data import collect, open_data
from ocrkit.training.memory_batches import MemoryBatches, batches_of
from ocrkit.training.packed import PackedImages, kept
from ocrkit.training.randomness import AUGMENT, random_at
from ocrkit.training.run import workers_of


class Table:
    """Prints steps as they are measured."""

    def __init__(self, images: int, rounds: int) -> None:
        self._images, self._rounds = images, rounds

    def row(self, name: str, work: Callable[[], Any], rounds: int = 0) -> Any:
        """Measures a step; what it gives the last time."""
        spent = []
        for _ in range(rounds or self._rounds):
            began = time.process_time()
            result = work()
            spent.append(time.process_time() - began)
        self.line(name, min(spent))
        self.last = min(spent)
        return result

    def line(self, name: str, seconds: float) -> None:
        each = 1000 * seconds / self._images
        print(f"{name:42} {each:7.3f} ms an image  {self._images / seconds:9,.0f} images/s")


def files(assembly: Assembly, samples: list[Any], size: int, table: Table) -> float:
    """As ``feed = "files"`` does it; the seconds that it takes in all."""

    def augmented() -> list[Any]:
        made = []
        for index, image in enumerate(images):
            rng = random_at(0, AUGMENT, 0, index)
            for part, named in zip(assembly.augmentations, assembly.spec.augment, strict=True):
                image = applied(part, named, image, rng)
            made.append(image)
        return made

    images = table.row("files: read", lambda: [loaded(each.load) for each in samples])
    total = table.last
    changed = table.row("files: augment", augmented)
    total += table.last
    ready = table.row("files: preprocess", lambda: [preprocessed(i, assembly) for i in changed])
    total += table.last
    ready.sort(key=lambda image: image.shape[1])
    starts = range(0, len(ready), size)
    table.row("files: batch", lambda: [assembly.make_batch(ready[at : at + size]) for at in starts])
    return total + table.last


def memory(assembly: Assembly, samples: list[Any], size: int, table: Table) -> float:
    """As ``feed = "memory"`` does it; the seconds that it takes in every epoch."""
    batches = batches_of(
        assembly, workers_of(assembly), build_network(assembly, "cpu", 1), 1, print
    )
    assert isinstance(batches, MemoryBatches)
    plain = assemble(
        read_spec(assembly.spec.name, ["training.feed='memory'", "training.augment=[]"]),
        backend="torch",
        training=True,
    )
    still = batches_of(plain, workers_of(plain), build_network(plain, "cpu", 1), 1, print)
    assert isinstance(still, MemoryBatches)

    packed = table.row(
        "memory: read, once in a training",
        lambda: PackedImages.of((kept(each, assembly) for each in samples), 8),
        rounds=1,
    )
    print(f"{'memory: taken':42} {packed.pixels.nbytes / len(samples) / 1000:7.3f} kB an image")
    order = np.argsort(packed.widths, kind="stable")
    parts = [order[at : at + size] for at in range(0, len(order), size)]

    def fed(feeder: Any, pictures: list[Pictures]) -> None:
        for step, each in enumerate(pictures):
            feeder(each, random_at(0, AUGMENT, 0, step, 0))

    pictures = table.row("memory: batch", lambda: [packed.batch(part) for part in parts])
    total = table.last
    table.row("memory: preprocess alone", lambda: fed(still.feeder, pictures))
    table.row("memory: augment and preprocess", lambda: fed(batches.feeder, pictures))
    return total + table.last


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipeline", default="iam-crnn")
    parser.add_argument("--data", help="a data set for the pipeline's reader")
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    settings = ["training.feed='memory'", "training.validation=''", "training.patience=0"]
    spec = read_spec(given.pipeline, settings + ["training.split='all'"] * (not given.data))
    assembly = assemble(spec, backend="torch", training=True)
    samples = collect(assembly, open_data(assembly, given.data, None, given.images).main).samples
    while len(samples) < given.images:  # few ship
        samples = (samples * 2)[: given.images]
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{given.pipeline}, {len(samples)} images, batches of {given.batch_size}; load {load}")
    table = Table(len(samples), given.rounds)
    old = files(assembly, samples, given.batch_size, table)
    new = memory(assembly, samples, given.batch_size, table)
    table.line("files: all", old)
    table.line("memory: all, in every epoch", new)
    print(f"{old / new:.2f} times less processor time outside the network")


if __name__ == "__main__":
    main()
