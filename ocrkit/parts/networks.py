"""Networks, what computes and trains them, and the plan that they are built by."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ocrkit.parts.values import Arrays, ImageSize, SequenceSize


@dataclass(frozen=True, slots=True)
class Port:
    """An array that goes into a network, or comes out of it."""

    name: str
    dtype: str
    """As NumPy calls it: ``float32``, ``int64``."""
    axes: tuple[int | str, ...]
    """Sizes, or a name where a size varies; ``N``, the samples of a batch, is the first."""

    def __str__(self) -> str:
        """``images float32 (N, 1, 64, W)``, for messages."""
        axes = ", ".join(map(str, self.axes))
        return f"{self.name} {self.dtype} ({axes}{',' * (len(self.axes) == 1)})"


@dataclass(frozen=True, slots=True)
class Batch:
    """What a training step eats. Every array has a row a sample."""

    inputs: Arrays
    """The network's inputs, by name; see :attr:`NetworkPlan.inputs`."""
    targets: Arrays
    """What its outputs are compared with, by name, as the objective makes them."""
    count: int
    """N, the samples."""


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """A part of a network."""

    definition: Any
    size: ImageSize | SequenceSize
    """What it takes."""
    build: Callable[..., Any] | None = None
    """The backend's implementation; None for a part that comes with the objective, which builds it
    itself."""

    def built(self) -> Any:
        """What the implementation makes of the definition."""
        assert self.build is not None  # noqa: S101  (who asks knows the part)
        return self.build(self.definition, self.size)


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """All that a backend needs to build a network: parts, objective and sizes."""

    parts: Mapping[str, PlannedPart]
    """By their names in checkpoints, in the order in which data pass them. Behind a featurizer of
    backend ``numpy`` there is none; the network's inputs are then its features."""
    objective: Any
    """What the network is trained for: see :class:`ocrkit.parts.objectives.Objective`."""
    build_objective: Callable[..., Any]
    """The backend's implementation of the objective."""
    image: ImageSize
    """What the preprocessor gives."""
    inputs: tuple[Port, ...]
    """``images`` in 0..1, zero beyond each one's width, and ``widths`` in pixels; behind a
    featurizer of backend ``numpy`` its ``features``, and the ``steps`` of each that count."""
    outputs: tuple[Port, ...]
    stride: int
    """What an input's last axis is a multiple of, where it varies."""

    @classmethod
    def of(
        cls,
        parts: Mapping[str, PlannedPart],
        objective: Any,
        build_objective: Callable[..., Any],
        image: ImageSize,
        codec: Any,
    ) -> "NetworkPlan":
        """The plan of a network of these parts, with those that the objective adds.

        ``codec``: the pipeline's alphabet; None where it reads no text.
        """
        first = next(iter(parts.values()))
        own, outputs = objective.plan(parts, codec)
        if isinstance(first.size, ImageSize):
            axes: tuple[int | str, ...]
            axes = ("N", first.size.channels, first.size.height, first.size.width or "W")
            inputs = Port("images", "float32", axes), Port("widths", "int64", ("N",))
            stride = first.definition.stride
        else:
            axes = ("N", first.size.steps or "T", first.size.features)
            inputs = Port("features", "float32", axes), Port("steps", "int64", ("N",))
            stride = 1
        return cls(own, objective, build_objective, image, inputs, outputs, stride)

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Canonical names and shapes of the whole state: those of every part, behind its name."""
        return {
            f"{name}.{own}": shape
            for name, part in self.parts.items()
            for own, shape in part.definition.parameters(part.size).items()
        }

    def objective_built(self) -> Any:
        """What the backend's implementation makes of the objective."""
        return self.build_objective(self.objective, self)

    def blank(self) -> Arrays:
        """The inputs for a sample with nothing on it, as small as it may be."""
        first, sizes = self.inputs
        axes = [1, *(axis if isinstance(axis, int) else self.stride for axis in first.axes[1:])]
        whole = axes[3] if first.name == "images" else axes[1]
        return {
            first.name: np.zeros(axes, np.float32),
            sizes.name: np.array([whole], np.int32),
        }

    def mismatch(self, found: Mapping[str, tuple[int, ...]]) -> str:
        """In which arrays a network of these differs from :meth:`parameters`, and how; empty where
        in none."""
        defined = self.parameters()
        sides = {
            "only the network has": [
                f"{name} {found[name]}" for name in found if name not in defined
            ],
            "only the definition has": [
                f"{name} {defined[name]}" for name in defined if name not in found
            ],
            "of other shapes are": [
                f"{name} (the network's {found[name]}, the definition's {shape})"
                for name, shape in defined.items()
                if name in found and found[name] != shape
            ],
        }
        return "; ".join(
            f"{side} {', '.join(names[:4])}" + f" and {len(names) - 4} more" * (len(names) > 4)
            for side, names in sides.items()
            if names
        )


