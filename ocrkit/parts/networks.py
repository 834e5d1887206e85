"""Networks, what computes and trains them, and the plan that they are built by."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ocrkit.parts.protocols import EncoderDefinition, FeaturizerDefinition
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
    """What its outputs are compared with, by name. CTC: ``labels``, class ids (N, L) int32, padded
    with −1, and ``label_lengths`` (N,) int32."""
    count: int
    """N, the samples."""


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """All that a backend needs to build a network: definitions, their implementations, and sizes.

    ``featurizer`` is None behind a featurizer of backend ``numpy``; the network's inputs are then
    its features.
    """

    featurizer: FeaturizerDefinition | None
    build_featurizer: Callable[..., Any] | None
    encoder: EncoderDefinition
    build_encoder: Callable[..., Any]
    image: ImageSize
    sequence: SequenceSize
    """What the featurizer gives and the encoder takes."""
    encoded: SequenceSize
    classes: int
    """K: the characters of the alphabet and the blank."""

    @property
    def inputs(self) -> tuple[Port, ...]:
        """``images`` in 0..1, zero beyond each one's width, and ``widths`` in pixels; behind a
        featurizer of backend ``numpy`` its ``features``, and the ``steps`` of each that count."""
        if self.featurizer is None:
            steps = self.sequence.steps or "T"
            return (
                Port("features", "float32", ("N", steps, self.sequence.features)),
                Port("steps", "int64", ("N",)),
            )
        return (
            Port(
                "images",
                "float32",
                ("N", self.image.channels, self.image.height, self.image.width or "W"),
            ),
            Port("widths", "int64", ("N",)),
        )

    @property
    def outputs(self) -> tuple[Port, ...]:
        """``log_probs``, natural logarithms, and ``lengths``, the steps of each sample that
        count."""
        axes = ("N", self.encoded.steps or "T", self.classes)
        return Port("log_probs", "float32", axes), Port("lengths", "int64", ("N",))

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Canonical names and shapes of the whole state; the head is ``head.weight`` (K, E) and
        ``head.bias`` (K,)."""
        shapes: dict[str, tuple[int, ...]] = {}
        if self.featurizer is not None:
            shapes |= {
                f"featurizer.{name}": shape
                for name, shape in self.featurizer.parameters(self.image).items()
            }
        shapes |= {
            f"encoder.{name}": shape
            for name, shape in self.encoder.parameters(self.sequence).items()
        }
        shapes["head.weight"] = (self.classes, self.encoded.features)
        shapes["head.bias"] = (self.classes,)
        return shapes

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
    loss_weight: float
    """Factor on the CTC loss."""
    length_weighted: bool
    """Multiplies every sample's loss by its label's length, as the seed notebook does."""
    precision: str = "float32"
    """``float32``, or ``bf16``: the network computes in bfloat16 where that is safe; weights and
    loss stay float32."""
    accumulate: int = 1
    """A batch is computed in so many pieces, whose gradients add up to the whole batch's."""
    deterministic: bool = False
    """Whether a GPU uses only algorithms that repeat bit for bit. A CPU always does."""
    compile: bool = False
    """Whether the framework compiles the network before it trains it."""
    shortcut: float = 0.0
    """Weight of the CTC loss of a second head, right behind the featurizer, that exists in training
    only; 0 for none."""


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
class TakesCallsTogether(Protocol):
    """What a network has besides that works through several batches at a time faster than through
    one after another."""

    callers: int
    """Threads that may call ``run`` at a time."""


class Trainer(Protocol):
    """Changes a network's weights, one batch at a time."""

    def step(self, batch: Batch | None, *, learning_rate: float, seed: int) -> float:
        """One update. ``seed`` fixes all that is random in it. Returns the mean CTC loss of the
        batch in nats a sample.

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


class Alone:
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
class TrainsTogether(Protocol):
    """What a backend has besides that can train one network in several processes."""

    def workers(self) -> Workers:
        """The processes that were started together with this one, found by the environment; the
        same when called again."""


@runtime_checkable
class NetworkFiles(Protocol):
    """What a backend has besides where its name is the ending of files that hold a whole network
    (``model.onnx``).

    Inputs ``images`` float32 (N, 1, H, W) and ``widths`` int64 (N,), outputs ``log_probs`` float32
    (N, T, K) and ``lengths`` int64 (N,). All raise OcrkitError where a file is none of theirs.
    """

    def metadata(self, path: Path, /) -> dict[str, str]:
        """The texts that the file carries beside the network, by name."""

    def with_metadata(self, model: bytes, metadata: Mapping[str, str], /) -> bytes:
        """The file's bytes with these texts added."""

    def open(self, path: Path, /, *, device: str, threads: int) -> Network:
        """The file's network, ready to run; it has no state and cannot be trained."""

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
