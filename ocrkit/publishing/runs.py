"""What is known of training runs from their folders."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocrkit.errors import OcrkitError, WeightsError
from ocrkit.networks import weights as weight_files
from ocrkit.networks.seen_forms import SeenForms, of_run
from ocrkit.parts.checked import CheckError, Whole, checked
from ocrkit.parts.registry import registry
from ocrkit.pipelines.file import load_spec
from ocrkit.support.files import read_text
from ocrkit.support.parsing import parse_json
from ocrkit.training.progress import EpochLine
from ocrkit.training.run_file import RunFile, read_run_file
from ocrkit.zoo.models import model

OF_ONE_MACHINE = {
    "reader": ("root", "only", "exclude"),
    "training": ("only", "exclude", "validation_only", "also"),
}
"""Options that name files of the machine that a run was made on."""


def about_run(run: Path) -> RunFile:
    """What a run was started with. Raises WeightsError where there is none."""
    try:
        return read_run_file(run)
    except (OcrkitError, ValueError) as error:
        raise WeightsError(
            f"{run}: no training run here; expected a folder that ocrkit train made ({error})"
        ) from error


def log_of(run: Path) -> list[EpochLine]:
    """What a run says of its epochs. Raises WeightsError where its log is damaged."""
    path = run / "log.jsonl"
    try:
        return [checked(EpochLine, parse_json(line)) for line in read_text(path).splitlines()]
    except ValueError as error:
        raise WeightsError(f"{path}: no log of a training run ({error})") from error


@dataclass(frozen=True, slots=True)
class _Chosen:
    epoch: Whole


@dataclass(frozen=True, slots=True)
class _Best:
    """What a run's best weights say of themselves besides their network."""

    training: _Chosen


def chosen_epoch(run: Path) -> int:
    """The best epoch. Raises WeightsError before the first one is complete, and for weights that
    are of no run."""
    best = weight_files.read(run / "best.safetensors")
    try:
        return checked(_Best, best.about).training.epoch
    except CheckError as error:
        raise WeightsError(f"{best.path}: no weights of a training run ({error})") from error


def described_run(run: Path) -> dict[str, Any]:
    """What a manifest says of a training run. Folders and files of the machine that it ran on are
    left out."""
    about, training = about_run(run), load_spec(run).table.get("training", {})
    log = [line for line in log_of(run) if line.epoch]  # 0 is what it began with
    if not log:
        raise WeightsError(
            f"{run}: none of its epochs is complete; go on with it: ocrkit train --out {run} "
            "--resume"
        )
    seconds = sum(line.seconds for line in log) or math.inf
    return {
        "command": about.command,
        "backend": about.backend,
        "device": about.device,
        "seed": about.seed,
        "versions": about.versions,
        "samples": about.samples,
        "epochs": len(log),
        "chosen_epoch": chosen_epoch(run),
        "images_per_second": round(sum(line.images for line in log) / seconds, 1),
        "options": {
            name: value
            for name, value in training.items()
            if name not in OF_ONE_MACHINE["training"]
        },
        "forms": len(about.forms),
        "skipped": len(about.skipped),
        **({} if about.share is None else {"share": about.share}),
    }


def runs_of(runs: Sequence[Path]) -> list[dict[str, Any]]:
    """What a manifest says of training runs, and of those that made the weights which the last of
    them started from.

    Of a zoo model's weights the model's own manifest tells, if it is still the model that it was;
    of others only where they came from is known.
    """
    described = [described_run(run) for run in runs]
    init = about_run(runs[-1]).init
    if not init:
        return described
    name = init.weights.removeprefix("zoo:")
    if name != init.weights and name in registry().names("zoo"):
        found = model(name)
        earlier = found.manifest.training.runs
        if earlier and found.seen.trained == set(init.trained):
            return [*described, *earlier]
    return [*described, {"weights": init.weights, "forms": len(init.trained)}]


def seen_by(runs: Sequence[Path], chosen: Iterable[str]) -> SeenForms:
    """What all of the runs have seen, the weights that they started from included."""
    seen = [of_run(run) for run in runs]
    return SeenForms(
        trained=frozenset[str]().union(*(each.trained for each in seen)),
        chosen=frozenset(chosen).union(*(each.chosen for each in seen)),
        trained_keys=frozenset[str]().union(*(each.trained_keys for each in seen)),
        chosen_keys=frozenset[str]().union(*(each.chosen_keys for each in seen)),
    )
