"""Small networks for the tests of backends and how they are trained, and what `cnn` and `bilstm`
compute, in plain NumPy."""

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from ocrkit import ImageSize, SequenceSize
from ocrkit.interfaces import (
    Batch,
    Network,
    NetworkPlan,
    OptimizerOptions,
    PlannedPart,
    Trainer,
)
from ocrkit.parts.codec import Alphabet
from ocrkit.parts.registry import registry
from ocrkit_crnn.bilstm import BiLstm
from ocrkit_crnn.cnn import Cnn
from ocrkit_ctc.objective import Ctc

Arrays = dict[str, np.ndarray]
FRAMEWORKS = {"onnx": "onnxruntime", "torch": "torch", "gluon": "mxnet"}
"""The modules that backends need."""


def why_missing(backend: str) -> str:
    """Why it cannot be used here; nothing where it can."""
    if backend not in registry().names("backend"):
        return f"the plugin {backend} is disabled"
    return "" if find_spec(FRAMEWORKS[backend]) else f"{FRAMEWORKS[backend]} is not installed"


INSTALLED = [name for name in FRAMEWORKS if not why_missing(name)]
"""Backends that can be used here. MXNet, for one, knows no Python from 3.13 on."""
NEEDS_GLUON = pytest.mark.skipif(
    "gluon" not in INSTALLED, reason=f"about MXNet: {why_missing('gluon')}"
)
"""For what is about MXNet, on machines without it."""
BACKENDS = [
    pytest.param(name, marks=pytest.mark.skipif(name not in INSTALLED, reason=why_missing(name)))
    for name in FRAMEWORKS
]
"""For ``parametrize``."""
TRAINING_BACKENDS = [each for each in BACKENDS if each.values != ("onnx",)]
"""Those that train, for ``parametrize``."""
ADAM = OptimizerOptions("adam", weight_decay=0.0, clip_norm=0.0)
ADAMW = OptimizerOptions("adamw", weight_decay=0.1, clip_norm=0.5, loss_weight=2.0)


def plan_of(
    backend: str, image: ImageSize, featurizer: Cnn, encoder: BiLstm, classes: int = 5
) -> NetworkPlan:
    builders = [
        registry().get(kind, name, backend).load()
        for kind, name in (("featurizer", "cnn"), ("encoder", "bilstm"))
    ]
    return text_plan(backend, (featurizer, builders[0]), (encoder, builders[1]), image, classes)


def text_plan(
    backend: str,
    featurizer: tuple[Any, Any] | None,
    encoder: tuple[Any, Any],
    size: ImageSize | SequenceSize,
    classes: int,
    objective: Ctc = Ctc(),  # noqa: B008  (it is frozen)
) -> NetworkPlan:
    """The plan of a network trained with CTC: definitions with their implementations. Without a
    featurizer ``size`` is what the encoder takes."""
    parts: dict[str, PlannedPart] = {}
    image, steps = ImageSize(8, None), size
    if featurizer:
        assert isinstance(size, ImageSize)
        image, steps = size, featurizer[0].output_size(size)
        parts["featurizer"] = PlannedPart(featurizer[0], size, featurizer[1])
    parts["encoder"] = PlannedPart(encoder[0], steps, encoder[1])
    build = registry().get("objective", "ctc", backend).load()
    alphabet = Alphabet("".join(map(chr, range(97, 96 + classes))))
    return NetworkPlan.of(parts, objective, build, image, alphabet)


def weighted(plan: NetworkPlan, **options: Any) -> NetworkPlan:
    """The plan with options of CTC."""
    return replace(plan, objective=Ctc(**options))


def classes_of(plan: NetworkPlan) -> int:
    return int(plan.outputs[0].axes[2])


def small(backend: str, dropout: float = 0.3) -> NetworkPlan:
    """For images of any width, with two layers. Without dropout nothing in it is random."""
    return plan_of(
        backend,
        ImageSize(8, None),
        Cnn(channels=3, columns=2, dropout=dropout),
        BiLstm(hidden=4, layers=2, dropout=dropout),
    )


