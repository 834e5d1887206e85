"""Puts the parts of a pipeline together, checks that they fit, and runs them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

import ocrkit
from ocrkit import weights as weight_files
from ocrkit.alphabet import Alphabet
from ocrkit.cache import CacheWriter, cache_key, cached_images
from ocrkit.config import PartSpec, PipelineSpec, load_spec, make_part
from ocrkit.contamination import Contamination, SeenForms, contamination, of_manifest, of_run
from ocrkit.datasets import Dataset, open_dataset
from ocrkit.errors import ConfigError, DataError, ImageError, OcrkitError, PluginError, WeightsError
from ocrkit.exported import Exported, network_files, read_exported
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
    TakesCallsTogether,
)
from ocrkit.parallel import ordered_map
from ocrkit.registry import registry

if TYPE_CHECKING:  # what scores is imported by what scores: reading needs none of it
    from ocrkit.evaluation import Confidence, Details, Kept, Outcome, Rules, Score, Scorer

BATCH_SIZE = 64
KEPT = 50_000
"""Samples of a data set that are kept in memory while it is read; more are made again where they are needed."""
WINDOW = 16
"""Batches whose images are sorted by width before they are cut, where it varies."""
_T = TypeVar("_T")

# ------------------------------------------------------------------------------------------------------------- assembling


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """All parts around a pipeline's network, and what they must know of it: enough to read with a network that is there."""

    spec: PipelineSpec
    alphabet: Alphabet
    preprocessor: Preprocessor
    decoder: Decoder
    metrics: dict[str, Metric]
    backend_name: str
    backend: Backend
    image: ImageSize
    """What the preprocessor gives and the network, or a featurizer ahead of it, takes."""
    stride: int
    """Pixels of the image's width in a step."""
    numpy_featurizer: Callable[[FloatArray, IntArray], tuple[FloatArray, IntArray]] | None = None
    """A featurizer of backend ``numpy``, run ahead of the network as a frozen first stage."""

    def make_batch(self, images: Sequence[Image]) -> tuple[FloatArray, IntArray]:
        """The network's inputs and sizes out of preprocessed images: scaled to 0..1, zeros beyond each, in whole steps."""
        widths = np.array([image.shape[1] for image in images], np.int32)
        stride = self.stride if self.image.width is None else 1
        width = -(-int(widths.max()) // stride) * stride
        batch = np.zeros((len(images), 1, self.image.height, width), np.float32)
        for row, image in zip(batch, images, strict=True):
            np.divide(image, np.float32(255), out=row[0, :, : image.shape[1]])
        return self.numpy_featurizer(batch, widths) if self.numpy_featurizer else (batch, widths)

    def preprocessing(self) -> str:
        """Everything that preprocessed pixels depend on besides the image, for the cache."""
        entry = registry().get("preprocessor", self.spec.preprocessor.use)
        return f"{entry.target} {entry.plugin.distribution} {entry.plugin.version} {self.preprocessor!r}"


@dataclass(frozen=True, kw_only=True)
class Assembly(Surroundings):
    """A pipeline's parts, made and found to fit each other. No weights are loaded and no data is read for it."""

    augmentations: tuple[Augmentation, ...]
    featurizer: Any
    encoder: Any
    plan: NetworkPlan

    def identity(self) -> dict[str, Any]:
        """What weights are made for: the network's parts with their options, the input's height and the alphabet."""
        return {
            "alphabet": self.alphabet.characters,
            "featurizer": {"use": self.spec.featurizer.use, **asdict(self.featurizer)},
            "encoder": {"use": self.spec.encoder.use, **asdict(self.encoder)},
            "height": self.plan.image.height,
        }

    def differences(self, about: Mapping[str, Any]) -> list[str]:
        """Why weights with this description do not apply to the network, one line each; one for a part that is another."""
        mine, theirs = _flat(self.identity()), _flat({name: about[name] for name in self.identity() if name in about})
        different = [name for name in sorted(mine.keys() | theirs.keys()) if mine.get(name) != theirs.get(name)]
        parts = [name.removesuffix("use") for name in different if name.endswith(".use")]
        return [
            f"{name} is {mine.get(name, 'not there')!r}, for the weights {theirs.get(name, 'not there')!r}"
            for name in different
            if name.partition(".")[0] in about and (name.endswith(".use") or not name.startswith(tuple(parts)))
        ]


def _flat(identity: Mapping[str, Any]) -> dict[str, Any]:
    """An identity's values by dotted name, as a checkpoint's header holds them (with lists, not tuples)."""
    flat: dict[str, Any] = {}
    for name, value in json.loads(json.dumps(identity)).items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": each for key, each in value.items()}
        else:
            flat[name] = value
    return flat


def _made(part: PartSpec, problems: list[str]) -> Any:
    """The part, or None where it cannot be made, or has no name; why it cannot goes to the problems."""
    if not part.use:
        return None
    try:
        return make_part(part)
    except ConfigError as error:
        problems.extend(error.problems)
    except OcrkitError as error:
        problems.append(str(error))
    return None


def _around(spec: PipelineSpec, problems: list[str]) -> dict[str, Any]:
    """The parts of :class:`Surroundings` that a pipeline's file names."""
    preprocessor = _made(spec.preprocessor, problems)
    if preprocessor is not None and not hasattr(preprocessor, "output_size"):
        problems.append(f"preprocessor: {spec.preprocessor.use!r} is an augmentation; it belongs into training.augment")
    alphabet, decoder = Alphabet(spec.alphabet), _made(spec.decoder, problems)
    if hasattr(decoder, "check"):
        try:
            decoder.check(alphabet)
        except OcrkitError as error:
            problems.append(f"decoder: {error}")
    return {
        "spec": spec,
        "alphabet": alphabet,
        "preprocessor": preprocessor,
        "decoder": decoder,
        "metrics": {part.use: _made(part, problems) for part in spec.metrics},
    }


def _output_size(definition: Any, size: Any, problems: list[str]) -> Any:
    """The size of what a featurizer or an encoder makes of this one, or None where it takes no such input, or is not there."""
    if definition is None or size is None:
        return None
    try:
        return definition.output_size(size)
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def assemble(spec: PipelineSpec, *, backend: str | None = None, training: bool = False, known: Sequence[str] = ()) -> Assembly:
    """Makes all parts and checks every seam between them.

    ``backend`` overrides the pipeline's list. Raises ConfigError with everything that does not fit, at once, behind the
    mistakes that are ``known`` of its file.
    """
    if spec.network:
        raise ConfigError([f"network: {spec.network!r} is exported, so it is for reading; take the pipeline that it came from"])
    problems = list(known)
    parts = _around(spec, problems)
    featurizer, encoder = _made(spec.featurizer, problems), _made(spec.encoder, problems)
    augmentations = tuple(_made(part, problems) for part in spec.augment)
    for part, augmentation in zip(spec.augment, augmentations, strict=True):
        if hasattr(augmentation, "output_size"):
            problems.append(f"training.augment: {part.use!r} is a preprocessor, not an augmentation")
    name, engine = _choose_backend(spec, backend, training, problems)
    image: Any = parts["preprocessor"].output_size() if hasattr(parts["preprocessor"], "output_size") else None
    sequence = _output_size(featurizer, image, problems)
    encoded = _output_size(encoder, sequence, problems)
    if problems:
        raise ConfigError(problems)
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
        classes=parts["alphabet"].classes,
    )
    return Assembly(
        **parts, augmentations=augmentations, featurizer=featurizer, encoder=encoder, backend_name=name, backend=engine,
        image=image, stride=featurizer.stride, plan=plan,
        numpy_featurizer=None if has_own else implementation(featurizer, image),
    )  # fmt: skip


