"""The backend onnx on real ONNX Runtime: the models that it builds, files, devices, and what it
refuses. What its networks compute is in test_backends.py."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from networks import images_of, network_of, plan_of, predict, random_state, small, text_plan
from ocrkit import ConfigError, ImageSize, OcrkitError, SequenceSize, WeightsError
from ocrkit.cli import main
from ocrkit.interfaces import NetworkFiles, NetworkPlan, OptimizerOptions
from ocrkit.parts.registry import registry
from ocrkit.support.machine import memory
from ocrkit_crnn.bilstm import BiLstm
from ocrkit_crnn.cnn import Cnn
from ocrkit_crnn.resnet import ResNetCnn
from ocrkit_ctc.objective import Ctc
from ocrkit_onnx.backend import Onnx
from ocrkit_onnx.graph import FLOAT32, INT64, Graph, metadata_entries
from ocrkit_onnx.network_graph import network_graph
from ocrkit_onnx.session import limit_memory
from processes import wait_for

onnx = pytest.importorskip("onnx", reason="the package onnx, which checks models, is not installed")
reference = pytest.importorskip("onnx.reference")

SMALL = small("onnx")
FIXED = plan_of("onnx", ImageSize(8, 27), Cnn(channels=3, columns=2), BiLstm(hidden=4))
ADAM = OptimizerOptions("adam", weight_decay=0.0, clip_norm=0.0)


def model_of(plan: NetworkPlan, **metadata: str) -> bytes:
    return network_graph(plan, random_state(plan)).model(metadata)


# ------------------------------------------------------------------------------------------- models


@pytest.mark.parametrize(
    ("plan", "width", "steps"), [(SMALL, "W", "T"), (FIXED, 27, 6)], ids=["any width", "one width"]
)
def test_a_model_is_valid_onnx_and_says_which_sizes_vary(
    plan: NetworkPlan, width: int | str, steps: int | str
) -> None:
    model = onnx.load_from_string(model_of(plan, alphabet="äöü", empty=""))
    onnx.checker.check_model(model, full_check=True)
    shapes = {
        value.name: [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "images": ["N", 1, 8, width],
        "widths": ["N"],
        "log_probs": ["N", steps, 5],
        "lengths": ["N"],
    }
    assert {entry.key: entry.value for entry in model.metadata_props} == {
        "alphabet": "äöü",
        "empty": "",
    }
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    assert len(inferred.graph.value_info) > len(model.graph.node) / 2


def test_the_weights_stand_in_the_model_by_their_canonical_names_where_their_layout_is_the_same() -> (  # noqa: E501
    None
):
    model, state = onnx.load_from_string(model_of(SMALL)), random_state(SMALL)
    constants = {
        constant.name: onnx.numpy_helper.to_array(constant) for constant in model.graph.initializer
    }
    same = [name for name in state if not name.startswith("encoder.") and name != "head.weight"]
    assert len(same) > 15
    for name in same:
        np.testing.assert_array_equal(constants[name], state[name])


def test_the_reference_implementation_computes_the_same() -> None:
    """ONNX's own, in NumPy. Its LSTM heeds no lengths of sequences, so all have one here."""
    images, widths = images_of(FIXED, [27, 27, 27])
    inputs = {"images": images, "widths": widths.astype(np.int64)}
    log_probs, lengths = reference.ReferenceEvaluator(onnx.load_from_string(model_of(FIXED))).run(
        None, inputs
    )
    found, found_lengths = predict(network_of("onnx", FIXED), images, widths)
    np.testing.assert_allclose(found, log_probs, atol=1e-4)
    assert found_lengths.tolist() == lengths.tolist()


NOTHING = """
import sys
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
height, width = (size if isinstance(size, int) else 32 for size in session.get_inputs()[0].shape[2:])
for count in (2, 0, 1):
    images, widths = np.ones((count, 1, height, width), np.float32), np.full(count, width)
    print([output.shape for output in session.run(None, {"images": images, "widths": widths})])
"""  # noqa: E501


def residual() -> NetworkPlan:
    featurizer, image = ResNetCnn(channels=(2, 3), blocks=(1, 1), pools=(2,)), ImageSize(16, None)
    encoder = BiLstm(hidden=4)
    builders = [
        registry().get(*part, "onnx").load()
        for part in (("featurizer", "resnet-cnn"), ("encoder", "bilstm"))
    ]
    return text_plan("onnx", (featurizer, builders[0]), (encoder, builders[1]), image, 5)


