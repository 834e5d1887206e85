"""The parts of a pipeline, made and found to fit each other."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ocrkit.parts.codec import Alphabet
from ocrkit.parts.fingerprint import stated
from ocrkit.parts.guests import guest
from ocrkit.parts.networks import Backend
from ocrkit.parts.objectives import Objective
from ocrkit.parts.page_protocols import PageMetric, Segmenter
from ocrkit.parts.plans import NetworkPlan
from ocrkit.parts.protocols import Augmentation, Decoder, Metric
from ocrkit.parts.values import Arrays, Decoded, FloatArray, Image, ImageSize, IntArray
from ocrkit.pipelines.chain import Chain
from ocrkit.pipelines.spec import PipelineSpec


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """All parts around a pipeline's network, and what they must know of it: enough to read with a
    network that is there."""

    spec: PipelineSpec
    objective: Objective
    alphabet: Alphabet
    """This, decoder and metrics are None, or none, where no text is read."""
    preprocessor: Chain
    decoder: Decoder
    metrics: dict[str, Metric | PageMetric]
    segmenter: Segmenter | None
    """None where no lines are found."""
    backend_name: str
    """Empty, and the backend None, where lines are found without a network."""
    backend: Backend
    image: ImageSize
    """What the preprocessor gives and the network, or a featurizer ahead of it, takes."""
    stride: int
    """Pixels of the image's width in a step."""
    numpy_featurizer: Callable[[FloatArray, IntArray], tuple[FloatArray, IntArray]] | None = None
    """A featurizer of backend ``numpy``, run ahead of the network as a frozen first stage."""

    def decode(self, outputs: Arrays) -> list[Decoded]:
        """What the decoder reads of a network's outputs."""
        decoder: Callable[..., list[Decoded]] = self.decoder
        return decoder(*self.objective.decoding(outputs), self.alphabet)

    def make_batch(self, images: Sequence[Image]) -> Arrays:
        """The network's inputs out of preprocessed images: scaled to 0..1, zeros beyond each, in
        whole steps.

        Where the height varies, what networks give for an image depends on the zeros below it; to
        read, make batches of images of one size (:meth:`together`).
        """
        heights, widths = np.array([image.shape[:2] for image in images], np.int32).T
        width = self._whole(int(widths.max()), self.image.width)
        height = self._whole(int(heights.max()), self.image.height)
        batch = np.zeros((len(images), self.image.channels, height, width), np.float32)
        for row, image in zip(batch, images, strict=True):
            channels = image.transpose(2, 0, 1) if image.ndim == 3 else image[None]
            np.divide(channels, np.float32(255), out=row[:, : image.shape[0], : image.shape[1]])
        if self.numpy_featurizer is None:
            return {"images": batch, "widths": widths}
        with guest("featurizer", self.spec.featurizer.use, "numpy"):
            return _checked(self.numpy_featurizer(batch, widths), len(batch))

    def _whole(self, longest: int, fixed: int | None) -> int:
        """The side of a batch whose longest image is so long: whole steps, where it is not
        fixed."""
        return longest if fixed is not None else -(-longest // self.stride) * self.stride

    def together(self, images: Sequence[Image]) -> list[list[int]]:
        """The numbers of images that a batch may have together: all of them, unless the height
        varies; then those of one size."""
        sizes: dict[tuple[int, ...], list[int]] = {}
        for number, image in enumerate(images):
            sizes.setdefault(() if self.image.height else image.shape, []).append(number)
        return list(sizes.values())


def _checked(made: Any, count: int) -> Arrays:
    """What a featurizer of backend ``numpy`` made of so many images."""
    features, lengths = made
    features, lengths = np.asarray(features, np.float32), np.asarray(lengths, np.int32)
    if features.ndim != 3 or len(features) != count or lengths.shape != (count,):
        raise TypeError(
            f"it gave features {features.shape} and lengths {lengths.shape} of {count} images; "
            "expected (N, T, D) and (N,)"
        )
    return {"features": features, "steps": lengths}


@dataclass(frozen=True, kw_only=True)
class Assembly(Surroundings):
    """A pipeline's parts, made and found to fit each other. No weights are loaded and no data is
    read for it."""

    augmentations: tuple[Augmentation, ...]
    parts: Mapping[str, Any]
    """The definitions of the network's parts, by kind, with a featurizer that runs ahead of it."""
    plan: NetworkPlan

    def steps(self, width: int | None) -> int | None:
        """How many steps an image of this width has after the featurizer; None where the width
        varies, or nothing is cut into steps. Raises PluginError."""
        if width is None or "featurizer" not in self.parts:
            return None
        with guest("featurizer", self.spec.featurizer.use):
            (steps,) = self.parts["featurizer"].lengths(np.array([width], np.int32))
            return int(steps)

    def identity(self) -> dict[str, Any]:
        """What weights are made for: the network's parts with their options, the input's height and
        the alphabet."""
        parts = self.spec.network_parts
        return {
            **({"alphabet": self.alphabet.characters} if self.alphabet else {}),
            **{kind: identity_of(part.use, self.parts[kind]) for kind, part in parts.items()},
            **({"height": self.plan.image.height} if self.plan.image.height else {}),
            **({"channels": 3} if self.plan.image.channels == 3 else {}),
        }

    def differences(self, about: Mapping[str, Any]) -> list[str]:
        """Why weights with this description do not apply to the network, one line each; one for a
        part that is another."""
        mine, theirs = (
            _flat(self.identity()),
            _flat({name: about[name] for name in self.identity() if name in about}),
        )
        different = [
            name
            for name in sorted(mine.keys() | theirs.keys())
            if mine.get(name) != theirs.get(name)
        ]
        parts = [name.removesuffix("use") for name in different if name.endswith(".use")]
        return [
            f"{name} is {mine.get(name, 'not there')!r}, for the weights "
            f"{theirs.get(name, 'not there')!r}"
            for name in different
            if name.partition(".")[0] in about
            and (name.endswith(".use") or not name.startswith(tuple(parts)))
        ]


def identity_of(use: str, definition: Any) -> dict[str, Any]:
    """A definition for JSON and TOML. An option that is None, which TOML lacks, is left out; its
    default is another."""
    options = {
        each.name: stated(getattr(definition, each.name))
        for each in fields(definition)
        if each.init
    }
    return {"use": use} | {name: value for name, value in options.items() if value is not None}


def _flat(identity: Mapping[str, Any]) -> dict[str, Any]:
    """An identity's values by dotted name, as a checkpoint's header holds them (with lists, not
    tuples)."""
    flat: dict[str, Any] = {}
    for name, value in json.loads(json.dumps(identity)).items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": each for key, each in _flat(value).items()}
        else:
            flat[name] = value
    return flat


def image_text(size: ImageSize) -> str:
    width = size.width if size.width is not None else "any"
    height = size.height if size.height is not None else "any"
    return f"{height} × {width} px{', in colour' if size.channels == 3 else ''}"
