"""Featurizers and encoders, each tested in the smallest network that a backend makes of it.

The rest of the network is the simplest that the backend has, so the kit needs no framework. Weights
are random, biases and running statistics too: what a part does with zeros and ones says little.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar
from unittest import SkipTest

import numpy as np

from ocrkit.errors import ConfigError, PluginError
from ocrkit.networks import weights
from ocrkit.parts.codec import Alphabet
from ocrkit.parts.networks import (
    Batch,
    Network,
    NetworkPlan,
    OptimizerOptions,
    PlannedPart,
    Trainer,
)
from ocrkit.parts.objectives import DEFAULT_OBJECTIVE
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.registry import registry
from ocrkit.parts.values import Arrays, FloatArray, Image, ImageSize, IntArray, Sample, SequenceSize
from ocrkit.testing.base import PartConformance, skipped_where_missing

ALPHABET = Alphabet("abcd")
CLASSES = ALPHABET.classes
TOLERANCE = 1e-4
"""The largest difference in log-probabilities (nats), or features, that rounding may make."""
ADAM = OptimizerOptions(name="adam", weight_decay=0.0, clip_norm=0.0)
STEPS, RATE = 25, 0.01
"""How long, and with which learning rate, one batch is trained on to see the loss fall."""
OBJECTIVE = PartSpec("objective", DEFAULT_OBJECTIVE, {})
"""What networks of featurizers and encoders are trained for here."""

Size = TypeVar("Size", ImageSize, SequenceSize)


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
    targets: Arrays = objective.targets(labels, [], {})
    return targets


def _no_image() -> Image:
    raise NotImplementedError


def train(network: Network, batch: Batch, steps: int) -> list[float]:
    """The losses of so many steps on one batch."""
    trainer = network.trainer(ADAM)
    return [trainer.step(batch, learning_rate=RATE, seed=seed) for seed in range(steps)]


def difference(a: FloatArray, b: FloatArray) -> float:
    """The largest difference of two numbers; inf for other shapes and for NaN."""
    if a.shape != b.shape:
        return float("inf")
    return float(np.nan_to_num(np.abs(a - b), nan=np.inf).max(initial=0.0))


class NetworkPartConformance(PartConformance, Generic[Size]):
    """What a featurizer and an encoder have in common."""

    backend: ClassVar[str | None] = None
    """The backend to test on; every one that has an implementation and is installed unless
    given."""

    # ----------------------------------------------------------------------- what the two kinds say

    def sizes(self) -> list[Size]:
        """The kinds of input to test with: of one size, and where the part takes it, of any."""
        raise NotImplementedError

    def extremes(self) -> list[tuple[Size, list[int]]]:
        """Inputs as small and as large as they come, with the widths, or lengths, of a batch."""
        raise NotImplementedError

    def output(self, size: Size) -> SequenceSize:
        """What the definition declares. Raises ConfigError for inputs that the part cannot take."""
        raise NotImplementedError

    def plan(self, size: Size, *backends: str) -> NetworkPlan:
        """The part in the simplest network that all these backends can build; the implementations
        are the first's."""
        raise NotImplementedError

    def inputs(self, size: Size, sizes: IntArray, seed: int = 0) -> tuple[FloatArray, IntArray]:
        """Random inputs of a network, and their sizes. The first ones are the same whatever comes
        behind them."""
        raise NotImplementedError

    def some(self, size: Size) -> IntArray:
        """Widths, or lengths, of a batch of six, in which two letters fit. The first is the
        largest."""
        raise NotImplementedError

    def lengths(self, sizes: IntArray) -> IntArray:
        """The lengths that the definition declares for inputs of these sizes."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------- building

    def backends(self) -> list[str]:
        """The backends to test on. Skips where none is installed."""
        entry, having = self.entry, registry().backends(self.kind, self.name)
        wanted = [self.backend] if self.backend else having
        self.check(
            wanted and set(wanted) <= set(having),
            f"has no implementation for {self.backend or 'any backend'}",
        )
        reasons = {backend: missing(backend) or self._missing_for(backend) for backend in wanted}
        installed = [backend for backend, reason in reasons.items() if reason is None]
        if not installed:
            raise SkipTest(f"{entry}: {'; '.join(filter(None, reasons.values()))}")
        return installed

    def _missing_for(self, backend: str) -> str | None:
        """Why an implementation's optional dependencies are not installed; None where they are."""
        try:
            self.implementation(backend)
        except SkipTest as skip:
            return str(skip)
        return None

    def each(self) -> Iterator[tuple[str, Size]]:
        """Every backend with every kind of input."""
        for backend in self.backends():
            for size in self.sizes():
                self.where = f"for backend {backend!r} on {_text(size)}"
                yield backend, size

    def trainable(self) -> Iterator[tuple[str, Size, Network]]:
        """The same, with a network of fresh weights, for the backends that train. Skips where none
        does."""
        reasons = []
        trains = False
        for backend, size in self.each():
            network = self.network(backend, size)
            try:
                network.initialize(1)
            except ConfigError as error:
                reasons.append(str(error))
                continue
            trains = True
            yield backend, size, network
        if not trains:
            raise SkipTest("; ".join(dict.fromkeys(reasons)))

    def implementation(self, backend: str) -> Any:
        entry = registry().get(self.kind, self.name, backend)
        with skipped_where_missing(entry):
            return entry.load()

    def network(
        self,
        backend: str,
        size: Size,
        arrays: Arrays | None = None,
        plan: NetworkPlan | None = None,
    ) -> Network:
        """The part's network with these weights, else with random ones."""
        if backend == "numpy":
            definition = self.part()
            with self.works("when it is built"):
                return InNumpy(self.implementation(backend)(definition, size))
        plan = plan or self.plan(size, backend)
        with self.works("when its network is built"):
            network: Network = (
                registry().get("backend", backend).load()().network(plan, device="cpu", threads=0)
            )
            network.load_state(random_weights(plan.parameters(), 0) if arrays is None else arrays)
        return network

    def predict(
        self, network: Network, inputs: FloatArray, sizes: IntArray
    ) -> tuple[FloatArray, IntArray]:
        with self.works(f"to compute inputs {inputs.shape} with sizes {sizes.tolist()}"):
            outputs = network.run(named(inputs, sizes))
        name = "features" if isinstance(network, InNumpy) else "log_probs"
        arrays = [outputs[each] for each in (name, "lengths")]
        self.check(
            all(isinstance(each, np.ndarray) for each in arrays),
            f"gives {type(arrays[0]).__name__} and {type(arrays[1]).__name__}; expected two NumPy "
            "arrays",
        )
        return arrays[0], arrays[1]

    def batch(self, network: Network, size: Size) -> Batch:
        inputs, sizes = self.inputs(size, self.some(size))
        _, lengths = self.predict(network, inputs, sizes)
        return Batch(named(inputs, sizes), labels_for(lengths), len(inputs))

    # --------------------------------------------------------------------------------------- checks

    def test_declared_sizes_are_actual_sizes(self) -> None:
        """Steps, features, dtypes; numbers are finite."""
        for backend, size in self.each():
            network, most = self.network(backend, size), int(self.some(size)[0])
            for seed in range(5):
                least = 1 if _varies(size) else most
                sizes = np.random.default_rng(seed).integers(
                    least, most, 1 + seed, np.int32, endpoint=True
                )
                self._compare_with_declared(backend, size, network, sizes, seed)

    def _compare_with_declared(
        self, backend: str, size: Size, network: Network, sizes: IntArray, seed: int = 0
    ) -> None:
        inputs, sizes = self.inputs(size, sizes, seed)
        outputs, lengths = self.predict(network, inputs, sizes)
        output, declared = self.output(size), self.lengths(sizes)
        named = f"for inputs {inputs.shape} with sizes {sizes.tolist()}"
        self.check(outputs.dtype == np.float32, f"gives {outputs.dtype} {named}; expected float32")
        self.check(
            np.issubdtype(lengths.dtype, np.integer),
            f"gives lengths {lengths.dtype}; expected whole numbers",
        )
        self.check(
            lengths.tolist() == declared.tolist(),
            f"gives lengths {lengths.tolist()} {named}; its definition says {declared.tolist()}",
        )
        steps = max(outputs.shape[1], int(declared.max())) if output.steps is None else output.steps
        expected = (len(inputs), steps, output.features if backend == "numpy" else CLASSES)
        self.check(
            outputs.shape == expected,
            f"gives {outputs.shape} {named}; its definition says {expected}",
        )
        for row, length in zip(outputs, lengths, strict=True):
            self.check(
                np.isfinite(row[:length]).all(), f"gives numbers that are not finite {named}"
            )

    def test_smallest_and_largest_inputs(self) -> None:
        """It computes them as declared, or its definition refuses them with ConfigError."""
        for backend in self.backends():
            for size, sizes in self.extremes():
                self.where = f"for backend {backend!r} on {_text(size)}"
                try:
                    with self.works(
                        "to compute its sizes; expected a size or ConfigError", ConfigError
                    ):
                        output = self.output(size)
                except ConfigError as error:
                    self.check(str(error).strip(), "refuses its input, but does not say why")
                    continue
                self.check(
                    output.steps is None or output.steps > 0,
                    "declares 0 steps; raise ConfigError for such inputs",
                )
                self._compare_with_declared(
                    backend, size, self.network(backend, size), np.array(sizes, np.int32)
                )

    def test_the_batch_changes_nothing(self) -> None:
        """A batch of one gives what the same input gives among others."""
        for backend, size in self.each():
            network = self.network(backend, size)
            own = int(self.some(size).max())
            inputs, sizes = self.inputs(size, np.full(5, own, np.int32))
            together, lengths = self.predict(network, inputs, sizes)
            for index in (0, 4):
                alone, steps = self.predict(
                    network, inputs[index : index + 1], sizes[index : index + 1]
                )
                self.check(
                    steps[0] == lengths[index],
                    f"gives {steps[0]} steps alone and {lengths[index]} in a batch of 5",
                )
                most = difference(alone[0, : steps[0]], together[index, : steps[0]])
                self.check(
                    most <= TOLERANCE,
                    "depends on what else is in the batch: alone and among 5, its results differ "
                    f"by {most:.2g}",
                )

    def test_padding_changes_nothing(self) -> None:
        """An input gives the same alone and beside one that is four times wider."""
        padded = False
        for backend, size in self.each():
            if not _varies(size):
                continue
            padded = True
            network = self.network(backend, size)
            for own in np.unique(self.some(size)).tolist():
                inputs, sizes = self.inputs(size, np.array([own], np.int32))
                alone, (steps,) = self.predict(network, inputs, sizes)
                inputs, sizes = self.inputs(size, np.array([own, 4 * own], np.int32))
                beside, lengths = self.predict(network, inputs, sizes)
                self.check(
                    lengths[0] == steps,
                    f"gives {steps} steps alone and {lengths[0]} beside a wider one (size {own})",
                )
                most = difference(alone[0, :steps], beside[0, :steps])
                self.check(
                    most <= TOLERANCE,
                    f"depends on padding: an input of size {own} differs by {most:.2g} beside one "
                    "four times wider",
                )
        if not padded:
            raise SkipTest("takes inputs of one size only")

    def test_inference_is_deterministic(self) -> None:
        """The same input gives the same bits again, whatever was computed in between, and earlier
        results stay."""
        for backend, size in self.each():
            network = self.network(backend, size)
            inputs, others = (
                self.inputs(size, self.some(size)),
                self.inputs(size, self.some(size), seed=1),
            )
            first, _ = self.predict(network, *inputs)
            kept = first.copy()
            self.predict(network, *others)
            again, _ = self.predict(network, *inputs)
            self.check(
                np.array_equal(first, kept, equal_nan=True), "changes a result that it gave earlier"
            )
            most = difference(again, kept)
            self.check(
                most == 0,
                f"is not deterministic in inference: the same input gives results {most:.2g} apart",
            )

    def test_inputs_are_not_modified(self) -> None:
        for backend, size in self.each():
            inputs, sizes = self.inputs(size, self.some(size))
            before = inputs.copy(), sizes.copy()
            self.predict(self.network(backend, size), inputs, sizes)
            same = np.array_equal(inputs, before[0]) and np.array_equal(sizes, before[1])
            self.check(same, "changes its input; work on a copy")

    def test_weights_are_saved_and_loaded_without_loss(self) -> None:
        """Through a checkpoint, after a little training: the same names, the same bits, the same
        results."""
        for backend, size in self.each():
            if backend == "numpy":
                names = ", ".join(self.part().parameters(size))
                self.check(
                    not names,
                    f"declares the parameters {names}; a featurizer of backend 'numpy' stores "
                    "nothing",
                )
                continue
            network, plan = self.network(backend, size), self.plan(size, backend)
            shapes = plan.parameters()
            try:
                network.initialize(1)
            except ConfigError:
                network.load_state(random_weights(shapes, 1))  # the backend only reads
            else:
                with self.works("to train"):
                    train(network, self.batch(network, size), 2)
            state = network.state()
            found = {name: array.shape for name, array in state.items()}
            wrong = plan.mismatch(found)
            self.check(not wrong, f"stores other parameters than its definition declares: {wrong}")
            with tempfile.TemporaryDirectory() as folder:
                weights.write(Path(folder) / "state.safetensors", state, {})
                arrays = weights.read(Path(folder) / "state.safetensors").arrays
            copy = self.network(backend, size, arrays)
            for name, array in copy.state().items():
                self.check(
                    array.tobytes() == state[name].tobytes(),
                    f"loses bits of {name} when it is saved and loaded",
                )
            inputs = self.inputs(size, self.some(size))
            most = difference(self.predict(copy, *inputs)[0], self.predict(network, *inputs)[0])
            self.check(
                most == 0,
                "forgets something in its state: saved and loaded into a new network, results "
                f"differ by {most:.2g}. "
                "Is everything that it learns or draws a registered parameter?",
            )

    def test_training_reaches_every_parameter(self) -> None:
        """Every array of the part changes in two steps."""
        for _, size, network in self.trainable():
            before = network.state()
            with self.works("to train"):
                train(network, self.batch(network, size), 2)
            names = [name for name in before if name.startswith(f"{self.kind}.")]
            after = network.state()
            stuck = [name for name in names if np.array_equal(before[name], after[name])]
            self.check(not stuck, f"is not trained whole: no gradient changes {', '.join(stuck)}")

    def test_training_lowers_the_loss(self) -> None:
        """On one batch, over and over."""
        for _, size, network in self.trainable():
            with self.works("to train"):
                losses = train(network, self.batch(network, size), STEPS)
            self.check(
                np.isfinite(losses).all(), f"has losses that are not finite in training: {losses}"
            )
            last = float(np.mean(losses[-5:]))
            self.check(
                last < losses[0],
                f"does not learn: the loss of one batch went from {losses[0]:.4g} to {last:.4g} in "
                f"{STEPS} steps",
            )

    def test_backends_agree(self) -> None:
        """Two backends give the same results with the same weights."""
        compared = False
        for backend, size in self.each():
            for other in registry().backends(self.kind, self.name):
                if other == backend or "numpy" in (backend, other) or missing(other):
                    continue
                compared = True
                results = []
                for one, two in ((backend, other), (other, backend)):
                    plan = self.plan(size, one, two)
                    network = self.network(one, size, random_weights(plan.parameters(), 2), plan)
                    results.append(self.predict(network, *self.inputs(size, self.some(size))))
                (found, lengths), (reference, others) = results
                self.check(
                    lengths.tolist() == others.tolist(),
                    f"gives {lengths.tolist()} steps, but {others.tolist()} for backend {other!r}",
                )
                most = max(
                    difference(a[:steps], b[:steps])
                    for a, b, steps in zip(found, reference, lengths.tolist(), strict=True)
                )
                self.check(
                    most <= TOLERANCE,
                    f"differs by {most:.2g} from backend {other!r} with the same weights",
                )
        if not compared:
            raise SkipTest("only one backend that is installed implements it")


def _varies(size: ImageSize | SequenceSize) -> bool:
    return (size.width if isinstance(size, ImageSize) else size.steps) is None


def _text(size: ImageSize | SequenceSize) -> str:
    if isinstance(size, ImageSize):
        return f"images {size.height} × {'any width' if size.width is None else size.width}"
    return f"{'any number of' if size.steps is None else size.steps} steps of {size.features}"


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
