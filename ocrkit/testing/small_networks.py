"""Small networks with random weights, to test parts and backends in.

The rest of a network is the simplest that a backend has, so the kit needs no framework. Weights are
random, biases and running statistics too: what a part does with zeros and ones says little.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ocrkit.errors import ConfigError, PluginError
from ocrkit.parts.codec import Alphabet
from ocrkit.parts.networks import Batch, Network, OptimizerOptions, Trainer
from ocrkit.parts.objectives import DEFAULT_OBJECTIVE
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.plans import NetworkPlan, PlannedPart
from ocrkit.parts.registry import registry
from ocrkit.parts.values import Arrays, FloatArray, Image, ImageSize, IntArray, Sample, SequenceSize
from ocrkit.testing.base import skipped_where_missing

ALPHABET = Alphabet("abcd")
CLASSES = ALPHABET.classes
TOLERANCE = 1e-4
"""The largest difference in log-probabilities (nats), or features, that rounding may make."""
ADAM = OptimizerOptions(name="adam", weight_decay=0.0, clip_norm=0.0)
STEPS, RATE = 25, 0.01
"""How long, and with which learning rate, one batch is trained on to see the loss fall."""
OBJECTIVE = PartSpec("objective", DEFAULT_OBJECTIVE, {})
"""What networks of featurizers and encoders are trained for here."""


@dataclass
class InNumpy:
    """A featurizer of backend ``numpy``, which stores nothing and is not trained, where a network
    is expected."""

    features: Callable[[FloatArray, IntArray], tuple[FloatArray, IntArray]]
    device: str = "cpu"

    def run(self, inputs: Arrays, /) -> Arrays:
        features, steps = self.features(inputs["images"], inputs["widths"])
        return {"features": features, "lengths": steps}

    def state(self) -> Arrays:
        return {}

    def load_state(self, arrays: Arrays, /) -> None:
        pass

    def initialize(self, seed: int, /) -> None:
        raise ConfigError(["a featurizer of backend 'numpy' is not trained"])

    def trainer(self, options: OptimizerOptions, /) -> Trainer:
        raise ConfigError(["a featurizer of backend 'numpy' is not trained"])


def missing(backend: str) -> str | None:
    """Why a backend is not installed; None where it is, be it broken. ``numpy`` always is."""
    try:
        if backend != "numpy":
            registry().get("backend", backend).load()
    except PluginError as error:
        if backend not in registry().names("backend") or isinstance(
            error.__cause__, ModuleNotFoundError
        ):
            return str(error)
    return None


def random_weights(shapes: Mapping[str, tuple[int, ...]], seed: int) -> Arrays:
    """Arrays of these shapes, float32; variances are positive."""
    rng = np.random.default_rng(seed)
    arrays: Arrays = {}
    for name, shape in shapes.items():
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 4
        array = rng.normal(0, fan_in**-0.5, shape).astype(np.float32)
        arrays[name] = np.abs(array) + np.float32(0.5) if name.endswith("var") else array
    return arrays


def random_images(height: int, width: int, widths: IntArray, seed: int) -> FloatArray:
    """Images (N, 1, height, width), zero beyond their own widths. The first ones are the same
    whatever comes behind."""
    images = np.zeros((len(widths), 1, height, width), np.float32)
    for index, own in enumerate(widths):
        images[index, 0, :, :own] = np.random.default_rng([seed, index]).random(
            (height, int(own)), np.float32
        )
    return images


def named(inputs: FloatArray, sizes: IntArray) -> Arrays:
    """Images (N, 1, H, W) and widths, or features (N, T, D) and steps, as a network's inputs."""
    names = ("images", "widths") if inputs.ndim == 4 else ("features", "steps")
    return dict(zip(names, (inputs, sizes), strict=True))


def labels_for(lengths: IntArray) -> Arrays:
    """Texts of two letters, or fewer, that sequences of these lengths can write, as targets."""
    letters = ALPHABET.characters
    texts = [
        (letters[index % 4] + letters[(index + 1) % 4])[: int(steps)]
        for index, steps in enumerate(lengths)
    ]
    objective = make_part(OBJECTIVE)
    labels = [objective.target(Sample("", text, None, _no_image), ALPHABET) for text in texts]
    targets: Arrays = objective.targets(labels, [], {}, [])
    return targets


def _no_image() -> Image:
    raise NotImplementedError


def train(network: Network, batch: Batch, steps: int) -> list[float]:
    """The losses of so many steps on one batch."""
    trainer = network.trainer(ADAM)
    return [float(trainer.step(batch, learning_rate=RATE, seed=seed)) for seed in range(steps)]


def difference(a: FloatArray, b: FloatArray) -> float:
    """The largest difference of two numbers; inf for other shapes and for NaN."""
    if a.shape != b.shape:
        return float("inf")
    return float(np.nan_to_num(np.abs(a - b), nan=np.inf).max(initial=0.0))


def plan_of(image: ImageSize, parts: Mapping[str, PlannedPart], backend: str) -> NetworkPlan:
    """The plan of a network with a head for a few classes, on a backend."""
    entry = registry().get("objective", OBJECTIVE.use, backend)
    with skipped_where_missing(entry):
        build = entry.load()
    return NetworkPlan.of(parts, make_part(OBJECTIVE), build, image, ALPHABET)


def is_frozen(definition: Any) -> bool:
    """Whether a dataclass cannot be changed."""
    return bool(definition.__dataclass_params__.frozen)


def planned(part: PartSpec, size: ImageSize | SequenceSize, backend: str) -> PlannedPart:
    """A part for a network on a backend."""
    build = registry().get(part.kind, part.use, backend).load()
    return PlannedPart(make_part(part), size, build)
