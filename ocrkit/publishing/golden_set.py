"""Golden sets: images with what a model's network computed of them and what was read, by which
every backend is verified.

A golden set is a safetensors file: ``pixels`` uint8, all images' pixels one after another;
``shapes`` int32 (N, 2), their heights and widths; ``log_probs`` float32 (S, K), the valid steps of
all images; ``lengths`` int32 (N,), how many steps each has. The header has their ``ids`` and
``texts``.
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
from ocrkit.parts.plugins import one_line
from ocrkit.parts.values import FloatArray, Image, Sample
from ocrkit.pipelines.assembly import Surroundings
from ocrkit.reading.engine import BATCH_SIZE


@dataclass(frozen=True, slots=True)
class Item:
    """An image as it was read from its file, and what came of it: log-probabilities float32 (T, K),
    and the text."""

    id: str
    image: Image
    log_probs: FloatArray
    text: str

    @property
    def margin(self) -> float:
        """How far, at every step, the likeliest class is ahead of the next, in nats."""
        second, best = np.sort(self.log_probs, axis=1)[:, -2:].T
        return float((best - second).min(initial=np.inf))


Computed = tuple[FloatArray, str]
"""What a network computes of an image: log-probabilities float32 (T, K) of its valid steps, and the
text decoded of them."""


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
        outputs = network.run(around.make_batch(batch))
        log_probs, lengths = outputs["log_probs"], outputs["lengths"]
        decoded = around.decoder(log_probs, lengths, around.alphabet)
        computed += [
            (np.array(rows[:length]), each.text)
            for rows, length, each in zip(log_probs, lengths.tolist(), decoded, strict=True)
        ]
        on_images(len(batch))
    return computed


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
        Item(sample.id, image, log_probs, text)
        for sample, image, (log_probs, text) in zip(samples, images, computed, strict=True)
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


def write_golden(path: Path, items: Sequence[Item]) -> None:
    """Writes a golden set, whole or not at all."""
    arrays = {
        "pixels": np.concatenate([item.image.ravel() for item in items]),
        "shapes": np.array([item.image.shape for item in items], np.int32),
        "log_probs": np.concatenate([item.log_probs for item in items]),
        "lengths": np.array([len(item.log_probs) for item in items], np.int32),
    }
    weight_files.write(
        path, arrays, {"ids": [item.id for item in items], "texts": [item.text for item in items]}
    )


def read_golden(path: Path, *, sha256: str | None = None) -> list[Item]:
    """Reads a golden set. Raises WeightsError where it is missing, damaged, or not the file that
    ``sha256`` names."""
    file = weight_files.read(path, sha256=sha256)
    try:
        pixels, shapes, log_probs, lengths = (
            file.arrays[name] for name in ("pixels", "shapes", "log_probs", "lengths")
        )
        if pixels.dtype != np.uint8 or log_probs.dtype != np.float32 or log_probs.ndim != 2:
            raise ValueError(
                f"pixels are {pixels.dtype}, log_probs {log_probs.dtype} {log_probs.shape}"
            )
        images = _cut(pixels, shapes.astype(np.int64).prod(axis=1))
        return [
            Item(str(name), image.reshape(shape), rows, str(text))
            for name, image, shape, rows, text in zip(
                file.about["ids"],
                images,
                shapes.tolist(),
                _cut(log_probs, lengths),
                file.about["texts"],
                strict=True,
            )
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: not a golden set ({one_line(error)})") from error


def _cut(joined: npt.NDArray[Any], sizes: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """Arrays that were joined along their first axis. Raises ValueError where the sizes are not
    theirs."""
    if sizes.ndim != 1 or not sizes.size or sizes.min() < 0 or sizes.sum() != len(joined):
        raise ValueError(f"{len(joined)} rows cannot be cut into {sizes.tolist()}")
    return np.split(joined, sizes.cumsum()[:-1])
