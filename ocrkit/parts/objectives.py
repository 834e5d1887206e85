"""What depends on what a network is trained for."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from ocrkit.parts.codec import Alphabet
from ocrkit.parts.plans import PlannedPart, Port
from ocrkit.parts.values import Arrays, Image, PointMap, Sample

DEFAULT_OBJECTIVE = "ctc"
"""What pipelines are trained for that do not say it: all of before there were several."""


@runtime_checkable
class Objective(Protocol):
    """What a network is trained for, apart from any framework, and all that depends on it: what its
    network is made of and gives, what is learnt of a sample, and what a golden set holds.

    A frozen dataclass. Its fields are options in a pipeline's ``[training]``.

    An implementation, registered by backend, is ``build(objective, plan)``. What that gives is for
    the backend to say; it puts the plan's parts together to a network, says what the network gives,
    and, where the backend trains, computes the loss.
    """

    parts: ClassVar[tuple[str, ...]]
    """The kinds of parts that its network is made of, in the order in which data pass them:
    ``("featurizer", "encoder")``, or ``("model",)``."""
    outputs: ClassVar[tuple[Port, ...]]
    """What its networks give, of any size."""
    explained: ClassVar[str]
    """The outputs in a sentence, for who runs an exported network with another program."""
    measured: ClassVar[str]
    """What outputs are called where they are compared: ``log-probabilities``."""
    truth: ClassVar[str]
    """What a sample must have to be learnt from: ``text``."""
    placed: ClassVar[bool]
    """Whether what is learnt has its place in the image, so that :meth:`targets` must be told where
    the network's pixels come from."""
    by_class: ClassVar[tuple[str, ...]]
    """The arrays of a network with a row for each class of the alphabet. Those of other weights are
    taken over row by row, by character."""
    scores: ClassVar[Mapping[str, bool]]
    """What :meth:`score` gives, and whether more of it is better; empty where texts are scored."""

    def plan(
        self, parts: Mapping[str, PlannedPart], alphabet: Alphabet | None, /
    ) -> tuple[dict[str, PlannedPart], tuple[Port, ...]]:
        """All parts of the network, with those that the objective adds, and its outputs with the
        sizes that are fixed. Behind a featurizer of backend ``numpy`` that part is missing."""

    # ------------------------------------------------------------------------------------- training

    def target(self, sample: Sample, alphabet: Alphabet | None, /) -> Any:
        """What is to be learnt of a sample, known before its image is read; None where nobody has
        said. Raises UnfitError for what no such network can learn."""

    def unfit(self, sample: Sample, target: Any, steps: int | None, /) -> str:
        """Why a network that has so many time steps for the sample cannot learn it; empty where it
        can. None: any number, or the network has none."""

    def notes(
        self, samples: Sequence[Sample], learnt: Sequence[Sample], alphabet: Alphabet | None, /
    ) -> list[str]:
        """What is to be said of a data set, a line each."""

    def targets(
        self,
        targets: Sequence[Any],
        images: Sequence[Image],
        inputs: Arrays,
        to_source: Sequence[PointMap],
        /,
    ) -> Arrays:
        """A batch's targets, by name, with a row a sample, out of those of :meth:`target`.

        ``images`` are preprocessed; ``inputs`` are the network's, padded to one size. ``to_source``
        takes points of each image to points of the sample's, before it was augmented; there are
        none unless the objective is ``placed``.
        """

    # -------------------------------------------------------------------------------------- reading

    def check(self, outputs: Arrays, count: int, alphabet: Alphabet | None, /) -> None:
        """Raises ValueError where these cannot be a network's outputs for so many samples."""

    def decoding(self, outputs: Arrays, /) -> tuple[Any, ...]:
        """What a decoder is given of the outputs, before the alphabet; empty where none is used."""

    def score(
        self, outputs: Arrays, inputs: Arrays, targets: Arrays, /
    ) -> Mapping[str, tuple[float, float]]:
        """Each score of a batch as numerator and denominator, which are added up over batches."""

    # ---------------------------------------------------------------------------------- golden sets

    def valid(self, outputs: Arrays, inputs: Arrays, /) -> list[Arrays]:
        """What counts of a batch's outputs, for each sample, without its padding: what networks are
        compared by."""

    def margin(self, valid: Arrays, /) -> float:
        """How far what is read of a sample is from being read otherwise; inf where nothing is."""

    def stored(self, items: Sequence[Arrays], /) -> Arrays:
        """What is valid of some samples as the arrays of a file."""

    def restored(self, arrays: Arrays, /) -> list[Arrays]:
        """What was :meth:`stored`. Raises KeyError, TypeError or ValueError for other arrays."""


@runtime_checkable
class DrawsTexts(Protocol):
    """An objective of whose networks' outputs texts can be drawn: those that may teach others."""

    def drawn(
        self,
        *given: Any,
        count: int,
        temperature: float,
        rng: np.random.Generator,
    ) -> list[list[str]]:
        """For every sample so many texts, each as likely as the network finds it, once its
        log-probabilities are divided by the temperature. ``given`` is what a decoder is given, with
        the alphabet."""


@runtime_checkable
class ModelDefinition(Protocol):
    """A whole network that maps images to maps, apart from any framework: a frozen dataclass of
    options.

    Implementations, registered by backend, are ``build(definition, input_size) -> module``. The
    module maps images (N, C, H, W) float32 and widths (N,) to maps (N, M, H', W') before any
    squashing function, which is the objective's. Nothing beyond an image's width may reach what is
    within. Where the width varies, W is a multiple of ``stride``.
    """

    @property
    def stride(self) -> int:
        """What the width of its input is a multiple of, in pixels."""

    def output_size(self, input: Any, /) -> Any:
        """The :class:`~ocrkit.interfaces.ImageSize` of the maps, ``channels`` their number. Raises
        ConfigError for images that it cannot take."""

    def parameters(self, input: Any, /) -> Mapping[str, tuple[int, ...]]:
        """Canonical names and shapes of everything that a checkpoint stores, running statistics
        included."""
