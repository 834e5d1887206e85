"""Every backend that trains and is installed does so alike, on its real framework: against plain
NumPy, against each other, and from a checkpoint on."""

from dataclasses import dataclass, replace
from itertools import combinations, groupby, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from networks import (
    ADAM,
    ADAMW,
    TRAINING_BACKENDS,
    Arrays,
    after,
    assert_close,
    assert_same,
    batch_of,
    convolved,
    images_of,
    log_softmax,
    network_of,
    plan_of,
    predict,
    random_state,
    small,
    steps,
    text_batch,
    text_plan,
    weighted,
)
from ocrkit import ConfigError, ImageSize, SequenceSize
from ocrkit.interfaces import Batch, NetworkPlan, OptimizerOptions
from ocrkit.networks.weights import read, write
from ocrkit_crnn.bilstm import BiLstm
from ocrkit_crnn.cnn import Cnn
from ocrkit_ctc.objective import Ctc

every_backend = pytest.mark.parametrize("backend", TRAINING_BACKENDS)

# ------------------------------------------------------------------------------------ fresh weights


@every_backend
def test_fresh_weights_are_the_same_for_the_same_seed_only(backend: str) -> None:
    np.random.seed(12)  # noqa: NPY002  (the global generator is somebody else's)
    drawn = np.random.random()  # noqa: NPY002
    np.random.seed(12)  # noqa: NPY002
    states = []
    for seed in (3, 3, 4):
        network = network_of(backend, small(backend))
        network.initialize(seed)
        states.append(network.state())
    network.initialize(3)
    again = network.state()
    for name, array in states[0].items():
        np.testing.assert_array_equal(states[1][name], array)
        np.testing.assert_array_equal(again[name], array)
        drawn_anew = name.split(".")[-1].startswith("weight") and "norm" not in name
        assert np.array_equal(states[2][name], array) != drawn_anew, name
    assert np.random.random() == drawn  # noqa: NPY002


@every_backend
def test_fresh_weights_are_xaviers_and_biases_zero(backend: str) -> None:
    network = network_of(
        backend, plan_of(backend, ImageSize(16, 64), Cnn(channels=16), BiLstm(hidden=32))
    )
    network.initialize(0)
    for name, array in network.state().items():
        last = name.split(".")[-1]
        if "norm" in name:
            np.testing.assert_array_equal(
                array, 1 if last in ("weight", "running_var") else 0, err_msg=name
            )
        elif last.startswith("bias"):
            assert not array.any(), name
        else:
            area = int(np.prod(array.shape[2:]))
            bound = np.sqrt(6 / (area * (array.shape[0] + array.shape[1])))
            assert 0.9 * bound < np.abs(array).max() <= bound, name
            assert array.std() == pytest.approx(bound / np.sqrt(3), rel=0.15), name


# -------------------------------------------------------------------------------------------- steps


@dataclass(frozen=True)
class Same:
    """An encoder that does nothing, so that only the head is trained."""

    def output_size(self, input: SequenceSize) -> SequenceSize:
        return input

    def parameters(self, input: SequenceSize) -> dict[str, tuple[int, ...]]:
        return {}


def on_gluon(undeclared: bool) -> type:
    from ocrkit_gluon.mxnet import mxnet

    class Block(mxnet.gluon.HybridBlock):  # type: ignore[misc, name-defined]
        def __init__(self, options: Same, input: SequenceSize) -> None:
            super().__init__()
            if undeclared:
                self.extra = self.params.get("extra", shape=(2,))

        def hybrid_forward(self, F: Any, features: Any, lengths: Any, **parameters: Any) -> Any:  # noqa: N803
            return F.identity(features)

    return Block


def on_torch(undeclared: bool) -> type:
    import torch

    class Module(torch.nn.Module):
        def __init__(self, options: Same, input: SequenceSize) -> None:
            super().__init__()
            if undeclared:
                self.register_buffer("extra", torch.zeros(2))

        def forward(self, features: Any, lengths: Any) -> Any:
            return features

    return Module