@dataclass(frozen=True, slots=True)
class OptimizerOptions:
    """What a backend's trainer is told; the learning rate comes with every step."""

    name: str
    """``adam`` or ``adamw``."""
    weight_decay: float
    clip_norm: float
    """Gradients are scaled so that their joint L2 norm is at most this; 0 leaves them as they
    are."""
    loss_weight: float = 1.0
    """Factor on the loss."""
    precision: str = "float32"
    """``float32``, or ``bf16``: the network computes in bfloat16 where that is safe; weights and
    loss stay float32."""
    accumulate: int = 1
    """A batch is computed in so many pieces, whose gradients add up to the whole batch's."""
    deterministic: bool = False
    """Whether a GPU uses only algorithms that repeat bit for bit. A CPU always does."""
    compile: bool = False
    """Whether the framework compiles the network before it trains it."""


class Network(Protocol):
    """A network on a device, as a backend builds it."""

    device: str

    def run(self, inputs: Arrays, /) -> Arrays:
        """The plan's outputs of its inputs, by name, for N samples, at least 1. Whole numbers are
        int32 on either side.

        It is called from any thread, and also in children that are forked after other calls. What a
        library keeps by thread is best kept in a thread of its own, as
        :class:`ocrkit.support.parallel.LastingThreads` has them, which a child makes anew.
        """

    def state(self) -> Arrays:
        """Copies of all parameters and running statistics, float32, by canonical name."""

    def load_state(self, arrays: Arrays, /) -> None:
        """Takes all arrays of ``NetworkPlan.parameters()``; names and shapes have been checked."""

    def initialize(self, seed: int, /) -> None:
        """Fresh weights, the same for the same seed."""

    def trainer(self, options: OptimizerOptions, /) -> "Trainer":
        """Raises ConfigError where the backend cannot train, or not with one of these options."""


@runtime_checkable
class ConcurrentNetwork(Protocol):
    """What a network has besides that works through several batches at a time faster than through
    one after another."""

    callers: int
    """Threads that may call ``run`` at a time."""


class Trainer(Protocol):
    """Changes a network's weights, one batch at a time."""

    def step(self, batch: Batch | None, *, learning_rate: float, seed: int) -> float:
        """One update. ``seed`` fixes all that is random in it. Returns the mean loss of the
        batch a sample, as the objective measures it: CTC's in nats.

        Where several workers train together the batch is this worker's part, None where it has
        none; the update and the loss are those of all parts together.
        """

    def state(self) -> Arrays:
        """The optimizer's state by name, so that training goes on exactly where it was."""

    def load_state(self, arrays: Arrays, /) -> None: ...


class Backend(Protocol):
    """Runs networks with one framework."""

    def devices(self) -> list[str]:
        """``cpu``, and ``cuda`` where the framework sees a GPU."""

    def versions(self) -> dict[str, str]:
        """The framework's version, by package name."""

    def network(self, plan: NetworkPlan, *, device: str, threads: int) -> Network:
        """Builds a network with unset weights on ``device``; ``threads`` is 0 for the framework's
        own choice."""


class Workers(Protocol):
    """The processes that train one network together. All call these methods, in the same order."""

    index: int
    """This process, from 0; the first validates, writes and prints."""
    count: int

    def sum(self, value: float, /) -> float:
        """All workers' values, added up."""

    def from_first(self, value: float, /) -> float:
        """The first worker's value, waited for by the others."""

    def finish(self) -> None:
        """Waits for the others and lets go of them."""


class SingleProcess:
    """The one process of most training runs."""

    index = 0
    count = 1

    def sum(self, value: float, /) -> float:
        return value

    def from_first(self, value: float, /) -> float:
        return value

    def finish(self) -> None:
        pass


@runtime_checkable
class Distributed(Protocol):
    """What a backend has besides that can train one network in several processes."""

    def workers(self) -> Workers:
        """The processes that were started together with this one, found by the environment; the
        same when called again."""


@runtime_checkable
class NetworkFiles(Protocol):
    """What a backend has besides where its name is the ending of files that hold a whole network
    (``model.onnx``).

    Inputs are ``images`` float32 (N, C, H, W) and ``widths`` int64 (N,), outputs those of the
    objective. All raise OcrkitError where a file is none of theirs.
    """

    def metadata(self, path: Path, /) -> dict[str, str]:
        """The texts that the file carries beside the network, by name."""

    def with_metadata(self, model: bytes, metadata: Mapping[str, str], /) -> bytes:
        """The file's bytes with these texts added."""

    def open(
        self, path: Path, outputs: tuple[Port, ...], /, *, device: str, threads: int
    ) -> Network:
        """The file's network, ready to run; it has no state and cannot be trained. Raises
        OcrkitError where it does not give these outputs."""

    def quantise(self, model: bytes, batches: Iterable[Arrays], /) -> bytes:
        """The network in int8, calibrated on inputs out of training images. Raises PluginError
        where a package is missing."""


@runtime_checkable
class ExportsOnnx(Protocol):
    """What a backend has besides that can write its networks as ONNX."""

    def export_onnx(self, plan: NetworkPlan, arrays: Arrays, /) -> bytes:
        """An ONNX file of the network with these weights in it, with inputs and outputs as
        :class:`NetworkFiles` says."""


@runtime_checkable
class Importer(Protocol):
    """Reads the weights of another program's networks; it needs no framework where it can do
    without."""

    def __call__(self, path: Path, plan: NetworkPlan, /) -> Arrays:
        """All arrays of ``plan.parameters()`` from a file. Raises WeightsError where it is damaged
        or of another network."""
