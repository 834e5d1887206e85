"""Networks on ONNX Runtime: made as ONNX models in memory out of a plan and its weights, or opened
from a file."""

import sys
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, redirect_stdout
from functools import cache
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
import onnxruntime

from ocrkit.errors import ConfigError, OcrkitError, WeightsError
from ocrkit.interfaces import Arrays, FloatArray, IntArray, NetworkPlan, OptimizerOptions
from ocrkit.support.files import read_bytes
from ocrkit.support.machine import memory, processors
from ocrkit.support.parallel import LastingThreads
from ocrkit_onnx.graph import FLOAT32, INT64, Graph, metadata_entries, metadata_of

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""What ONNX Runtime calls devices."""
INPUTS = {"images": "tensor(float)", "widths": "tensor(int64)"}
ROWS = 8
"""Images that a thread takes through the network at once: few enough for the processor's cache."""
CALLERS = 2
"""Batches at a time on the CPU: a thread that is through with its part of one goes on with the
next."""
OUTPUTS = {"log_probs": "tensor(float)", "lengths": "tensor(int64)"}


class Onnx:
    """Backend ``onnx``."""

    def devices(self) -> list[str]:
        return ["cpu", "cuda"] if _cuda_works() else ["cpu"]

    def versions(self) -> dict[str, str]:
        return {"onnxruntime": onnxruntime.__version__}

    def network(self, plan: NetworkPlan, *, device: str, threads: int) -> "OnnxNetwork":
        return OnnxNetwork(plan, device=device, threads=threads)

    def export_onnx(self, plan: NetworkPlan, arrays: Arrays, /) -> bytes:
        return network_graph(plan, arrays).model({})

    def metadata(self, path: Path, /) -> dict[str, str]:
        try:
            return metadata_of(_bytes_of(path))
        except ValueError as error:
            raise _cannot_be_run(path, error) from error

    def with_metadata(self, model: bytes, metadata: Mapping[str, str], /) -> bytes:
        return model + metadata_entries(metadata)

    def open(self, path: Path, /, *, device: str, threads: int) -> "FileNetwork":
        return FileNetwork(path, device=device, threads=threads)

    def quantise(self, model: bytes, batches: Iterable[tuple[FloatArray, IntArray]], /) -> bytes:
        from ocrkit_onnx import quantisation

        return quantisation.quantise(model, batches)


def network_graph(plan: NetworkPlan, arrays: Arrays) -> Graph:
    """The network with its weights as an ONNX graph.

    Inputs: ``images`` float32 (N, 1, H, W) and ``widths`` int64 (N,), or ``features`` (N, T, D) and
    ``steps`` (N,) behind a featurizer of backend ``numpy``. Outputs: ``log_probs`` float32 (N, T,
    K) and ``lengths`` int64 (N,). N may be 0. Raises ConfigError where the implementations use
    other parameters than ``arrays`` has.
    """
    graph = Graph(arrays)
    steps = plan.sequence.steps or "T"
    if plan.featurizer is not None and plan.build_featurizer is not None:
        images = graph.input(
            "images", FLOAT32, ["N", 1, plan.image.height, plan.image.width or "W"]
        )
        widths = graph.input("widths", INT64, ["N"])
        count, images, widths = _one_at_least(graph, images, widths, axis=3)
        featurizer = plan.build_featurizer(plan.featurizer, plan.image)
        features, lengths = featurizer(graph.part("featurizer"), images, widths)
    else:
        features = graph.input("features", FLOAT32, ["N", steps, plan.sequence.features])
        lengths = graph.input("steps", INT64, ["N"])
        count, features, lengths = _one_at_least(graph, features, lengths, axis=1)
    encoded = plan.build_encoder(plan.encoder, plan.sequence)(
        graph.part("encoder"), features, lengths
    )
    head = graph.part("head")
    scores = head.node("MatMul", encoded, head.constant(head.weight("weight").T))
    scores = head.node("Add", scores, head.parameter("bias"))
    log_probs = head.node("LogSoftmax", scores, axis=-1)
    first, batch = graph.constant([0]), graph.constant([0])
    log_probs, lengths = (graph.node("Slice", x, first, count, batch) for x in (log_probs, lengths))
    graph.output("log_probs", log_probs, FLOAT32, ["N", steps, plan.classes])
    graph.output("lengths", lengths, INT64, ["N"])
    unused = sorted(arrays.keys() - graph.used)
    if unused:
        raise ConfigError(
            [
                (
                    "the onnx network has other parameters than its definition says: it does not "
                    "use "
                    f"{unused[0]}"
                )
            ]
        )
    return graph


