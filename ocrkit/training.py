"""The training loop, once for every backend: schedule, validation, early stopping, checkpoints, exact resume.

A run lives in a folder:

- ``pipeline.toml``: the pipeline with its settings, its weights the best epoch's: ``ocrkit run --pipeline RUN`` reads with it
- ``run.json``: data set, backend, versions, what was left out
- ``best.safetensors``: the weights of the best epoch by validation (without validation: of the last)
- ``last.safetensors``: weights, their average, optimizer state and position, from which ``--resume`` goes on
- ``log.jsonl``: one line an epoch
- ``curves.svg``: the log, drawn

Everything random (initial weights, order, augmentation, dropout) is drawn from the seed and the position in training, never
from a generator that runs on, so a resumed run computes what an uninterrupted one would have.

Several processes may train one network together. Each is a worker: it takes its part of every batch, and all come to the same
weights. The first one alone checks the folder, validates, writes and tells of it; the others wait for its score.
"""

import json
import math
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

import ocrkit
from ocrkit import weights as weight_files
from ocrkit.alphabet import steps_needed
from ocrkit.assembly import Assembly, build_network
from ocrkit.curves import draw_curves
from ocrkit.datasets import Dataset, open_dataset
from ocrkit.errors import ConfigError, DataError, ImageError, OcrkitError, WeightsError
from ocrkit.files import write_atomically
from ocrkit.interfaces import (
    Alone,
    Arrays,
    Batch,
    Image,
    Network,
    OptimizerOptions,
    Sample,
    Skipped,
    Trainer,
    TrainsTogether,
    Workers,
)
from ocrkit.parallel import AHEAD, ordered_map
from ocrkit.pipeline_weights import find_weights, forms_seen
from ocrkit.recogniser import Recogniser
from ocrkit.seen_forms import SeenForms

_ORDER, _AUGMENT, _STEP, _WINDOW = 1, 2, 3, 4
"""Streams of random numbers, told apart by the first number after the seed."""
_SORTED = 32
"""Batches whose images are sorted by width together, where it varies: fewer columns are then spent on padding."""
_AVERAGE_EVERY = 10
"""Steps between two updates of the averaged weights, since getting all weights off a GPU takes as long as part of a step."""


@dataclass(frozen=True)
class TrainingData:
    """Samples that can be trained on, with their labels, and those that cannot."""

    samples: list[Sample]
    labels: list[list[int]]
    skipped: list[Skipped]


@dataclass
class Progress:
    """Where training is; a checkpoint holds it."""

    epoch: int = 0
    """Complete epochs."""
    batch: int = 0
    """Complete steps of the epoch that is under way."""
    step: int = 0
    """Complete steps of all epochs."""
    losses: float = 0.0
    """Sum of the losses of all samples of the epoch under way."""
    seen: int = 0
    """Samples in ``losses``."""
    seconds: float = 0.0
    """Spent on the epoch under way."""
    best_epoch: int = 0
    best_score: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    """The log's epochs."""


def learning_rate(step: int, steps: int, *, peak: float, warmup: float, schedule: str) -> float:
    """The rate of a step (from 0) of so many: a linear rise to the peak over the first ``warmup`` share of them, then
    constant, or half a cosine down to zero (Loshchilov & Hutter 2017, without restarts)."""
    rising = math.ceil(warmup * steps)
    if step < rising:
        return peak * (step + 1) / rising
    if schedule == "constant":
        return peak
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _random(seed: int, *position: int) -> np.random.Generator:
    return np.random.default_rng([seed, *position])


def workers_of(assembly: Assembly) -> Workers:
    """The processes that train together. Raises OcrkitError where several were started and the backend trains in one."""
    if isinstance(assembly.backend, TrainsTogether):
        return assembly.backend.workers()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise OcrkitError(f"backend {assembly.backend_name!r} trains in one process, not in several; try --backend torch")
    return Alone()


