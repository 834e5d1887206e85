"""A run in its folder: its steps, its checkpoints, its best weights."""

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ocrkit.data.datasets import Dataset
from ocrkit.errors import DataError, OcrkitError, WeightsError
from ocrkit.networks import weights as weight_files
from ocrkit.networks.seen_forms import SeenForms
from ocrkit.parts.networks import (
    Batch,
    Distributed,
    Network,
    OptimizerOptions,
    SingleProcess,
    Trainer,
    Workers,
)
from ocrkit.parts.values import Arrays, Skipped
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.build import build_network
from ocrkit.reading.engine import Recogniser
from ocrkit.support.machine import give_back_memory
from ocrkit.training.data import TrainingData
from ocrkit.training.folder import RunFolder
from ocrkit.training.initial import Origin, take_what_fits
from ocrkit.training.memory_batches import batches_of
from ocrkit.training.progress import Progress
from ocrkit.training.randomness import STEP, random_at
from ocrkit.training.run_file import RunFile
from ocrkit.training.schedule import learning_rate
from ocrkit.training.validation import choosing_metric, higher_is_better, scored, scored_outputs

AVERAGE_EVERY = 10
"""Steps between two updates of the averaged weights, since getting all weights off a GPU takes as
long as part of a step."""


def workers_of(assembly: Assembly) -> Workers:
    """The processes that train together. Raises OcrkitError where several were started and the
    backend trains in one."""
    if isinstance(assembly.backend, Distributed):
        return assembly.backend.workers()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise OcrkitError(
            f"backend {assembly.backend_name!r} trains in one process, not in several; try "
            "--backend torch"
        )
    return SingleProcess()


