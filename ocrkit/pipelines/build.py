"""Makes the parts of a pipeline and checks that they fit together."""

from collections.abc import Mapping, Sequence
from typing import Any

from ocrkit.errors import ConfigError, OcrkitError
from ocrkit.networks.network_file import Exported, read_exported
from ocrkit.parts.guests import guest
from ocrkit.parts.networks import Network
from ocrkit.parts.options import PartSpec
from ocrkit.parts.plans import NetworkPlan, PlannedPart
from ocrkit.parts.protocols import takes_colour
from ocrkit.parts.registry import registry
from ocrkit.parts.values import ImageSize, SequenceSize
from ocrkit.pipelines.assembly import Assembly, Surroundings, image_text
from ocrkit.pipelines.backends import choose_backend, choose_device
from ocrkit.pipelines.chain import Chain
from ocrkit.pipelines.making import made_around, made_part
from ocrkit.pipelines.spec import PipelineSpec


def _output_size(
    part: PartSpec, made: Any, size: tuple[Any, ...], expected: type, problems: list[str]
) -> Any:
    """The size of what a part makes of this one, or None where it takes no such input, or is not
    there."""
    if made is None or None in size:
        return None
    try:
        with guest(part.kind, part.use):
            given = made.output_size(*size)
            if not isinstance(given, expected):
                raise TypeError(f"its output_size gave {given!r}; expected {expected.__name__}")
            return given
    except ConfigError as error:
        problems.extend(error.problems)
    except OcrkitError as error:
        problems.append(str(error))
    return None


def _of_grey_only(named: Sequence[PartSpec], made: Sequence[Any]) -> list[str]:
    """Which parts of a pipeline whose network takes colour do not, a line each."""
    return [
        f"{part.kind} {part.use!r} takes grey images, and the pipeline's are in colour"
        for part, each in zip(named, made, strict=True)
        if each is not None and not takes_colour(each)
    ]


def _losing_places(
    spec: PipelineSpec, preprocessor: Chain, augmentations: Sequence[Any]
) -> list[str]:
    """Why what is learnt of places cannot go with the pixels, a line each."""
    steps = (
        *zip(
            (*spec.before, spec.preprocessor),
            (*preprocessor.before, preprocessor.last),
            strict=True,
        ),
        *zip(spec.augment, augmentations, strict=True),
    )
    problems = [
        f"{part.kind} {part.use!r} does not say where its pixels come from (it has no "
        f"{method!r}), and {spec.objective.use!r} learns where things are"
        for part, made in steps
        for method in ["moved" if part.kind == "augmentation" else "to_source"]
        if not hasattr(made, method)
    ]
    if spec.training.feed == "memory":
        problems.append(
            f"training.feed: 'memory' is not for {spec.objective.use!r}, which learns where things "
            "are; take 'files'"
        )
    return problems


def assemble(spec: PipelineSpec, *, backend: str | None = None, training: bool = False) -> Assembly:
    """Makes all parts and checks every seam between them.

    ``backend`` overrides the pipeline's list. Raises ConfigError with everything that does not fit,
    at once, behind the mistakes of the pipeline's file.
    """
    if spec.network:
        advice = "so it is for reading; take the pipeline that it came from"
        raise ConfigError([f"network: {spec.network!r} is exported, {advice}"])
    if not spec.network_parts and spec.segmenter.use:
        raise ConfigError([*spec.problems, f"model: {spec.title!r} has no network; name one"])
    problems = list(spec.problems)
    parts = made_around(spec, problems)
    named = spec.network_parts
    made = {kind: made_part(part, problems) for kind, part in named.items()}
    augmentations = tuple(made_part(part, problems) for part in spec.augment)
    name, engine = choose_backend(spec, backend, training, problems)
    image = _output_size(spec.preprocessor, parts["preprocessor"], (), ImageSize, problems)
    if image and image.channels == 3:
        first = list(named)[:1]
        used = (*spec.before, *spec.augment, *(named[kind] for kind in first))
        makes = (*parts["preprocessor"].before, *augmentations, *(made[kind] for kind in first))
        problems += _of_grey_only(used, makes)
    if image and image.height is None and "model" not in named:
        problems.append(
            f"preprocessor: {spec.preprocessor.use!r} gives images of any height, and a featurizer "
            "takes images of one height"
        )
    sizes = _sizes(named, made, image, problems)
    if not problems and tuple(named) != tuple(parts["objective"].parts):
        wanted, given = ", ".join(parts["objective"].parts), ", ".join(named)
        problems.append(
            f"objective: {spec.objective.use!r} trains networks of {wanted}, not of {given}"
        )
    if training and not problems and parts["objective"].placed:
        problems += _losing_places(spec, parts["preprocessor"], augmentations)
    if problems:
        raise ConfigError(problems)
    planned, ahead = _planned(spec, made, sizes, name)
    stride = _stride(spec, made, sizes, "numpy" if ahead else None)
    build_objective = registry().get("objective", spec.objective.use, name).load()
    with guest("objective", spec.objective.use):
        plan = NetworkPlan.of(
            planned, parts["objective"], build_objective, image, parts["alphabet"]
        )
    with guest("featurizer", spec.featurizer.use, "numpy"):
        return Assembly(
            **parts,
            augmentations=augmentations,
            parts=made,
            backend_name=name,
            backend=engine,
            image=image,
            stride=stride,
            plan=plan,
            numpy_featurizer=ahead and ahead(made["featurizer"], image),
        )


