"""What a part of each kind has to have."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from ocrkit.parts.values import (
    Decoded,
    FloatArray,
    FormCount,
    Image,
    ImageSize,
    IntArray,
    PointMap,
    Sample,
    SequenceSize,
    Skipped,
)


@runtime_checkable
class Reader(Protocol):
    """A data set: a sized, indexable collection of samples, made from the options ``root`` and
    ``split`` and its own.

    Every reader knows the split ``all``. Making one raises DataError where nothing can be read. It
    may have ``notes``: sentences about the data that the user is warned with when they are opened.
    With a class method ``check(root)`` that returns a dataclass with ``usable`` and ``lines()``,
    ``ocrkit data check`` works for it (see :mod:`ocrkit.data.findings`), with ``fetch(dest,
    url)``, ``ocrkit data fetch`` (with its ``--level``, where it takes ``level`` too), and with
    ``assemble_lines(root, to)``, which returns such a dataclass too, ``ocrkit data lines``.

    Attributes do for the properties: ``self.skipped = []``, and in the class ``forms = None``.
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
    ImageError for what it refuses. See :class:`TakesColour` for images in colour, and
    :class:`MapsToSource` for where its pixels come from.

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
class MapsToSource(Protocol):
    """What a preprocessor has besides that says where its pixels come from, so that what is read
    can be found in the source image. One without it works as well; there are no places then."""

    def to_source(self, image: Image, /) -> PointMap:
        """Takes points of what the preprocessor makes of this image to points of the image itself.

        Points in margins that were added come to lie outside the image.
        """


@runtime_checkable
class TakesColour(Protocol):
    """What a preprocessor, an augmentation or a featurizer has besides that takes images in colour
    too: ``takes_colour = True`` in its class. Others are given grey ones."""

    takes_colour: ClassVar[bool]


@runtime_checkable
class Augmentation(Protocol):
    """Changes a training image at random, before the preprocessor: uint8 (H, W) → uint8 (H', W').

    All its randomness comes from ``rng``, so that training repeats exactly.
    """

    # Quoted, since NumPy imports its random numbers when they are first named, and a run that reads
    # needs none.
    def __call__(self, image: Image, rng: "np.random.Generator", /) -> Image: ...


@runtime_checkable
class MovesPoints(Protocol):
    """What an augmentation has besides that says where its pixels come from, so that what is learnt
    moves with them: networks that learn where something is are augmented by no others."""

    def moved(self, image: Image, rng: "np.random.Generator", /) -> tuple[Image, PointMap]:
        """What the augmentation itself gives for the same random numbers, and what takes its points
        to points of the image."""


@runtime_checkable
class FeaturizerDefinition(Protocol):
    """A featurizer apart from any framework: a frozen dataclass of options that computes its sizes.

    Implementations, registered by backend, are callables ``build(definition, input_size) ->
    module``. The module maps images (N, C, H, W) float32, C the input's channels, and widths (N,)
    to features (N, T, D) and lengths (N,), in its framework's own types. For backend ``numpy`` it
    maps NumPy arrays to NumPy arrays. Where the width varies, W is a multiple of ``stride``.
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


class Codec(Protocol):
    """Texts ↔ class ids: what a decoder is given besides the network's output. The one that ships
    is :class:`ocrkit.Alphabet`.

    Texts are in logical order on both sides, the order in which they are read and typed.
    """

    def __hash__(self) -> int:
        """Equal codecs have equal ones, so that what is made for a codec can be kept."""

    @property
    def characters(self) -> str:
        """What the classes write, one character each, in the order of their ids; the blank's is not
        among them."""

    @property
    def classes(self) -> int:
        """K: the characters and the blank."""

    @property
    def blank(self) -> int:
        """The class that writes nothing, K − 1."""

    def normalize(self, text: str, /) -> str:
        """The text in the Unicode form in which it is learnt and read, NFC where it can be."""

    def unknown(self, text: str, /) -> str:
        """The characters of a text, once normalised, that no class writes: in order, each once."""

    def encode(self, text: str, /) -> list[int]:
        """Class ids of a text, once normalised. Raises KeyError where :meth:`unknown` names any."""

    def decode(self, ids: Iterable[int], /) -> str:
        """The text of class ids, none of them the blank: a character for each."""


@runtime_checkable
class Decoder(Protocol):
    """Texts out of log-probabilities (N, T, K) float32, of which the first ``lengths[n]`` steps
    count; blank is K − 1.

    A decoder that opens files, or does not go with every codec, may have a method ``check(codec)``
    that raises OcrkitError. It is called when the pipeline is put together, before anything is
    read.
    """

    def __call__(self, log_probs: FloatArray, lengths: IntArray, codec: Codec, /) -> list[Decoded]:
        """The text of each sample."""


@runtime_checkable
class ListsTexts(Protocol):
    """What a decoder has besides that can say what else may be written."""

    def listing(self, count: int, /) -> Decoder:
        """A decoder of the same outputs that gives the best texts, ``count`` of them at most and
        best first, as ``alternatives``."""


@runtime_checkable
class Metric(Protocol):
    """A ratio of two sums over samples, so that parts of a data set merge exactly and intervals can
    be computed."""

    higher_is_better: ClassVar[bool]

    def counts(self, reference: str, prediction: str, /) -> tuple[float, float]:
        """This sample's share of the numerator and of the denominator."""


def takes_colour(part: object) -> bool:
    """Whether a part says that it takes images in colour."""
    return getattr(part, "takes_colour", False) is True