def _one_at_least(graph: Graph, inputs: str, sizes: str, axis: int) -> tuple[str, str, str]:
    """N as (1,), and the inputs and their sizes, or one input of zeros where there is none.

    Of nothing some of ONNX Runtime's operators end the whole process. ``axis`` is the one that the
    sizes are of.
    """
    count = graph.node("Shape", inputs, start=0, end=1)
    missing = graph.node("Max", graph.node("Sub", graph.constant([1]), count), graph.constant([0]))
    blank = graph.node(
        "ConstantOfShape",
        graph.node("Concat", missing, graph.node("Shape", inputs, start=1), axis=0),
    )
    whole = graph.node("Shape", inputs, start=axis, end=axis + 1)
    its_size = graph.node("Slice", whole, graph.constant([0]), missing)
    return (
        count,
        graph.node("Concat", inputs, blank, axis=0),
        graph.node("Concat", sizes, its_size, axis=0),
    )


class OnnxNetwork:
    """A network of a plan. Its model is made anew whenever weights are set, and never leaves
    memory."""

    def __init__(self, plan: NetworkPlan, *, device: str, threads: int) -> None:
        self.device = device
        self.callers = _callers(device, threads)
        self._plan = plan
        self._threads = threads
        self._arrays = {
            name: np.zeros(shape, np.float32) for name, shape in plan.parameters().items()
        }
        self._session: _Session | None = None

    def predict(self, inputs: FloatArray, sizes: IntArray, /) -> tuple[FloatArray, IntArray]:
        if self._session is None:
            raise WeightsError("the network has no weights yet")
        return self._session.predict(inputs, sizes)

    def state(self) -> Arrays:
        return {name: array.copy() for name, array in self._arrays.items()}

    def load_state(self, arrays: Arrays, /) -> None:
        missing = self._arrays.keys() - arrays.keys()
        if missing:
            raise WeightsError(f"the network's {sorted(missing)[0]} is not among the weights")
        self._arrays = {name: np.array(arrays[name], np.float32) for name in self._arrays}
        graph = network_graph(self._plan, self._arrays)
        model, constants = graph.model({}, whole=False), graph.large_constants
        try:
            self._session = _Session(model, constants, device=self.device, threads=self._threads)
        except _RuntimeError as error:
            parts = (
                f"{type(self._plan.featurizer).__name__} and {type(self._plan.encoder).__name__}"
            )
            raise ConfigError(
                [f"ONNX Runtime cannot run the network that {parts} make: {error}"]
            ) from error

    def initialize(self, seed: int, /) -> None:
        raise _no_training()

    def trainer(self, options: OptimizerOptions, /) -> Any:
        raise _no_training()


class FileNetwork:
    """A network from a file that ``ocrkit export``, or anybody, wrote with these inputs and
    outputs."""

    def __init__(self, path: Path, *, device: str, threads: int) -> None:
        self.device = device
        self.callers = _callers(device, threads)
        self._path = path
        self._session = _session_of(path, device=device, threads=threads)

    def predict(self, inputs: FloatArray, sizes: IntArray, /) -> tuple[FloatArray, IntArray]:
        return self._session.predict(inputs, sizes)

    def state(self) -> Arrays:
        raise self._for_reading()

    def load_state(self, arrays: Arrays, /) -> None:
        raise self._for_reading()

    def initialize(self, seed: int, /) -> None:
        raise self._for_reading()

    def trainer(self, options: OptimizerOptions, /) -> Any:
        raise self._for_reading()

    def _for_reading(self) -> ConfigError:
        return ConfigError(
            [
                (
                    f"{self._path}: an exported network cannot be trained; take the pipeline that "
                    "it "
                    "came from"
                )
            ]
        )


class _RuntimeError(Exception):
    """What ONNX Runtime says of a model that it cannot run, in one line. Its own errors have no
    base of their own."""


