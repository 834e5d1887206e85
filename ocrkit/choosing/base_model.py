"""What fine-tuning begins from, and how it trains: chosen by the data."""

from dataclasses import dataclass
from math import ceil, inf
from pathlib import Path

from ocrkit.data.datasets import open_dataset
from ocrkit.errors import OcrkitError
from ocrkit.images.layout import Shown
from ocrkit.parts.options import PartSpec
from ocrkit.pipeline import load_text
from ocrkit.pipelines.file import read_spec
from ocrkit.reading.larger import models_that_read
from ocrkit.support.machine import has_bfloat16

TRIED = 200
"""Samples that candidates are compared by."""


@dataclass(frozen=True, slots=True)
class Tried:
    """How well a pipeline reads samples that are to be learnt from."""

    pipeline: str
    metric: str
    value: float | None
    cost: float
    """The value, or its negative where more is better."""


def best_base(
    shows: Shown, reader: PartSpec, root: Path, only: Path, threads: int = 0
) -> list[Tried]:
    """The zoo's models that read words or lines, the one that reads the samples best first, by the
    first metric of each, on the first 200 samples that ``only`` lists.

    Raises OcrkitError where there is none.
    """
    candidates = models_that_read(shows)
    if not candidates:
        raise OcrkitError(
            f"no model that is installed reads a {shows} at a time; name one with --pipeline"
        )
    tried = [_tried(name, reader, root, only, threads) for name in candidates]
    return sorted(tried, key=lambda each: each.cost)


def _tried(name: str, reader: PartSpec, root: Path, only: Path, threads: int) -> Tried:
    with load_text(name, threads=threads) as pipeline:
        cutter = pipeline.spec.cutter
        dataset = open_dataset(reader, cutter=cutter, root=root, only=str(only), limit=TRIED)
        result = pipeline.evaluate(dataset=dataset)
    metric, score = next(iter(result.metrics.items()))
    if score.value is None:
        return Tried(name, metric, None, inf)
    return Tried(name, metric, score.value, score.value * (-1) ** result.higher_is_better[metric])


def training_options(samples: int, pipeline: str) -> dict[str, int | float | str]:
    """``[training]`` for so many samples to learn from.

    Pipelines are made for tens of thousands: of a hundred, their batches would be two steps an
    epoch, which teach nothing. Smaller ones do, and as many epochs as make 250 steps, between 8 and
    30. Batch norms keep the statistics that they have: those of so small batches are too rough.
    """
    batch = 8 if samples < 500 else 16
    epochs = min(30, max(8, ceil(250 / ceil(samples / batch))))
    options: dict[str, int | float | str] = {
        "batch_size": min(batch, read_spec(pipeline).training.batch_size),
        "learning_rate": 3e-4,
        "schedule": "cosine",
        "warmup": 0.1,
        "epochs": epochs,
        "patience": max(5, epochs // 3),
        "keep_statistics": True,
    }
    if not has_bfloat16():
        options["precision"] = "float32"
    return options