def _forms(samples: Iterable[Sample]) -> list[str]:
    return sorted({sample.form for sample in samples if sample.form})


def collect(assembly: Assembly, dataset: Dataset) -> TrainingData:
    """Labels of all samples. Those that the network can never write are left out, or refused, as ``training.unfit`` says.

    Raises DataError where nothing is left, or where a label is refused.
    """
    samples, labels, skipped = [], [], list(dataset.skipped)
    unfit: list[Skipped] = []
    for sample in dataset:
        if not sample.text:
            skipped.append(Skipped(sample.id, "has no text to train on"))
        elif unknown := assembly.alphabet.unknown(sample.text):
            unfit.append(Skipped(sample.id, f"{sample.text!r} has {unknown!r}, which the alphabet lacks"))
        elif too_long := _too_long(sample.text, assembly.plan.sequence.steps):
            unfit.append(Skipped(sample.id, too_long))
        else:
            samples.append(sample)
            labels.append(assembly.alphabet.encode(sample.text))
    if unfit and assembly.spec.training.unfit == "refuse":
        raise DataError(f"{len(unfit)} labels cannot be learnt; the first: {unfit[0].id}: {unfit[0].reason}")
    if not samples:
        first = (unfit + skipped)[0]
        raise DataError(f"{dataset.root}: no sample can be trained on; the first: {first.id}: {first.reason}")
    return TrainingData(samples, labels, skipped + unfit)


def joined(parts: Iterable[TrainingData]) -> TrainingData:
    """The samples of several data sets, one after another; every epoch shuffles them all together."""
    whole = TrainingData([], [], [])
    for part in parts:
        whole.samples.extend(part.samples)
        whole.labels.extend(part.labels)
        whole.skipped.extend(part.skipped)
    return whole


def _too_long(text: str, steps: int | None) -> str:
    needed = steps_needed(text)
    return f"{text!r} needs {needed} steps, the network has {steps}" if steps is not None and needed > steps else ""


