"""Puts the parts of a pipeline together, checks that they fit, and runs them."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import ocrkit
from ocrkit import weights as weight_files
from ocrkit.alphabet import Alphabet
from ocrkit.cache import CacheWriter, cache_key, cached_images
from ocrkit.config import PartSpec, PipelineSpec, load_spec, make_part
from ocrkit.datasets import Dataset, open_dataset
from ocrkit.errors import ConfigError, DataError, ImageError, OcrkitError, PluginError, WeightsError
from ocrkit.evaluation import Outcome, Score, Scorer
from ocrkit.images import read_image
from ocrkit.interfaces import (
    Arrays,
    Augmentation,
    Backend,
    Decoded,
    Decoder,
    FloatArray,
    Image,
    ImageSize,
    IntArray,
    Metric,
    Network,
    NetworkPlan,
    Preprocessor,
    Sample,
    SequenceSize,
    Skipped,
)
from ocrkit.parallel import ordered_map
from ocrkit.registry import registry

BATCH_SIZE = 64

# ------------------------------------------------------------------------------------------------------------- assembling


@dataclass(frozen=True)
class Assembly:
    """A pipeline's parts, made and found to fit each other. No weights are loaded and no data is read for it."""

    spec: PipelineSpec
    alphabet: Alphabet
    preprocessor: Preprocessor
    augmentations: tuple[Augmentation, ...]
    featurizer: Any
    encoder: Any
    decoder: Decoder
    metrics: dict[str, Metric]
    backend_name: str
    backend: Backend
    plan: NetworkPlan
    numpy_featurizer: Callable[[FloatArray, IntArray], tuple[FloatArray, IntArray]] | None
    """A featurizer of backend ``numpy``, run ahead of the network as a frozen first stage."""

    def identity(self) -> dict[str, Any]:
        """What weights are made for: the network's parts with their options, the input's height and the alphabet."""
        return {
            "alphabet": self.alphabet.characters,
            "featurizer": {"use": self.spec.featurizer.use, **asdict(self.featurizer)},
            "encoder": {"use": self.spec.encoder.use, **asdict(self.encoder)},
            "height": self.plan.image.height,
        }

    def differences(self, about: Mapping[str, Any]) -> list[str]:
        """Why weights with this description do not apply to the network, one line each."""
        mine, theirs = _flat(self.identity()), _flat({name: about[name] for name in self.identity() if name in about})
        return [
            f"{name} is {mine.get(name, 'not there')!r}, for the weights {theirs.get(name, 'not there')!r}"
            for name in sorted(mine.keys() | theirs.keys())
            if name.partition(".")[0] in about and mine.get(name) != theirs.get(name)
        ]

    def make_batch(self, images: Sequence[Image]) -> tuple[FloatArray, IntArray]:
        """The network's inputs and sizes out of preprocessed images: scaled to 0..1, zeros beyond each, in whole steps."""
        widths = np.array([image.shape[1] for image in images], np.int32)
        stride = self.featurizer.stride if self.plan.image.width is None else 1
        width = -(-int(widths.max()) // stride) * stride
        batch = np.zeros((len(images), 1, self.plan.image.height, width), np.float32)
        for row, image in zip(batch, images, strict=True):
            np.divide(image, np.float32(255), out=row[0, :, : image.shape[1]])
        return self.numpy_featurizer(batch, widths) if self.numpy_featurizer else (batch, widths)

    def preprocessing(self) -> str:
        """Everything that preprocessed pixels depend on besides the image, for the cache."""
        entry = registry().get("preprocessor", self.spec.preprocessor.use)
        return f"{entry.target} {entry.plugin.distribution} {entry.plugin.version} {self.preprocessor!r}"


def _flat(identity: Mapping[str, Any]) -> dict[str, Any]:
    """An identity's values by dotted name, as a checkpoint's header holds them (with lists, not tuples)."""
    flat: dict[str, Any] = {}
    for name, value in json.loads(json.dumps(identity)).items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": each for key, each in value.items()}
        else:
            flat[name] = value
    return flat


def assemble(spec: PipelineSpec, *, backend: str | None = None, training: bool = False) -> Assembly:
    """Makes all parts and checks every seam between them.

    ``backend`` overrides the pipeline's list. Raises ConfigError with everything that does not fit, at once.
    """
    problems: list[str] = []

    def made(part: PartSpec) -> Any:
        try:
            return make_part(part)
        except ConfigError as error:
            problems.extend(error.problems)
        except OcrkitError as error:
            problems.append(str(error))

    preprocessor, featurizer, encoder, decoder = map(made, (spec.preprocessor, spec.featurizer, spec.encoder, spec.decoder))
    metrics = {part.use: made(part) for part in spec.metrics}
    augmentations = tuple(made(part) for part in spec.augment)
    if preprocessor is not None and not hasattr(preprocessor, "output_size"):
        problems.append(f"preprocessor: {spec.preprocessor.use!r} is an augmentation; it belongs into training.augment")
    for part, augmentation in zip(spec.augment, augmentations, strict=True):
        if hasattr(augmentation, "output_size"):
            problems.append(f"training.augment: {part.use!r} is a preprocessor, not an augmentation")
    name, engine = _choose_backend(spec, backend, training, problems)
    if problems:
        raise ConfigError(problems)
    image = preprocessor.output_size()
    sequence = featurizer.output_size(image)
    encoded = encoder.output_size(sequence)
    alphabet = Alphabet(spec.alphabet)
    has_own = name in registry().backends("featurizer", spec.featurizer.use)
    implementation = registry().get("featurizer", spec.featurizer.use, name if has_own else "numpy").load()
    plan = NetworkPlan(
        featurizer=featurizer if has_own else None,
        build_featurizer=implementation if has_own else None,
        encoder=encoder,
        build_encoder=registry().get("encoder", spec.encoder.use, name).load(),
        image=image,
        sequence=sequence,
        encoded=encoded,
        classes=alphabet.classes,
    )
    return Assembly(
        spec, alphabet, preprocessor, augmentations, featurizer, encoder, decoder, metrics, name, engine, plan,
        None if has_own else implementation(featurizer, image),
    )  # fmt: skip


def _choose_backend(spec: PipelineSpec, wanted: str | None, training: bool, problems: list[str]) -> tuple[str, Any]:
    """The backend asked for, else the first of the pipeline's that is installed. What is wrong goes to the problems."""
    names = [wanted] if wanted else list((training and spec.training.backends) or spec.backends)
    found: list[str] = []
    for name in names:
        try:
            entry = registry().get("backend", name)
            for kind, part in (("featurizer", spec.featurizer), ("encoder", spec.encoder)):
                registry().get(kind, part.use)
                backends = registry().backends(kind, part.use)
                if name not in backends and not (kind == "featurizer" and "numpy" in backends):
                    raise PluginError(
                        f"no {kind} named {part.use!r} for backend {name!r}. It has: {', '.join(backends) or 'none'}."
                    )
            return name, entry.load()()
        except PluginError as error:
            found.append(str(error))
    problems.extend(dict.fromkeys(found))
    return "", None


def choose_device(backend_name: str, backend: Backend, device: str) -> str:
    """``cpu`` or ``cuda``; ``auto`` takes the GPU where there is one. Raises OcrkitError for a device that is not there."""
    devices = backend.devices()
    if device == "auto":
        return "cuda" if "cuda" in devices else "cpu"
    if device not in devices:
        raise OcrkitError(f"device {device!r}: backend {backend_name!r} sees {', '.join(devices)} here. Try --device auto.")
    return device


def find_weights(reference: str, folder: Path) -> weight_files.Weights:
    """Weights by reference: ``zoo:NAME``, a training run's folder, or a file. Raises WeightsError or OcrkitError."""
    if reference.startswith("zoo:"):
        from ocrkit.zoo import read_model_weights

        return read_model_weights(reference.removeprefix("zoo:"))
    path = folder / reference
    return weight_files.read(path / "best.safetensors" if path.is_dir() else path)


@dataclass(frozen=True)
class Trained:
    """What became of a pipeline's weights: the arrays for its network, or why there are none."""

    arrays: Arrays | None
    reason: str
    reference: str
    sha256: str = ""


def fitting_weights(assembly: Assembly) -> Trained:
    """The pipeline's weights where they apply to its network; raises WeightsError where they are damaged or missing."""
    reference = assembly.spec.weights
    if not reference:
        return Trained(None, "the pipeline names no weights", reference)
    weights = find_weights(reference, assembly.spec.folder)
    differences = assembly.differences(weights.about)
    if differences:
        return Trained(None, f"weights {reference!r} no longer apply: {'; '.join(differences)}", reference)
    return Trained(weight_files.check_shapes(weights, assembly.plan.parameters()), "", reference, weights.sha256)


# ---------------------------------------------------------------------------------------------------------------- running


@dataclass(frozen=True, slots=True)
class Item:
    """What was read from one image, or why nothing could be."""

    id: str
    text: str | None
    confidence: float | None
    error: str | None = None


@dataclass
class Seconds:
    """Seconds by stage. Stages overlap, and reading and preprocessing add up all threads, so they may exceed the total."""

    total: float = 0.0
    read: float = 0.0
    preprocess: float = 0.0
    network: float = 0.0
    decode: float = 0.0
    score: float = 0.0


@dataclass(frozen=True)
class Result:
    """An evaluation, as ``ocrkit run --json`` prints it."""

    pipeline: str
    backend: str
    device: str
    dataset: dict[str, Any]
    samples: int
    metrics: dict[str, Score]
    seconds: Seconds
    samples_per_second: float
    versions: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Reading:
    """One evaluated sample: the sample, the image as the network saw it, and what was read."""

    sample: Sample
    image: Image
    decoded: Decoded


@dataclass
class _Prepared:
    """A preprocessed image or its error, with the seconds that it took."""

    image: Image | ImageError
    read: float = 0.0
    preprocess: float = 0.0


@dataclass
class Recogniser:
    """An assembled pipeline with its network: what evaluation, transcription and validation in training have in common."""

    assembly: Assembly
    network: Network
    threads: int = 0
    batch_size: int = BATCH_SIZE
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def _prepare(self, load: Callable[[], Image]) -> _Prepared:
        start = time.perf_counter()
        try:
            image = load()
            loaded = time.perf_counter()
            return _Prepared(self.assembly.preprocessor(image), loaded - start, time.perf_counter() - loaded)
        except ImageError as error:
            return _Prepared(error, time.perf_counter() - start)

    def prepared(self, samples: Sequence[Sample]) -> Iterator[_Prepared]:
        """Every sample's preprocessed image, in order, from the cache where it has them; else they go into it."""
        key = cache_key(samples, self.assembly.preprocessing())
        images = cached_images(key) if key else None
        if images is not None:
            yield from map(_Prepared, images)
            return
        with CacheWriter(key) as writer:
            for item in ordered_map(self._prepare, (sample.load for sample in samples), self.threads):
                writer.add(item.image)
                yield item
            writer.commit()

    def decode(self, images: Sequence[Image], seconds: Seconds) -> list[Decoded]:
        """What preprocessed images say."""
        start = time.perf_counter()
        inputs, sizes = self.assembly.make_batch(images)
        with self._lock:
            log_probs, lengths = self.network.predict(inputs, sizes)
        middle = time.perf_counter()
        decoded = self.assembly.decoder(log_probs, lengths, self.assembly.alphabet)
        seconds.network += middle - start
        seconds.decode += time.perf_counter() - middle
        return decoded

    def readings(self, samples: Sequence[Sample], seconds: Seconds) -> Iterator[Reading | Skipped]:
        """Every sample as it was read, or why it could not be, in order."""
        pairs = zip(samples, self.prepared(samples), strict=True)  # strict also runs `prepared` to its end, where it commits
        while chunk := list(islice(pairs, self.batch_size)):
            seconds.read += sum(item.read for _, item in chunk)
            seconds.preprocess += sum(item.preprocess for _, item in chunk)
            good = [item.image for _, item in chunk if not isinstance(item.image, ImageError)]
            decoded = iter(self.decode(good, seconds) if good else [])
            for sample, item in chunk:
                if isinstance(item.image, ImageError):
                    yield Skipped(sample.id, str(item.image))
                else:
                    yield Reading(sample, item.image, next(decoded))

    def evaluate(
        self,
        dataset: Dataset,
        on_reading: Callable[[Reading | Skipped], None] = lambda _: None,
        earlier: Sequence[Outcome | Skipped] = (),
    ) -> tuple[dict[str, Score], list[Skipped], int, Seconds]:
        """Scores, the samples that could not be used, how many were, and seconds by stage.

        ``on_reading`` is told of every sample as it comes. ``earlier`` is what became of the first samples in a run that was
        interrupted; they are scored, but not read again. Raises DataError where no sample can be scored.
        """
        seconds, start = Seconds(), time.perf_counter()
        scorer, skipped = Scorer(self.assembly.metrics), list(dataset.skipped)
        for outcome in earlier:
            if isinstance(outcome, Skipped):
                skipped.append(outcome)
            else:
                scorer.add(outcome)
        for reading in self.readings(dataset.after(len(earlier)), seconds):
            if isinstance(reading, Reading) and reading.sample.text is None:
                reading = Skipped(reading.sample.id, "has no text to compare with")
            if isinstance(reading, Skipped):
                skipped.append(reading)
            else:
                before = time.perf_counter()
                sample = reading.sample
                scorer.add(Outcome(sample.id, sample.text or "", reading.decoded.text, sample.writer, sample.form))
                seconds.score += time.perf_counter() - before
            on_reading(reading)
        if not len(scorer):
            first = skipped[0]
            raise DataError(
                f"{dataset.root}: none of {len(skipped)} samples can be used; the first: {first.id}: {first.reason}"
            )
        before = time.perf_counter()
        scores = scorer.result()
        seconds.score += time.perf_counter() - before
        seconds.total = time.perf_counter() - start
        return scores, skipped, len(scorer), seconds


class Pipeline:
    """A trained pipeline, ready to read. Made by :func:`load`."""

    def __init__(self, recogniser: Recogniser, weights: Trained) -> None:
        self._recogniser = recogniser
        self.weights = weights
        self.spec = recogniser.assembly.spec
        self.backend = recogniser.assembly.backend_name
        self.device = recogniser.network.device

    @property
    def versions(self) -> dict[str, str]:
        """Versions of ocrkit, NumPy and the backend's framework."""
        return {"ocrkit": ocrkit.__version__, "numpy": np.__version__, **self._recogniser.assembly.backend.versions()}

    def read(self, source: str | Path | bytes | Image) -> Decoded:
        """Reads one image: a path, an image file's bytes, or grey pixels uint8 (H, W). Safe from several threads.

        Raises ImageError where the image cannot be read.
        """
        image = self._recogniser.assembly.preprocessor(_pixels(source))
        return self._recogniser.decode([image], Seconds())[0]

    def read_many(self, sources: Iterable[str | Path | bytes | Image]) -> Iterator[Item]:
        """Reads images in batches, lazily, in order. An image that cannot be read is an item with its error."""
        samples = (
            Sample(str(source) if isinstance(source, str | Path) else str(index), None, None, partial(_pixels, source))
            for index, source in enumerate(sources)
        )
        while chunk := list(islice(samples, self._recogniser.batch_size)):
            for sample, reading in zip(chunk, self._recogniser.readings(chunk, Seconds()), strict=True):
                if isinstance(reading, Skipped):
                    named = reading.reason.startswith(sample.id)  # a preprocessor does not know whose image it refuses
                    yield Item(sample.id, None, None, reading.reason if named else f"{sample.id}: {reading.reason}")
                else:
                    yield Item(sample.id, reading.decoded.text, reading.decoded.confidence)

    def evaluate(
        self,
        split: str | None = None,
        *,
        data: str | Path | None = None,
        limit: int | None = None,
        dataset: Dataset | None = None,
        on_reading: Callable[[Reading | Skipped], None] = lambda _: None,
        earlier: Sequence[Outcome | Skipped] = (),
    ) -> Result:
        """Scores the pipeline on its reader's data under ``data``, else ``OCRKIT_<READER>``, else on the shipped sample.

        ``dataset``, ``on_reading`` and ``earlier``: a data set that is open already, a listener for every sample, and what
        became of the first samples in a run that was interrupted. Raises DataError where nothing can be scored.
        """
        dataset = dataset or open_dataset(self.spec.reader, root=data, split=split, limit=limit)
        scores, skipped, samples, seconds = self._recogniser.evaluate(dataset, on_reading, earlier)
        about = {
            "name": dataset.name,
            "root": str(dataset.root),
            "split": dataset.split,
            "limit": dataset.limit,
            "forms": asdict(dataset.forms) if dataset.forms else None,
            "skipped": [asdict(item) for item in skipped],
        }
        read_now = samples - sum(isinstance(outcome, Outcome) for outcome in earlier)
        return Result(
            pipeline=self.spec.name,
            backend=self.backend,
            device=self.device,
            dataset=about,
            samples=samples,
            metrics=scores,
            seconds=seconds,
            samples_per_second=read_now / seconds.total,
            versions=self.versions,
        )


def _pixels(source: str | Path | bytes | Image) -> Image:
    if not isinstance(source, np.ndarray):
        return read_image(source)
    if source.dtype != np.uint8 or source.ndim != 2 or not source.size:
        raise ImageError(f"an array {source.dtype} {source.shape}; expected grey pixels uint8 (height, width)")
    return source


def build_network(assembly: Assembly, device: str = "auto", threads: int = 0) -> Network:
    """The assembly's network on a device, its weights not yet set."""
    chosen = choose_device(assembly.backend_name, assembly.backend, device)
    return assembly.backend.network(assembly.plan, device=chosen, threads=threads)


def load(
    source: str | Path = "iam-crnn",
    settings: Sequence[str] | Mapping[str, Any] = (),
    *,
    backend: str | None = None,
    device: str = "auto",
    threads: int = 0,
    batch_size: int = BATCH_SIZE,
) -> Pipeline:
    """A pipeline by zoo name, TOML file or training run, ready to read.

    ``settings`` are those of ``--set``: ``["decoder.use=…"]`` or ``{"decoder.use": …}``. Raises OcrkitError and its children:
    ConfigError for a pipeline that does not fit together, WeightsError where it has no weights for its network.
    """
    assembly = assemble(load_spec(source, settings), backend=backend)
    weights = fitting_weights(assembly)
    if weights.arrays is None:
        raise WeightsError(f"pipeline {assembly.spec.name!r} is untrained: {weights.reason}. Train it with ocrkit train.")
    network = build_network(assembly, device, threads)
    network.load_state(weights.arrays)
    return Pipeline(Recogniser(assembly, network, threads, batch_size), weights)


# ----------------------------------------------------------------------------------------------------------------- seams


@dataclass(frozen=True)
class Seam:
    """A stage of a pipeline as ``ocrkit check`` shows it: what goes in, what comes out, how many parameters."""

    part: str
    use: str
    owner: str
    input: str
    output: str
    parameters: int


def _image_text(size: ImageSize) -> str:
    return f"{size.height} × {size.width if size.width is not None else 'any'} px"


def _sequence_text(size: SequenceSize) -> str:
    return f"{size.steps if size.steps is not None else 'any'} steps × {size.features}"


def seams(assembly: Assembly) -> list[Seam]:
    """The stages from the reader to the decoder."""
    spec, plan = assembly.spec, assembly.plan
    shapes = plan.parameters()

    def row(part: PartSpec, before: str, after: str, backend: str | None = None) -> Seam:
        count = sum(int(np.prod(shape)) for name, shape in shapes.items() if name.startswith(f"{part.kind}."))
        return Seam(part.kind, part.use, registry().get(part.kind, part.use, backend).plugin.name, before, after, count)

    image, sequence, encoded = _image_text(plan.image), _sequence_text(plan.sequence), _sequence_text(plan.encoded)
    classes = _sequence_text(SequenceSize(plan.classes, plan.encoded.steps))
    head = sum(int(np.prod(shapes[name])) for name in ("head.weight", "head.bias"))
    own = None if assembly.numpy_featurizer is None else "numpy"
    return [
        row(spec.reader, "files", "any × any px"),
        row(spec.preprocessor, "any × any px", image),
        row(spec.featurizer, image, sequence, own or assembly.backend_name),
        row(spec.encoder, sequence, encoded, assembly.backend_name),
        Seam("head", "linear", registry().get("backend", assembly.backend_name).plugin.name, encoded, classes, head),
        row(spec.decoder, classes, "text"),
    ]