def random_state(plan: NetworkPlan, seed: int = 0) -> Arrays:
    """Weights, biases and running statistics, none of them zero or one."""
    rng = np.random.default_rng(seed)
    state = {
        name: rng.normal(0, 0.4, shape).astype(np.float32)
        for name, shape in plan.parameters().items()
    }
    return {
        name: np.abs(array) + 0.5 if name.endswith("running_var") else array
        for name, array in state.items()
    }


def network_of(
    backend: str, plan: NetworkPlan, state: Arrays | None = None, device: str = "cpu"
) -> Network:
    network: Network = (
        registry().get("backend", backend).load()().network(plan, device=device, threads=0)
    )
    network.load_state(random_state(plan) if state is None else state)
    return network


def images_of(plan: NetworkPlan, widths: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A batch of random images of these widths, padded to whole steps of the widest."""
    assert "featurizer" in plan.parts
    width = plan.image.width or -(-max(widths) // plan.stride) * plan.stride
    images = (
        np.random.default_rng(seed)
        .random((len(widths), 1, plan.image.height, width))
        .astype(np.float32)
    )
    for row, own in zip(images, widths, strict=True):
        row[:, :, own:] = 0
    return images, np.array(widths, np.int32)


def predict(
    network: Network, inputs: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities and lengths of images and widths, or of features and steps."""
    outputs = network.run(named(inputs, sizes))
    return outputs["log_probs"], outputs["lengths"]


def named(inputs: np.ndarray, sizes: np.ndarray) -> Arrays:
    names = ("images", "widths") if inputs.ndim == 4 else ("features", "steps")
    return dict(zip(names, (inputs, sizes), strict=True))


def text_batch(
    inputs: np.ndarray, sizes: np.ndarray, labels: np.ndarray, label_lengths: np.ndarray
) -> Batch:
    targets = {"labels": labels, "label_lengths": label_lengths}
    return Batch(named(inputs, sizes), targets, len(inputs))


def batch_of(plan: NetworkPlan, seed: int = 0) -> Batch:
    """Four samples of several sizes; without a featurizer they are sequences."""
    if "featurizer" not in plan.parts:
        inputs = (
            np.random.default_rng(seed)
            .normal(0, 1, (4, 6, plan.inputs[0].axes[2]))
            .astype(np.float32)
        )
        sizes = np.array([4, 6, 5, 6], np.int32)
    else:
        inputs, sizes = images_of(plan, [16, 24, 20, 24], seed)
    labels = np.array([[0, 1, -1], [2, 0, 3], [1, -1, -1], [3, 3, -1]], np.int32)
    return text_batch(inputs, sizes, labels, np.array([2, 3, 1, 2], np.int32))


def steps(trainer: Trainer, plan: NetworkPlan, seeds: list[int]) -> list[float]:
    """The losses of steps with these seeds; odd and even seeds have a batch each."""
    return [
        float(trainer.step(batch_of(plan, seed % 2), learning_rate=0.01, seed=seed))
        for seed in seeds
    ]


def after(
    backend: str,
    plan: NetworkPlan,
    options: OptimizerOptions,
    seeds: list[int],
    device: str = "cpu",
) -> tuple[Arrays, list[float]]:
    """Weights and losses after :func:`steps`."""
    network = network_of(backend, plan, device=device)
    losses = steps(network.trainer(options), plan, seeds)
    return network.state(), losses


def assert_same(first: Arrays, second: Arrays) -> None:
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.tobytes() == second[name].tobytes(), name


def assert_close(first: Arrays, second: Arrays, atol: float) -> None:
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_allclose(array, second[name], atol=atol, err_msg=name)


def notebook_name(name: str) -> str:
    """A canonical name of `cnn`, `bilstm` or the head as Gluon has it in the notebook's network, by
    place."""
    part, _, end = name.rpartition(".")
    if part == "encoder":
        what, gate, layer, *reverse = end.split("_")
        return f"1.0.lstm._unfused.{layer[1:]}.{'r' if reverse else 'l'}_cell.{gate[0]}2h_{what}"
    if part == "head":
        return f"2.{end}"
    layers = ["conv1", "norm1", "conv2", "", "conv3", "norm3", "", "conv4", "norm4"]
    place = layers.index(part.removeprefix("featurizer."))
    return f"0.{place}.{ {'weight': 'gamma', 'bias': 'beta'}.get(end, end) if 'norm' in part else end }"  # noqa: E501


# ---------------------------------------------------------------------- the network, in plain NumPy


def convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """x (C, H, W), zeros around it, with weights (out, in, 3, 3)."""
    _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    parts = [
        np.einsum(
            "oc,chw->ohw",
            weight[:, :, row, column],
            padded[:, row : row + height, column : column + width],
        )
        for row in range(3)
        for column in range(3)
    ]
    return np.sum(parts, axis=0) + bias[:, None, None]


def featurized(image: np.ndarray, options: Cnn, state: Arrays) -> np.ndarray:
    """Steps (T, D) of one image (H, W) of its own width."""

    def layer(x: np.ndarray, index: int) -> np.ndarray:
        return np.maximum(
            convolved(
                x, state[f"featurizer.conv{index}.weight"], state[f"featurizer.conv{index}.bias"]
            ),
            0,
        )

    def normed(x: np.ndarray, index: int) -> np.ndarray:
        weight, bias, mean, variance = (
            state[f"featurizer.norm{index}.{name}"][:, None, None]
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias

    x = layer(normed(layer(image[None], 1), 1), 2)
    x = x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]
    x = x.reshape(x.shape[0], x.shape[1] // 2, 2, x.shape[2] // 2, 2).max(axis=(2, 4))
    x = normed(layer(normed(layer(x, 3), 3), 4), 4)
    steps = []
    for step in range(x.shape[2] // options.columns):
        columns = [
            x[:, :, step * options.columns + column].reshape(-1)
            for column in range(options.columns)
        ]
        steps.append(np.concatenate(columns))
    return np.array(steps)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def encoded(x: np.ndarray, options: BiLstm, state: Arrays) -> np.ndarray:
    """Steps (T, E) of one sequence (T, D); the gates as PyTorch orders them: input, forget, cell,
    output."""
    for layer in range(options.layers):
        directions = []
        for end in (f"l{layer}", f"l{layer}_reverse"):
            of = {
                name: state[f"encoder.{name}_{end}"]
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            }
            hidden = cell = np.zeros(options.hidden)
            outputs = []
            for step in x[::-1] if end.endswith("reverse") else x:
                gates = (
                    of["weight_ih"] @ step
                    + of["bias_ih"]
                    + of["weight_hh"] @ hidden
                    + of["bias_hh"]
                )
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
    featurizer, encoder = (plan.parts[name].definition for name in ("featurizer", "encoder"))
    x = encoded(featurized(image.astype(np.float64), featurizer, state), encoder, state)
    return log_softmax(x @ state["head.weight"].T + state["head.bias"])


# --------------------------------------------------------------------------------------- whole runs

ROUGH = {
    "preprocessor.use": "fit-height",
    "preprocessor.height": 16,
    "featurizer.dropout": 0.3,
    "encoder.dropout": 0.3,
    "training.augment": [{"use": "shear"}, {"use": "shift"}, {"use": "elastic"}],
    "training.optimizer": "adamw",
    "training.weight_decay": 0.01,
    "training.schedule": "cosine",
    "training.warmup": 0.3,
    "training.clip_norm": 2.0,
    "training.epochs": 3,
    "training.learning_rate": 0.02,
    "training.checkpoint_minutes": 0,
    "training.seed": 5,
}
"""Settings with all that is random or changes with time in training, at once."""
