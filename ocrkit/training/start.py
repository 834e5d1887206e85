"""Starting a run, and going on with one."""

import platform
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import ocrkit
from ocrkit.data.datasets import Dataset
from ocrkit.errors import DataError, OcrkitError
from ocrkit.networks.seen_forms import SeenForms, forms_of, keys_of, together
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.backends import choose_device
from ocrkit.training.data import DataSets, TrainingData, collect, joined, open_data
from ocrkit.training.folder import TEACHER, RunFolder, was_stopped_at_its_start
from ocrkit.training.initial import Origin, header_of
from ocrkit.training.progress import Progress
from ocrkit.training.run import Run
from ocrkit.training.run_file import AlsoData, MainData, RunFile, ValidationData, read_run_file
from ocrkit.training.teaching import from_lines, read_by_teacher, to_lines
from ocrkit.training.workers import workers_of


def resume_options(folder: Path) -> RunFile:
    """What the run in a folder was started with. Raises OcrkitError where there is no run."""
    try:
        return read_run_file(folder)
    except (OcrkitError, ValueError) as error:
        reason = str(error)
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
    stored = resume_options(folder) if resume else None
    lines, teacher = "", None
    if assembly.spec.training.teacher:
        on = choose_device(assembly.backend_name, assembly.backend, device)
        collected, lines, teacher = _taught(
            assembly, folder, collected, stored, device=on, threads=threads, report=report
        )
    if stored:
        _check_same(stored, sets, collected)
        if stored.workers != workers.count:
            report({"event": "workers", "before": stored.workers, "now": workers.count})
    run = Run(assembly, folder, device=device, threads=threads, teacher=teacher, report=report)
    origin = None
    if stored:
        origin = Origin.of_run(stored.init) if stored.init else None
    elif init:
        origin = Origin.of(init)
    about = RunFile(
        command=command,
        backend=assembly.backend_name,
        device=run.network.device,
        workers=workers.count,
        seed=assembly.spec.training.seed,
        data=_main_data(sets.main, limit),
        also=[_also_data(each) for each in sets.also],
        samples=len(collected.samples),
        forms=forms_of(collected.samples),
        validation=_validation_data(sets.validation, assembly),
        notes=collected.notes,
        skipped=collected.skipped,
        init=origin.as_init() if origin else None,
        teacher=teacher.as_init() if teacher else None,
        versions={
            "ocrkit": ocrkit.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        }
        | assembly.backend.versions(),
    )
    report({"event": "start", **asdict(about), "epochs": assembly.spec.training.epochs})
    with nullcontext() if workers.index else run.folder.held():
        if stored:
            run.restore(origin)
        else:
            seen = _seen(sets, collected, [each for each in (origin, teacher) if each])
            run.start(about, origin, None if workers.index else seen, lines)
        progress = run.train(collected, sets.validation)
    workers.finish()
    return progress


def _check_same(stored: RunFile, sets: DataSets, collected: TrainingData) -> None:
    """Raises DataError where a run would go on with other data than it was started with."""
    forms = forms_of(collected.samples)
    if (stored.samples, stored.forms) != (len(collected.samples), forms):
        raise DataError(
            f"{sets.main.root}: {len(collected.samples):,} samples of {len(forms):,} forms to "
            "train on; the run was started "
            f"with {stored.samples:,} of {len(stored.forms):,}; resume it with the same data"
        )


def _main_data(dataset: Dataset, limit: int | None) -> MainData:
    return MainData(
        name=dataset.name,
        root=str(dataset.root.absolute()),
        split=dataset.split,
        limit=limit,
        is_sample=dataset.is_sample,
    )


def _also_data(dataset: Dataset) -> AlsoData:
    return AlsoData(
        name=dataset.name,
        root=str(dataset.root.absolute()),
        split=dataset.split,
        samples=len(dataset),
    )


def _validation_data(dataset: Dataset | None, assembly: Assembly) -> ValidationData | None:
    if not dataset:
        return None
    return ValidationData(
        split=dataset.split,
        samples=len(dataset),
        forms=forms_of(dataset),
        notes=assembly.objective.notes(list(dataset), (), assembly.alphabet),
    )


def _taught(
    assembly: Assembly,
    folder: Path,
    data: TrainingData,
    stored: RunFile | None,
    *,
    device: str,
    threads: int,
    report: Callable[[dict[str, Any]], None],
) -> tuple[TrainingData, str, Origin]:
    """The data with what the teacher reads, now or, where a run goes on, at its start; that as the
    lines of a file; and what is known of the teacher."""
    if stored and stored.teacher:
        readings = from_lines(folder / TEACHER, data.samples)
        teacher = Origin.of_run(stored.teacher)
    else:
        readings, teacher = read_by_teacher(
            assembly, data.samples, device=device, threads=threads, report=report
        )
    learnt = data.taught_by(assembly, readings)
    report({"event": "teacher", "name": teacher.weights, **header_of(teacher)})
    return learnt, to_lines(data.samples, readings), teacher


def _seen(sets: DataSets, collected: TrainingData, origins: list[Origin]) -> SeenForms:
    """The keys of all that the run sees, and of what the weights had seen that it begins from and
    learns from."""
    before = together(each.seen for each in origins)
    trained, chosen = keys_of(collected.samples), keys_of(sets.validation or ())
    return SeenForms(
        trained_keys=before.trained_keys | trained, chosen_keys=before.chosen_keys | chosen
    )