def surround(spec: PipelineSpec, exported: Exported, backend: str | None = None) -> Surroundings:
    """The parts around an exported network. Raises ConfigError with everything that does not fit, at once."""
    problems: list[str] = []
    parts = _around(spec, problems)
    path = spec.folder / spec.network
    name = path.suffix[1:]
    if backend not in (None, name):
        problems.append(f"backend {backend!r} does not run {path.name}: its network is exported, for backend {name!r} alone")
    if exported.pipeline["alphabet"] != spec.alphabet:
        problems.append(f"alphabet: not the one that {path.name} was exported with")
    size = parts["preprocessor"].output_size() if parts["preprocessor"] else exported.image
    if size != exported.image:
        problems.append(f"preprocessor: gives {_image_text(size)}, but {path.name} takes {_image_text(exported.image)}")
    if problems:
        raise ConfigError(problems)
    engine = registry().get("backend", name).load()()
    return Surroundings(**parts, backend_name=name, backend=engine, image=size, stride=exported.stride)


def _choose_backend(spec: PipelineSpec, wanted: str | None, training: bool, problems: list[str]) -> tuple[str, Any]:
    """The backend asked for, else the first of the pipeline's that is installed. What is wrong goes to the problems."""
    names = [wanted] if wanted else list((training and spec.training.backends) or spec.backends)
    found: list[str] = []
    for name in names:
        try:
            entry = registry().get("backend", name)
            for kind, part in (("featurizer", spec.featurizer), ("encoder", spec.encoder)):
                if not part.use:
                    continue
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
        raise OcrkitError(
            f"device {device!r}: backend {backend_name!r} sees {', '.join(devices)} here; a GPU needs a CUDA build of its "
            "framework too (docs/backends.md). Try --device auto."
        )
    return device


