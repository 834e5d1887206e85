"""``ocrkit export``: a pipeline's network in one file that runs without the framework that it was
trained with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from ocrkit.data.datasets import Dataset, open_dataset
from ocrkit.errors import ConfigError, DataError, ImageError, OcrkitError, PluginError, install_hint
from ocrkit.networks.network_file import SCHEMA, Exported, network_files
from ocrkit.parts.networks import ExportsOnnx, Network
from ocrkit.parts.registry import registry
from ocrkit.parts.values import Arrays, Image
from ocrkit.pipelines.assembly import Assembly, Surroundings
from ocrkit.pipelines.build import assemble, build_network, surround
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.pipelines.trained import Trained, weights_to_read_with
from ocrkit.publishing.golden_set import largest_difference
from ocrkit.reading.engine import BATCH_SIZE, Recogniser
from ocrkit.reading.preparing import prepare
from ocrkit.scoring.bootstrap import Score
from ocrkit.scoring.evaluate import evaluate
from ocrkit.support.files import scratch_folder, write_atomically, writing

TOLERANCE = 1e-3
"""How far the file's outputs in float32 may be from those of the network that it was made from."""


@dataclass(frozen=True)
class Quantised:
    """What int8 costs and gains against float32, both measured in one run on the same samples."""

    calibrated_on: str
    images: int
    measured_on: str
    samples: int
    scores: dict[str, tuple[Score, Score]]
    """By metric: float32's, then int8's."""
    images_per_second: tuple[float, float]
    """Of the network alone on the CPU: float32's, then int8's, each the faster of two turns."""


@dataclass(frozen=True)
class Export:
    """A file that was written after it had computed what its network computes."""

    path: Path
    exported: Exported
    exporter: str
    """The backend that wrote it."""
    measured: str
    """What its outputs are: ``log-probabilities``, ``maps``."""
    differences: dict[str, float]
    """The largest difference of any output between the file, in float32, and the network
    on each backend."""
    quantised: Quantised | None


def export(
    spec: PipelineSpec,
    path: Path,
    *,
    precision: str = "float32",
    data: str | Path | None = None,
    images: int = 512,
    on_step: Callable[[str], None] = lambda _: None,
) -> Export:
    """Writes the pipeline's network with its weights to ``path``, whole, and only if it computes
    what the network computes.

    ``precision`` is ``float32`` or ``int8``. For int8 ``data`` is the root of the data set:
    ``images`` of its training split calibrate the network, and its validation split measures it.
    ``on_step`` hears what is being done. Raises ConfigError, OcrkitError or WeightsError for what
    cannot be exported, DataError for data that cannot be used.
    """
    files = network_files(path)
    if not path.parent.is_dir():
        raise OcrkitError(f"{path}: cannot be written: there is no folder {path.parent}")
    if precision == "int8" and spec.task != "text":
        raise ConfigError([f"int8 is measured on texts, and the task is {spec.task!r}"])
    splits = _splits(spec, data) if precision == "int8" else None
    sources = _on_every_backend(spec)
    arrays, trained = weights_to_read_with(sources[0])
    on_step("exporting")
    # The backend that will run the file knows its format best; PyTorch's exporter is for parts that
    # it lacks.
    exporter, model = _exported_by_one_of(
        sorted(sources, key=lambda source: source.backend_name != path.suffix[1:]), arrays
    )
    exported = _describe(exporter, trained, backend=path.suffix[1:])
    whole = files.with_metadata(model, exported.metadata(exporter.objective.explained))
    with scratch_folder() as folder:
        exact = folder / f"float32{path.suffix}"
        with writing(exact):
            exact.write_bytes(whole)
        on_step("comparing the file with the network")
        network = files.open(exact, exporter.objective.outputs, device="cpu", threads=0)
        differences = {
            source.backend_name: _difference(network, source, arrays) for source in sources
        }
        far = [
            f"{name} by {difference:.2g}"
            for name, difference in differences.items()
            if not difference <= TOLERANCE
        ]
        if far:
            raise OcrkitError(
                f"{path}: not written: its {exporter.objective.measured} differ from the "
                f"network's on "
                f"{', '.join(far)}; "
                f"expected at most {TOLERANCE:g}"
            )
        quantised = None
        if splits:
            around, _ = surround(replace(spec, network=exact.name, folder=exact.parent))
            on_step(f"calibrating on {images:,} images of {splits[0].split}")
            small = exact.with_stem("int8")
            exported = replace(exported, precision="int8")
            whole = files.with_metadata(
                files.quantise(model, _batches(around, splits[0], images)),
                exported.metadata(exporter.objective.explained),
            )
            with writing(small):
                small.write_bytes(whole)
            on_step(f"measuring both on {len(splits[1]):,} images of {splits[1].split}")
            quantised = _measure(
                around,
                [network, files.open(small, exporter.objective.outputs, device="cpu", threads=0)],
                splits,
                images,
            )
    with write_atomically(path) as temporary:
        temporary.write_bytes(whole)
    measured = exporter.objective.measured
    return Export(path, exported, exporter.backend_name, measured, differences, quantised)


