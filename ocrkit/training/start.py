"""Starting a run, and going on with one."""

import platform
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import ocrkit
from ocrkit.errors import DataError, OcrkitError
from ocrkit.networks.seen_forms import SeenForms, forms_of, keys_of
from ocrkit.parts.characters import lacking
from ocrkit.parts.codec import Alphabet
from ocrkit.pipelines.assembly import Assembly
from ocrkit.support.files import read_bytes
from ocrkit.support.parsing import parse_json
from ocrkit.training.data import DataSets, TrainingData, collect, joined, open_data
from ocrkit.training.folder import RunFolder, was_stopped_at_its_start
from ocrkit.training.initial import Origin
from ocrkit.training.progress import Progress
from ocrkit.training.run import Run, workers_of


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
    origin: Origin | None


def resume_options(folder: Path) -> Stored:
    """What the run in a folder was started with. Raises OcrkitError where there is no run."""
    try:
        about = parse_json(read_bytes(folder / "run.json"))
        data = about["data"]
        return Stored(
            None if data["is_sample"] else data["root"],
            data["split"],
            data["limit"],
            about["backend"],
            about["workers"],
            about["samples"],
            about["forms"],
            Origin.from_json(about["init"]) if about.get("init") else None,
        )
    except (OcrkitError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        if was_stopped_at_its_start(folder):
            reason = "one was stopped while it started; start it again, without --resume"
        raise OcrkitError(f"{folder}: no training run to resume here ({reason})") from error


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
    workers = workers_of(assembly)
    if not resume and not workers.index:
        RunFolder(folder).check_unused()
    sets = open_data(assembly, data, split, limit)
    collected = joined(collect(assembly, each) for each in (sets.main, *sets.also))
    stored = None
    if resume:
        stored = resume_options(folder)
        _check_same(stored, sets, collected)
        if stored.workers != workers.count:
            report({"event": "workers", "before": stored.workers, "now": workers.count})
    run = Run(assembly, folder, device=device, threads=threads, report=report)
    about = {
        "command": command,
        "backend": assembly.backend_name,
        "device": run.network.device,
        "workers": workers.count,
        "seed": assembly.spec.training.seed,
        **_described(sets, collected, limit, assembly.alphabet),
        "init": None,
        "versions": {
            "ocrkit": ocrkit.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        }
        | assembly.backend.versions(),
    }
    report({"event": "start", **about, "epochs": assembly.spec.training.epochs})
    with nullcontext() if workers.index else run.folder.held():
        if stored:
            run.restore(stored.origin)
        else:
            origin = Origin.of(init) if init else None
            about["init"] = origin and origin.as_json()
            run.start(about, origin, None if workers.index else _seen(sets, collected, origin))
        progress = run.train(collected, sets.validation)
    workers.finish()
    return progress


def _check_same(stored: Stored, sets: DataSets, collected: TrainingData) -> None:
    """Raises DataError where a run would go on with other data than it was started with."""
    forms = forms_of(collected.samples)
    if (stored.samples, stored.forms) != (len(collected.samples), forms):
        raise DataError(
            f"{sets.main.root}: {len(collected.samples):,} samples of {len(forms):,} forms to "
            "train on; the run was started "
            f"with {stored.samples:,} of {len(stored.forms):,}; resume it with the same data"
        )


def _described(
    sets: DataSets, collected: TrainingData, limit: int | None, alphabet: Alphabet
) -> dict[str, Any]:
    """What ``run.json`` says of the data."""
    main, validation = sets.main, sets.validation
    about_validation = None
    if validation:
        texts = [sample.text for sample in validation if sample.text is not None]
        about_validation = {
            "split": validation.split,
            "samples": len(validation),
            "forms": forms_of(validation),
            "notes": [note for note in [lacking(texts, alphabet)] if note],
        }
    also = [
        {
            "name": each.name,
            "root": str(each.root.absolute()),
            "split": each.split,
            "samples": len(each),
        }
        for each in sets.also
    ]
    return {
        "data": {
            "name": main.name,
            "root": str(main.root.absolute()),
            "split": main.split,
            "limit": limit,
            "is_sample": main.is_sample,
        },
        "also": also,
        "samples": len(collected.samples),
        "forms": forms_of(collected.samples),
        "validation": about_validation,
        "notes": collected.notes,
        "skipped": [asdict(item) for item in collected.skipped],
    }


def _seen(sets: DataSets, collected: TrainingData, origin: Origin | None) -> SeenForms:
    """The keys of all that the run sees, and of what the weights had seen that it begins from."""
    before = origin.seen if origin else SeenForms()
    trained, chosen = keys_of(collected.samples), keys_of(sets.validation or ())
    return SeenForms(
        trained_keys=before.trained_keys | trained, chosen_keys=before.chosen_keys | chosen
    )