def _stride(
    spec: PipelineSpec, made: Mapping[str, Any], sizes: Mapping[str, Any], ahead: str | None
) -> int:
    """The stride of a network's first part, which runs on backend ``ahead`` where that is another;
    the parts' parameters can be computed, too. Raises PluginError."""
    named = spec.network_parts
    for kind, part in named.items():
        with guest(kind, part.use, ahead if kind == "featurizer" else None):
            made[kind].parameters(sizes[kind])
    first = next(iter(named))
    with guest(first, named[first].use, ahead):
        stride = made[first].stride
        if not isinstance(stride, int) or stride < 1:
            raise TypeError(f"its stride is {stride!r}; expected a number of pixels")
    return stride


_GIVES = {"featurizer": SequenceSize, "encoder": SequenceSize, "model": ImageSize}
"""What says the size of what the parts of a network give."""


def _sizes(
    named: Mapping[str, PartSpec], made: Mapping[str, Any], size: Any, problems: list[str]
) -> dict[str, Any]:
    """What each part of a network takes, the first of them images of this size."""
    sizes = {}
    for kind, part in named.items():
        sizes[kind] = size
        size = _output_size(part, made[kind], (size,), _GIVES[kind], problems)
    return sizes


def _planned(
    spec: PipelineSpec, made: Mapping[str, Any], sizes: Mapping[str, Any], backend: str
) -> tuple[dict[str, PlannedPart], Any]:
    """The network's parts with their implementations for a backend; and of a featurizer that has
    none the implementation for backend ``numpy``, which runs ahead of the network."""
    planned, ahead = {}, None
    for kind, part in spec.network_parts.items():
        if backend in registry().backends(kind, part.use):
            build = registry().get(kind, part.use, backend).load()
            planned[kind] = PlannedPart(made[kind], sizes[kind], build)
        else:
            ahead = registry().get(kind, part.use, "numpy").load()
    return planned, ahead


def surround(spec: PipelineSpec, backend: str | None = None) -> tuple[Surroundings, Exported]:
    """The parts around an exported network, made as :func:`assemble` makes them, and what the
    network says of itself.

    Raises ConfigError as that does.
    """
    problems = list(spec.problems)
    parts = made_around(spec, problems)
    path = spec.folder / spec.network
    name = path.suffix[1:]
    try:
        exported = read_exported(path)
    except OcrkitError as error:
        raise ConfigError([*problems, str(error)]) from error
    if backend not in (None, name):
        problems.append(
            f"backend {backend!r} does not run {path.name}: its network is exported, for backend "
            f"{name!r} alone"
        )
    if exported.pipeline.get("alphabet", "") != spec.alphabet:
        problems.append(f"alphabet: not the one that {path.name} was exported with")
    size = (
        _output_size(spec.preprocessor, parts["preprocessor"], (), ImageSize, problems)
        or exported.image
    )
    if size != exported.image:
        problems.append(
            f"preprocessor: gives {image_text(size)}, but {path.name} takes "
            f"{image_text(exported.image)}"
        )
    if problems:
        raise ConfigError(problems)
    with guest("backend", name):
        engine = registry().get("backend", name).load()()
    return Surroundings(
        **parts, backend_name=name, backend=engine, image=size, stride=exported.stride
    ), exported


def surround_without_network(spec: PipelineSpec) -> Surroundings:
    """The parts of a pipeline that finds lines by a segmenter alone. Raises ConfigError as
    :func:`assemble` does."""
    problems = list(spec.problems)
    parts = made_around(spec, problems)
    size = _output_size(spec.preprocessor, parts["preprocessor"], (), ImageSize, problems)
    if parts["segmenter"] and (takes := parts["segmenter"].takes):
        problems.append(
            f"segmenter: {spec.segmenter.use!r} takes {', '.join(port.name for port in takes)} of "
            "a network, and the pipeline has no [model]"
        )
    if problems:
        raise ConfigError(problems)
    around = parts | {"backend_name": "", "backend": None}
    return Surroundings(**around, image=size, stride=1)


def build_network(assembly: Assembly, device: str = "auto", threads: int = 0) -> Network:
    """The assembly's network on a device, its weights not yet set."""
    chosen = choose_device(assembly.backend_name, assembly.backend, device)
    with guest("backend", assembly.backend_name):
        return assembly.backend.network(assembly.plan, device=chosen, threads=threads)