def find_weights(reference: str, folder: Path) -> tuple[weight_files.Weights, dict[str, Any] | None]:
    """Weights by reference: ``zoo:NAME``, a training run's or a model's folder, or a file; and their manifest, if there is one.

    Raises WeightsError, for weights that are not their manifest's as well, or OcrkitError.
    """
    from ocrkit.zoo import manifest_of, model, read_model_weights

    if reference.startswith("zoo:"):
        found = model(reference.removeprefix("zoo:"))
        return read_model_weights(found), found.manifest
    path = _weights_file(reference, folder)
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights; expected zoo:NAME, a folder of a run or a model, or a .safetensors file")
    manifest = manifest_of(path)
    return weight_files.read(path, sha256=manifest["weights"]["sha256"] if manifest else None), manifest


def _weights_file(reference: str, folder: Path) -> Path:
    path = folder / reference
    if path.is_dir():
        path = path / ("best.safetensors" if not (path / "weights.safetensors").is_file() else "weights.safetensors")
    return path


@dataclass(frozen=True)
class Trained:
    """What became of a pipeline's weights: the arrays for its network, or why there are none."""

    arrays: Arrays | None
    reason: str
    reference: str
    sha256: str = ""
    licence: str = ""
    """What the weights may be used for, with its terms; empty where nobody has said."""
    temperature: float | None = None
    """What makes confidences fit, where somebody has found that out; see ``ocrkit calibrate``."""
    seen: SeenForms = field(default_factory=SeenForms)
    """The forms that were used in making the weights, as far as they are listed."""
    reported: str = ""
    """The data that the manifest's scores are of: a reader and a split."""


def fitting_weights(assembly: Assembly) -> Trained:
    """The pipeline's weights where they apply to its network; raises WeightsError where they are damaged or missing."""
    reference = assembly.spec.weights
    if not reference:
        return Trained(None, "the pipeline names no weights", reference)
    weights, manifest = find_weights(reference, assembly.spec.folder)
    differences = assembly.differences(weights.about)
    if differences:
        return Trained(None, f"weights {reference!r} no longer apply: {'; '.join(differences)}", reference)
    arrays = weight_files.check_shapes(weights, assembly.plan.parameters())
    return Trained(arrays, "", reference, weights.sha256, **_known(weights.path, manifest))


def weights_to_read_with(assembly: Assembly) -> tuple[Arrays, Trained]:
    """The pipeline's weights, and what is known of them. Raises WeightsError where it has none for its network."""
    trained = fitting_weights(assembly)
    if trained.arrays is None:
        raise WeightsError(f"pipeline {assembly.spec.name!r} is untrained: {trained.reason}. Train it with ocrkit train.")
    return trained.arrays, trained


def _known(path: Path, manifest: dict[str, Any] | None) -> dict[str, Any]:
    """What is known of weights besides: their licence, temperature and the forms that they have seen."""
    if manifest is None:
        return {"seen": of_run(path.parent)}
    return {
        "licence": f"{manifest.get('licence', 'no licence stated')}. {manifest.get('terms', '')}".strip(),
        "temperature": manifest.get("confidence", {}).get("temperature"),
        "seen": of_manifest(manifest),
        "reported": manifest.get("results", {}).get("dataset", ""),
    }


def forms_seen(reference: str) -> SeenForms:
    """The forms that were used in making weights: ``zoo:NAME``, a training run's or a model's folder, or a file."""
    weights, manifest = find_weights(reference, Path())
    seen: SeenForms = _known(weights.path, manifest)["seen"]
    return seen


# ---------------------------------------------------------------------------------------------------------------- running


