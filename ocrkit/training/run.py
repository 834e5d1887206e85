"""A run in its folder: its steps, its checkpoints, its best weights."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsFloat

import numpy as np

from ocrkit.data.datasets import Dataset
from ocrkit.errors import DataError
from ocrkit.networks.seen_forms import SeenForms
from ocrkit.parts.networks import Batch, Network, OptimizerOptions, Trainer
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.build import build_network
from ocrkit.support.machine import give_back_memory
from ocrkit.training.averaging import Average
from ocrkit.training.checkpoint import Checkpoints, Written, diverged, read_checkpoint
from ocrkit.training.data import TrainingData
from ocrkit.training.folder import RunFolder
from ocrkit.training.initial import Origin, header_of, take_what_fits
from ocrkit.training.memory_batches import batches_of
from ocrkit.training.progress import Progress
from ocrkit.training.randomness import STEP, random_at
from ocrkit.training.run_file import RunFile
from ocrkit.training.schedule import learning_rate
from ocrkit.training.validation import Validation
from ocrkit.training.workers import workers_of


@dataclass(frozen=True, slots=True)
class _Step:
    """A step that was begun."""

    rate: float
    """Its learning rate."""
    samples: int
    """Of all workers; 0: no image could be used, and nothing was done."""
    loss: SupportsFloat


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
        teacher: Origin | None = None,
        report: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self.assembly = assembly
        self.options = assembly.spec.training
        self.folder = RunFolder(folder)
        self.threads = threads
        self.report = report
        self.progress = Progress()
        self.origin: Origin | None = None
        self.teacher = teacher
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
                keep_statistics=self.options.keep_statistics,
            )
        )
        self.batches = batches_of(assembly, self.workers, self.network, threads, report)
        self._average = Average(self.network, self.options.ema_decay)
        """The first worker's alone."""
        self._checkpoints = Checkpoints(
            self.folder,
            assembly,
            network=self.network,
            trainer=self.trainer,
            average=self._average,
        )
        self._validated = Validation(assembly, self.network, self.workers, threads, report)

    def start(
        self,
        about: RunFile,
        origin: Origin | None = None,
        seen: SeenForms | None = None,
        readings: str = "",
    ) -> None:
        """A new run: fresh weights, or the origin's as far as they fit, and all that resuming
        needs; the lines of a teacher's ``readings`` too."""
        self.network.initialize(self.options.seed)
        self.origin = origin
        if origin:
            taken = take_what_fits(self.assembly, self.network, origin.weights)
            self.report({"event": "init", "from": origin.weights, **taken, **header_of(origin)})
        if self.workers.index:
            return
        self._average.begin({})
        self.folder.check_unused()  # nor has another run begun since this one was started
        self.folder.make()
        self.save()
        self._checkpoints.wait()
        if seen:
            self.folder.write_seen(seen)
        if readings:
            self.folder.write_teacher(readings)
        self.folder.write_pipeline(self.assembly.spec.table)
        self.folder.write_about(about)  # last: from here on it can be resumed

    def save(self, best: Written | None = None) -> None:
        """Begins to write the checkpoint, if this is the first worker, behind the ``best`` weights
        where there are new ones. Raises OcrkitError where training has diverged, or the one before
        could not be written; what was saved before stays."""
        if not self.workers.index:
            self._checkpoints.save(self.progress, best)

    def restore(self, origin: Origin | None) -> None:
        """Goes on where the checkpoint is. Raises WeightsError where it is missing, damaged or of
        another network."""
        self.origin = origin
        self.progress, average = read_checkpoint(
            self.folder, self.assembly, self.network, self.trainer
        )
        if not self.workers.index:
            self._average.begin(average)
            # a kill may have come between the checkpoint and its log
            self.folder.write_log(self.progress.history)
        self.report({"event": "resume", "epoch": self.progress.epoch, "step": self.progress.step})

    def train(self, data: TrainingData, validation: Dataset | None) -> Progress:
        """Trains until the last epoch, or until validation has not improved for ``patience``
        epochs.

        Weights that the run began from are scored as well, as epoch 0, and stay the best until an
        epoch is better.
        """
        with self._checkpoints.finished():
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
        saved = began = time.monotonic()
        spent = progress.seconds
        made = ((each,) for each in self.batches.of_epoch(data, progress.epoch, progress.batch))
        batch: Batch | None = None
        following = next(made, None)
        while following:
            (batch,) = following
            step = self._begun(batch, batches * options.epochs)
            following = next(made, None)  # while a device is at this one
            self._note(step)
            self._average.follow(progress, last=progress.batch == batches)
            progress.seconds = spent + time.monotonic() - began
            self.report(
                {
                    "event": "step",
                    "epoch": progress.epoch + 1,
                    "batch": progress.batch,
                    "batches": batches,
                    "steps": batches * options.epochs,
                    "step": progress.step,
                    "loss": progress.losses / max(1, progress.seen),
                    "learning_rate": step.rate,
                    "images_per_second": progress.seen / progress.seconds,
                }
            )
            due = time.monotonic() - saved > 60 * options.checkpoint_minutes
            if due and progress.batch < batches:
                self.save()
                saved = time.monotonic()
        if batch is not None:
            self._check_output(batch)

    def _begun(self, batch: Batch | None, steps: int) -> _Step:
        """The next step of so many, which a device may still be at."""
        options, done = self.options, self.progress.step
        rate = learning_rate(
            done,
            steps,
            peak=options.learning_rate,
            warmup=options.warmup,
            schedule=options.schedule,
        )
        samples = int(self.workers.sum(batch.count if batch else 0))
        if not samples:
            return _Step(rate, 0, 0.0)
        random = random_at(options.seed, STEP, done, self.workers.index)
        seed = int(random.integers(2**31))
        return _Step(rate, samples, self.trainer.step(batch, learning_rate=rate, seed=seed))

    def _note(self, step: _Step) -> None:
        """Waits for a step, and notes it."""
        progress, loss = self.progress, float(step.loss)
        if not math.isfinite(loss):
            raise diverged(progress, f"the loss is {loss}")
        progress.losses += loss * step.samples
        progress.seen += step.samples
        progress.step += 1
        progress.batch += 1

    def _check_output(self, batch: Batch) -> None:
        """Raises OcrkitError where the last step, whose loss was that of the weights before it, has
        broken the network."""
        if not self.workers.index and not all(
            np.isfinite(each).all() for each in self.network.run(batch.inputs).values()
        ):
            raise diverged(self.progress, "the network's output is not finite")

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
            line["validation"], improved = self._validated(validation, self._average, progress)
        progress.epoch += 1
        best = self._log(line, improved)
        progress.batch = progress.seen = 0
        progress.losses = progress.seconds = 0.0
        self.save(best)
        give_back_memory()  # or the pieces between what lasts grow from epoch to epoch
        self.report({"event": "epoch", "epochs": options.epochs, **line})

    def _score_start(self, validation: Dataset) -> None:
        scores, _ = self._validated(validation, self._average, self.progress)
        self.save(self._log({"epoch": 0, "step": 0, "validation": scores}, improved=True))
        self.report({"event": "before", "validation": scores})

    def _log(self, line: dict[str, Any], improved: bool) -> Written | None:
        """Notes a complete epoch; its weights, where they are the best so far."""
        best = None
        if improved:
            self.progress.best_epoch = line["epoch"]
            if not self.workers.index:
                chosen = {"epoch": line["epoch"], "validation": line.get("validation")}
                about = self.assembly.identity() | {"training": chosen}
                about |= header_of(self.origin, self.teacher)
                best = "best.safetensors", self._average.weights(), about
        line["best"] = improved
        self.progress.history.append(line)
        return best
