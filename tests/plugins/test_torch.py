"""The backend torch on real PyTorch: its networks' weights, third parties' modules, ONNX files,
GPUs."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from networks import (
    ADAM,
    batch_of,
    classes_of,
    images_of,
    network_of,
    plan_of,
    predict,
    random_state,
    small,
    text_plan,
)
from ocrkit import ImageSize, OcrkitError, PluginError, SequenceSize
from ocrkit.interfaces import Distributed, ExportsOnnx, NetworkPlan
from ocrkit.parts.registry import registry
from ocrkit.support.parallel import processors
from ocrkit_crnn.bilstm import BiLstm
from ocrkit_crnn.cnn import Cnn

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn

from ocrkit_torch import backend  # noqa: E402
from ocrkit_torch.floats import exact_float32  # noqa: E402

SMALL = small("torch")
FIXED = plan_of(
    "torch",
    ImageSize(8, 27),
    Cnn(channels=3, columns=2, dropout=0.3),
    BiLstm(hidden=4, layers=2, dropout=0.3),
)


# ------------------------------------------------------------------------------------------ weights


def test_names_are_the_modules_own_and_nothing_else_is_stored() -> None:
    network = network_of("torch", SMALL)
    own = network.whole.state_dict()
    assert (
        network.state().keys()
        == {name for name in own if "num_batches_tracked" not in name}
        == SMALL.parameters().keys()
    )
    for name, array in network.state().items():
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        np.testing.assert_array_equal(array, own[name].numpy())


def test_fresh_weights_change_nobody_elses_random_numbers() -> None:
    torch.manual_seed(12)
    drawn = torch.rand(1).item()
    torch.manual_seed(12)
    for seed in (3, 4):
        network_of("torch", SMALL).initialize(seed)
    assert torch.rand(1).item() == drawn


# -------------------------------------------------------------------------- a third party's modules


@dataclass(frozen=True)
class Mixer:
    """An encoder as a third party might write it."""

    def output_size(self, input: SequenceSize) -> SequenceSize:
        return input

    def parameters(self, input: SequenceSize) -> dict[str, tuple[int, ...]]:
        return {"linear.weight": (input.features, input.features), "linear.bias": (input.features,)}


class MixerModule(nn.Module):  # type: ignore[name-defined, misc]
    def __init__(self, options: Mixer, input: SequenceSize) -> None:
        super().__init__()
        self.linear = nn.Linear(input.features, input.features)

    def forward(self, features: Any, lengths: Any) -> Any:
        return features + self.linear(features).relu()


_FEATURIZER = SMALL.parts["featurizer"]
MIXED = text_plan(
    "torch",
    (_FEATURIZER.definition, _FEATURIZER.build),
    (Mixer(), MixerModule),
    ImageSize(8, None),
    5,
)


def test_a_plain_module_is_an_implementation_and_its_constructor_initialises_it() -> None:
    network = network_of("torch", MIXED)
    network.initialize(5)
    first = network.state()
    bound = 1 / np.sqrt(MIXED.parts["encoder"].size.features)
    assert 0.8 * bound < np.abs(first["encoder.linear.bias"]).max() <= bound, "as nn.Linear does it"
    network.initialize(5)
    assert all(np.array_equal(array, first[name]) for name, array in network.state().items())
    assert predict(network, *images_of(MIXED, [12, 24]))[0].shape == (2, 6, 5)


# --------------------------------------------------------------------------------------- ONNX files


@pytest.fixture(scope="module")
def onnxscript() -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")


def session(data: bytes) -> Any:
    return pytest.importorskip("onnxruntime").InferenceSession(
        data, providers=["CPUExecutionProvider"]
    )


def described(values: list[Any]) -> dict[str, tuple[str, list[Any]]]:
    return {value.name: (value.type, value.shape) for value in values}


@pytest.mark.usefixtures("onnxscript")
@pytest.mark.parametrize("plan", [SMALL, FIXED, MIXED], ids=["variable", "fixed", "third-party"])
def test_an_onnx_file_computes_the_same_for_other_batches_and_widths_than_it_was_traced_with(
    plan: NetworkPlan, capfd: pytest.CaptureFixture[str]
) -> None:
    network = network_of("torch", plan)
    data = backend.Torch().export_onnx(plan, network.state())
    assert capfd.readouterr() == ("", "")
    run = session(data)
    height, width, steps = plan.image.height, plan.image.width or "W", plan.outputs[0].axes[1]
    assert described(run.get_inputs()) == {
        "images": ("tensor(float)", ["N", 1, height, width]), "widths": ("tensor(int64)", ["N"]),
    }  # fmt: skip
    assert described(run.get_outputs()) == {
        "log_probs": ("tensor(float)", ["N", steps, classes_of(plan)]),
        "lengths": ("tensor(int64)", ["N"]),
    }
    nothing = {
        "images": np.zeros((0, 1, height, plan.image.width or 40), np.float32),
        "widths": np.zeros(0, np.int64),
    }
    assert [len(output) for output in run.run(None, nothing)] == [0, 0]
    cases = (
        [[27] * 3, [27], [27] * 9]
        if plan.image.width
        else [[48, 7, 30], [4], [200, 3, 121, 55, 200], [40] * 12]
    )
    for widths in cases:
        images, sizes = images_of(plan, widths)
        log_probs, lengths = run.run(
            ["log_probs", "lengths"], {"images": images, "widths": sizes.astype(np.int64)}
        )
        wanted, wanted_lengths = predict(network, images, sizes)
        assert lengths.tolist() == wanted_lengths.tolist() == [width // 4 for width in widths]
        assert log_probs.shape == wanted.shape
        for row, other, length in zip(log_probs, wanted, lengths, strict=True):
            np.testing.assert_allclose(row[:length], other[:length], atol=1e-5)
    assert capfd.readouterr() == ("", ""), "the shapes that the file states are true"


class BranchingModule(MixerModule):
    def forward(self, features: Any, lengths: Any) -> Any:
        return features if features.sum().item() > 0 else self.linear(features)


@pytest.mark.usefixtures("onnxscript")
def test_a_network_that_cannot_be_exported_is_refused_in_one_line() -> None:
    branching = replace(MIXED.parts["encoder"], build=BranchingModule)
    plan = replace(MIXED, parts={**MIXED.parts, "encoder": branching})
    with pytest.raises(
        OcrkitError, match=r"PyTorch cannot export this network to ONNX: .*[Dd]ata-dependent"
    ) as caught:
        backend.Torch().export_onnx(plan, random_state(plan))
    assert "\n" not in str(caught.value)


def test_features_made_in_numpy_are_no_part_of_an_onnx_file() -> None:
    plan = text_plan("torch", None, (Mixer(), MixerModule), SequenceSize(3, None), 3)
    with pytest.raises(OcrkitError, match="the featurizer runs in NumPy, outside the network"):
        backend.Torch().export_onnx(plan, random_state(plan))


def test_what_exporting_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(
        PluginError,
        match=r"exporting needs onnxscript, .* pip install '\.\[export\]' in the folder",
    ):
        backend.Torch().export_onnx(SMALL, random_state(SMALL))


# ------------------------------------------------------------------------------------ the framework


def test_the_backend_says_what_it_can_do() -> None:
    assert backend.Torch().devices()[0] == "cpu"
    assert backend.Torch().versions()["torch"] == torch.__version__
    assert isinstance(backend.Torch(), ExportsOnnx)
    assert isinstance(backend.Torch(), Distributed)


def precisions() -> list[str]:
    return [
        kind.fp32_precision
        for kind in (
            torch.backends.cuda.matmul,
            torch.backends.cudnn.conv,
            torch.backends.cudnn.rnn,
        )
    ]


@pytest.fixture
def tf32() -> Iterator[None]:
    before = precisions()
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    yield
    torch.backends.cuda.matmul.fp32_precision = before[0]


@pytest.mark.usefixtures("tf32")
def test_tensorfloat32_is_off_while_a_network_computes_and_what_the_host_chose_comes_back() -> None:
    before = precisions()
    assert before[0] == "tf32"
    with exact_float32():
        assert precisions() == ["ieee"] * 3
    assert precisions() == before
    seen = []
    network = network_of("torch", SMALL)
    network.whole.head.register_forward_hook(lambda *_: seen.append(precisions()))
    predict(network, *images_of(SMALL, [12]))
    assert (seen, precisions()) == ([["ieee"] * 3], before)


@pytest.mark.usefixtures("tf32")
def test_networks_in_several_threads_compute_without_tensorfloat32_and_leave_what_was_there() -> (
    None
):
    """PyTorch has one such flag for the process: the first to be through must not put it back for
    the others."""
    before, inside = precisions(), []
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with exact_float32():
            first_in.set()
            second_in.wait(20)
        first_out.set()

    def second() -> None:
        first_in.wait(20)
        with exact_float32():
            second_in.set()
            first_out.wait(20)
            inside.append(precisions())

    threads = [threading.Thread(target=each) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == [["ieee"] * 3]
    assert precisions() == before


def in_a_new_thread() -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


def test_the_number_of_threads_is_a_networks_own() -> None:
    before = torch.get_num_threads(), in_a_new_thread()
    networks = [
        registry().get("backend", "torch").load()().network(SMALL, device="cpu", threads=n)
        for n in (3, 1, 0)
    ]
    seen = []
    for network in networks:
        network.load_state(random_state(SMALL))
        network.whole.head.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    for network in (*networks, *networks):
        predict(network, *images_of(SMALL, [12]))
    assert seen == [3, 1, min(before[0], processors())] * 2
    networks[0].trainer(ADAM).step(batch_of(SMALL), learning_rate=0.1, seed=0)
    assert seen[-1] == 3
    assert (torch.get_num_threads(), in_a_new_thread()) == before


QUIET = """
import sys
import numpy as np
from ocrkit.pipelines.file import load_spec
from ocrkit.interfaces import Batch, OptimizerOptions
from ocrkit.pipelines.build import assemble, build_network