@dataclass(frozen=True, slots=True)
class Item:
    """What was read from one image, or why nothing could be."""

    id: str
    text: str | None
    confidence: float | None
    error: str | None = None
    decoded: Decoded | None = None
    """All that the decoder says."""


@dataclass
class Seconds:
    """Seconds by stage. Stages overlap, and reading and preprocessing add up all threads, so they may exceed the total.

    ``wait_images`` and ``wait_network``: how long a run stood still until images had been read, and until the network was
    through with them. What it waited for longest is what bounds it.
    """

    total: float = 0.0
    read: float = 0.0
    preprocess: float = 0.0
    network: float = 0.0
    decode: float = 0.0
    score: float = 0.0
    wait_images: float = 0.0
    wait_network: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """An evaluation, as ``ocrkit run --json`` prints it."""

    pipeline: str
    backend: str
    device: str
    dataset: dict[str, Any]
    samples: int
    metrics: dict[str, Score]
    seconds: Seconds | None
    """None, as ``samples_per_second``, where a result file is scored again."""
    samples_per_second: float | None
    versions: dict[str, str]
    rules: Rules
    left_out: int = 0
    """Samples that do not count by the rules."""
    confidence: Confidence | None = None
    """None where the decoder gives no confidences."""
    kept: Kept | None = None
    """What is left where the samples below a confidence that somebody has named are put aside."""
    contamination: Contamination | None = None
    """None where no form is known to have been trained on or chosen by."""
    details: Details

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "details"}


def found_by(scorer: Scorer, min_confidence: float | None) -> dict[str, Any]:
    """The fields of a :class:`Result` that a scorer knows."""
    return {
        "samples": len(scorer),
        "metrics": scorer.result(),
        "rules": scorer.rules,
        "left_out": scorer.left_out,
        "confidence": scorer.confidence(),
        "kept": None if min_confidence is None else scorer.kept(min_confidence),
        "details": scorer.details(),
    }


@dataclass(frozen=True, slots=True)
class Reading:
    """One evaluated sample: the sample, the image as the network saw it, and what was read."""

    sample: Sample
    image: Image
    decoded: Decoded

    @property
    def outcome(self) -> Outcome:
        from ocrkit.evaluation import Outcome

        sample, decoded = self.sample, self.decoded
        return Outcome(sample.id, sample.text or "", decoded.text, sample.writer, sample.form, decoded.confidence)


@dataclass
class _Prepared:
    """A preprocessed image or its error, with the seconds that it took."""

    image: Image | ImageError
    read: float = 0.0
    preprocess: float = 0.0


_Recognised = tuple[list[tuple[Sample, _Prepared]], list[tuple[list[int], FloatArray, IntArray]]]
"""A window's samples, and batches of the network's outputs: indices into the window, log-probabilities, lengths."""


def _waited(items: Iterator[_T], stage: str, seconds: Seconds) -> Iterator[_T]:
    """The items, with the time that passes until they come added to the seconds."""
    while True:
        start = time.perf_counter()
        try:
            item = next(items)
        except StopIteration:
            return
        finally:
            setattr(seconds, stage, getattr(seconds, stage) + time.perf_counter() - start)
        yield item


class _Calls:
    """Lets as many threads at a time call a network as it takes, and measures for how long any of them does."""

    def __init__(self, network: Network) -> None:
        self.most = network.callers if isinstance(network, TakesCallsTogether) else 1
        self._places = threading.Semaphore(self.most)
        self._lock = threading.Lock()
        self._inside = 0
        self._since = 0.0

    @contextmanager
    def one(self, seconds: Seconds) -> Iterator[None]:
        """A call; it waits until there is a place for it."""
        with self._places:
            with self._lock:
                self._since = self._since if self._inside else time.perf_counter()
                self._inside += 1
            try:
                yield
            finally:
                with self._lock:
                    self._inside -= 1
                    if not self._inside:
                        seconds.network += time.perf_counter() - self._since


