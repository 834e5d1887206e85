"""What the parts of a pipeline look like: the values that flow between them, and one protocol for
every kind of part.

A part is a dataclass: its fields are its options (see :func:`option`), and the methods named here
are what the pipeline calls. Nothing has to inherit from these protocols; a class with these methods
is a part.

Axes: N images in a batch, H × W pixels, T time steps, D features of a step, E numbers of an encoded
step, K classes (the characters of the alphabet, then the blank).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ocrkit.alphabet import Alphabet

Image = npt.NDArray[np.uint8]
"""A grey image: uint8 (H, W), 0 is black, 255 is white; dark writing on light paper."""
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
Arrays = dict[str, npt.NDArray[Any]]
"""Named arrays, as a checkpoint holds them."""


def option(
    default: Any,
    doc: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    file: str | None = None,
) -> Any:
    """A field of a part: its default, what it means, and the range it must stay in (both ends
    included).

    The field's annotation is its type: ``int``, ``float``, ``bool``, ``str``, ``Path``,
    ``Literal[...]``, ``X | None``, or ``tuple[X, ...]`` of these. A ``Path`` in a pipeline's file
    starts at the file. So does a text that is one or the other: ``file="language_model"``, for one,
    is the name of such a part, else a file; ``file=""`` always a file.
    """
    metadata = {"doc": doc, "minimum": minimum, "maximum": maximum, "file": file}
    return field(default=default, metadata=metadata)


# ------------------------------------------------------------------------------------------- values


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of a data set with what is known of it. Making one reads no file; ``load`` does."""

    id: str
    text: str | None
    """What is written, or None where nobody has said so."""
    writer: str | None
    load: Callable[[], Image]
    """Reads the image. Raises ImageError. Safe from several threads."""
    form: str | None = None
    """The page that it is from. Intervals are by writer, else by form; a split can be narrowed by
    form ids."""
    path: str | Path | None = None
    """The image's file. Preprocessed images are cached only where it is known, since its size and
    time are in the key."""
    variant: str = ""
    """What the pixels depend on besides the file, and that differs between samples: the box of a
    line in its page, say. It is in the cache's key, as are the reader's options and code."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A sample that a data set names but that cannot be used, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class FormCount:
    """How many of a split's forms are there, of how many that the split's definition lists (None:
    it lists none)."""

    found: int
    expected: int | None


@dataclass(frozen=True, slots=True)
class ImageSize:
    """Height and width in pixels of what a preprocessor gives; ``width`` is None where it
    varies."""

    height: int
    width: int | None


@dataclass(frozen=True, slots=True)
class SequenceSize:
    """Features of a step (D or E), and the number of steps; ``steps`` is None where it varies with
    the image's width."""

    features: int
    steps: int | None