class Run:
    """A training run in its folder. ``report`` is told of events: a dict with ``event`` and what
    belongs to it."""

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
        self.folder = RunFolder(folder)
        self.threads = threads
        self.report = report
        self.progress = Progress()
        self.origin: Origin | None = None
        self.workers = workers_of(assembly)
        self.network: Network = build_network(assembly, device, threads)
        self.trainer: Trainer = self.network.trainer(
            OptimizerOptions(
                name=self.options.optimizer,
                weight_decay=self.options.weight_decay,
                clip_norm=self.options.clip_norm,
                loss_weight=self.options.loss_weight,
                precision=self.options.precision,
                accumulate=self.options.accumulate,
                deterministic=self.options.deterministic,
                compile=self.options.compile,
            )
        )
        self.batches = batches_of(assembly, self.workers, self.network, threads, report)
        self._told_of_unusable = False
        self._average: Arrays = {}
        """The weights' running average, where there is one and this is the first worker."""

    # ---------------------------------------------------------------------------------- checkpoints

    def start(
        self, about: RunFile, origin: Origin | None = None, seen: SeenForms | None = None
    ) -> None:
        """A new run: fresh weights, or the origin's as far as they fit, and all that resuming
        needs."""
        self.network.initialize(self.options.seed)
        self.origin = origin
        if origin:
            taken = take_what_fits(self.assembly, self.network, origin.weights)
            self.report({"event": "init", "from": origin.weights, **taken, **origin.header()})
        if self.workers.index:
            return
        if self.options.ema_decay:
            self._average = self.network.state()
        self.folder.check_unused()  # nor has another run begun since this one was started
        self.folder.make()
        self.save()
        if seen:
            self.folder.write_seen(seen)
        self.folder.write_pipeline(self.assembly.spec.table)
        self.folder.write_about(about)  # last: from here on it can be resumed

    def save(self) -> None:
        """Writes ``last.safetensors`` and, from it, the log and the curves, if this is the first
        worker.

        Raises OcrkitError where training has diverged; what was saved before stays.
        """
        if self.workers.index:
            return
        arrays = {f"network.{name}": array for name, array in self.network.state().items()}
        arrays |= {f"optimizer.{name}": array for name, array in self.trainer.state().items()}
        arrays |= {f"average.{name}": array for name, array in self._average.items()}
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise self._diverged(f"{name} has numbers that are not finite")
        about = self.assembly.identity() | {"progress": asdict(self.progress)}
        self.folder.write_weights("last.safetensors", arrays, about)
        self.folder.write_log(self.progress.history)

    def _diverged(self, what: str) -> OcrkitError:
        return OcrkitError(
            f"step {self.progress.step}: {what}, so training has diverged; lower "
            "training.learning_rate "
            "or set training.clip_norm"
        )

    def restore(self, origin: Origin | None) -> None:
        """Goes on where ``last.safetensors`` is. Raises WeightsError where it is missing, damaged
        or of another network."""
        self.origin = origin
        checkpoint = weight_files.read(self.folder.path / "last.safetensors")
        try:
            progress = Progress.of(checkpoint.about)
        except ValueError as error:
            raise WeightsError(
                f"{checkpoint.path}: no checkpoint of a training run, or a damaged one: {error}"
            ) from error
        if differences := self.assembly.differences(checkpoint.about):
            raise WeightsError(f"{checkpoint.path}: of another network: {'; '.join(differences)}")
        self.network.load_state(_with_prefix(checkpoint.arrays, "network."))
        self.trainer.load_state(_with_prefix(checkpoint.arrays, "optimizer."))
        if self.options.ema_decay and not self.workers.index:
            self._average = _with_prefix(checkpoint.arrays, "average.") or self.network.state()
        self.progress = progress
        if not self.workers.index:
            self.folder.write_log(
                progress.history
            )  # a kill may have come between the checkpoint and its log
        self.report({"event": "resume", "epoch": self.progress.epoch, "step": self.progress.step})

    # ---------------------------------------------------------------------------------------- steps

    def train(self, data: TrainingData, validation: Dataset | None) -> Progress:
        """Trains until the last epoch, or until validation has not improved for ``patience``
        epochs.

        Weights that the run began from are scored as well, as epoch 0, and stay the best until an
        epoch is better.
        """
        if (
            validation is not None
            and self.origin
            and not self.progress.step
            and not self.progress.history
        ):
            self._score_start(validation)
        while self.progress.epoch < self.options.epochs and not self._exhausted():
            self._epoch(data)
            self._finish_epoch(data, validation)
        return self.progress

    def _exhausted(self) -> bool:
        return (
            bool(self.options.patience)
            and self.progress.epoch - self.progress.best_epoch >= self.options.patience
        )

    def _epoch(self, data: TrainingData) -> None:
        options, progress = self.options, self.progress
        batches = self.batches.in_epoch(data)
        steps = batches * options.epochs
        saved = began = time.monotonic()
        spent = progress.seconds
        batch: Batch | None = None
        for batch in self.batches.of_epoch(data, progress.epoch, progress.batch):
            rate = learning_rate(
                progress.step,
                steps,
                peak=options.learning_rate,
                warmup=options.warmup,
                schedule=options.schedule,
            )
            samples = int(self.workers.sum(batch.count if batch else 0))
            if samples:
                seed = int(
                    random_at(options.seed, STEP, progress.step, self.workers.index).integers(2**31)
                )
                loss = self.trainer.step(batch, learning_rate=rate, seed=seed)
                if not math.isfinite(loss):
                    raise self._diverged(f"the loss is {loss}")
                progress.losses += loss * samples
                progress.seen += samples
            progress.step += 1
            progress.batch += 1
            if self._average and (progress.step % AVERAGE_EVERY == 0 or progress.batch == batches):
                self._update_average()
            progress.seconds = spent + time.monotonic() - began
            self.report(
                {
                    "event": "step",
                    "epoch": progress.epoch + 1,
                    "batch": progress.batch,
                    "batches": batches,
                    "steps": steps,
                    "step": progress.step,
                    "loss": progress.losses / max(1, progress.seen),
                    "learning_rate": rate,
                    "images_per_second": progress.seen / progress.seconds,
                }
            )
            if (
                time.monotonic() - saved > 60 * options.checkpoint_minutes
                and progress.batch < batches
            ):
                self.save()
                saved = time.monotonic()
        if batch is not None:
            self._check_output(batch)

    def _check_output(self, batch: Batch) -> None:
        """Raises OcrkitError where the last step, whose loss was that of the weights before it, has
        broken the network."""
        if not self.workers.index and not all(
            np.isfinite(each).all() for each in self.network.run(batch.inputs).values()
        ):
            raise self._diverged("the network's output is not finite")

    def _update_average(self) -> None:
        """Moves the averaged weights towards the network's, by what the steps since the last time
        are due.

        The average reaches back over 1 / (1 − ``ema_decay``) steps, but never over more than about
        a tenth of all steps so far: weights from before that are no good yet.
        """
        progress = self.progress
        steps = min((progress.step - 1) % AVERAGE_EVERY + 1, progress.batch)
        share = np.float32(
            max(1 - self.options.ema_decay**steps, min(1.0, 10 * steps / progress.step))
        )
        own = self.network.state()
        self._average = {
            name: average + share * (own[name] - average) for name, average in self._average.items()
        }

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The network has its averaged weights within, if there are any."""
        own = self.network.state()
        self.network.load_state(self._average or own)
        try:
            yield
        finally:
            self.network.load_state(own)

    def _finish_epoch(self, data: TrainingData, validation: Dataset | None) -> None:
        options, progress = self.options, self.progress
        if not progress.seen:
            first, reason = next(
                iter(self.batches.unreadable.items()), ("this worker", "has no image")
            )
            raise DataError(
                f"no image of the training split can be used; the first: {first}: {reason}"
            )
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
            self.save()  # validation may take long, and fail
            line["validation"], improved = self._validated(validation)
        progress.epoch += 1
        self._log(line, improved)
        progress.batch = progress.seen = 0
        progress.losses = progress.seconds = 0.0
        self.save()
        give_back_memory()  # or the pieces between what lasts grow from epoch to epoch
        self.report({"event": "epoch", "epochs": options.epochs, **line})

    def _score_start(self, validation: Dataset) -> None:
        scores, _ = self._validated(validation)
        self._log({"epoch": 0, "step": 0, "validation": scores}, improved=True)
        self.save()
        self.report({"event": "before", "validation": scores})

    def _log(self, line: dict[str, Any], improved: bool) -> None:
        """Notes a complete epoch, and keeps its weights where they are the best so far."""
        if improved:
            self.progress.best_epoch = line["epoch"]
            if not self.workers.index:
                chosen = {"epoch": line["epoch"], "validation": line.get("validation")}
                about = self.assembly.identity() | {"training": chosen}
                if self.origin:
                    about |= self.origin.header()
                self.folder.write_weights(
                    "best.safetensors", self._average or self.network.state(), about
                )
        line["best"] = improved
        self.progress.history.append(line)

    def _scored(self, validation: Dataset) -> tuple[dict[str, float | None], list[Skipped]]:
        if self.assembly.spec.task == "text":
            return scored(Recogniser(self.assembly, self.network, self.threads), validation)
        return scored_outputs(self.assembly, self.network, validation)

    def _validated(self, validation: Dataset) -> tuple[dict[str, float | None], bool]:
        """Scores on the validation split, none for the workers that wait for the first one's, and
        whether they are the best."""
        self.report({"event": "validate"})
        metric = choosing_metric(self.assembly)
        scores: dict[str, float | None] = {}
        if not self.workers.index:
            with self._averaged():
                scores, unusable = self._scored(validation)
            if unusable and not self._told_of_unusable:
                self._told_of_unusable = True
                self.report(
                    {"event": "unscored", "samples": len(unusable), "first": asdict(unusable[0])}
                )
            if scores[metric] is None:
                raise DataError(
                    f"{metric} has no value on the validation split, so it cannot choose the best "
                    "epoch"
                )
        score, best = self.workers.from_first(scores.get(metric) or 0.0), self.progress.best_score
        higher = higher_is_better(self.assembly, metric)
        improved = best is None or (score > best if higher else score < best)
        if improved:
            self.progress.best_score = score
        return scores, improved


def _with_prefix(arrays: Arrays, prefix: str) -> Arrays:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
