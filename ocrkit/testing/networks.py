"""The checks that featurizers and encoders share, each in the smallest network that a backend makes
of it."""

import tempfile
from pathlib import Path
from unittest import SkipTest

import numpy as np

from ocrkit.errors import ConfigError
from ocrkit.networks import weights
from ocrkit.parts.networks import Network
from ocrkit.parts.registry import registry
from ocrkit.parts.values import IntArray
from ocrkit.testing.network_part import NetworkPart, Size, text_of, varies
from ocrkit.testing.small_networks import (
    CLASSES,
    STEPS,
    TOLERANCE,
    difference,
    missing,
    random_weights,
    train,
)


class NetworkPartConformance(NetworkPart[Size]):
    """What a featurizer and an encoder have in common."""

    def test_declared_sizes_are_actual_sizes(self) -> None:
        """Steps, features, dtypes; numbers are finite."""
        for backend, size in self.each():
            network, most = self.network(backend, size), int(self.some(size)[0])
            for seed in range(5):
                least = 1 if varies(size) else most
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
                self.where = f"for backend {backend!r} on {text_of(size)}"
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
            if not varies(size):
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