@dataclass(frozen=True, slots=True)
class Span:
    """The half-open range of time steps [start, end) in which the best path shows a character."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """A text that was considered, and its score in nats: the higher, the better. Scores compare
    within one sample only."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, how sure the decoder is of it (0 to 1), and what is known beyond that; what a decoder
    does not give is empty."""

    text: str
    confidence: float
    spans: tuple[Span, ...] = ()
    """The steps of every character, as many as the text is long."""
    characters: tuple[float, ...] = ()
    """How sure the decoder is of every character (0 to 1), as many as the text is long."""
    alternatives: tuple[Alternative, ...] = ()
    """The best texts, best first, beginning with the text itself."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a training step eats.

    ``inputs``: images (N, 1, H, W) float32 in 0..1, zero beyond each image's width, or, behind a
    featurizer of backend ``numpy``, features (N, T, D) float32. ``sizes``: widths, or lengths, (N,)
    int32. ``labels``: class ids (N, L) int32, padded with −1. ``label_lengths``: (N,) int32.
    """

    inputs: FloatArray
    sizes: IntArray
    labels: IntArray
    label_lengths: IntArray


# -------------------------------------------------------------------------------------------- parts


@runtime_checkable
class Reader(Protocol):
    """A data set: a sized, indexable collection of samples, made from the options ``root`` and
    ``split`` and its own.

    Every reader knows the split ``all``. Making one raises DataError where nothing can be read. It
    may have ``notes``: sentences about the data that the user is warned with when they are opened.
    With a class method ``check(root)`` that returns a dataclass with ``usable`` and ``lines()``,
    ``ocrkit data check`` works for it (see :mod:`ocrkit.findings`), and with ``fetch(dest, url)``,
    ``ocrkit data fetch``.
    """

    root: Path
    split: str

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...

    @property
    def skipped(self) -> Sequence[Skipped]:
        """Samples left out because their files are missing or empty; what only decoding shows is
        found later."""

    @property
    def forms(self) -> FormCount | None:
        """How much of the split is there; None where the data set has no forms."""

    @classmethod
    def sample_root(cls) -> Path | None:
        """A small data set of this layout that ships with the plugin, or None."""


@runtime_checkable
class Preprocessor(Protocol):
    """Makes an image easier to read: uint8 (H, W) → uint8 (H', W'), a pure function. Raises
    ImageError for what it refuses.

    A pipeline may have several, one after the other: ``[preprocessor] before = [{ use = "NAME"
    }]``.
    """

    def __call__(self, image: Image, /) -> Image: ...


@runtime_checkable
class SizedPreprocessor(Preprocessor, Protocol):
    """A preprocessor that makes the network's input, which is why its size must be known. Every
    pipeline ends with one."""

    def output_size(self) -> ImageSize: ...


@runtime_checkable
class Augmentation(Protocol):
    """Changes a training image at random, before the preprocessor: uint8 (H, W) → uint8 (H', W').

    All its randomness comes from ``rng``, so that training repeats exactly.
    """

    # Quoted, since NumPy imports its random numbers when they are first named, and a run that reads
    # needs none.
    def __call__(self, image: Image, rng: "np.random.Generator", /) -> Image: ...


@runtime_checkable
class FeaturizerDefinition(Protocol):
    """A featurizer apart from any framework: a frozen dataclass of options that computes its sizes.

    Implementations, registered by backend, are callables ``build(definition, input_size) ->
    module``. The module maps images (N, 1, H, W) float32 and widths (N,) to features (N, T, D) and
    lengths (N,), in its framework's own types. For backend ``numpy`` it maps NumPy arrays to NumPy
    arrays. Where the width varies, W is a multiple of ``stride``.
    """

    @property
    def stride(self) -> int:
        """Pixels of the image's width in a step."""

    def output_size(self, input: ImageSize, /) -> SequenceSize:
        """Raises ConfigError for sizes that it cannot take."""

    def lengths(self, widths: IntArray, /) -> IntArray:
        """The number of steps T of images of these widths in pixels."""

    def parameters(self, input: ImageSize, /) -> Mapping[str, tuple[int, ...]]:
        """Canonical names and shapes of everything that a checkpoint stores, running statistics
        included."""


@runtime_checkable
class EncoderDefinition(Protocol):
    """A sequence encoder apart from any framework; it keeps the number of steps.

    An implementation's module maps features (N, T, D) and lengths (N,) to (N, T, E); nothing beyond
    the lengths counts.
    """

    def output_size(self, input: SequenceSize, /) -> SequenceSize: ...

    def parameters(self, input: SequenceSize, /) -> Mapping[str, tuple[int, ...]]: ...


@runtime_checkable
class Decoder(Protocol):
    """Texts out of log-probabilities (N, T, K) float32, of which the first ``lengths[n]`` steps
    count; blank is K − 1.

    A decoder that opens files, or does not go with every alphabet, may have a method
    ``check(alphabet)`` that raises OcrkitError. It is called when the pipeline is put together,
    before anything is read.
    """

    def __call__(
        self, log_probs: FloatArray, lengths: IntArray, alphabet: Alphabet, /
    ) -> list[Decoded]: ...


@runtime_checkable
class Metric(Protocol):
    """A ratio of two sums over samples, so that parts of a data set merge exactly and intervals can
    be computed."""

    higher_is_better: ClassVar[bool]

    def counts(self, reference: str, prediction: str, /) -> tuple[float, float]:
        """This sample's share of the numerator and of the denominator."""


# ----------------------------------------------------------------------------------------- networks


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

    def predict(self, inputs: FloatArray, sizes: IntArray, /) -> tuple[FloatArray, IntArray]:
        """Log-probabilities (N, T, K) float32 and lengths (N,) of inputs and sizes as in
        :class:`Batch`, N at least 1.

        It is called from any thread, and also in children that are forked after other calls. What a
        library keeps by thread is best kept in a thread of its own, as
        :class:`ocrkit.parallel.LastingThreads` has them, which a child makes anew.
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
    """Threads that may call ``predict`` at a time."""


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
        """The file's network, ready to predict; it has no state and cannot be trained."""

    def quantise(self, model: bytes, batches: Iterable[tuple[FloatArray, IntArray]], /) -> bytes:
        """The network in int8, calibrated on batches of training images. Raises PluginError where a
        package is missing."""


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
