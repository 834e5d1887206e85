"""The plan that a network is built by: its parts, and what goes in and comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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
    """What an input's last axis is a multiple of, where it varies, and where the height varies
    too, that."""

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
            axes = ("N", first.size.channels, first.size.height or "H", first.size.width or "W")
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
