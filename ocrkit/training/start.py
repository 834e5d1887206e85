"""Starting a run, and going on with one."""

import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import ocrkit
from ocrkit.assembly import Assembly
from ocrkit.datasets import open_dataset
from ocrkit.errors import ConfigError, DataError, OcrkitError
from ocrkit.pipeline_weights import forms_seen
from ocrkit.seen_forms import SeenForms
from ocrkit.training.data import collect, forms_of, joined
from ocrkit.training.folder import RunFolder
from ocrkit.training.run import Progress, Run, workers_of
from ocrkit.training.validation import check_validation


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
    init: bool
    """Whether it began from other weights."""


def resume_options(folder: Path) -> Stored:
    """What the run in a folder was started with. Raises OcrkitError where there is no run."""
    try:
        about = json.loads((folder / "run.json").read_bytes())
        data = about["data"]
        return Stored(
            None if data["is_sample"] else data["root"],
            data["split"],
            data["limit"],
            about["backend"],
            about["workers"],
            about["samples"],
            about["forms"],
            bool(about.get("init")),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OcrkitError(f"{folder}: no training run to resume here ({type(error).__name__}: {error})") from error


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
        RunFolder(folder).check_unused()
    dataset = open_dataset(
        spec.reader, root=data, split=split or options.split, only=options.only, exclude=options.exclude, limit=limit
    )
    validation = None
    if options.validation and not dataset.is_sample:
        validation = open_dataset(
            spec.reader, root=data, split=options.validation, only=options.validation_only, exclude="", limit=limit
        )
        check_validation(assembly, validation)
    elif options.patience and not dataset.is_sample:
        raise ConfigError(["training.patience: stopping early needs training.validation, the split to watch"])
    also = [open_dataset(part, limit=limit) for part in spec.also]
    collected = joined(collect(assembly, each) for each in (dataset, *also))
    forms = forms_of(collected.samples)
    began_from_weights = bool(init)
    if resume:
        before = resume_options(folder)
        began_from_weights = before.init
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
        "validation": {"split": validation.split, "samples": len(validation), "forms": forms_of(validation)}
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
    progress = run.train(collected, validation, score_start=began_from_weights)
    workers.finish()
    return progress