@dataclass
class Recogniser:
    """An assembled pipeline with its network: what evaluation, transcription and validation in training have in common."""

    assembly: Surroundings
    network: Network
    threads: int = 0
    batch_size: int = BATCH_SIZE

    def __post_init__(self) -> None:
        self._calls = _Calls(self.network)

    def _prepare(self, load: Callable[[], Image]) -> _Prepared:
        start = time.perf_counter()
        try:
            image = load()
            loaded = time.perf_counter()
            return _Prepared(self.assembly.preprocessor(image), loaded - start, time.perf_counter() - loaded)
        except ImageError as error:
            return _Prepared(error, time.perf_counter() - start)

    @property
    def window(self) -> int:
        """How many samples are read together: a batch, or, where the width varies, several that are sorted by it."""
        return self.batch_size * (1 if self.assembly.image.width else WINDOW)

    def prepare(self, samples: Iterable[Sample]) -> Iterator[tuple[Sample, _Prepared]]:
        """Every sample with its preprocessed image, in order; images are read and preprocessed in threads, ahead."""
        return ordered_map(lambda sample: (sample, self._prepare(sample.load)), samples, self.threads)

    def prepare_all(self, samples: Sequence[Sample]) -> Iterator[tuple[Sample, _Prepared]]:
        """The same from the cache where it has the samples' images; else they go into it."""
        if len(samples) <= KEPT:  # half of a cached start would go into making them a second time
            samples = list(samples)
        key = cache_key(samples, self.assembly.preprocessing())
        images = cached_images(key) if key else None
        if images is not None:
            yield from zip(samples, map(_Prepared, images), strict=True)
            return
        with CacheWriter(key) as writer:
            for sample, item in self.prepare(samples):
                writer.add(item.image)
                yield sample, item
            writer.commit()

    def decode(self, images: Sequence[Image], seconds: Seconds) -> list[Decoded]:
        """What preprocessed images say."""
        return self._decode(*self._predict(images, seconds), seconds)

    def _predict(self, images: Sequence[Image], seconds: Seconds) -> tuple[FloatArray, IntArray]:
        with self._calls.one(seconds):
            return self.network.predict(*self.assembly.make_batch(images))

    def _decode(self, log_probs: FloatArray, lengths: IntArray, seconds: Seconds) -> list[Decoded]:
        start = time.perf_counter()
        decoded = self.assembly.decoder(log_probs, lengths, self.assembly.alphabet)
        seconds.decode += time.perf_counter() - start
        return decoded

    def outputs(self, samples: Sequence[Sample]) -> Iterator[tuple[list[Sample], FloatArray, IntArray]]:
        """What the network says, a batch at a time: samples, log-probabilities (N, T, K), lengths (N,).

        Samples that cannot be read, and those without a text, are left out.
        """
        pairs = ((sample, item.image) for sample, item in self.prepare_all(samples))
        usable = ((sample, image) for sample, image in pairs if sample.text is not None and not isinstance(image, ImageError))
        while batch := list(islice(usable, self.batch_size)):
            yield [sample for sample, _ in batch], *self._predict([image for _, image in batch], Seconds())

    def readings(self, pairs: Iterator[tuple[Sample, _Prepared]], seconds: Seconds) -> Iterator[Reading | Skipped]:
        """Every sample as it was read, or why it could not be, in order.

        The network runs in threads of its own; meanwhile others prepare the next images, and the caller's decodes the last.
        """
        windows, calls = iter(lambda: list(islice(pairs, self.window)), []), self._calls.most
        recognised = ordered_map(
            partial(self._recognise, seconds=seconds), _waited(windows, "wait_images", seconds), calls, ahead=calls
        )
        for window, batches in _waited(recognised, "wait_network", seconds):
            decoded: dict[int, Decoded] = {}
            for indices, log_probs, lengths in batches:
                decoded |= zip(indices, self._decode(log_probs, lengths, seconds), strict=True)
            for index, (sample, item) in enumerate(window):
                seconds.read += item.read
                seconds.preprocess += item.preprocess
                if isinstance(item.image, ImageError):
                    yield Skipped(sample.id, str(item.image))
                else:
                    yield Reading(sample, item.image, decoded[index])
        seconds.wait_network -= seconds.wait_images  # which lies within it

    def _recognise(self, window: list[tuple[Sample, _Prepared]], seconds: Seconds) -> _Recognised:
        """A window's images through the network, in batches of about one width."""
        images = {index: item.image for index, (_, item) in enumerate(window) if not isinstance(item.image, ImageError)}
        order = sorted(images, key=lambda index: images[index].shape[1])
        batches = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        return window, [(batch, *self._predict([images[index] for index in batch], seconds)) for batch in batches]

    def evaluate(
        self,
        dataset: Dataset,
        on_reading: Callable[[Reading | Skipped], None] = lambda _: None,
        earlier: Iterable[Outcome | Skipped] = (),
        rules: Rules | None = None,
    ) -> tuple[Scorer, list[Skipped], Seconds]:
        """Scores of all samples, those that could not be used, and seconds by stage.

        ``on_reading`` is told of every sample as it comes. ``earlier`` is what became of the first samples in a run that was
        interrupted; they are scored, but not read again. Raises DataError where no sample can be scored.
        """
        from ocrkit.evaluation import RAW, Scorer

        seconds, start = Seconds(), time.perf_counter()
        scorer, skipped = Scorer(self.assembly.metrics, rules or RAW), list(dataset.skipped)
        done = 0
        for outcome in earlier:
            done += 1
            if isinstance(outcome, Skipped):
                skipped.append(outcome)
            else:
                scorer.add(outcome)
        for reading in self.readings(self.prepare_all(dataset.after(done)), seconds):
            if isinstance(reading, Reading) and reading.sample.text is None:
                reading = Skipped(reading.sample.id, "has no text to compare with")
            if isinstance(reading, Skipped):
                skipped.append(reading)
            else:
                before = time.perf_counter()
                scorer.add(reading.outcome)
                seconds.score += time.perf_counter() - before
            on_reading(reading)
        if not len(scorer):
            if scorer.left_out:
                raise DataError(f"{dataset.root}: all {scorer.left_out:,} samples are left out as punctuation")
            first = skipped[0]
            raise DataError(
                f"{dataset.root}: none of {len(skipped)} samples can be used; the first: {first.id}: {first.reason}"
            )
        seconds.total = time.perf_counter() - start
        return scorer, skipped, seconds


