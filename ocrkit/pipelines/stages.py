"""The stages of a pipeline in words: sizes, parameters and owners, as ``ocrkit check`` shows
them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ocrkit.networks.network_file import Exported
from ocrkit.parts.options import PartSpec
from ocrkit.parts.registry import registry
from ocrkit.parts.values import ImageSize, SequenceSize
from ocrkit.pipelines.assembly import Assembly, Surroundings, image_text
from ocrkit.pipelines.spec import PipelineSpec

_ANYTHING = "any × any px"


@dataclass(frozen=True)
class Stage:
    """A stage of a pipeline as ``ocrkit check`` shows it: what goes in, what comes out, how many
    parameters."""

    part: str
    use: str
    owner: str
    input: str
    output: str
    stride: int | None = None
    """Pixels of the image's width in a step, where steps are made."""
    longest_label: str = ""
    """Characters of the longest text that fits, where classes are made: one a step, less one for
    every two equal neighbours."""
    parameters: int = 0


def _sequence_text(size: SequenceSize) -> str:
    return f"{size.steps if size.steps is not None else 'any'} steps × {size.features}"


def _size_text(size: ImageSize | SequenceSize) -> str:
    return image_text(size) if isinstance(size, ImageSize) else _sequence_text(size)


def _longest_label(steps: int | None, stride: int) -> str:
    return f"width ÷ {stride}" if steps is None else str(steps)


def stages_of(assembly: Assembly) -> list[Stage]:
    """The stages from the reader to the decoder."""
    spec, plan = assembly.spec, assembly.plan
    shapes = plan.parameters()

    def parameters(prefix: str) -> int:
        return sum(
            int(np.prod(shape)) for name, shape in shapes.items() if name.startswith(f"{prefix}.")
        )

    image, outputs = image_text(plan.image), "; ".join(map(str, plan.outputs))
    backend, stride = assembly.backend_name, assembly.stride
    stages = [*_reading(spec), *_preprocessing(spec, image)]
    size: Any = plan.image
    for kind, part in spec.network_parts.items():
        given = assembly.parts[kind].output_size(size)
        owner = backend if kind in plan.parts else "numpy"
        made = _stage(part, _size_text(size), _size_text(given), owner, parameters=parameters(kind))
        stages.append(made if kind == "encoder" else replace(made, stride=stride))
        size = given
    if "head" in plan.parts:
        encoded = plan.parts["head"].size
        assert isinstance(encoded, SequenceSize)  # noqa: S101  (it stands behind an encoder)
        classes = _sequence_text(SequenceSize(assembly.alphabet.classes, encoded.steps))
        head = Stage("head", "linear", _owner("backend", backend), _size_text(encoded), classes)
        longest = _longest_label(encoded.steps, stride)
        stages.append(replace(head, longest_label=longest, parameters=parameters("head")))
        outputs = classes
    return [*stages, *_last(spec, outputs)]


def stages_of_exported(around: Surroundings, exported: Exported) -> list[Stage]:
    """The stages of a pipeline whose network is exported, which counts as one."""
    spec = around.spec
    image = image_text(exported.image)
    classes = "; ".join(map(str, around.objective.outputs))
    if around.alphabet:
        classes = _sequence_text(SequenceSize(around.alphabet.classes, exported.steps))
    stages = [
        *_reading(spec),
        *_preprocessing(spec, image),
        Stage(
            "network",
            spec.network,
            _owner("backend", around.backend_name),
            image,
            classes,
            exported.stride,
            _longest_label(exported.steps, exported.stride) if around.alphabet else "",
            exported.parameters,
        ),
    ]
    return [*stages, *_last(spec, classes)]


def stages_without_network(around: Surroundings) -> list[Stage]:
    """The stages of a pipeline that finds lines by a segmenter alone."""
    spec, image = around.spec, image_text(around.image)
    return [*_reading(spec), *_preprocessing(spec, image), *_last(spec, image)]


def _last(spec: PipelineSpec, outputs: str) -> list[Stage]:
    """What makes of a network's outputs what the pipeline is for, if anything does."""
    made = {"text": spec.decoder, "lines": spec.segmenter}
    return [_stage(part, outputs, gives) for gives, part in made.items() if part.use]


def _reading(spec: PipelineSpec) -> list[Stage]:
    """The reader, and the cutter where the pipeline names one."""
    cutter = [_stage(spec.cutter, "pages", _ANYTHING)] if spec.cutter.use else []
    return [_stage(spec.reader, "files", "pages" if cutter else _ANYTHING), *cutter]


def _preprocessing(spec: PipelineSpec, image: str) -> list[Stage]:
    """The preprocessors in the order in which they run; only the last one's size is known."""
    return [
        *(_stage(part, _ANYTHING, _ANYTHING) for part in spec.before),
        _stage(spec.preprocessor, _ANYTHING, image),
    ]


def _owner(kind: str, name: str, backend: str | None = None) -> str:
    return registry().get(kind, name, backend).plugin.name


def _stage(
    part: PartSpec,
    before: str,
    after: str,
    backend: str | None = None,
    *,
    stride: int | None = None,
    parameters: int = 0,
) -> Stage:
    owner = _owner(part.kind, part.use, backend)
    return Stage(part.kind, part.use, owner, before, after, stride=stride, parameters=parameters)
