"""Networks on ONNX Runtime: made as ONNX models in memory out of a plan and its weights, or opened
from a file."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from ocrkit.errors import ConfigError, OcrkitError, WeightsError
from ocrkit.interfaces import Arrays, NetworkPlan, OptimizerOptions, Port
from ocrkit.support.files import read_bytes
from ocrkit_onnx.graph import metadata_entries, metadata_of
from ocrkit_onnx.network_graph import network_graph
from ocrkit_onnx.session import FLOAT, ModelError, Session, callers, cuda_works

TYPES = {"float32": FLOAT, "int64": "tensor(int64)"}
"""What ONNX Runtime calls arrays of these."""
INPUTS = {"images": TYPES["float32"], "widths": TYPES["int64"]}


class Onnx:
    """Backend ``onnx``."""

    def devices(self) -> list[str]:
        return ["cpu", "cuda"] if cuda_works() else ["cpu"]

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

    def open(
        self, path: Path, outputs: tuple[Port, ...], /, *, device: str, threads: int
    ) -> "FileNetwork":
        return FileNetwork(path, outputs, device=device, threads=threads)

    def quantise(self, model: bytes, batches: Iterable[Arrays], /) -> bytes:
        from ocrkit_onnx import quantisation

        return quantisation.quantise(model, batches)


class OnnxNetwork:
    """A network of a plan. Its model is made anew whenever weights are set, and never leaves
    memory."""

    def __init__(self, plan: NetworkPlan, *, device: str, threads: int) -> None:
        self.device = device
        self.callers = callers(device, threads)
        self._plan = plan
        self._threads = threads
        self._arrays = {
            name: np.zeros(shape, np.float32) for name, shape in plan.parameters().items()
        }
        self._session: Session | None = None

    def run(self, inputs: Arrays, /) -> Arrays:
        if self._session is None:
            raise WeightsError("the network has no weights yet")
        return self._session.run(inputs)

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
            self._session = Session(model, constants, device=self.device, threads=self._threads)
        except ModelError as error:
            parts = [part for part in self._plan.parts.values() if part.build]
            makers = " and ".join(type(part.definition).__name__ for part in parts)
            wrong = f"ONNX Runtime cannot run the network that {makers} make: {error}"
            raise ConfigError([wrong]) from error

    def initialize(self, seed: int, /) -> None:
        raise _no_training()

    def trainer(self, options: OptimizerOptions, /) -> Any:
        raise _no_training()


class FileNetwork:
    """A network from a file that ``ocrkit export``, or anybody, wrote with these inputs and
    outputs."""

    def __init__(self, path: Path, outputs: tuple[Port, ...], *, device: str, threads: int) -> None:
        self.device = device
        self.callers = callers(device, threads)
        self._path = path
        self._session = _session_of(path, outputs, device=device, threads=threads)

    def run(self, inputs: Arrays, /) -> Arrays:
        return self._session.run(inputs)

    def state(self) -> Arrays:
        raise self._for_reading()

    def load_state(self, arrays: Arrays, /) -> None:
        raise self._for_reading()

    def initialize(self, seed: int, /) -> None:
        raise self._for_reading()

    def trainer(self, options: OptimizerOptions, /) -> Any:
        raise self._for_reading()

    def _for_reading(self) -> ConfigError:
        advice = "take the pipeline that it came from"
        return ConfigError([f"{self._path}: an exported network cannot be trained; {advice}"])


def _session_of(path: Path, outputs: tuple[Port, ...], *, device: str, threads: int) -> Session:
    """A file's network. Raises OcrkitError where it is no ONNX file, or one with other inputs and
    outputs."""
    try:
        session = Session(_bytes_of(path), device=device, threads=threads, foreign=outputs)
    except ModelError as error:
        raise _cannot_be_run(path, error) from error
    found = session.inputs, session.outputs
    gives = {port.name: TYPES[port.dtype] for port in outputs}
    if found != (INPUTS, gives):
        has, expected = _mapping(*found), _mapping(INPUTS, gives)
        raise OcrkitError(f"{path}: no network that reads: it maps {has}; expected {expected}")
    return session


def _bytes_of(path: Path) -> bytes:
    # at most what Protocol Buffers allow
    return read_bytes(path, expected="an ONNX network", most=2 << 30)


def _cannot_be_run(path: Path, error: Exception) -> OcrkitError:
    return OcrkitError(f"{path}: cannot be run as an ONNX network ({error})")


def _mapping(inputs: Mapping[str, str], outputs: Mapping[str, str]) -> str:
    return f"{_named(inputs)} → {_named(outputs)}"


def _named(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in values.items()) or "nothing"


def _no_training() -> ConfigError:
    return ConfigError(["backend 'onnx' reads only; train on torch or gluon"])