def head_only(
    backend: str, *, undeclared: bool = False, objective: Ctc | None = None
) -> NetworkPlan:
    """With ``undeclared``, the encoder has an array that its definition does not name."""
    build = {"gluon": on_gluon, "torch": on_torch}[backend](undeclared)
    size = SequenceSize(3, None)
    return text_plan(backend, None, (Same(), build), size, 3, objective or Ctc())


def losses_and_gradients(
    batch: Batch, state: Arrays
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Of every sample: the CTC loss by enumerating all paths, and its gradient in the head's weight
    and bias."""
    losses, weights, biases = [], [], []
    for features, size, label, length in zip(
        *batch.inputs.values(), *batch.targets.values(), strict=True
    ):
        x = features[:size].astype(np.float64)
        log_probs = log_softmax(x @ state["head.weight"].T + state["head.bias"])
        total, shares = 0.0, np.zeros_like(log_probs)
        for path in product(range(3), repeat=int(size)):
            if [key for key, _ in groupby(path) if key != 2] == label[:length].tolist():
                probability = np.exp(log_probs[range(size), path].sum())
                total += probability
                shares[range(size), path] += probability
        gradient = np.exp(log_probs) - shares / total
        losses.append(-np.log(total))
        weights.append(gradient.T @ x)
        biases.append(gradient.sum(axis=0))
    return np.array(losses), weights, biases


OPTIONS = [
    (ADAM, False),
    (replace(ADAM, weight_decay=0.5), False),
    (replace(ADAM, name="adamw", weight_decay=0.5), False),
    (replace(ADAM, name="adamw", weight_decay=0.0), False),
    (replace(ADAM, clip_norm=0.01), False),
    (replace(ADAM, clip_norm=100.0), False),
    (replace(ADAM, loss_weight=0.2, clip_norm=0.05), True),
    (OptimizerOptions("adamw", weight_decay=0.1, clip_norm=0.1, loss_weight=3.0), True),
]
"""And whether losses are weighted by the length of their label."""
ONLY_ON_TORCH = [
    (replace(ADAMW, accumulate=2), True),
    (replace(ADAMW, accumulate=9, deterministic=True), True),
]


@pytest.mark.parametrize(
    ("backend", "options", "length_weighted"),
    [
        pytest.param(*each.values, *options, marks=each.marks)
        for each in TRAINING_BACKENDS
        for options in OPTIONS + ONLY_ON_TORCH * ("torch" in each.values)
    ],
)
def test_steps_are_adams_on_the_exact_loss(
    backend: str, options: OptimizerOptions, length_weighted: bool
) -> None:
    rng = np.random.default_rng(5)
    state = {"head.weight": rng.normal(0, 1, (3, 3)), "head.bias": rng.normal(0, 1, 3)}
    network = network_of(
        backend,
        head_only(backend, objective=Ctc(length_weighted=length_weighted)),
        {name: array.astype(np.float32) for name, array in state.items()},
    )
    trainer = network.trainer(options)
    mean = {name: np.zeros_like(array) for name, array in state.items()}
    variance = {name: np.zeros_like(array) for name, array in state.items()}
    usual = [[0, -1], [1, 0], [0, 0]]
    for step, given in enumerate(
        [usual, usual, [[-1, -1], [1, 0], [1, -1]], [[-1]] * 3], start=1
    ):  # the last are empty
        labels = np.array(given, np.int32)
        inputs, sizes = (
            rng.normal(0, 1, (3, 4, 3)).astype(np.float32),
            np.array([2, 3, 4], np.int32),
        )
        batch = text_batch(inputs, sizes, labels, (labels >= 0).sum(axis=1).astype(np.int32))
        losses, weights, biases = losses_and_gradients(batch, state)
        shares = (
            options.loss_weight
            * (np.maximum(1, batch.targets["label_lengths"]) if length_weighted else np.ones(3))
            / 3
        )
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
            unbiased = mean[name] / (1 - 0.9**step), variance[name] / (1 - 0.999**step)
            state[name] = state[name] - rate * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
        assert float(trainer.step(batch, learning_rate=rate, seed=step)) == pytest.approx(
            losses.mean(), rel=1e-5
        )
        assert_close(network.state(), state, atol=5e-6)


@every_backend
@pytest.mark.parametrize("lengths", [[0, 2, 2], [0, 0, 0]], ids=["some", "all"])
def test_an_image_without_text_is_learnt_as_blank_throughout(
    backend: str, lengths: list[int]
) -> None:
    rng = np.random.default_rng(6)
    state = {"head.weight": rng.normal(0, 1, (3, 3)), "head.bias": rng.normal(0, 1, 3)}
    network = network_of(
        backend,
        head_only(backend),
        {name: array.astype(np.float32) for name, array in state.items()},
    )
    labels = (
        np.array([[-1, -1], [1, 0], [0, 0]], np.int32)
        if any(lengths)
        else np.full((3, 1), -1, np.int32)
    )
    inputs = rng.normal(0, 1, (3, 4, 3)).astype(np.float32)
    batch = text_batch(inputs, np.array([2, 3, 4], np.int32), labels, np.array(lengths, np.int32))
    losses, weights, biases = losses_and_gradients(batch, state)
    assert float(network.trainer(ADAM).step(batch, learning_rate=0.1, seed=0)) == pytest.approx(
        losses.mean(), rel=1e-5
    )
    for name, gradients in (("head.weight", weights), ("head.bias", biases)):
        moved = state[name] - 0.1 * np.sign(np.mean(gradients, axis=0))  # Adam's first step
        np.testing.assert_allclose(network.state()[name], moved, atol=1e-5)


@pytest.mark.parametrize("options", [ADAM, ADAMW])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(*a.values, *b.values, marks=[*a.marks, *b.marks])
        for a, b in combinations(TRAINING_BACKENDS, 2)
    ],
)
def test_two_backends_take_the_same_steps(one: str, other: str, options: OptimizerOptions) -> None:
    """From the same weights on the same batches. Only batch norm's running variances differ:
    PyTorch's are unbiased."""
    own = {"length_weighted": options is ADAMW}
    networks = [
        network_of(backend, weighted(small(backend, dropout=0.0), **own))
        for backend in (one, other)
    ]
    trainers = [network.trainer(options) for network in networks]
    for step in range(6):
        losses = [
            float(trainer.step(batch_of(small(one), step), learning_rate=0.01, seed=0))
            for trainer in trainers
        ]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
        states = [
            {name: array for name, array in each.state().items() if "running_var" not in name}
            for each in networks
        ]
        assert_close(*states, atol=2e-6 * (step + 1))
    moments = [trainer.state() for trainer in trainers]
    assert moments[0]["steps"] == moments[1]["steps"] == 6
    assert {name: array.shape for name, array in moments[0].items()} == {
        name: a.shape for name, a in moments[1].items()
    }
    trainers[1].load_state(moments[0])  # a run may change its backend
    assert_same(trainers[1].state(), moments[0])


@every_backend
def test_every_parameter_is_trained(backend: str) -> None:
    before = random_state(small(backend))
    trained, _ = after(backend, small(backend), ADAM, [0])
    assert [name for name, array in trained.items() if np.array_equal(array, before[name])] == []


@every_backend
@pytest.mark.parametrize("width", [None, 24], ids=["any width", "one width"])
def test_running_means_keep_nine_tenths_of_what_they_were(backend: str, width: int | None) -> None:
    plan = plan_of(backend, ImageSize(8, width), Cnn(channels=3), BiLstm(hidden=4))
    batch, state = batch_of(plan), random_state(plan)
    network = network_of(backend, plan, state)
    network.trainer(ADAM).step(batch, learning_rate=0.0, seed=0)
    weight, bias = state["featurizer.conv1.weight"], state["featurizer.conv1.bias"]
    seen = np.stack(
        [np.maximum(convolved(image, weight, bias), 0) for image in batch.inputs["images"]]
    )
    name = "featurizer.norm1.running_mean"
    np.testing.assert_allclose(
        network.state()[name], 0.9 * state[name] + 0.1 * seen.mean(axis=(0, 2, 3)), rtol=1e-5
    )


@every_backend
def test_a_few_steps_lower_the_loss(backend: str) -> None:
    plan = plan_of(
        backend, ImageSize(8, None), Cnn(channels=4, dropout=0.0), BiLstm(hidden=8, dropout=0.0)
    )
    network = network_of(backend, plan)
    network.initialize(0)
    trainer = network.trainer(replace(ADAM, clip_norm=5.0))
    losses = [
        float(trainer.step(batch_of(plan), learning_rate=0.02, seed=step)) for step in range(40)
    ]
    assert losses[-1] < losses[0] / 4


@every_backend
@pytest.mark.parametrize("way", ["initialize", "load_state"])
def test_a_trainer_made_before_the_weights_are_set_trains_them(backend: str, way: str) -> None:
    plan = small(backend)

    def trained(*, early: bool) -> tuple[Arrays, Arrays]:
        """Weights before and after two steps of a trainer that was made before or after the weights
        were set."""
        network = network_of(backend, plan, random_state(plan, seed=1))
        trainer = network.trainer(ADAM) if early else None
        if way == "initialize":
            network.initialize(3)
        else:
            network.load_state(random_state(plan, seed=2))
        before = network.state()
        steps(trainer or network.trainer(ADAM), plan, [1, 2])
        return before, network.state()

    (before, found), (_, wanted) = trained(early=True), trained(early=False)
    assert [name for name, array in found.items() if np.array_equal(array, before[name])] == []
    assert_same(found, wanted)


# ---------------------------------------------------------------------------------------- repeating


@every_backend
def test_the_seed_fixes_all_that_is_random_in_a_step(backend: str) -> None:
    first, again, ninth, eighth = (
        after(backend, small(backend), ADAM, [seed])[0] for seed in (7, 7, 9, 8)
    )
    assert_same(first, again)
    assert any(not np.array_equal(first[name], array) for name, array in ninth.items()), (
        "another dropout, on the same batch"
    )
    assert any(not np.array_equal(first[name], array) for name, array in eighth.items()), (
        "another batch"
    )


@every_backend
@pytest.mark.parametrize("options", [ADAM, ADAMW])
def test_training_goes_on_from_a_checkpoint_exactly_as_without_one(
    backend: str, options: OptimizerOptions, tmp_path: Path
) -> None:
    plan = small(backend)
    whole, _ = after(backend, plan, options, [1, 2, 3, 4])
    network = network_of(backend, plan)
    trainer = network.trainer(options)
    steps(trainer, plan, [1, 2])
    predict(network, *images_of(plan, [20, 8]))  # as validation does
    write(tmp_path / "network.safetensors", network.state(), {})
    write(tmp_path / "trainer.safetensors", trainer.state(), {})

    network = network_of(backend, plan, read(tmp_path / "network.safetensors").arrays)
    trainer = network.trainer(options)
    trainer.load_state(read(tmp_path / "trainer.safetensors").arrays)
    steps(trainer, plan, [3, 4])
    assert_same(network.state(), whole)


@every_backend
def test_reading_between_steps_changes_nothing(backend: str) -> None:
    plan = small(backend)
    network = network_of(backend, plan)
    trainer = network.trainer(ADAM)
    steps(trainer, plan, [1])
    predict(network, *images_of(plan, [20, 8]))
    steps(trainer, plan, [2])
    assert_same(network.state(), after(backend, plan, ADAM, [1, 2])[0])


# ---------------------------------------------------------------------------------- what is refused


@every_backend
def test_a_part_that_has_other_parameters_than_it_says_is_refused(backend: str) -> None:
    message = (
        rf"the {backend} network has other parameters than its definition says: only the "
        r"network has encoder.extra \(2,\)$"
    )
    with pytest.raises(ConfigError, match=message):
        network_of(backend, head_only(backend, undeclared=True))


def test_parameters_that_differ_are_told_by_side() -> None:
    pytest.importorskip("torch")
    plan = head_only("torch")
    found = {"head.weight": (4, 3), **{f"encoder.{index}": (2,) for index in range(6)}}
    assert plan.mismatch(found) == (
        "only the network has encoder.0 (2,), encoder.1 (2,), encoder.2 (2,), encoder.3 (2,) and 2 "
        "more; "
        "only the definition has head.bias (3,); "
        "of other shapes are head.weight (the network's (4, 3), the definition's (3, 3))"
    )
    assert plan.mismatch(plan.parameters()) == ""
