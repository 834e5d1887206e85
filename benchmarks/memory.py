"""Whether memory stays flat: what a process holds while it reads, and after epochs of a training.

    python benchmarks/memory.py reading --backend gluon
    python benchmarks/memory.py training --backend gluon

Both take the rendered words that ship and the pipeline ``iam-crnn``. Reading calls ``read_many``
300 times with 10 images; training takes 64 words, 25 times in batches of 16.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ocrkit
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import read_spec
from ocrkit.training import train
from ocrkit_iam.reader import Iam


def held() -> int:
    """Megabytes of memory that this process holds."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) >> 10


def reading(backend: str) -> None:
    words = sorted(map(str, Iam.sample_root().rglob("*.png")))
    with ocrkit.load("iam-crnn", backend=backend, device="cpu") as pipeline:
        began = time.monotonic()
        for call in range(1, 301):
            list(pipeline.read_many(words[call % 30 * 10 :][:10]))
            if call % 30 == 0:
                seconds, began = time.monotonic() - began, time.monotonic()
                print(f"{call} calls: {held()} MB, {300 / seconds:.0f} images a second", flush=True)


def training(backend: str) -> None:
    settings = [f"training.backends=['{backend}']", "training.split='all'", "training.validation="]
    settings += ["training.epochs=25", "training.patience=0", "training.batch_size=16"]
    assembly = assemble(read_spec("iam-crnn", settings), backend=backend, training=True)

    def report(event: dict[str, Any]) -> None:
        if event["event"] == "epoch":
            print(f"epoch {event['epoch']}: {held()} MB", flush=True)

    with TemporaryDirectory() as folder:
        train(assembly, Path(folder) / "run", limit=64, device="cpu", threads=1, report=report)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["reading", "training"])
    parser.add_argument("--backend", default="gluon")
    given = parser.parse_args()
    {"reading": reading, "training": training}[given.what](given.backend)