class Pipeline:
    """A trained pipeline, ready to read. Made by :func:`load`."""

    def __init__(self, recogniser: Recogniser, weights: Trained) -> None:
        self._recogniser = recogniser
        self.weights = weights
        self.spec = recogniser.assembly.spec
        self.backend = recogniser.assembly.backend_name
        self.device = recogniser.network.device
        self.window = recogniser.window
        """Results of an interrupted run are kept in multiples of this; see :class:`ocrkit.results.ResultFile`."""

    @property
    def decoder(self) -> Decoder:
        return self._recogniser.assembly.decoder

    def outputs(self, dataset: Dataset) -> Iterator[tuple[list[Sample], FloatArray, IntArray]]:
        """What the network says of the samples that can be read and have a text, in batches: log-probabilities (N, T, K)
        float32 and their lengths (N,), for those who try many decoders on them."""
        return self._recogniser.outputs(dataset)

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
        """Reads images in batches, in order; at most some hundreds are taken ahead of the item that is asked for.

        An image that cannot be read is an item with its error.
        """
        samples = (
            Sample(str(source) if isinstance(source, str | Path) else str(index), None, None, partial(_pixels, source))
            for index, source in enumerate(sources)
        )
        for reading in self._recogniser.readings(self._recogniser.prepare(samples), Seconds()):
            if isinstance(reading, Skipped):
                named = reading.reason.startswith(reading.id)  # a preprocessor does not know whose image it refuses
                yield Item(reading.id, None, None, reading.reason if named else f"{reading.id}: {reading.reason}")
            else:
                yield Item(reading.sample.id, reading.decoded.text, reading.decoded.confidence, None, reading.decoded)

    def evaluate(
        self,
        split: str | None = None,
        *,
        data: str | Path | None = None,
        limit: int | None = None,
        dataset: Dataset | None = None,
        on_reading: Callable[[Reading | Skipped], None] = lambda _: None,
        earlier: Iterable[Outcome | Skipped] = (),
        rules: Rules | None = None,
        min_confidence: float | None = None,
    ) -> Result:
        """Scores the pipeline on its reader's data under ``data``, else ``OCRKIT_<READER>``, else on the shipped sample.

        ``dataset``, ``on_reading`` and ``earlier``: a data set that is open already, a listener for every sample, and what
        became of the first samples in a run that was interrupted. ``rules``: how texts are compared, as they are where None.
        ``min_confidence``: the result says what is left above it. Raises DataError where nothing can be scored.
        """
        dataset = dataset or open_dataset(self.spec.reader, root=data, split=split, limit=limit)
        read_now = 0

        def listen(reading: Reading | Skipped) -> None:
            nonlocal read_now
            read_now += isinstance(reading, Reading)
            on_reading(reading)

        scorer, skipped, seconds = self._recogniser.evaluate(dataset, listen, earlier, rules)
        start = time.perf_counter()
        found = found_by(scorer, min_confidence)
        spent = time.perf_counter() - start
        seconds.score += spent
        seconds.total += spent
        about = {
            "name": dataset.name,
            "root": str(dataset.root),
            "split": dataset.split,
            "limit": dataset.limit,
            "forms": asdict(dataset.forms) if dataset.forms else None,
            "skipped": [asdict(item) for item in skipped],
        }
        return Result(
            pipeline=self.spec.name,
            backend=self.backend,
            device=self.device,
            dataset=about,
            seconds=seconds,
            samples_per_second=read_now / seconds.total,
            versions=self.versions,
            contamination=contamination(self.weights.seen, dataset),
            **found,
        )

    def header(self, dataset: Dataset | None = None) -> dict[str, Any]:
        """What a result file says of the run that made it: all that can make another run read something else.

        Without a data set, what it says of a run over single images.
        """
        assembly, spec = self._recogniser.assembly, self.spec
        parts: dict[str, Any] = {}
        if dataset is not None:
            reader = {name: value for name, value in spec.reader.options.items() if name not in ("root", "split")}
            parts["reader"] = {"use": spec.reader.use, **reader}
        parts["preprocessor"] = _described(spec.preprocessor.use, assembly.preprocessor)
        if isinstance(assembly, Assembly):
            parts["featurizer"] = _described(spec.featurizer.use, assembly.featurizer)
            parts["encoder"] = _described(spec.encoder.use, assembly.encoder)
        else:
            parts["network"] = {"file": spec.network, "sha256": weight_files.sha256_of(spec.folder / spec.network)}
        parts["decoder"] = _described(spec.decoder.use, assembly.decoder)
        if dataset is not None:
            parts["metrics"] = [_described(name, metric) for name, metric in assembly.metrics.items()]
        header = {
            "pipeline": spec.name,
            "parts": parts,
            "alphabet": spec.alphabet,
            "weights": self.weights.sha256,
            "backend": self.backend,
            "device": self.device,
            "versions": self.versions,
        }
        if dataset is None:
            return header
        seen = contamination(self.weights.seen, dataset)
        return header | {
            "dataset": {
                "name": dataset.name,
                "root": str(dataset.root),
                "split": dataset.split,
                "limit": dataset.limit,
                "forms": asdict(dataset.forms) if dataset.forms else None,
                "skipped": [asdict(item) for item in dataset.skipped],
                "samples": len(dataset),
                "sha256": dataset.sha256(),
            },
            "contamination": asdict(seen) if seen else None,
        }


