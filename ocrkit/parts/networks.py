"""Networks, and what computes and trains them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, SupportsFloat, runtime_checkable

from ocrkit.parts.plans import NetworkPlan, Port
from ocrkit.parts.values import Arrays


@dataclass(frozen=True, slots=True)
class Batch:
    """What a training step eats. Every array has a row a sample."""

    inputs: Arrays
    """The network's inputs, by name; see :attr:`NetworkPlan.inputs`."""
    targets: Arrays
    """What its outputs are compared with, by name, as the objective makes them."""
    count: int
    """N, the samples."""
    pieces: int = 1
    """In how many pieces a trainer that can does compute it, so that wide images fit in memory."""


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
    """A batch, or each of its pieces, is computed in so many pieces, whose gradients add up to the
    whole batch's."""
    deterministic: bool = False
    """Whether a GPU uses only algorithms that repeat bit for bit. A CPU always does."""
    compile: bool = False
    """Whether the framework compiles the network before it trains it."""
    keep_statistics: bool = False
    """Whether batch norms normalise by their running statistics, as in reading, and keep them."""


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


class WeightAverage(Protocol):
    """A running average of a network's weights: its parameters and running statistics."""

    def follow(self, share: float, /) -> None:
        """Moves by this share (0 to 1, as float32) of the way to the network's weights."""

    def exchange(self) -> None:
        """The network gets the averaged weights, and what it had is kept; the next call puts both
        back, bit for bit."""

    def state(self) -> Arrays:
        """The averaged weights, float32, by canonical name, which nothing changes later."""


@runtime_checkable
class AveragesWeights(Protocol):
    """What a network has besides that averages its weights where they are, on its device."""

    def average(self, arrays: Arrays, /) -> WeightAverage:
        """An average that begins as these, of all that ``state()`` names."""


class Trainer(Protocol):
    """Changes a network's weights, one batch at a time."""

    def step(self, batch: Batch | None, *, learning_rate: float, seed: int) -> SupportsFloat:
        """One update. ``seed`` fixes all that is random in it. Returns the mean loss of the
        batch a sample, as the objective measures it: CTC's in nats. A device may still be at it
        then; ``float()`` of the loss waits for it.

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