class Run:
    """A training run in its folder. ``report`` is told of events: a dict with ``event`` and what belongs to it."""

    def __init__(
        self,
        assembly: Assembly,
        folder: Path,
        *,
        device: str = "auto",
        threads: int = 0,
        report: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self.assembly = assembly
        self.options = assembly.spec.training
        self.folder = folder
        self.threads = threads
        self.report = report
        self.progress = Progress()
        self.workers = workers_of(assembly)
        self.network: Network = build_network(assembly, device, threads)
        self.trainer: Trainer = self.network.trainer(
            OptimizerOptions(
                name=self.options.optimizer, weight_decay=self.options.weight_decay, clip_norm=self.options.clip_norm,
                loss_weight=self.options.loss_weight, length_weighted=self.options.length_weighted,
                precision=self.options.precision, accumulate=self.options.accumulate,
                deterministic=self.options.deterministic, compile=self.options.compile,
                shortcut=self.options.shortcut,
            )
        )  # fmt: skip
        self._unreadable: dict[str, str] = {}
        self._average: Arrays = {}
        """The weights' running average, where there is one and this is the first worker."""

    # ------------------------------------------------------------------------------------------------------- checkpoints

    def start(self, about: dict[str, Any], init: str | None) -> None:
        """A new run: fresh weights, or ``init``'s as far as they fit, and all that resuming needs."""
        self.network.initialize(self.options.seed)
        if init:
            taken = take_what_fits(self.assembly, self.network, init)
            self.report({"event": "init", "from": init, **taken})
        if self.workers.index:
            return
        if self.options.ema_decay:
            self._average = self.network.state()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OcrkitError(f"{self.folder}: cannot be used as the run's folder ({error.strerror})") from error
        table = {**self.assembly.spec.table, "weights": "best.safetensors"}
        _write_text(self.folder / "pipeline.toml", tomli_w.dumps(table))
        self.save()
        _write_text(self.folder / "run.json", json.dumps(about, indent=2))  # last: from here on it can be resumed

    def save(self) -> None:
        """Writes ``last.safetensors`` and, from it, the log and the curves, if this is the first worker."""
        if self.workers.index:
            return
        arrays = {f"network.{name}": array for name, array in self.network.state().items()}
        arrays |= {f"optimizer.{name}": array for name, array in self.trainer.state().items()}
        arrays |= {f"average.{name}": array for name, array in self._average.items()}
        weight_files.write(
            self.folder / "last.safetensors", arrays, self.assembly.identity() | {"progress": asdict(self.progress)}
        )
        _write_text(self.folder / "log.jsonl", "".join(json.dumps(line) + "\n" for line in self.progress.history))
        if self.progress.history:
            _write_text(self.folder / "curves.svg", draw_curves(self.progress.history))

    def restore(self) -> None:
        """Goes on where ``last.safetensors`` is. Raises WeightsError where it is missing, damaged or of another network."""
        checkpoint = weight_files.read(self.folder / "last.safetensors")
        if "progress" not in checkpoint.about:
            raise WeightsError(f"{checkpoint.path}: no checkpoint of a training run; expected weights, optimizer and progress")
        if differences := self.assembly.differences(checkpoint.about):
            raise WeightsError(f"{checkpoint.path}: of another network: {'; '.join(differences)}")
        self.network.load_state(_with_prefix(checkpoint.arrays, "network."))
        self.trainer.load_state(_with_prefix(checkpoint.arrays, "optimizer."))
        if self.options.ema_decay and not self.workers.index:
            self._average = _with_prefix(checkpoint.arrays, "average.") or self.network.state()
        self.progress = Progress(**checkpoint.about["progress"])
        self.report({"event": "resume", "epoch": self.progress.epoch, "step": self.progress.step})

    # ------------------------------------------------------------------------------------------------------------- steps

    def train(self, data: TrainingData, validation: Dataset | None) -> Progress:
        """Trains until the last epoch, or until validation has not improved for ``patience`` epochs."""
        while self.progress.epoch < self.options.epochs and not self._exhausted():
            self._epoch(data)
            self._finish_epoch(data, validation)
        return self.progress

    def _exhausted(self) -> bool:
        return bool(self.options.patience) and self.progress.epoch - self.progress.best_epoch >= self.options.patience

    def _epoch(self, data: TrainingData) -> None:
        options, progress = self.options, self.progress
        order = _random(options.seed, _ORDER, progress.epoch).permutation(len(data.samples))
        chunks = [order[first : first + options.batch_size].tolist() for first in range(0, len(order), options.batch_size)]
        steps = len(chunks) * options.epochs
        saved = began = time.monotonic()
        spent = progress.seconds
        for batch in self._batches(data, chunks):
            rate = learning_rate(
                progress.step, steps, peak=options.learning_rate, warmup=options.warmup, schedule=options.schedule
            )
            samples = int(self.workers.sum(len(batch.labels) if batch else 0))
            if samples:
                seed = int(_random(options.seed, _STEP, progress.step, self.workers.index).integers(2**31))
                loss = self.trainer.step(batch, learning_rate=rate, seed=seed)
                if not math.isfinite(loss):
                    raise OcrkitError(
                        f"step {progress.step}: the loss is {loss}; lower training.learning_rate or set training.clip_norm"
                    )
                progress.losses += loss * samples
                progress.seen += samples
            progress.step += 1
            progress.batch += 1
            if self._average and (progress.step % _AVERAGE_EVERY == 0 or progress.batch == len(chunks)):
                self._update_average()
            progress.seconds = spent + time.monotonic() - began
            self.report(
                {"event": "step", "epoch": progress.epoch + 1, "batch": progress.batch, "batches": len(chunks), "steps": steps,
                 "step": progress.step, "loss": progress.losses / max(1, progress.seen), "learning_rate": rate,
                 "images_per_second": progress.seen / progress.seconds}
            )  # fmt: skip
            if time.monotonic() - saved > 60 * options.checkpoint_minutes and progress.batch < len(chunks):
                self.save()
                saved = time.monotonic()

    def _update_average(self) -> None:
        """Moves the averaged weights towards the network's, by what the steps since the last time are due.

        The average reaches back over 1 / (1 − ``ema_decay``) steps, but never over more than about a tenth of all steps so far:
        weights from before that are no good yet.
        """
        progress = self.progress
        steps = min((progress.step - 1) % _AVERAGE_EVERY + 1, progress.batch)
        share = np.float32(max(1 - self.options.ema_decay**steps, min(1.0, 10 * steps / progress.step)))
        own = self.network.state()
        self._average = {name: average + share * (own[name] - average) for name, average in self._average.items()}

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The network has its averaged weights within, if there are any."""
        own = self.network.state()
        self.network.load_state(self._average or own)
        try:
            yield
        finally:
            self.network.load_state(own)

    def _batches(self, data: TrainingData, chunks: Sequence[list[int]]) -> Iterator[Batch | None]:
        """A batch of this worker's part of every chunk of indices, from where training is; None where no image can be read.

        Images are made ahead, in threads. Where their width varies, some chunks' images together are sorted by it and cut into
        as many batches, which come in random order.
        """
        done, epoch = self.progress.batch, self.progress.epoch
        together = 1 if self.assembly.plan.image.width else _SORTED
        windows = [chunks[first : first + together] for first in range(done - done % together, len(chunks), together)]
        mine = [[index for chunk in window for index in chunk[self.workers.index :: self.workers.count]] for window in windows]
        images = ordered_map(
            lambda index: self._image(data.samples[index], index),
            (index for window in mine for index in window),
            self.threads,
            ahead=max(AHEAD, len(mine[0])),
        )
        for number, (window, indices) in enumerate(zip(windows, mine, strict=True), done // together):
            pairs = [(next(images), data.labels[index], data.samples[index]) for index in indices]
            kept: list[tuple[Any, list[int]]]
            kept = [(image, label) for image, label, sample in pairs if self._usable(image, label, sample)]
            kept.sort(key=lambda pair: pair[0].shape[1])
            bounds = [len(kept) * part // len(window) for part in range(len(window) + 1)]
            order = _random(self.options.seed, _WINDOW, epoch, number).permutation(len(window))
            for part in order[max(0, done - number * together) :].tolist():
                batch = kept[bounds[part] : bounds[part + 1]]
                yield self._batch(batch) if batch else None

    def _image(self, sample: Sample, index: int) -> Image | ImageError:
        """The augmented and preprocessed image, the same for the same seed, epoch and index."""
        try:
            image = sample.load()
            rng = _random(self.options.seed, _AUGMENT, self.progress.epoch, index)
            for augmentation in self.assembly.augmentations:
                image = augmentation(image, rng)
            return self.assembly.preprocessor(image)
        except ImageError as error:
            return error

    def _usable(self, image: Image | ImageError, label: list[int], sample: Sample) -> bool:
        if not isinstance(image, ImageError):
            steps = int(self.assembly.featurizer.lengths(np.array([image.shape[1]], np.int32))[0])
            if steps_needed(label) <= steps:
                return True
            image = ImageError(_too_long(sample.text or "", steps))
        if sample.id not in self._unreadable:
            self._unreadable[sample.id] = str(image)
            self.report({"event": "skipped", "id": sample.id, "reason": str(image)})
        return False

    def _batch(self, pairs: Sequence[tuple[Any, list[int]]]) -> Batch:
        inputs, sizes = self.assembly.make_batch([image for image, _ in pairs])
        lengths = np.array([len(label) for _, label in pairs], np.int32)
        labels = np.full((len(pairs), int(lengths.max())), -1, np.int32)
        for row, (_, label) in zip(labels, pairs, strict=True):
            row[: len(label)] = label
        return Batch(inputs, sizes, labels, lengths)

    def _finish_epoch(self, data: TrainingData, validation: Dataset | None) -> None:
        options, progress = self.options, self.progress
        if not progress.seen:
            first, reason = next(iter(self._unreadable.items()), ("this worker", "has no image"))
            raise DataError(f"no image of the training split can be used; the first: {first}: {reason}")
        line: dict[str, Any] = {
            "epoch": progress.epoch + 1,
            "step": progress.step,
            "loss": progress.losses / progress.seen,
            "images": progress.seen,
            "unreadable": len(data.samples) - progress.seen,
            "seconds": round(progress.seconds, 3),
            "images_per_second": round(progress.seen / progress.seconds, 2),
        }
        improved = True
        if validation is not None:
            self.report({"event": "validate"})
            metric = options.metric or next(iter(self.assembly.metrics))
            if not self.workers.index:
                line["validation"] = self._validate(validation, metric)
            score = self.workers.from_first(line["validation"][metric] if "validation" in line else math.nan)
            higher = self.assembly.metrics[metric].higher_is_better
            improved = progress.best_score is None or (score > progress.best_score if higher else score < progress.best_score)
            if improved:
                progress.best_score = score
        progress.epoch += 1
        if improved:
            progress.best_epoch = progress.epoch
            if not self.workers.index:
                self._save_best({"epoch": progress.epoch, "validation": line.get("validation")})
        line["best"] = improved
        progress.history.append(line)
        progress.batch = progress.seen = 0
        progress.losses = progress.seconds = 0.0
        self.save()
        self.report({"event": "epoch", "epochs": options.epochs, **line})

    def _validate(self, validation: Dataset, metric: str) -> dict[str, float | None]:
        """Scores on the validation split. Raises DataError where the metric that chooses the best epoch has none."""
        with self._averaged():
            scorer, _, _ = Recogniser(self.assembly, self.network, self.threads).evaluate(validation)
        scores = scorer.result()
        if scores[metric].value is None:
            raise DataError(f"{metric} has no value on the validation split, so it cannot choose the best epoch")
        return {name: score.value for name, score in scores.items()}

    def _save_best(self, chosen: dict[str, Any]) -> None:
        about = self.assembly.identity() | {"training": chosen}
        weight_files.write(self.folder / "best.safetensors", self._average or self.network.state(), about)


def _with_prefix(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _write_text(path: Path, text: str) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def take_what_fits(assembly: Assembly, network: Network, reference: str) -> dict[str, Any]:
    """Loads the weights of another network as far as names and shapes agree; returns what was taken and what was not.

    The head is rebuilt for another alphabet: rows of the characters that both have, and the blank's, are kept. Where the
    weights do not say their alphabet, it starts fresh. Raises WeightsError where nothing fits.
    """
    source, _ = find_weights(reference, Path())
    state = network.state()
    fresh = []
    head = source.arrays.get("head.weight")
    fits = head is not None and head.shape[1:] == state["head.weight"].shape[1:]
    old: str = source.about.get("alphabet", "") if fits else ""
    for name, array in state.items():
        given = source.arrays.get(name)
        if given is None or (name.startswith("head.") and not old):
            fresh.append(name)
        elif name.startswith("head."):
            for index, character in enumerate(assembly.alphabet.characters):
                if character in old:
                    array[index] = given[old.index(character)]
            array[-1] = given[-1]
        elif given.shape == array.shape:
            array[...] = given
        else:
            fresh.append(name)
    if len(fresh) == len(state):
        raise WeightsError(f"{source.path}: none of its arrays fits the network")
    network.load_state(state)
    shared = sum(character in old for character in assembly.alphabet.characters)
    return {"arrays": len(state) - len(fresh), "fresh": fresh, "characters": shared}


@dataclass(frozen=True, slots=True)
class Stored:
    """What a run was started with, for ``--resume``."""

    data: str | None
    split: str
    limit: int | None
    backend: str
    workers: int
    samples: int
    forms: list[str]


def resume_options(folder: Path) -> Stored:
    """What the run in a folder was started with. Raises OcrkitError where there is no run."""
    try:
        about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        data = about["data"]
        return Stored(
            None if data["is_sample"] else data["root"],
            data["split"],
            data["limit"],
            about["backend"],
            about["workers"],
            about["samples"],
            about["forms"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OcrkitError(f"{folder}: no training run to resume here ({type(error).__name__}: {error})") from error


def check_folder(folder: Path) -> None:
    """Raises OcrkitError where a new run cannot have this folder: it is a file, or has something in it."""
    try:
        used = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise OcrkitError(f"{folder}: cannot be used as the run's folder ({error.strerror})") from error
    if used:
        raise OcrkitError(f"{folder}: not empty; name a new folder, or go on with the run in it: --resume")


def train(
    assembly: Assembly,
    folder: Path,
    *,
    data: str | Path | None = None,
    split: str | None = None,
    limit: int | None = None,
    init: str | None = None,
    resume: bool = False,
    device: str = "auto",
    threads: int = 0,
    command: str = "",
    report: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Progress:
    """Trains an assembled pipeline into a run folder, as its ``[training]`` table says.

    Raises DataError, ConfigError or OcrkitError for data, options or a folder that cannot be used.
    """
    spec, options, workers = assembly.spec, assembly.spec.training, workers_of(assembly)
    if not resume and not workers.index:
        check_folder(folder)
    dataset = open_dataset(
        spec.reader, root=data, split=split or options.split, only=options.only, exclude=options.exclude, limit=limit
    )
    validation = None
    if options.validation and not dataset.is_sample:
        validation = open_dataset(
            spec.reader, root=data, split=options.validation, only=options.validation_only, exclude="", limit=limit
        )
    elif options.patience and not dataset.is_sample:
        raise ConfigError(["training.patience: stopping early needs training.validation, the split to watch"])
    also = [open_dataset(part, limit=limit) for part in spec.also]
    collected = joined(collect(assembly, each) for each in (dataset, *also))
    forms = _forms(collected.samples)
    if resume:
        before = resume_options(folder)
        if (before.samples, before.forms) != (len(collected.samples), forms):
            raise DataError(
                f"{dataset.root}: {len(collected.samples):,} samples of {len(forms):,} forms to train on; the run was started "
                f"with {before.samples:,} of {len(before.forms):,}; resume it with the same data"
            )
        if before.workers != workers.count:
            report({"event": "workers", "before": before.workers, "now": workers.count})
    run = Run(assembly, folder, device=device, threads=threads, report=report)
    seen = forms_seen(init) if init else SeenForms()
    about = {
        "command": command,
        "backend": assembly.backend_name,
        "device": run.network.device,
        "workers": workers.count,
        "seed": options.seed,
        "data": {
            "name": dataset.name,
            "root": str(dataset.root),
            "split": dataset.split,
            "limit": limit,
            "is_sample": dataset.is_sample,
        },
        "also": [{"name": each.name, "root": str(each.root), "split": each.split, "samples": len(each)} for each in also],
        "samples": len(collected.samples),
        "forms": forms,
        "init": {"weights": init, "trained": sorted(seen.trained), "chosen": sorted(seen.chosen)} if init else None,
        "validation": {"split": validation.split, "samples": len(validation), "forms": _forms(validation)}
        if validation
        else None,
        "skipped": [asdict(item) for item in collected.skipped],
        "versions": {"ocrkit": ocrkit.__version__, "python": platform.python_version(), "numpy": np.__version__}
        | assembly.backend.versions(),
    }
    report({"event": "start", **about, "epochs": options.epochs})
    if resume:
        run.restore()
    else:
        run.start(about, init)
    progress = run.train(collected, validation)
    workers.finish()
    return progress
