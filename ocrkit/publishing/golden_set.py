"""Golden sets: images with what a model's network computed of them and what was read, by which
every backend is verified.

A golden set is a safetensors file: ``pixels`` uint8, all images' pixels one after another;
``shapes`` int32 (N, 2), their heights and widths; and what the objective stores of the network's
outputs, with CTC ``log_probs`` float32 (S, K), the valid steps of all images, and ``lengths`` int32
(N,), how many steps each has. The header has their ``ids`` and ``texts``, and the ``objective``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ocrkit.errors import DataError, WeightsError
from ocrkit.images.grey import as_grey
from ocrkit.networks import weights as weight_files
from ocrkit.parts.networks import Network
from ocrkit.parts.objectives import DEFAULT_OBJECTIVE, Objective
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.plugins import one_line
from ocrkit.parts.values import Arrays, Image, Sample
from ocrkit.pipelines.assembly import Surroundings
from ocrkit.reading.engine import BATCH_SIZE


@dataclass(frozen=True, slots=True)
class Computed:
    """What a network computes of an image, without padding, and the text decoded of it, if any
    is."""

    valid: Arrays
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """An image as it was read from its file, and what came of it."""

    id: str
    image: Image
    computed: Computed
    margin: float
    """How far what is read is from being read otherwise; with CTC in nats."""


def compute(
    around: Surroundings,
    network: Network,
    images: Sequence[Image],
    on_images: Callable[[int], None] = lambda _: None,
) -> list[Computed]:
    """Reads images as the pipeline does: preprocessor, network, decoder. ``on_images`` hears how
    many more are done.

    Raises OcrkitError where the preprocessor refuses an image or the decoder the network's numbers.
    """
    computed: list[Computed] = []
    for start in range(0, len(images), BATCH_SIZE):
        batch = [around.preprocessor(image) for image in images[start : start + BATCH_SIZE]]
        found: dict[int, Computed] = {}
        for numbers in around.together(batch):
            some = _computed(around, network, [batch[number] for number in numbers])
            found |= dict(zip(numbers, some, strict=True))
        computed += (found[number] for number in range(len(batch)))
        on_images(len(batch))
    return computed


def _computed(around: Surroundings, network: Network, batch: Sequence[Image]) -> list[Computed]:
    """What a network computes of preprocessed images that may be in one batch."""
    inputs = around.make_batch(batch)
    outputs = network.run(inputs)
    around.objective.check(outputs, len(batch), around.alphabet)
    texts = [each.text for each in around.decode(outputs)] if around.decoder else [""] * len(batch)
    return list(map(Computed, around.objective.valid(outputs, inputs), texts))


def largest_difference(one: Arrays, other: Arrays) -> float:
    """The largest difference of two numbers of what is valid; inf for other arrays, other shapes
    and NaN."""
    if {name: array.shape for name, array in one.items()} != {
        name: array.shape for name, array in other.items()
    }:
        return float("inf")
    largest = 0.0
    for name, array in one.items():
        with np.errstate(invalid="ignore"):
            difference = np.where(array == other[name], 0.0, np.abs(array - other[name]))
        largest = max(largest, float(np.nan_to_num(difference, nan=np.inf).max(initial=0.0)))
    return largest


def choose(
    around: Surroundings, network: Network, samples: Sequence[Sample], *, count: int, margin: float
) -> list[Item]:
    """So many items out of a data set's samples, from the narrowest image to the widest; their
    margins are at least ``margin``.

    Raises DataError where there are not as many, and for a pipeline that reads images in colour.
    """
    if around.image.channels != 1:
        raise DataError("a golden set holds grey images; this pipeline's are in colour")
    images = [as_grey(sample.load()) for sample in samples]
    computed = compute(around, network, images)
    items = [
        Item(sample.id, image, each, around.objective.margin(each.valid))
        for sample, image, each in zip(samples, images, computed, strict=True)
    ]
    far = sorted(
        (item for item in items if item.margin >= margin),
        key=lambda item: (item.image.shape[1], item.id),
    )
    if len(far) < count:
        raise DataError(
            f"{len(far)} of {len(items)} samples keep a margin of {margin}; {count} are wanted"
        )
    return [far[index] for index in np.linspace(0, len(far) - 1, count).astype(int)]


def write_golden(path: Path, items: Sequence[Item], objective: str = DEFAULT_OBJECTIVE) -> None:
    """Writes the golden set of a network that was trained for an objective, whole or not at all."""
    made: Objective = make_part(PartSpec("objective", objective, {}))
    arrays = {
        **joined([item.image for item in items]),
        **made.stored([item.computed.valid for item in items]),
    }
    about: dict[str, Any] = {
        "ids": [item.id for item in items],
        "texts": [item.computed.text for item in items],
    }
    if objective != DEFAULT_OBJECTIVE:
        about["objective"] = objective
    weight_files.write(path, arrays, about)


def read_golden(path: Path, *, sha256: str | None = None) -> list[Item]:
    """Reads a golden set. Raises WeightsError where it is missing, damaged, or not the file that
    ``sha256`` names, PluginError for an objective that is not there."""
    file = weight_files.read(path, sha256=sha256)
    name = str(file.about.get("objective", DEFAULT_OBJECTIVE))
    objective: Objective = make_part(PartSpec("objective", name, {}))
    try:
        images, stored = parted(file.arrays), objective.restored(file.arrays)
        return [
            Item(str(name), image, Computed(valid, str(text)), objective.margin(valid))
            for name, image, valid, text in zip(
                file.about["ids"], images, stored, file.about["texts"], strict=True
            )
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: not a golden set ({one_line(error)})") from error


def joined(images: Sequence[Image]) -> Arrays:
    """Grey images (H, W) as a golden set stores them: ``pixels`` and ``shapes``."""
    return {
        "pixels": np.concatenate([image.ravel() for image in images]),
        "shapes": np.array([image.shape for image in images], np.int32),
    }


def parted(arrays: Arrays) -> list[Image]:
    """The images that were :func:`joined`. Raises KeyError, TypeError or ValueError where the
    arrays are none."""
    pixels, shapes = arrays["pixels"], arrays["shapes"]
    if pixels.dtype != np.uint8:
        raise ValueError(f"pixels are {pixels.dtype}")
    parts = _cut(pixels, shapes.astype(np.int64).prod(axis=1))
    return [part.reshape(shape) for part, shape in zip(parts, shapes.tolist(), strict=True)]


def _cut(rows: npt.NDArray[Any], sizes: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """Arrays that were joined along their first axis. Raises ValueError where the sizes are not
    theirs."""
    if sizes.ndim != 1 or not sizes.size or sizes.min() < 0 or sizes.sum() != len(rows):
        raise ValueError(f"{len(rows)} rows cannot be cut into {sizes.tolist()}")
    return np.split(rows, sizes.cumsum()[:-1])
