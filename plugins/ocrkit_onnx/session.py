"""ONNX Runtime at work: a model on a device, in threads, within bounds of memory."""

import sys
from contextlib import nullcontext, redirect_stdout
from functools import cache
from textwrap import shorten
from typing import Any

import numpy as np
import onnxruntime

from ocrkit.errors import OcrkitError
from ocrkit.interfaces import Arrays, Port
from ocrkit.support.machine import memory, processors
from ocrkit.support.parallel import LastingThreads
from ocrkit_onnx.graph import FLOAT32, Graph

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""What ONNX Runtime calls devices."""
FLOAT = "tensor(float)"
"""What it calls arrays of float32."""
ROWS = 8
"""Images that a thread takes through the network at once: few enough for the processor's cache."""
CALLERS = 2
"""Batches at a time on the CPU: a thread that is through with its part of one goes on with the
next."""


class ModelError(Exception):
    """What ONNX Runtime says of a model that it cannot run, in one line. Its own errors have no
    base of their own."""


class Session:
    """ONNX Runtime with a model, and constants that are not in it, by name.

    Of a ``foreign`` model, which is to give these outputs, nobody knows how much memory it asks
    for: all of them together get no more than half of what this process may use. Raises ModelError
    where it cannot run the model, OcrkitError where it cannot use the device.
    """

    def __init__(
        self,
        model: bytes,
        constants: Arrays | None = None,
        *,
        device: str,
        threads: int,
        foreign: tuple[Port, ...] = (),
    ) -> None:
        # On the CPU every thread takes rows of its own through the whole network: sharing out each
        # operator costs more. But a network that gives maps is given one large picture at a time.
        self._count = threads or processors() if device == "cpu" else 1
        self._maps = any("H" in port.axes for port in foreign)
        self._threads = LastingThreads(self._count, "onnx")
        self._foreign = foreign
        options = _options(self._count if self._maps else 1)
        if foreign:
            limit_memory()
            options.add_session_config_entry("session.use_env_allocators", "1")
        # Constants beside the model are not copied; inside, copies of them took most of the time
        # until a session is ready.
        self._constants = [
            onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in (constants or {}).values()
        ]
        options.add_external_initializers(list(constants or {}), self._constants)
        if PROVIDERS[device] not in onnxruntime.get_available_providers():
            raise _no_device(device)
        self._session = _opened(model, options, device)
        if PROVIDERS[device] not in self._session.get_providers():  # it would go on on the CPU
            raise _no_device(device)

        self.inputs = {value.name: value.type for value in self._session.get_inputs()}
        self.outputs = {value.name: value.type for value in self._session.get_outputs()}

    def run(self, inputs: Arrays) -> Arrays:
        """All outputs of the inputs, by name; int64 on ONNX's side is int32 on this one."""
        arrays = {
            name: np.asarray(inputs[name], np.float32 if kind == FLOAT else np.int64)
            for name, kind in self.inputs.items()
        }
        count = len(next(iter(arrays.values())))
        if not count:  # of a file that others made it may end the whole process
            raise OcrkitError("an empty batch; expected one image at least")
        if self._count == 1 or self._maps:
            return self._run(arrays)
        rows = min(ROWS, -(-count // self._count))
        pieces = [
            {name: array[first : first + rows] for name, array in arrays.items()}
            for first in range(0, count, rows)
        ]
        parts = list(self._threads.map(self._run, pieces))
        return {name: np.concatenate([part[name] for part in parts]) for name in self.outputs}

    def _run(self, inputs: Arrays) -> Arrays:
        try:
            arrays = self._session.run(list(self.outputs), inputs)
        except Exception as error:
            shape = " × ".join(map(str, next(iter(inputs.values())).shape))
            raise OcrkitError(
                f"ONNX Runtime cannot run the network on a batch of {shape} ({_first_line(error)})"
            ) from error
        outputs = dict(zip(self.outputs, arrays, strict=True))
        for port in self._foreign:
            _check_size(port, outputs[port.name], inputs["images"])
        return {
            name: array if self.outputs[name] == FLOAT else array.astype(np.int32)
            for name, array in outputs.items()
        }


def _check_size(port: Port, output: Any, images: Any) -> None:
    """Raises OcrkitError for an output with other axes than it should have, with more steps than
    the images have columns, or more rows or columns than they."""
    height, width = images.shape[2:]
    most = {"T": width, "H": height, "W": width}
    sizes = dict(zip(port.axes, output.shape, strict=False))
    bounded = [axis for axis in port.axes if axis in most]
    if output.ndim != len(port.axes) or any(sizes[axis] > most[axis] for axis in bounded):
        axes, named = ", ".join(map(str, port.axes)), " and ".join(map(str, bounded))
        limit = "width" if named == "T" else "size"
        raise OcrkitError(
            f"the network gives {port.name} {output.shape} for images {images.shape}; "
            f"expected ({axes}), {named} at most the images' {limit}"
        )


def _options(threads: int) -> Any:
    """``threads`` share out every operator."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 4  # fatal alone: errors are raised as well
    return options


def _opened(model: bytes, options: Any, device: str) -> Any:
    """ONNX Runtime's own session. Raises ModelError."""
    # TensorFloat-32's ten bits of mantissa would read other text than the CPU does.
    cuda = [(PROVIDERS["cuda"], {"use_tf32": "0"})] if device == "cuda" else []
    # It prints what it does not find.
    with redirect_stdout(sys.stderr) if cuda else nullcontext():
        if cuda:
            onnxruntime.preload_dlls()  # finds the CUDA libraries of NVIDIA's wheels
        providers = [*cuda, PROVIDERS["cpu"]]
        try:
            return onnxruntime.InferenceSession(
                model, options, providers=providers, enable_fallback=len(cuda)
            )
        except Exception as error:
            raise ModelError(_first_line(error)) from error


def callers(device: str, threads: int) -> int:
    """How many threads may call a network's ``run`` at a time."""
    return CALLERS if device == "cpu" and threads != 1 else 1


@cache
def limit_memory() -> None:
    """Makes the allocator of networks from files, once in a process. An output of terabytes is
    refused, not begun."""
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    place = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    bounds = onnxruntime.OrtArenaCfg({"max_mem": memory() // 2})
    onnxruntime.create_and_register_allocator(place, bounds)


@cache
def cuda_works() -> bool:
    """Whether a small model really runs on a GPU: the provider is listed also where its libraries
    or the GPU are missing."""
    graph = Graph({})
    graph.output("y", graph.node("Relu", graph.input("x", FLOAT32, ["N"])), FLOAT32, ["N"])
    try:
        Session(graph.model({}), device="cuda", threads=1)
    except OcrkitError:
        return False
    return True


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return shorten(lines[0], 200)


def _no_device(device: str) -> OcrkitError:
    return OcrkitError(
        f"ONNX Runtime cannot use the device {device!r} here; try --device cpu, or see "
        "docs/backends.md"
    )