@pytest.mark.parametrize(
    "plan", [SMALL, FIXED, residual()], ids=["any width", "one width", "residual"]
)
def test_of_no_images_a_model_gives_nothing(plan: NetworkPlan, tmp_path: Path) -> None:
    """A page without words is an empty batch. Of that, ONNX Runtime ended the whole process, so
    this runs in one of its own."""
    path = tmp_path / "model.onnx"
    path.write_bytes(model_of(plan))
    done = subprocess.run(
        [sys.executable, "-c", NOTHING, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shapes = [ast.literal_eval(line) for line in done.stdout.splitlines()]
    assert [(log_probs[0], lengths[0]) for log_probs, lengths in shapes] == [(2, 2), (0, 0), (1, 1)]
    assert len({log_probs[1:] for log_probs, _ in shapes}) == 1
    network = Onnx().open(path, Ctc.outputs, device="cpu", threads=2)
    with pytest.raises(OcrkitError, match="an empty batch; expected one image at least"):
        predict(network, np.zeros((0, 1, plan.image.height, 27), np.float32), np.zeros(0, np.int32))


NUMBERS = arrays.arrays(
    st.sampled_from([np.float32, np.int32, np.int64]),
    arrays.array_shapes(min_dims=0, min_side=0),
    elements={"allow_nan": False},
)


@given(
    st.dictionaries(
        st.text(min_size=1),
        st.integers(-(2**63), 2**63 - 1) | st.floats(width=32, allow_nan=False) | st.text()
        | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1),
    ),
    st.lists(NUMBERS), st.dictionaries(st.text(), st.text()), st.lists(st.integers(0, 2**40) | st.text(min_size=1)),  # noqa: E501
)  # fmt: skip
def test_what_is_written_is_what_is_read(
    attributes: dict[str, Any],
    constants: list[np.ndarray],
    metadata: dict[str, str],
    shape: list[int | str],
) -> None:
    graph = Graph({})
    inputs = [graph.constant(array) for array in constants]
    output = graph.part("part").node(
        "Something", *inputs, "", **{name: attributes[name] for name in attributes}
    )
    graph.output("y", output, INT64, shape)
    model = onnx.load_from_string(graph.model(metadata))
    something, identity = model.graph.node
    assert (something.op_type, list(something.input)) == ("Something", [*inputs, ""])
    read = {each.name: onnx.helper.get_attribute_value(each) for each in something.attribute}
    assert {
        name: value.decode() if isinstance(value, bytes) else value for name, value in read.items()
    } == attributes
    assert list(identity.input) == list(something.output) == [output]
    for constant, array in zip(model.graph.initializer, constants, strict=True):
        back = onnx.numpy_helper.to_array(constant)
        assert (back.dtype, back.shape, back.tobytes()) == (
            array.dtype,
            array.shape,
            array.tobytes(),
        )
    (result,) = model.graph.output
    assert [size.dim_param or size.dim_value for size in result.type.tensor_type.shape.dim] == shape
    assert {entry.key: entry.value for entry in model.metadata_props} == metadata


# ------------------------------------------------------------------------- implementations of parts


@dataclass(frozen=True)
class Scaled:
    """An encoder of one number."""

    def output_size(self, input: SequenceSize) -> SequenceSize:
        return input

    def parameters(self, input: SequenceSize) -> dict[str, tuple[int, ...]]:
        return {"scale": (1,)}


class ScaledInOnnx:
    def __init__(self, definition: Scaled, input: SequenceSize) -> None:
        self.uses = ["scale"]

    def __call__(self, graph: Graph, features: str, lengths: str) -> str:
        for name in self.uses:
            features = graph.node("Mul", features, graph.parameter(name))
        return features


class Forgetful(ScaledInOnnx):
    def __init__(self, definition: Scaled, input: SequenceSize) -> None:
        self.uses = []


class Greedy(ScaledInOnnx):
    def __init__(self, definition: Scaled, input: SequenceSize) -> None:
        self.uses = ["scale", "offset"]


class Invalid(ScaledInOnnx):
    def __call__(self, graph: Graph, features: str, lengths: str) -> str:
        return graph.node("NoSuchOperator", graph.node("Mul", features, graph.parameter("scale")))


def plan_with(encoder: Callable[..., Any]) -> NetworkPlan:
    """Behind a featurizer of backend numpy."""
    size = SequenceSize(3, None)
    return text_plan("onnx", None, (Scaled(), encoder), size, 2)


def test_features_made_in_numpy_go_through_anybodys_encoder() -> None:
    state = {"encoder.scale": [2.0], "head.weight": [[1, 0, 0], [0, 1, 0]], "head.bias": [0, -1]}
    network = network_of(
        "onnx",
        plan_with(ScaledInOnnx),
        {name: np.array(array, np.float32) for name, array in state.items()},
    )
    features = np.random.default_rng(0).random((2, 4, 3), np.float32)
    log_probs, lengths = predict(network, features, np.array([4, 3], np.int32))
    scores = 2.0 * features[:, :, :2] + np.array([0, -1])
    np.testing.assert_allclose(
        log_probs, scores - np.log(np.exp(scores).sum(axis=2, keepdims=True)), atol=1e-6
    )
    assert lengths.tolist() == [4, 3]


@pytest.mark.parametrize(
    ("encoder", "message"),
    [(Forgetful, "it does not use encoder.scale"), (Greedy, "it lacks encoder.offset")],
)
def test_a_part_that_has_other_parameters_than_it_says_is_refused(
    encoder: type, message: str
) -> None:
    plan = plan_with(encoder)
    network = Onnx().network(plan, device="cpu", threads=0)
    with pytest.raises(
        ConfigError,
        match=f"the onnx network has other parameters than its definition says: {message}",
    ):
        network.load_state(random_state(plan))


def test_a_graph_that_cannot_be_run_is_refused_in_one_line_when_the_network_is_made() -> None:
    """ONNX Runtime's own error came from the first image that was read, and named no part."""
    plan = plan_with(Invalid)
    network = Onnx().network(plan, device="cpu", threads=0)
    with pytest.raises(
        ConfigError, match=r"ONNX Runtime cannot run the network that .*Scaled make.*NoSuchOperator"
    ) as caught:
        network.load_state(random_state(plan))
    assert "\n" not in str(caught.value)


# -------------------------------------------------------------------------------------------- files


def test_a_file_computes_what_the_network_computes_and_says_what_it_carries(tmp_path: Path) -> None:
    backend, path = Onnx(), tmp_path / "model.onnx"
    assert isinstance(backend, NetworkFiles)
    path.write_bytes(backend.with_metadata(model_of(SMALL, first="1"), {"second": "zwölf\n"}))
    onnx.checker.check_model(str(path), full_check=True)
    assert backend.metadata(path) == {"first": "1", "second": "zwölf\n"}
    batch = images_of(SMALL, [20, 33, 3])
    found, expected = (
        predict(backend.open(path, Ctc.outputs, device="cpu", threads=1), *batch),
        predict(network_of("onnx", SMALL), *batch),
    )
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def other_inputs() -> bytes:
    graph = Graph({})
    graph.output("y", graph.node("Relu", graph.input("x", FLOAT32, ["N"])), FLOAT32, ["N"])
    return graph.model({})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file; expected an ONNX network"),
        (b"", "cannot be run as an ONNX network"),
        (b"PK\x03\x04 or any other file", "cannot be run as an ONNX network"),
        (model_of(FIXED)[:-1000], "cannot be run as an ONNX network"),
        (
            other_inputs(),
            (
                r"no network that reads: it maps x tensor\(float\) → y tensor\(float\); expected "
                r"images tensor"
            ),
        ),
        (Graph({}).model({}), "cannot be run as an ONNX network"),
    ],
    ids=["missing", "empty", "another file", "cut off", "another network", "no network"],
)
def test_what_is_no_network_is_one_line(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    uses: list[Callable[[Path], object]] = [
        lambda path: Onnx().open(path, Ctc.outputs, device="cpu", threads=0)
    ]
    if content not in (
        other_inputs(),
        Graph({}).model({}),
    ):  # whole files, whose networks metadata does not look at
        uses.append(Onnx().metadata)
    for use in uses:
        with pytest.raises(OcrkitError, match=message) as error:
            use(path)
        assert str(error.value).startswith(f"{path}: ")
        assert "\n" not in str(error.value)


WHOLE = other_inputs() + metadata_entries({"first": "1"})


@given(
    st.integers(0, len(WHOLE)),
    st.dictionaries(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), max_size=3),
)
def test_a_damaged_file_is_one_line_or_says_what_it_said(
    tmp_path_factory: pytest.TempPathFactory, end: int, flipped: dict[int, int]
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "model.onnx"
    path.write_bytes(bytes(flipped.get(index, byte) for index, byte in enumerate(WHOLE[:end])))
    with suppress(OcrkitError):
        found = Onnx().metadata(path)
        assert flipped or found in ({}, {"first": "1"})


def bomb(steps: int) -> bytes:
    """A network of a few hundred bytes that gives so many steps for every image."""
    graph = Graph({})
    graph.input("images", FLOAT32, ["N", 1, "H", "W"])
    widths = graph.input("widths", INT64, ["N"])
    shape = graph.node("Concat", graph.node("Shape", widths), graph.constant([steps, 80]), axis=0)
    graph.output("log_probs", graph.node("ConstantOfShape", shape), FLOAT32, ["N", "T", 80])
    graph.output("lengths", graph.node("Identity", widths), INT64, ["N"])
    return graph.model({})


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            101,
            (
                r"the network gives log_probs \(1, 101, 80\) for images \(1, 1, 8, 100\); expected "
                r"\(N, T, K\), T at most"
            ),
        ),
        (
            10**10,
            (
                r"ONNX Runtime cannot run the network on a batch of 1 × 1 × 8 × 100 "
                r"\(\[ONNXRuntimeError\]"
            ),
        ),
    ],
)
def test_a_file_that_asks_for_terabytes_is_refused_before_they_are_taken(
    tmp_path: Path, steps: int, message: str
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(bomb(steps))
    network = Onnx().open(path, Ctc.outputs, device="cpu", threads=1)
    with pytest.raises(OcrkitError, match=message) as error:
        predict(network, np.zeros((1, 1, 8, 100), np.float32), np.array([100], np.int32))
    assert "\n" not in str(error.value)


def test_files_get_half_of_the_memory_that_this_process_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        onnxruntime, "create_and_register_allocator", lambda _place, how: asked.append(how.max_mem)
    )
    limit_memory.__wrapped__()
    assert asked == [memory() // 2]


def test_a_file_has_no_state_and_cannot_be_trained(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(model_of(FIXED))
    network = Onnx().open(tmp_path / "model.onnx", Ctc.outputs, device="cpu", threads=0)
    for use in (
        network.state,
        lambda: network.load_state({}),
        lambda: network.initialize(0),
        lambda: network.trainer(ADAM),
    ):
        with pytest.raises(
            ConfigError, match=r"model\.onnx: an exported network cannot be trained"
        ):
            use()


# -------------------------------------------------------------------------------- what it cannot do


def test_it_reads_only(tiny: Path, words_root: Path, tmp_path: Path) -> None:
    network = network_of("onnx", SMALL)
    for use in (lambda: network.initialize(0), lambda: network.trainer(ADAM)):
        with pytest.raises(ConfigError, match="backend 'onnx' reads only; train on torch or gluon"):
            use()
    arguments = [
        "train",
        "--pipeline",
        tiny,
        "--backend",
        "onnx",
        "--data",
        words_root,
        "--out",
        tmp_path / "run",
    ]
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exit_code == 1
    assert (
        result.stderr.splitlines()[-1]
        == "ocrkit: backend 'onnx' reads only; train on torch or gluon"
    )


def test_a_network_without_weights_says_so() -> None:
    network = Onnx().network(SMALL, device="cpu", threads=0)
    assert not any(array.any() for array in network.state().values())
    with pytest.raises(WeightsError, match="the network has no weights yet"):
        predict(network, *images_of(SMALL, [20]))


def test_the_backend_names_its_devices_and_its_version() -> None:
    assert Onnx().devices()[0] == "cpu"
    assert Onnx().versions() == {"onnxruntime": onnxruntime.__version__}


@pytest.mark.skipif("cuda" in Onnx().devices(), reason="there is a GPU")
def test_without_a_gpu_nothing_falls_back_to_the_cpu_in_silence(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(model_of(FIXED))
    network = Onnx().network(SMALL, device="cuda", threads=0)
    for use in (
        lambda: network.load_state(random_state(SMALL)),
        lambda: Onnx().open(tmp_path / "model.onnx", Ctc.outputs, device="cuda", threads=0),
    ):
        with pytest.raises(
            OcrkitError, match="ONNX Runtime cannot use the device 'cuda' here; try --device cpu"
        ):
            use()


@pytest.mark.gpu
@pytest.mark.skipif("cuda" not in Onnx().devices(), reason="ONNX Runtime sees no GPU here")
@pytest.mark.parametrize("plan", [SMALL, FIXED], ids=["any width", "one width"])
def test_a_gpu_computes_what_the_cpu_does(plan: NetworkPlan) -> None:
    network = Onnx().network(plan, device="cuda", threads=0)
    network.load_state(random_state(plan))
    batch = images_of(plan, [27, 5, 1, 27] if plan is SMALL else [27, 27])
    (found, lengths), (expected, expected_lengths) = (
        predict(network, *batch),
        predict(network_of("onnx", plan), *batch),
    )
    assert lengths.tolist() == expected_lengths.tolist()
    counts = np.arange(found.shape[1]) < lengths[:, None]
    np.testing.assert_allclose(found[counts], expected[counts], atol=1e-4)


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="looks for threads where Linux lists them"
)
def test_it_takes_as_many_threads_as_it_is_told() -> None:
    def takes(number: int, least: int, most: int) -> None:
        before = set(Path("/proc/self/task").iterdir())
        network = Onnx().network(FIXED, device="cpu", threads=number)
        network.load_state(random_state(FIXED))
        predict(network, *images_of(FIXED, [27] * 64))
        # Until the system does not list those that have ended.
        wait_for(lambda: least <= len(set(Path("/proc/self/task").iterdir()) - before) <= most)

    takes(1, least=0, most=0)  # the caller's own does the work
    takes(3, least=2, most=3)  # each takes parts of the batch
    takes(0, least=1, most=len(os.sched_getaffinity(0)))
