"""``last.safetensors``: all that a run needs to go on where it was."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np

from ocrkit.errors import OcrkitError, WeightsError
from ocrkit.networks import weights as weight_files
from ocrkit.parts.networks import Network, Trainer
from ocrkit.parts.values import Arrays
from ocrkit.pipelines.assembly import Assembly
from ocrkit.training.averaging import Average
from ocrkit.training.folder import RunFolder
from ocrkit.training.progress import Progress

FILE = "last.safetensors"
Written = tuple[str, Arrays, dict[str, Any]]
"""A file of weights: its name, its arrays, what it says about them."""


class Checkpoints:
    """Writes checkpoints while training goes on: what a checkpoint holds is copied at once, and
    written in a thread of its own.

    One is on disk, whole, before the next is copied. What goes wrong in the thread is raised by the
    next call; nothing is written after it.
    """

    def __init__(
        self,
        folder: RunFolder,
        assembly: Assembly,
        *,
        network: Network,
        trainer: Trainer,
        average: Average,
    ) -> None:
        self._folder, self._assembly = folder, assembly
        self._network, self._trainer, self._average = network, trainer, average
        self._thread = ThreadPoolExecutor(1, "checkpoints")
        self._writing: Future[None] | None = None

    def save(self, progress: Progress, best: Written | None = None) -> None:
        """Begins to write the best weights, where there are new ones, then the checkpoint and, from
        it, the log and the curves.

        Raises OcrkitError where training has diverged; what was saved before stays.
        """
        self.wait()
        arrays = {f"network.{name}": array for name, array in self._network.state().items()}
        arrays |= {f"optimizer.{name}": array for name, array in self._trainer.state().items()}
        arrays |= {f"average.{name}": array for name, array in self._average.state().items()}
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise diverged(progress, f"{name} has numbers that are not finite")
        about = self._assembly.identity() | {"progress": asdict(progress)}
        files = [best] if best else []
        self._writing = self._thread.submit(self._write, [*files, (FILE, arrays, about)])

    def _write(self, files: list[Written]) -> None:
        for name, arrays, about in files:
            self._folder.write_weights(name, arrays, about)
        self._folder.write_log(about["progress"]["history"])

    def wait(self) -> None:
        """Until everything is written. Raises OcrkitError where something could not be."""
        if self._writing:
            self._writing.result()
            self._writing = None

    @contextmanager
    def finished(self) -> Iterator[None]:
        """What the block begins to write is written when it ends, by an error too."""
        try:
            yield
        finally:
            wait([self._writing] if self._writing else [])
        self.wait()


def read_checkpoint(
    folder: RunFolder, assembly: Assembly, network: Network, trainer: Trainer
) -> tuple[Progress, Arrays]:
    """Gives network and trainer what the checkpoint holds; returns where training is, and the
    weights' average.

    Raises WeightsError where the checkpoint is missing, damaged or of another network.
    """
    checkpoint = weight_files.read(folder.path / FILE)
    try:
        progress = Progress.of(checkpoint.about)
    except ValueError as error:
        raise WeightsError(
            f"{checkpoint.path}: no checkpoint of a training run, or a damaged one: {error}"
        ) from error
    if differences := assembly.differences(checkpoint.about):
        raise WeightsError(f"{checkpoint.path}: of another network: {'; '.join(differences)}")
    network.load_state(_with_prefix(checkpoint.arrays, "network."))
    trainer.load_state(_with_prefix(checkpoint.arrays, "optimizer."))
    return progress, _with_prefix(checkpoint.arrays, "average.")


def diverged(progress: Progress, what: str) -> OcrkitError:
    return OcrkitError(
        f"step {progress.step}: {what}, so training has diverged; lower training.learning_rate "
        "or set training.clip_norm"
    )


def _with_prefix(arrays: Arrays, prefix: str) -> Arrays:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
