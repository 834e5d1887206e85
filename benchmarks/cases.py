"""The networks that are measured, and the words that they read."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from ocrkit.data.datasets import Dataset, open_dataset
from ocrkit.interfaces import Arrays, Image, Network, Sample
from ocrkit.pipeline import Pipeline, Recipe
from ocrkit.pipelines.assembly import Assembly, Surroundings
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.trained import Trained, weights_to_read_with
from ocrkit.reading.engine import Recogniser
from ocrkit.reading.values import Seconds
from ocrkit.scoring.evaluate import outcome
from ocrkit.scoring.scores import Scorer

PRECISIONS = {
    ("onnx", "cpu"): ("float32", "int8"),
    ("onnx", "cuda"): ("float32",),
    ("torch", "cpu"): ("float32", "bf16"),
    ("torch", "cuda"): ("float32", "tf32", "bf16", "compiled", "bf16-compiled"),
    ("gluon", "cpu"): ("float32",),
    ("gluon", "cuda"): ("float32",),
}
"""What a backend computes in on a device. ``compiled`` is ``torch.compile`` in float32; ``tf32`` is
what ocrkit switches off, here to see what it would bring."""
BATCH_SIZES = {"cpu": (1, 16, 64, 256), "cuda": (64, 256, 1024, 4096)}
CALIBRATION = 512
"""Training images whose ranges make an int8 network."""


@dataclass(frozen=True)
class Case:
    """A network that is measured."""

    model: str
    backend: str
    device: str
    precision: str = "float32"
    batch_size: int = 64

    def __str__(self) -> str:
        return f"{self.backend}-{self.precision}"


@dataclass(frozen=True)
class Words:
    """The words that a model reads in every case."""

    dataset: Dataset
    samples: tuple[Sample, ...]
    images: tuple[Image, ...]
    """Preprocessed."""

    @property
    def mean_width(self) -> int:
        """Of the preprocessed images, in pixels."""
        return round(sum(image.shape[1] for image in self.images) / len(self.images))

    @property
    def about(self) -> str:
        return (
            f"{len(self.samples)} words of {self.dataset.name} {self.dataset.split}"
            + self.dataset.is_sample * " (sample)"
        )


@cache
def weights(model: str, backend: str | None = None) -> tuple[Assembly, Arrays]:
    assembly = assemble(load_spec(model), backend=backend)
    return assembly, weights_to_read_with(assembly)[0]


@dataclass(frozen=True)
class Measured:
    """A case's recogniser on the words, with all that is written down beside its times."""

    recogniser: Recogniser
    words: Words
    about: dict[str, Any]

    def batches(self, size: int) -> Iterator[Arrays]:
        """The words as the network's inputs."""
        images = self.words.images
        for start in range(0, len(images), size):
            yield self.recogniser.assembly.make_batch(images[start : start + size])

    def batch(self, size: int) -> Arrays:
        """So many words, where there are fewer some of them again, as the network's inputs."""
        return self.recogniser.assembly.make_batch(list(islice(cycle(self.words.images), size)))


def pipeline_of(measured: Measured) -> Pipeline:
    """The case's network as a whole pipeline."""
    reader = measured.recogniser
    around = reader.assembly
    recipe = Recipe(
        around.spec, around.backend_name, reader.network.device, reader.threads, reader.batch_size
    )
    return Pipeline(reader, Trained({}, "", ""), recipe)


def exported(around: Surroundings) -> bytes:
    """The network in one file, as ``ocrkit export`` writes it, but for what that says of it."""
    from ocrkit_onnx.backend import Onnx

    if isinstance(around, Assembly):
        return Onnx().export_onnx(around.plan, weights_to_read_with(around)[0])
    return (around.spec.folder / around.spec.network).read_bytes()


def network_of(file: bytes, around: Surroundings) -> Network:
    """What runs an exported network."""
    from ocrkit_onnx.backend import FileNetwork

    with TemporaryDirectory() as folder:
        path = Path(folder, "network.onnx")
        path.write_bytes(file)
        return FileNetwork(path, around.objective.outputs, device="cpu", threads=0)


def in_precision(network: Network, precision: str) -> Any:
    """A network of backend ``torch`` in another precision than float32."""
    import torch

    if "compiled" in precision:
        network.whole.compile()  # type: ignore[attr-defined]
    if precision == "tf32":

        class InTf32:
            device = network.device

            def run(self, inputs: Arrays) -> Arrays:
                with tf32():
                    return network.run(inputs)

        return InTf32()
    if "bf16" not in precision:
        return network
    if network.device == "cpu" and not re.search(
        r"\b(avx512_bf16|amx_bf16)\b", Path("/proc/cpuinfo").read_text("ascii")
    ):
        pytest.skip("this processor has no instructions for bf16, which PyTorch then imitates")

    class InBf16:
        """Where PyTorch finds it safe it computes in bfloat16."""

        device = network.device

        def run(self, inputs: Arrays) -> Arrays:
            with torch.autocast(network.device, torch.bfloat16):
                return network.run(inputs)

    return InBf16()


def tensor_float32() -> AbstractContextManager[None]:
    """Products of float32 matrices are of TensorFloat-32 within."""
    from ocrkit_torch import floats

    return floats._PRECISIONS.at(["tf32"] * len(floats._KINDS))


@contextmanager
def tf32() -> Iterator[None]:
    """Where the backend torch asks for exact float32, it gets TensorFloat-32 within."""
    from ocrkit_torch import backend, trainer

    with pytest.MonkeyPatch.context() as patch:
        for module in (backend, trainer):
            patch.setattr(module, "exact_float32", tensor_float32)
        yield


def in_int8(file: bytes, around: Surroundings, words: Words, data: str | None) -> bytes:
    """The file as ``ocrkit export --precision int8`` writes it; without IAM the sample's own words
    calibrate it."""
    pytest.importorskip(
        "onnx", reason="int8 networks are made with the package onnx, which is not installed"
    )
    from ocrkit_onnx.backend import Onnx

    images: Any = words.images[:CALIBRATION]
    if data:
        dataset = open_dataset(
            around.spec.reader, root=data, split=around.spec.training.split, limit=CALIBRATION
        )
        images = [around.preprocessor(sample.load()) for sample in dataset]
    batches = [around.make_batch(images[start : start + 64]) for start in range(0, len(images), 64)]
    return Onnx().quantise(file, batches)


def character_error_rate(recogniser: Recogniser, words: Words) -> float | None:
    """Of the words, by this very network."""
    scorer = Scorer(recogniser.assembly.metrics)
    for reading in recogniser.readings(recogniser.prepare(words.samples), Seconds()):
        scorer.add(outcome(reading))
    return scorer.result()["cer"].value