settings = ["preprocessor.use=fit-height", "preprocessor.height=16"]
network = build_network(assemble(load_spec(sys.argv[1], settings), backend="torch"), "cpu", threads=1)
network.initialize(0)
images, sizes = np.ones((2, 1, 16, 48), np.float32), np.array([48, 30], np.int32)
inputs = {"images": images, "widths": sizes}
targets = {"labels": np.array([[0, 1], [1, -1]], np.int32), "label_lengths": np.array([2, 1], np.int32)}
batch = Batch(inputs, targets, 2)
network.run(inputs)
for precision in ("float32", "bf16"):
    options = OptimizerOptions("adamw", 0.1, 1.0, precision=precision, accumulate=2, deterministic=True)
    network.trainer(options).step(batch, learning_rate=0.1, seed=0)
"""  # noqa: E501


def test_pytorch_warns_of_nothing(tiny: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", QUIET, str(tiny)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --------------------------------------------------------------------------------------------- GPUs

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA GPU")


@gpu
@pytest.mark.gpu
def test_versions_name_the_gpu() -> None:
    assert backend.Torch().versions()["gpu"] == torch.cuda.get_device_name()


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize(
    "plan",
    [SMALL, FIXED, plan_of("torch", ImageSize(32, None), Cnn(), BiLstm())],
    ids=["small", "fixed", "large"],
)
def test_a_gpu_computes_what_the_cpu_does(plan: NetworkPlan) -> None:
    widths = [plan.image.width] * 3 if plan.image.width else [48, 9, 30]
    inputs = images_of(plan, widths)
    on_cpu, lengths = predict(network_of("torch", plan), *inputs)
    network = network_of("torch", plan, device="cuda")
    on_gpu, gpu_lengths = predict(network, *inputs)
    assert (network.device, gpu_lengths.tolist()) == ("cuda", lengths.tolist())
    for row, other, length in zip(on_gpu, on_cpu, lengths, strict=True):
        np.testing.assert_allclose(row[:length], other[:length], atol=1e-3)
    assert all(
        array.tobytes() == random_state(plan)[name].tobytes()
        for name, array in network.state().items()
    )