def _described(use: str, part: Any) -> dict[str, Any]:
    """A part with all its options."""
    options = {each.name: getattr(part, each.name) for each in fields(part) if each.init}
    if isinstance(source := options.get("language_model"), str):
        from ocrkit.language_model import find

        options["language_model"] = find(source)  # a name, too, stands for a file
    return {"use": use} | {name: _stated(value) for name, value in options.items()}


def _stated(value: Any) -> Any:
    """An option's value for JSON; a file with its sha256, since its content matters and not where it lies."""
    # A text that is no path, such as "dark", may by chance be the name of a file, but hardly one with an ending.
    if (isinstance(value, Path) or (isinstance(value, str) and Path(value).suffix)) and Path(value).is_file():
        return {"file": Path(value).name, "sha256": weight_files.sha256_of(Path(value))}
    return str(value) if isinstance(value, Path) else value


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
    spec = load_spec(source, settings, to_read=True)
    if spec.network:
        return _load_exported(spec, backend, device, threads, batch_size)
    assembly = assemble(spec, backend=backend)
    arrays, weights = weights_to_read_with(assembly)
    network = build_network(assembly, device, threads)
    network.load_state(arrays)
    assembly = replace(assembly, decoder=calibrated(assembly.decoder, weights.temperature))
    return Pipeline(Recogniser(assembly, network, threads, batch_size), weights)


def calibrated(decoder: Decoder, temperature: float | None) -> Decoder:
    """The decoder with the temperature of the weights, where it has this option and nobody has set it."""
    if temperature is None or getattr(decoder, "temperature", temperature) is not None:
        return decoder
    changed: Decoder = replace(decoder, temperature=temperature)  # type: ignore[type-var]
    return changed


