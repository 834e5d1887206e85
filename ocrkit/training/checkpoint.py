"""``last.safetensors``: all that a run needs to go on where it was."""

from dataclasses import asdict

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


def write_checkpoint(
    folder: RunFolder,
    assembly: Assembly,
    progress: Progress,
    *,
    network: Network,
    trainer: Trainer,
    average: Average,
) -> None:
    """Writes the checkpoint and, from it, the log and the curves.

    Raises OcrkitError where training has diverged; what was saved before stays.
    """
    arrays = {f"network.{name}": array for name, array in network.state().items()}
    arrays |= {f"optimizer.{name}": array for name, array in trainer.state().items()}
    arrays |= {f"average.{name}": array for name, array in average.arrays.items()}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise diverged(progress, f"{name} has numbers that are not finite")
    about = assembly.identity() | {"progress": asdict(progress)}
    folder.write_weights(FILE, arrays, about)
    folder.write_log(progress.history)


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