class _Session:
    """ONNX Runtime with a model, and constants that are not in it, by name.

    Of a model that is ``foreign``, nobody knows how much memory it asks for: all of them together
    get no more than half of what this process may use. Raises _RuntimeError where it cannot run the
    model, OcrkitError where it cannot use the device.
    """

    def __init__(
        self,
        model: bytes,
        constants: Arrays | None = None,
        *,
        device: str,
        threads: int,
        foreign: bool = False,
    ) -> None:
        # On the CPU every thread takes rows of its own through the whole network: sharing out each
        # operator costs more.
        self._count = threads or processors() if device == "cpu" else 1
        self._threads = LastingThreads(self._count, "onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 4  # fatal alone: errors are raised as well
        self._foreign = foreign
        if foreign:
            _limit_memory()
            options.add_session_config_entry("session.use_env_allocators", "1")
        # Constants beside the model are not copied; inside, copies of them took most of the time
        # until a session is ready.
        self._constants = [
            onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in (constants or {}).values()
        ]
        options.add_external_initializers(list(constants or {}), self._constants)
        # TensorFloat-32's ten bits of mantissa would read other text than the CPU does.
        provider = PROVIDERS[device]
        if provider not in onnxruntime.get_available_providers():
            raise _no_device(device)
        choices = [(provider, {"use_tf32": "0"})] if device == "cuda" else []
        with (
            redirect_stdout(sys.stderr) if choices else nullcontext()
        ):  # it prints what it does not find
            if choices:
                onnxruntime.preload_dlls()  # finds the CUDA libraries of NVIDIA's wheels
            try:
                self._session = onnxruntime.InferenceSession(
                    model,
                    options,
                    providers=[*choices, PROVIDERS["cpu"]],
                    enable_fallback=len(choices),
                )
            except Exception as error:
                raise _RuntimeError(_first_line(error)) from error
        if provider not in self._session.get_providers():  # it would go on without, on the CPU
            raise _no_device(device)

    def predict(self, inputs: FloatArray, sizes: IntArray) -> tuple[FloatArray, IntArray]:
        if not len(inputs):  # of a file that others made it may end the whole process
            raise OcrkitError("an empty batch; expected one image at least")
        if self._count == 1:
            return self._run(inputs, sizes)
        rows = min(ROWS, -(-len(inputs) // self._count))
        cuts = range(rows, len(inputs), rows)
        parts = self._threads.map(self._run, np.split(inputs, cuts), np.split(sizes, cuts))
        log_probs, lengths = zip(*parts, strict=True)
        return np.concatenate(log_probs), np.concatenate(lengths)

    def _run(self, inputs: FloatArray, sizes: IntArray) -> tuple[FloatArray, IntArray]:
        names = [value.name for value in self._session.get_inputs()]
        arrays = (np.asarray(inputs, np.float32), np.asarray(sizes, np.int64))
        try:
            log_probs, lengths = self._session.run(
                ["log_probs", "lengths"], dict(zip(names, arrays, strict=True))
            )
        except Exception as error:
            shape = " × ".join(map(str, inputs.shape))
            raise OcrkitError(
                f"ONNX Runtime cannot run the network on a batch of {shape} ({_first_line(error)})"
            ) from error
        if self._foreign and (log_probs.ndim != 3 or log_probs.shape[1] > inputs.shape[-1]):
            raise OcrkitError(
                f"the network gives log_probs {log_probs.shape} for images {inputs.shape}; "
                "expected (N, T, K), T at most the images' width"
            )
        return log_probs, lengths.astype(np.int32)

    def inputs_and_outputs(self) -> tuple[dict[str, str], dict[str, str]]:
        """Types by name."""
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        return {value.name: value.type for value in inputs}, {
            value.name: value.type for value in outputs
        }


def _callers(device: str, threads: int) -> int:
    return CALLERS if device == "cpu" and threads != 1 else 1


def _session_of(path: Path, *, device: str, threads: int) -> _Session:
    """A file's network. Raises OcrkitError where it is no ONNX file, or one with other inputs and
    outputs."""
    try:
        session = _Session(_bytes_of(path), device=device, threads=threads, foreign=True)
    except _RuntimeError as error:
        raise _cannot_be_run(path, error) from error
    found = session.inputs_and_outputs()
    if found != (INPUTS, OUTPUTS):
        has, expected = (
            f"{_named(inputs)} → {_named(outputs)}"
            for inputs, outputs in (found, (INPUTS, OUTPUTS))
        )
        raise OcrkitError(f"{path}: no network that reads: it maps {has}; expected {expected}")
    return session


def _bytes_of(path: Path) -> bytes:
    return read_bytes(
        path, expected="an ONNX network", most=2 << 30
    )  # more than Protocol Buffers allow


def _cannot_be_run(path: Path, error: Exception) -> OcrkitError:
    return OcrkitError(f"{path}: cannot be run as an ONNX network ({error})")


def _named(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in values.items()) or "nothing"


def _first_line(error: BaseException) -> str:
    return shorten((str(error).strip().splitlines() or [type(error).__name__])[0], 200)


def _no_device(device: str) -> OcrkitError:
    return OcrkitError(
        f"ONNX Runtime cannot use the device {device!r} here; try --device cpu, or see "
        "docs/backends.md"
    )


def _no_training() -> ConfigError:
    return ConfigError(["backend 'onnx' reads only; train on torch or gluon"])


@cache
def _limit_memory() -> None:
    """Makes the allocator of networks from files, once in a process. An output of terabytes is
    refused, not begun."""
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    place = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    onnxruntime.create_and_register_allocator(
        place, onnxruntime.OrtArenaCfg({"max_mem": memory() // 2})
    )


@cache
def _cuda_works() -> bool:
    """Whether a small model really runs on a GPU: the provider is listed also where its libraries
    or the GPU are missing."""
    graph = Graph({})
    graph.output("y", graph.node("Relu", graph.input("x", FLOAT32, ["N"])), FLOAT32, ["N"])
    try:
        _Session(graph.model({}), device="cuda", threads=1)
    except OcrkitError:
        return False
    return True