def _load_exported(spec: PipelineSpec, backend: str | None, device: str, threads: int, batch_size: int) -> Pipeline:
    path = spec.folder / spec.network
    exported = read_exported(path)
    around = surround(spec, exported, backend)
    network = network_files(path).open(path, device=choose_device(around.backend_name, around.backend, device), threads=threads)
    trained = Trained({}, "", str(path), exported.sha256, exported.licence, **_of_zoo_weights(exported))
    around = replace(around, decoder=calibrated(around.decoder, trained.temperature))
    return Pipeline(Recogniser(around, network, threads, batch_size), trained)


def _of_zoo_weights(exported: Exported) -> dict[str, Any]:
    """What the zoo knows of the weights in an exported network, where it has the very same."""
    from ocrkit.zoo import models

    known = {f"zoo:{model.name}": model.manifest for model in models()[0]}.get(exported.weights)
    if known is None or known["weights"]["sha256"] != exported.sha256:
        return {}
    return {"temperature": known.get("confidence", {}).get("temperature"), "seen": of_manifest(known)}


# ----------------------------------------------------------------------------------------------------------------- seams


@dataclass(frozen=True)
class Seam:
    """A stage of a pipeline as ``ocrkit check`` shows it: what goes in, what comes out, how many parameters."""

    part: str
    use: str
    owner: str
    input: str
    output: str
    stride: int | None = None
    """Pixels of the image's width in a step, where steps are made."""
    longest_label: str = ""
    """Characters of the longest text that fits, where classes are made: one a step, less one for every two equal neighbours."""
    parameters: int = 0


def _image_text(size: ImageSize) -> str:
    return f"{size.height} × {size.width if size.width is not None else 'any'} px"


def _sequence_text(size: SequenceSize) -> str:
    return f"{size.steps if size.steps is not None else 'any'} steps × {size.features}"


def _longest_label(steps: int | None, stride: int) -> str:
    return f"width ÷ {stride}" if steps is None else str(steps)


def seams(assembly: Assembly) -> list[Seam]:
    """The stages from the reader to the decoder."""
    spec, plan = assembly.spec, assembly.plan
    shapes = plan.parameters()

    def parameters(prefix: str) -> int:
        return sum(int(np.prod(shape)) for name, shape in shapes.items() if name.startswith(f"{prefix}."))

    image, sequence, encoded = _image_text(plan.image), _sequence_text(plan.sequence), _sequence_text(plan.encoded)
    classes = _sequence_text(SequenceSize(plan.classes, plan.encoded.steps))
    backend, stride = assembly.backend_name, assembly.stride
    own = backend if assembly.numpy_featurizer is None else "numpy"
    return [
        _seam(spec.reader, "files", "any × any px"),
        _seam(spec.preprocessor, "any × any px", image),
        _seam(spec.featurizer, image, sequence, own, stride=stride, parameters=parameters("featurizer")),
        _seam(spec.encoder, sequence, encoded, backend, parameters=parameters("encoder")),
        Seam(
            "head", "linear", _owner("backend", backend), encoded, classes,
            longest_label=_longest_label(plan.encoded.steps, stride), parameters=parameters("head"),
        ),
        _seam(spec.decoder, classes, "text"),
    ]  # fmt: skip


def exported_seams(around: Surroundings, exported: Exported) -> list[Seam]:
    """The stages of a pipeline whose network is exported, which counts as one."""
    spec = around.spec
    image = _image_text(exported.image)
    classes = _sequence_text(SequenceSize(around.alphabet.classes, exported.steps))
    return [
        _seam(spec.reader, "files", "any × any px"),
        _seam(spec.preprocessor, "any × any px", image),
        Seam(
            "network", spec.network, _owner("backend", around.backend_name), image, classes, exported.stride,
            _longest_label(exported.steps, exported.stride), exported.parameters,
        ),
        _seam(spec.decoder, classes, "text"),
    ]  # fmt: skip


def _owner(kind: str, name: str, backend: str | None = None) -> str:
    return registry().get(kind, name, backend).plugin.name


def _seam(
    part: PartSpec, before: str, after: str, backend: str | None = None, *, stride: int | None = None, parameters: int = 0
) -> Seam:
    owner = _owner(part.kind, part.use, backend)
    return Seam(part.kind, part.use, owner, before, after, stride=stride, parameters=parameters)
