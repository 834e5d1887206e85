"""Whether a backend does what the interface says."""

import copy
from typing import Any
from unittest import SkipTest

import numpy as np

from ocrkit.errors import ConfigError
from ocrkit.parts.networks import Backend, Batch, Network
from ocrkit.parts.plans import NetworkPlan
from ocrkit.parts.values import FloatArray, ImageSize, IntArray
from ocrkit.testing.base import Conformance, skipped_where_missing
from ocrkit.testing.simplest import simplest
from ocrkit.testing.small_networks import (
    ADAM,
    CLASSES,
    RATE,
    STEPS,
    difference,
    labels_for,
    named,
    plan_of,
    planned,
    random_images,
    random_weights,
    train,
)

HEIGHT, WIDTHS = 16, np.array([40, 24, 33, 40], np.int32)


def predicted(network: Network, inputs: tuple[FloatArray, IntArray]) -> tuple[Any, Any]:
    """Log-probabilities and lengths of images and their widths."""
    outputs = network.run(named(*inputs))
    return outputs["log_probs"], outputs["lengths"]


class BackendConformance(Conformance):
    """Checks of a backend, in the simplest network that it has parts for."""

    kind = "backend"

    def backend(self) -> Backend:
        with skipped_where_missing(self.entry):
            backend: Backend = self.entry.load()()
        return backend

    def plan(self) -> NetworkPlan:
        image = ImageSize(HEIGHT, None)
        featurizer = planned(simplest("featurizer", self.name), image, self.name)
        steps = featurizer.definition.output_size(image)
        encoder = planned(simplest("encoder", self.name), steps, self.name)
        return plan_of(image, {"featurizer": featurizer, "encoder": encoder}, self.name)

    def network(self, seed: int = 0) -> Network:
        """A network with random weights."""
        plan = self.plan()
        with self.works("to build a network"):
            network = self.backend().network(plan, device="cpu", threads=0)
            network.load_state(random_weights(plan.parameters(), seed))
        return network

    def trainable(self, seed: int = 1) -> Network:
        """A network with fresh weights. Skips where the backend only reads."""
        network = self.network()
        try:
            network.initialize(seed)
        except ConfigError as error:
            raise SkipTest(str(error)) from error
        return network

    def inputs(self, seed: int = 0) -> tuple[FloatArray, IntArray]:
        stride = self.plan().stride
        return random_images(
            HEIGHT, -(-int(WIDTHS.max()) // stride) * stride, WIDTHS, seed
        ), WIDTHS.copy()

    def batch(self, network: Network) -> Batch:
        inputs, sizes = self.inputs()
        lengths = network.run(named(inputs, sizes))["lengths"]
        return Batch(named(inputs, sizes), labels_for(lengths), len(inputs))

    def test_it_knows_its_devices_and_versions(self) -> None:
        backend = self.backend()
        with self.works("to name its devices and versions"):
            devices, versions = backend.devices(), backend.versions()
        right = "cpu" in devices and set(devices) <= {"cpu", "cuda"}
        self.check(
            right, f"sees the devices {devices}; expected 'cpu', and 'cuda' where there is a GPU"
        )
        right = bool(versions) and all(
            isinstance(text, str) and text for pair in versions.items() for text in pair
        )
        self.check(right, f"says the versions {versions}; expected texts by package name")

    def test_predictions_are_log_probabilities(self) -> None:
        """float32 (N, T, K) and int32 (N,), which do not change afterwards; the input is left as it
        was."""
        network = self.network()
        inputs, sizes = self.inputs()
        before = inputs.copy(), sizes.copy()
        with self.works("to predict"):
            log_probs, lengths = predicted(network, (inputs, sizes))
        same = np.array_equal(inputs, before[0]) and np.array_equal(sizes, before[1])
        self.check(same, "changes its input; work on a copy")
        types = f"{log_probs.dtype} and {lengths.dtype}"
        self.check(types == "float32 and int32", f"predicts {types}; expected float32 and int32")
        right = (
            log_probs.shape[0] == len(inputs)
            and log_probs.shape[2] == CLASSES
            and lengths.shape == (len(inputs),)
        )
        self.check(
            right,
            f"predicts {log_probs.shape} and {lengths.shape} for {len(inputs)} images and "
            f"{CLASSES} classes",
        )
        total = np.exp(log_probs[np.arange(log_probs.shape[1]) < lengths[:, None]]).sum(axis=-1)
        self.check(
            np.allclose(total, 1, atol=1e-4),
            "gives probabilities that do not add up to 1 in every step",
        )
        kept = log_probs.copy()
        predicted(network, self.inputs(seed=1))
        self.check(np.array_equal(log_probs, kept), "changes a prediction that it gave earlier")
        again, _ = predicted(network, (inputs, sizes))
        self.check(np.array_equal(again, kept), "is not deterministic in inference")

    def test_it_says_its_device(self) -> None:
        device = self.network().device
        self.check(device == "cpu", f"says that a network for 'cpu' is on {device!r}")

    def test_its_state_is_a_copy_in_canonical_names(self) -> None:
        """What is loaded comes back bit for bit; changing either side's arrays changes nothing."""
        shapes = self.plan().parameters()
        loaded = random_weights(shapes, 3)
        network = self.network()
        network.load_state(loaded)
        state = network.state()
        self.check(
            state.keys() == shapes.keys(),
            f"has a state of other names: {sorted(state.keys() ^ shapes.keys())[:4]}",
        )
        wrong = [
            name
            for name in shapes
            if state[name].dtype != np.float32 or state[name].tobytes() != loaded[name].tobytes()
        ]
        self.check(not wrong, f"gives other arrays back than were loaded: {', '.join(wrong[:4])}")
        kept = copy.deepcopy(state)
        for array in (*loaded.values(), *network.state().values()):
            array[...] = 9
        wrong = [
            name for name, array in network.state().items() if not np.array_equal(array, kept[name])
        ]
        self.check(
            not wrong,
            f"shares memory with arrays that it was given or gave: {', '.join(wrong[:4])}",
        )

    def test_new_weights_replace_the_old(self) -> None:
        network, fresh = self.network(seed=4), self.network(seed=5)
        predicted(network, self.inputs())
        network.load_state(random_weights(self.plan().parameters(), 5))
        most = difference(*(predicted(each, self.inputs())[0] for each in (network, fresh)))
        self.check(
            most == 0,
            f"still uses old weights after new ones are loaded: results differ by {most:.2g}",
        )

    def test_initial_weights_come_from_the_seed(self) -> None:
        one, same, other = (self.trainable(seed).state() for seed in (1, 1, 2))
        self.check(
            all(np.array_equal(one[name], same[name]) for name in one),
            "draws other weights for the same seed",
        )
        self.check(
            any(not np.array_equal(one[name], other[name]) for name in one),
            "draws the same weights for two seeds",
        )

    def test_training_repeats_and_resumes(self) -> None:
        """The same seeds give the same bits, in one go or with weights and optimizer saved and
        loaded in between."""
        states = []
        for resumes in (False, False, True):
            network = self.trainable()
            trainer = network.trainer(ADAM)
            batch = self.batch(network)
            for step in range(4):
                if resumes and step == 2:
                    weights, optimizer = (
                        copy.deepcopy(network.state()),
                        copy.deepcopy(trainer.state()),
                    )
                    network = self.network(seed=7)
                    network.load_state(weights)
                    trainer = network.trainer(ADAM)
                    trainer.load_state(optimizer)
                with self.works("to train"):
                    trainer.step(batch, learning_rate=RATE, seed=step)
            states.append(network.state())
        for other, fault in ((states[1], "repeated"), (states[2], "saved and resumed")):
            wrong = [
                name for name, array in states[0].items() if not np.array_equal(array, other[name])
            ]
            self.check(
                not wrong,
                f"comes to other weights when training is {fault}: {', '.join(wrong[:4])}",
            )

    def test_a_trainer_takes_weights_that_come_later(self) -> None:
        """A trainer trains the network that it is of, whenever that gets its weights."""
        network = self.trainable()
        trainer = network.trainer(ADAM)
        for loaded in (False, True):
            if loaded:
                network.load_state(random_weights(self.plan().parameters(), 6))
            else:
                network.initialize(2)
            before = network.state()
            with self.works("to train"):
                trainer.step(self.batch(network), learning_rate=RATE, seed=0)
            stuck = [
                name
                for name, array in network.state().items()
                if np.array_equal(before[name], array)
            ]
            self.check(
                not stuck,
                f"does not train {', '.join(stuck[:4])} after weights came later than the trainer",
            )

    def test_training_lowers_the_loss(self) -> None:
        """And changes all weights, and what is predicted."""
        network = self.trainable()
        batch, before = self.batch(network), network.state()
        untrained, _ = predicted(network, self.inputs())
        with self.works("to train"):
            losses = train(network, batch, STEPS)
        last = float(np.mean(losses[-5:]))
        self.check(
            last < losses[0],
            f"does not learn: the loss of one batch went from {losses[0]:.4g} to {last:.4g} in "
            f"{STEPS} steps",
        )
        after = network.state()
        stuck = [name for name, array in before.items() if np.array_equal(array, after[name])]
        self.check(not stuck, f"does not train {', '.join(stuck[:4])}")
        self.check(
            difference(predicted(network, self.inputs())[0], untrained) > 0,
            "predicts with the weights from before training",
        )
