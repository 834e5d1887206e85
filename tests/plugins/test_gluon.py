"""The backend gluon, on real MXNet, against plain NumPy: what `cnn` and `bilstm` compute, and how they are trained."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import groupby, product
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ocrkit import ConfigError, ImageSize, SequenceSize, WeightsError
from ocrkit.config import load_spec
from ocrkit.interfaces import Batch, NetworkPlan, OptimizerOptions
from ocrkit.pipeline import Recogniser, Seconds, assemble, build_network
from ocrkit.weights import read, write
from ocrkit_crnn.bilstm import BiLstm
from ocrkit_crnn.cnn import Cnn
from ocrkit_gluon import backend, bilstm, cnn
from ocrkit_gluon.mxnet import mxnet

Arrays = dict[str, np.ndarray]
ADAM = OptimizerOptions("adam", weight_decay=0.0, clip_norm=0.0, loss_weight=1.0, length_weighted=False)


def plan_of(image: ImageSize, featurizer: Cnn, encoder: BiLstm, classes: int = 5) -> NetworkPlan:
    sequence = featurizer.output_size(image)
    encoded = encoder.output_size(sequence)
    return NetworkPlan(featurizer, cnn.Cnn, encoder, bilstm.BiLstm, image, sequence, encoded, classes)


SMALL = plan_of(ImageSize(8, None), Cnn(channels=3, columns=2, dropout=0.3), BiLstm(hidden=4, layers=2, dropout=0.3))


def random_state(plan: NetworkPlan, seed: int = 0) -> Arrays:
    """Weights, biases and running statistics, none of them zero or one."""
    rng = np.random.default_rng(seed)
    state = {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in plan.parameters().items()}
    return {name: np.abs(array) + 0.5 if name.endswith("running_var") else array for name, array in state.items()}


def network_of(plan: NetworkPlan, state: Arrays | None = None) -> backend.GluonNetwork:
    network = backend.Gluon().network(plan, device="cpu", threads=0)
    network.load_state(random_state(plan) if state is None else state)
    return network


def images_of(plan: NetworkPlan, widths: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A batch of random images of these widths, padded to whole steps of the widest."""
    assert plan.featurizer is not None
    width = plan.image.width or -(-max(widths) // plan.featurizer.stride) * plan.featurizer.stride
    images = np.random.default_rng(seed).random((len(widths), 1, plan.image.height, width), np.float32)
    for row, own in zip(images, widths, strict=True):
        row[:, :, own:] = 0
    return images, np.array(widths, np.int32)


def batch_of(plan: NetworkPlan, seed: int = 0) -> Batch:
    images, widths = images_of(plan, [16, 24, 20, 24], seed)
    labels = np.array([[0, 1, -1], [2, 0, 3], [1, -1, -1], [3, 3, -1]], np.int32)
    return Batch(images, widths, labels, np.array([2, 3, 1, 2], np.int32))


# ----------------------------------------------------------------------------------------------- the network, in plain NumPy


def convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """x (C, H, W), zeros around it, with weights (out, in, 3, 3)."""
    _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    parts = [
        np.einsum("oc,chw->ohw", weight[:, :, row, column], padded[:, row : row + height, column : column + width])
        for row in range(3)
        for column in range(3)
    ]
    return np.sum(parts, axis=0) + bias[:, None, None]


def featurized(image: np.ndarray, options: Cnn, state: Arrays) -> np.ndarray:
    """Steps (T, D) of one image (H, W) of its own width."""

    def layer(x: np.ndarray, index: int) -> np.ndarray:
        return np.maximum(convolved(x, state[f"featurizer.conv{index}.weight"], state[f"featurizer.conv{index}.bias"]), 0)

    def normed(x: np.ndarray, index: int) -> np.ndarray:
        weight, bias, mean, variance = (
            state[f"featurizer.norm{index}.{name}"][:, None, None] for name in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias

    x = layer(normed(layer(image[None], 1), 1), 2)
    x = x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]
    x = x.reshape(x.shape[0], x.shape[1] // 2, 2, x.shape[2] // 2, 2).max(axis=(2, 4))
    x = normed(layer(normed(layer(x, 3), 3), 4), 4)
    steps = []
    for step in range(x.shape[2] // options.columns):
        columns = [x[:, :, step * options.columns + column].reshape(-1) for column in range(options.columns)]
        steps.append(np.concatenate(columns))
    return np.array(steps)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def encoded(x: np.ndarray, options: BiLstm, state: Arrays) -> np.ndarray:
    """Steps (T, E) of one sequence (T, D); the gates as PyTorch orders them: input, forget, cell, output."""
    for layer in range(options.layers):
        directions = []
        for end in (f"l{layer}", f"l{layer}_reverse"):
            of = {name: state[f"encoder.{name}_{end}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
            hidden = cell = np.zeros(options.hidden)
            outputs = []
            for step in x[::-1] if end.endswith("reverse") else x:
                gates = of["weight_ih"] @ step + of["bias_ih"] + of["weight_hh"] @ hidden + of["bias_hh"]
                i, f, g, o = np.split(gates, 4)
                cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
                hidden = sigmoid(o) * np.tanh(cell)
                outputs.append(hidden)
            directions.append(outputs[::-1] if end.endswith("reverse") else outputs)
        x = np.concatenate(directions, axis=1)
    return x


def log_softmax(scores: np.ndarray) -> np.ndarray:
    scores = scores - scores.max(axis=-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))


def expected(image: np.ndarray, plan: NetworkPlan, state: Arrays) -> np.ndarray:
    """Log-probabilities (T, K) of one image (H, W), computed for it alone."""
    state = {name: array.astype(np.float64) for name, array in state.items()}
    x = encoded(featurized(image.astype(np.float64), plan.featurizer, state), plan.encoder, state)  # type: ignore[arg-type]
    return log_softmax(x @ state["head.weight"].T + state["head.bias"])


NETWORKS = st.builds(
    lambda height, width, channels, columns, hidden, layers: (
        ImageSize(height, width), Cnn(channels=channels, columns=columns), BiLstm(hidden=hidden, layers=layers)
    ),
    st.integers(2, 9), st.none() | st.integers(2, 40), st.integers(1, 4), st.integers(1, 3), st.integers(1, 4),
    st.integers(1, 2),
)  # fmt: skip


@settings(max_examples=40)
@given(NETWORKS, st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(0, 1000))
def test_it_computes_what_the_definitions_say_whatever_the_sizes(
    parts: tuple[ImageSize, Cnn, BiLstm], widths: list[int], seed: int
) -> None:
    image, featurizer, encoder = parts
    assume(image.width is None or image.width >= featurizer.stride)
    widths = widths if image.width is None else [image.width] * len(widths)
    plan = plan_of(image, featurizer, encoder)
    state = random_state(plan, seed)
    network = network_of(plan, state)
    assert {name: array.shape for name, array in network.state().items()} == plan.parameters()

    inputs, sizes = images_of(plan, widths, seed)
    log_probs, lengths = network.predict(inputs, sizes)
    assert (log_probs.dtype, lengths.dtype) == (np.float32, np.int32)
    assert lengths.tolist() == featurizer.lengths(sizes).tolist() == [width // featurizer.stride for width in widths]
    assert log_probs.shape == (len(widths), inputs.shape[3] // featurizer.stride, plan.classes)
    assert plan.sequence.steps in (None, log_probs.shape[1])
    for row, own, steps, found in zip(inputs, widths, lengths, log_probs, strict=True):
        if steps:
            np.testing.assert_allclose(found[:steps], expected(row[0, :, :own], plan, state), atol=1e-4)


@pytest.mark.parametrize(
    ("size", "message"), [(ImageSize(1, 24), "2 pixels high, not 1"), (ImageSize(8, 5), "6 pixels wide, not 5")]
)
def test_images_too_small_for_a_step_are_refused(size: ImageSize, message: str) -> None:
    with pytest.raises(ConfigError, match=f"cnn needs images at least {message}"):
        Cnn(columns=3).output_size(size)


def test_an_image_is_read_the_same_alone_in_a_batch_and_beside_a_far_wider_one(tiny: Path) -> None:
    assembly = assemble(load_spec(tiny, ["preprocessor.use=fit-height", "preprocessor.height=16", "encoder.layers=2"]))
    network = build_network(assembly, "cpu")
    network.load_state({name: 3 * array for name, array in random_state(assembly.plan, seed=3).items()})
    recogniser = Recogniser(assembly, network)
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (16, width), np.uint8) for width in (30, 41, 17, 24, 41)]
    wide = rng.integers(0, 256, (16, 4 * 41), np.uint8)

    together, _ = network.predict(*assembly.make_batch(images))
    texts = [decoded.text for decoded in recogniser.decode(images, Seconds())]
    assert len(set(texts)) >= 3
    for index, image in enumerate(images):
        alone, (steps,) = network.predict(*assembly.make_batch([image]))
        beside, _ = network.predict(*assembly.make_batch([wide, image, wide]))
        np.testing.assert_allclose(together[index, :steps], alone[0, :steps], atol=1e-5)
        np.testing.assert_allclose(beside[1, :steps], alone[0, :steps], atol=1e-5)
        assert recogniser.decode([image], Seconds())[0].text == texts[index]
        assert recogniser.decode([wide, image], Seconds())[1].text == texts[index]


def test_what_stands_beyond_the_width_is_not_seen() -> None:
    network = network_of(SMALL)
    inputs, sizes = images_of(SMALL, [12, 40])
    soiled = inputs.copy()
    soiled[0, :, :, 16:] = 1
    clean, dirty = network.predict(inputs, sizes)[0], network.predict(soiled, sizes)[0]
    np.testing.assert_allclose(dirty[0, :3], clean[0, :3], atol=1e-5)
    np.testing.assert_allclose(dirty[1], clean[1], atol=1e-5)


def test_features_are_zero_beyond_the_width() -> None:
    options = Cnn(channels=3, columns=1)
    plan = plan_of(ImageSize(8, None), options, BiLstm(hidden=2))
    block = network_of(plan).whole.featurizer
    features, lengths = block(*map(mxnet.nd.array, images_of(plan, [5, 24])))
    assert lengths.asnumpy().tolist() == [2, 12]
    assert not features.asnumpy()[0, 2:].any()
    assert features.asnumpy()[0, :2].any(axis=1).all()


def test_predictions_do_not_change_when_the_network_is_used_again() -> None:
    network = network_of(SMALL)
    first, _ = network.predict(*images_of(SMALL, [20, 20], seed=1))
    kept = first.copy()
    network.predict(*images_of(SMALL, [20, 20], seed=2))
    network.predict(*images_of(SMALL, [28], seed=3))
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(network.predict(*images_of(SMALL, [20, 20], seed=1))[0], kept)


# ------------------------------------------------------------------------------------------------------------------ state


def test_weights_go_in_and_out_bit_for_bit(tmp_path: Path) -> None:
    state = random_state(SMALL)
    network = network_of(SMALL, state)
    write(tmp_path / "w.safetensors", network.state(), {})
    back = read(tmp_path / "w.safetensors").arrays
    assert back.keys() == state.keys()
    for name, array in state.items():
        assert back[name].tobytes() == array.tobytes(), name
    inputs = images_of(SMALL, [20, 33])
    np.testing.assert_array_equal(network_of(SMALL, back).predict(*inputs)[0], network.predict(*inputs)[0])


def test_the_state_is_a_copy() -> None:
    network = network_of(SMALL)
    network.state()["head.bias"][:] = 9
    np.testing.assert_array_equal(network.state()["head.bias"], random_state(SMALL)["head.bias"])


def test_missing_weights_are_named() -> None:
    state = random_state(SMALL)
    del state["encoder.bias_hh_l1_reverse"]
    with pytest.raises(WeightsError, match=r"the network's encoder\.bias_hh_l1_reverse is not among the weights"):
        network_of(SMALL, state)


def test_fresh_weights_are_the_same_for_the_same_seed_only() -> None:
    np.random.seed(12)  # noqa: NPY002  (the global generator is somebody else's)
    drawn = np.random.random()  # noqa: NPY002
    np.random.seed(12)  # noqa: NPY002
    states = []
    for seed in (3, 3, 4):
        network = network_of(SMALL)
        network.initialize(seed)
        states.append(network.state())
    network.initialize(3)
    again = network.state()
    for name, array in states[0].items():
        np.testing.assert_array_equal(states[1][name], array)
        np.testing.assert_array_equal(again[name], array)
    assert [name for name in states[0] if name.split(".")[-1].startswith("weight") and "norm" not in name] == [
        name for name, array in states[0].items() if not np.array_equal(array, states[2][name])
    ]
    assert np.random.random() == drawn  # noqa: NPY002


def test_fresh_weights_are_xaviers_and_biases_zero() -> None:
    network = network_of(plan_of(ImageSize(16, 64), Cnn(channels=16), BiLstm(hidden=32)))
    network.initialize(0)
    for name, array in network.state().items():
        last = name.split(".")[-1]
        if "norm" in name:
            np.testing.assert_array_equal(array, 1 if last in ("weight", "running_var") else 0, err_msg=name)
        elif last.startswith("bias"):
            assert not array.any(), name
        else:
            area = int(np.prod(array.shape[2:]))
            bound = np.sqrt(6 / (area * (array.shape[0] + array.shape[1])))
            assert 0.9 * bound < np.abs(array).max() <= bound, name
            assert array.std() == pytest.approx(bound / np.sqrt(3), rel=0.15), name


# --------------------------------------------------------------------------------------------------------------- training


@dataclass(frozen=True)
class Same:
    """An encoder that does nothing, so that only the head is trained."""

    def output_size(self, input: SequenceSize) -> SequenceSize:
        return input

    def parameters(self, input: SequenceSize) -> dict[str, tuple[int, ...]]:
        return {}


class SameBlock(mxnet.gluon.HybridBlock):
    def __init__(self, options: Same, input: SequenceSize) -> None:
        super().__init__()

    def hybrid_forward(self, F: Any, features: Any, lengths: Any) -> Any:  # noqa: N803
        return F.identity(features)


HEAD_ONLY = NetworkPlan(
    None, None, Same(), SameBlock, ImageSize(8, None), SequenceSize(3, None), SequenceSize(3, None), classes=3
)


def losses_and_gradients(batch: Batch, state: Arrays) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Of every sample: the CTC loss by enumerating all paths, and its gradient in the head's weight and bias."""
    losses, weights, biases = [], [], []
    for features, steps, label, length in zip(batch.inputs, batch.sizes, batch.labels, batch.label_lengths, strict=True):
        x = features[:steps].astype(np.float64)
        log_probs = log_softmax(x @ state["head.weight"].T + state["head.bias"])
        total, shares = 0.0, np.zeros_like(log_probs)
        for path in product(range(3), repeat=int(steps)):
            if [key for key, _ in groupby(path) if key != 2] == label[:length].tolist():
                probability = np.exp(log_probs[range(steps), path].sum())
                total += probability
                shares[range(steps), path] += probability
        gradient = np.exp(log_probs) - shares / total
        losses.append(-np.log(total))
        weights.append(gradient.T @ x)
        biases.append(gradient.sum(axis=0))
    return np.array(losses), weights, biases


@pytest.mark.parametrize(
    "options",
    [
        ADAM,
        replace(ADAM, weight_decay=0.5),
        replace(ADAM, name="adamw", weight_decay=0.5),
        replace(ADAM, name="adamw", weight_decay=0.0),
        replace(ADAM, clip_norm=0.01),
        replace(ADAM, clip_norm=100.0),
        replace(ADAM, loss_weight=0.2, length_weighted=True, clip_norm=0.05),
        OptimizerOptions("adamw", weight_decay=0.1, clip_norm=0.1, loss_weight=3.0, length_weighted=True),
    ],
)
def test_steps_are_adams_on_the_exact_loss(options: OptimizerOptions) -> None:
    rng = np.random.default_rng(5)
    state = {"head.weight": rng.normal(0, 1, (3, 3)), "head.bias": rng.normal(0, 1, 3)}
    network = network_of(HEAD_ONLY, {name: array.astype(np.float32) for name, array in state.items()})
    trainer = network.trainer(options)
    mean = {name: np.zeros_like(array) for name, array in state.items()}
    variance = {name: np.zeros_like(array) for name, array in state.items()}
    for step in range(1, 5):
        labels = np.array([[0, -1], [1, 0], [0, 0]], np.int32)
        batch = Batch(
            rng.normal(0, 1, (3, 4, 3)).astype(np.float32), np.array([2, 3, 4], np.int32), labels, np.array([1, 2, 2], np.int32)
        )
        losses, weights, biases = losses_and_gradients(batch, state)
        shares = options.loss_weight * (batch.label_lengths if options.length_weighted else np.ones(3)) / 3
        gradients = {
            "head.weight": np.tensordot(shares, weights, axes=1),
            "head.bias": np.tensordot(shares, biases, axes=1),
        }
        norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients.values()))
        rate = 0.1 / step
        for name, gradient in gradients.items():
            if options.clip_norm and norm > options.clip_norm:
                gradient *= options.clip_norm / norm
            mean[name] = 0.9 * mean[name] + 0.1 * gradient
            variance[name] = 0.999 * variance[name] + 0.001 * gradient**2
            if options.name == "adamw":
                state[name] = state[name] * (1 - rate * options.weight_decay)
            # The form of the end of Kingma & Ba's section 2, whose epsilon is not corrected for the bias.
            corrected = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            state[name] = state[name] - corrected * mean[name] / (np.sqrt(variance[name]) + 1e-8)
        assert trainer.step(batch, learning_rate=rate, seed=step) == pytest.approx(losses.mean(), rel=1e-5)
        for name, array in network.state().items():
            np.testing.assert_allclose(array, state[name], atol=5e-6, err_msg=f"{name}, step {step}")


def test_every_parameter_is_trained() -> None:
    network = network_of(SMALL)
    before = network.state()
    network.trainer(ADAM).step(batch_of(SMALL), learning_rate=0.01, seed=0)
    assert [name for name, array in network.state().items() if np.array_equal(array, before[name])] == []


def test_running_statistics_keep_nine_tenths_of_what_they_were() -> None:
    plan = plan_of(ImageSize(8, 24), Cnn(channels=3), BiLstm(hidden=4))
    state = random_state(plan)
    network = network_of(plan, state)
    images, widths = images_of(plan, [24] * 4)
    batch = replace(batch_of(plan), inputs=images, sizes=widths)
    network.trainer(ADAM).step(batch, learning_rate=0.0, seed=0)
    weight, bias = state["featurizer.conv1.weight"], state["featurizer.conv1.bias"]
    seen = np.stack([np.maximum(convolved(image, weight, bias), 0) for image in images])
    name = "featurizer.norm1.running_mean"
    np.testing.assert_allclose(network.state()[name], 0.9 * state[name] + 0.1 * seen.mean(axis=(0, 2, 3)), rtol=1e-4)


def test_a_few_steps_lower_the_loss() -> None:
    plan = plan_of(ImageSize(8, None), Cnn(channels=4, dropout=0.0), BiLstm(hidden=8, dropout=0.0))
    network = network_of(plan)
    network.initialize(0)
    trainer = network.trainer(replace(ADAM, clip_norm=5.0))
    losses = [trainer.step(batch_of(plan), learning_rate=0.02, seed=step) for step in range(40)]
    assert losses[-1] < losses[0] / 4


def trained(seeds: list[int], start: Callable[[], backend.GluonNetwork]) -> tuple[backend.GluonNetwork, backend.GluonTrainer]:
    network = start()
    trainer = network.trainer(ADAM)
    for seed in seeds:
        trainer.step(batch_of(SMALL, seed), learning_rate=0.01, seed=seed)
    return network, trainer


def test_the_seed_fixes_all_that_is_random_in_a_step() -> None:
    first, second, other = (trained([seed], lambda: network_of(SMALL))[0].state() for seed in (7, 7, 8))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    network = network_of(SMALL)
    network.trainer(ADAM).step(batch_of(SMALL, 7), learning_rate=0.01, seed=8)
    assert any(not np.array_equal(first[name], array) for name, array in network.state().items()), "another dropout"
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_training_goes_on_from_a_checkpoint_exactly_as_without_one(tmp_path: Path) -> None:
    whole, _ = trained([1, 2, 3, 4], lambda: network_of(SMALL))
    network, trainer = trained([1, 2], lambda: network_of(SMALL))
    write(tmp_path / "network.safetensors", network.state(), {})
    write(tmp_path / "trainer.safetensors", trainer.state(), {})

    network = network_of(SMALL, read(tmp_path / "network.safetensors").arrays)
    trainer = network.trainer(ADAM)
    trainer.load_state(read(tmp_path / "trainer.safetensors").arrays)
    for seed in (3, 4):
        trainer.step(batch_of(SMALL, seed), learning_rate=0.01, seed=seed)
    for name, array in whole.state().items():
        assert network.state()[name].tobytes() == array.tobytes(), name


def test_reading_between_steps_changes_nothing() -> None:
    whole, _ = trained([1, 2], lambda: network_of(SMALL))
    network, trainer = trained([1], lambda: network_of(SMALL))
    network.predict(*images_of(SMALL, [20, 8]))
    trainer.step(batch_of(SMALL, 2), learning_rate=0.01, seed=2)
    assert all(np.array_equal(array, network.state()[name]) for name, array in whole.state().items())


class UndeclaredBlock(SameBlock):
    def __init__(self, options: Same, input: SequenceSize) -> None:
        super().__init__(options, input)
        self.extra = self.params.get("extra", shape=(2,))

    def hybrid_forward(self, F: Any, features: Any, lengths: Any, extra: Any) -> Any:  # noqa: N803
        return F.identity(features)


def test_a_part_that_has_other_parameters_than_it_says_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"other parameters than its definition says: .*encoder\.extra"):
        backend.Gluon().network(replace(HEAD_ONLY, build_encoder=UndeclaredBlock), device="cpu", threads=0)


# ------------------------------------------------------------------------------------------------------------ the framework

QUIET = """
import os
import numpy as np
from ocrkit.config import load_spec
from ocrkit.interfaces import Batch, OptimizerOptions
from ocrkit.pipeline import assemble, build_network
import sys

network = build_network(assemble(load_spec(sys.argv[1], ["preprocessor.use=fit-height", "preprocessor.height=16"])), threads=1)
network.initialize(0)
images, sizes = np.ones((2, 1, 16, 48), np.float32), np.array([48, 30], np.int32)
network.predict(images, sizes)
trainer = network.trainer(OptimizerOptions("adamw", 0.1, 1.0, 1.0, True))
batch = Batch(images, sizes, np.array([[0, 1], [1, -1]], np.int32), np.array([2, 1], np.int32))
trainer.step(batch, learning_rate=0.1, seed=0)
trainer.step(batch, learning_rate=float("inf"), seed=0)
trainer.step(batch, learning_rate=0.1, seed=0)
assert "OMP_NUM_THREADS" not in os.environ
"""


def test_mxnet_keeps_its_noise_to_itself(tiny: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", QUIET, str(tiny)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_backend_names_its_devices_and_its_version() -> None:
    assert backend.Gluon().devices()[0] == "cpu"
    assert backend.Gluon().versions() == {"mxnet": "1.9.1"}


@pytest.mark.parametrize("distribution", ["mxnet-cu112", "another"])
def test_libraries_of_the_cuda_wheels_are_loaded_for_the_cuda_build_alone(distribution: str, tmp_path: Path) -> None:
    """A library of Python's own stands in for CUDA's."""
    (tmp_path / f"{distribution.replace('-', '_')}-1.9.1.dist-info").mkdir()
    (tmp_path / f"{distribution.replace('-', '_')}-1.9.1.dist-info" / "METADATA").write_text(f"Name: {distribution}\n")
    library = tmp_path / "nvidia" / "cudnn" / "lib" / "libcudnn.so.8"
    library.parent.mkdir(parents=True)
    origin = find_spec("_ctypes").origin  # type: ignore[union-attr]
    copyfile(str(origin), library)
    code = "from ocrkit_gluon import cuda_wheels; cuda_wheels.preload(); print(open('/proc/self/maps').read())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert (str(library) in done.stdout) == (distribution == "mxnet-cu112")