def _on_every_backend(spec: PipelineSpec) -> list[Assembly]:
    """The network on each installed backend that has its parts, the pipeline's own first. Raises
    ConfigError for none."""
    first = assemble(spec)
    found = [first]
    for name in registry().names("backend"):
        if name != first.backend_name:
            try:
                found.append(assemble(spec, backend=name))
            except ConfigError:  # not installed, or without an implementation of a part
                continue
    return found


def _exported_by_one_of(sources: list[Assembly], arrays: Arrays) -> tuple[Assembly, bytes]:
    """The network in a file's bytes, and the backend that wrote it."""
    if sources[0].numpy_featurizer:
        name = sources[0].spec.featurizer.use
        raise ConfigError(
            [
                (
                    f"featurizer: {name!r} runs in NumPy, ahead of the network, so a network's "
                    "file "
                    "cannot hold it"
                )
            ]
        )
    for source in sources:
        if isinstance(source.backend, ExportsOnnx):
            return source, source.backend.export_onnx(source.plan, arrays)
    names = ", ".join(source.backend_name for source in sources)
    raise PluginError(
        f"this network runs here on {names}, which cannot export it. {install_hint('export')}"
    )


def _describe(assembly: Assembly, trained: Trained, *, backend: str) -> Exported:
    replaced = (*assembly.parts, "weights", "training")
    image, spec = assembly.image, assembly.spec
    table = {name: value for name, value in spec.table.items() if name not in replaced}
    return Exported(
        schema=SCHEMA,
        pipeline=table | {"name": spec.title, "backends": [backend]},
        height=image.height,
        width=image.width,
        stride=assembly.stride,
        steps=assembly.steps(image.width),
        parameters=sum(int(np.prod(shape)) for shape in assembly.plan.parameters().values()),
        weights=Path(spec.weights).name if trained.reference == spec.weights else trained.reference,
        sha256=trained.sha256,
        precision="float32",
        licence=trained.licence,
        temperature=trained.temperature,
        channels=image.channels,
    )


def _difference(file: Network, source: Assembly, arrays: Arrays) -> float:
    """The largest difference of any output over noise: one image alone, and a batch, of
    many widths if they vary."""
    network = build_network(source, "cpu")
    network.load_state(arrays)
    rng, largest = np.random.default_rng(0), 0.0
    for count in (1, 9):
        widths = [
            source.image.width or int(rng.integers(source.stride, 40 * source.stride))
            for _ in range(count)
        ]
        height = source.image.height
        if not height:  # the images of a batch are then of one size
            height, widths = 3 * source.stride, widths[:1] * count
        colours = (3,) if source.image.channels == 3 else ()
        sizes = [(height, width, *colours) for width in widths]
        batch = source.make_batch([rng.integers(0, 256, size, np.uint8) for size in sizes])
        for pair in zip(
            *(source.objective.valid(each.run(batch), batch) for each in (file, network)),
            strict=True,
        ):
            largest = max(largest, largest_difference(*pair))
    return largest


# --------------------------------------------------------------------------------------------- int8


def _splits(spec: PipelineSpec, data: str | Path | None) -> tuple[Dataset, Dataset]:
    """The splits that training would use: the one to calibrate on, and the one to measure on."""
    options = spec.training
    training = open_dataset(
        spec.reader,
        cutter=spec.cutter,
        root=data,
        split=options.split,
        only=options.only,
        exclude=options.exclude,
    )
    if training.is_sample:
        raise DataError(
            "int8 is calibrated on images of the training split; name the data set with --data ROOT"
        )
    if not options.validation:
        raise ConfigError(["training.validation: int8 is measured on this split; name one"])
    only = options.validation_only
    return training, open_dataset(
        spec.reader,
        cutter=spec.cutter,
        root=data,
        split=options.validation,
        only=only,
        exclude="",
    )


def _batches(around: Surroundings, training: Dataset, images: int) -> Iterator[Arrays]:
    """Batches of so many images, drawn from all of the split."""
    order = np.random.default_rng(0).permutation(len(training))

    def readable() -> Iterator[Image]:
        for index in order.tolist():
            image = prepare(training[index].load, around).image
            if not isinstance(image, ImageError):
                yield image

    left = islice(readable(), images)
    while batch := list(islice(left, BATCH_SIZE)):
        yield around.make_batch(batch)


def _measure(
    around: Surroundings, networks: list[Network], splits: tuple[Dataset, Dataset], images: int
) -> Quantised:
    """Both networks over the validation split, in turns, so that neither has the quieter
    machine."""
    training, validation = splits
    scores: list[dict[str, Score]] = [{}, {}]
    seconds = [float("inf"), float("inf")]
    samples = 0
    for _ in range(2):
        for index, network in enumerate(networks):
            scorer, _, spent = evaluate(Recogniser(around, network), validation)
            scores[index], samples = scorer.result(), len(scorer)
            seconds[index] = min(seconds[index], spent.network)
    return Quantised(
        calibrated_on=f"{training.name} {training.split}",
        images=min(images, len(training)),
        measured_on=f"{validation.name} {validation.split}",
        samples=samples,
        scores={name: (scores[0][name], scores[1][name]) for name in scores[0]},
        images_per_second=(samples / seconds[0], samples / seconds[1]),
    )
