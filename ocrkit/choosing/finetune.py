"""Teaching a model somebody's hand: data checked, split, learnt, and what came of it measured.

``OUT``, the run's folder, is the new model. ``OUT/finetune`` has what was decided (``plan.json``),
the samples' ids (``train.txt``, ``validation.txt``, ``test.txt``) and what came of it
(``result.json``).
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocrkit.choosing.base_model import Tried, best_base, training_options
from ocrkit.choosing.before_and_after import before_and_after
from ocrkit.choosing.own_data import OwnData, letters, open_own, split
from ocrkit.errors import OcrkitError
from ocrkit.parts.checked import checked
from ocrkit.parts.values import Skipped
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec, read_spec
from ocrkit.pipelines.trained import provenance_of
from ocrkit.scoring.comparison import Comparison, Difference
from ocrkit.scoring.counts import full_name
from ocrkit.support.files import read_bytes, write_atomically
from ocrkit.support.parsing import json_text, parse_json
from ocrkit.training import train
from ocrkit.training.folder import LISTS, RunFolder

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was decided before training; ``plan.json``, by which a run that was stopped goes on."""

    data: str
    reader: str
    shows: str
    pipeline: str
    """What it begins from."""
    tried: list[Tried] = field(default_factory=list)
    """The models that were compared for that, the best first."""
    train: int
    validation: int
    test: int
    split_by: str
    new_letters: str
    odd_letters: dict[str, str]
    """Letters of a single text, with the sample's id; they are not learnt."""
    left_out: list[Skipped] = field(default_factory=list)
    settings: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuned:
    """What came of it; ``result.json``."""

    model: str
    """The folder, which ``ocrkit run --pipeline`` and :func:`ocrkit.load` take."""
    name: str
    licence: str
    """Of the weights that it began from; it holds on."""
    metric: str
    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    """Of the difference's 95 % interval, a paired bootstrap over ``clusters``."""
    high: float | None
    clusters: str
    better: bool | None
    """None where no difference can be told."""
    right_before: int
    """Samples of the test split that were read without a mistake."""
    right_after: int
    test: int
    best_epoch: int
    """0: no epoch was better than the model as it was."""
    epochs: int
    seconds: float
    """From the first look at the data to the comparison."""
    sentence: str


def finetune(
    root: str | Path,
    out: str | Path,
    *,
    pipeline: str | None = None,
    reader: str | None = None,
    settings: Sequence[str] = (),
    device: str = "auto",
    threads: int = 0,
    command: str = "",
    report: Report = lambda _: None,
) -> FineTuned:
    """Fine-tunes a model on the words or lines with texts in a folder, and compares it with what it
    was before, on samples that it has not been taught.

    ``pipeline`` is what it begins from, unless given the zoo's model that reads the samples best.
    ``settings`` are those of ``--set``, over those that are chosen by the amount of data.
    ``report`` is told of events: those of training, ``checked`` and ``planned``. Where ``out``
    holds such a run that was stopped, it goes on.

    Raises DataError for a folder with less than 20 samples that can be used, OcrkitError and its
    children as :func:`ocrkit.training.train` does.

    Example, with a folder of lines and their texts::

        print(finetune("letters", "grandmother").sentence)
    """
    began, root, out = time.monotonic(), Path(root), Path(out)
    started = (out / "run.json").is_file()
    if started:
        plan = _read_plan(out, root)
    else:
        RunFolder(out).check_unused()
        own = open_own(root, reader, lambda *far: _tell_how_far(report, *far))
        plan = _plan(own, root, out, pipeline=pipeline, settings=settings, threads=threads)
    report({"event": "planned", "plan": plan})
    source = out if started else plan.pipeline
    assembly = assemble(read_spec(source, [] if started else plan.settings), training=True)
    progress = train(
        assembly,
        out,
        init=None if started else read_spec(plan.pipeline).weights,
        resume=started,
        device=device,
        threads=threads,
        command=command,
        report=report,
    )
    apart = plan.split_by == "document"
    found, metric = before_and_after(plan.pipeline, out, threads, by_document=apart)
    result = FineTuned(
        **_result(plan, out, found, metric),
        best_epoch=progress.best_epoch,
        epochs=progress.epoch,
        seconds=round(time.monotonic() - began, 1),
    )
    _write(out / LISTS / "result.json", json_text(result, indent=2))
    return result


def _tell_how_far(report: Report, done: int, of: int) -> None:
    report({"event": "checked", "images": done, "of": of})


def _plan(
    own: OwnData,
    root: Path,
    out: Path,
    *,
    pipeline: str | None,
    settings: Sequence[str],
    threads: int,
) -> Plan:
    """Splits the data, and decides how to train."""
    parts = split(own, root)
    lists = out / LISTS
    lists.mkdir(parents=True, exist_ok=True)
    for name in ("train", "validation", "test"):
        ids = (sample.id for sample in getattr(parts, name))
        _write(lists / f"{name}.txt", "".join(f"{id_}\n" for id_ in ids))
    tried: list[Tried] = []
    if pipeline is None:
        tried = best_base(own.shows, own.reader, root, lists / "train.txt", threads)
        pipeline = tried[0].pipeline
    new, odd = letters(own.samples, load_spec(pipeline).alphabet)
    chosen = training_options(len(parts.train), pipeline)
    options = _as_settings({f"training.{name}": value for name, value in chosen.items()})
    options += _as_settings({"alphabet+": new}) if new else []
    plan = Plan(
        data=str(root.absolute()),
        reader=own.reader.use,
        shows=own.shows,
        pipeline=pipeline,
        tried=tried,
        train=len(parts.train),
        validation=len(parts.validation),
        test=len(parts.test),
        split_by=parts.by,
        new_letters=new,
        odd_letters=odd,
        left_out=own.left_out,
        settings=[*_data_settings(own.reader.use, root, out), *options, *settings],
    )
    _write(lists / "plan.json", json_text(plan, indent=2))
    return plan


def _data_settings(reader: str, root: Path, out: Path) -> list[str]:
    """What the new model's pipeline says of data. Read without a data set's name, it is scored by
    the samples to measure by."""
    lists = (out / LISTS).absolute()
    return _as_settings(
        {
            "name": out.name,
            "reader.use": reader,
            "reader.root": str(root.absolute()),
            "reader.split": "all",
            "reader.only": str(lists / "test.txt"),
            "training.split": "all",
            "training.only": str(lists / "train.txt"),
            "training.exclude": "",
            "training.validation": "all",
            "training.validation_only": str(lists / "validation.txt"),
            "training.also": [],
        }
    )


def _as_settings(values: Mapping[str, Any]) -> list[str]:
    return [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]


def _read_plan(out: Path, root: Path) -> Plan:
    """What a run was started with. Raises OcrkitError where it is none of fine-tuning, or of other
    data."""
    path = out / LISTS / "plan.json"
    try:
        plan = checked(Plan, parse_json(read_bytes(path)))
    except (OcrkitError, ValueError) as error:
        raise OcrkitError(
            f"{out}: has a training run that ocrkit finetune did not start ({error}); name a new "
            "folder"
        ) from error
    if Path(plan.data) != root.absolute():
        raise OcrkitError(
            f"{out}: was started with the data in {plan.data}; go on with these, or name a new "
            "folder"
        )
    return plan


def _result(plan: Plan, out: Path, found: Comparison, metric: str) -> dict[str, Any]:
    difference = found.metrics[metric]
    better = {"b": True, "a": False}.get(difference.better or "")
    by, count = found.clusters
    licence = provenance_of(str(out)).licence
    of = plan.shows if by == "sample" else by
    return {
        "model": str(out),
        "name": load_spec(out).name,
        "licence": licence,
        "metric": metric,
        "before": difference.a,
        "after": difference.b,
        "difference": difference.difference,
        "low": difference.low,
        "high": difference.high,
        "clusters": f"{count} {of}s",
        "better": better,
        "right_before": found.right.both + found.right.only_a,
        "right_after": found.right.both + found.right.only_b,
        "test": found.samples,
        "sentence": _sentence(plan, found, difference, full_name(metric)),
    }


def _sentence(plan: Plan, found: Comparison, difference: Difference, metric: str) -> str:
    """What came of it, for people."""
    if difference.a is None or difference.b is None or difference.difference is None:
        return f"{metric} has no value on the {found.samples} {plan.shows}s to measure by."
    verdict = {"b": "It reads better", "a": "It reads worse"}.get(
        difference.better or "", "No difference can be told"
    )
    interval = ""
    if difference.low is not None and difference.high is not None:
        low, high = (
            f"{100 * each:+.1f}".replace("-", "−") for each in (difference.low, difference.high)
        )
        interval = f"; with 95 % confidence the change is {low} to {high} points"
    metric = metric[:1].lower() + metric[1:]
    right = (found.right.both + found.right.only_a, found.right.both + found.right.only_b)
    return (
        f"{verdict}: on {found.samples} {plan.shows}s that it was not taught, {metric} "
        f"{100 * difference.a:.1f} % before and {100 * difference.b:.1f} % now{interval}; "
        f"{right[0]} were read without a mistake, now {right[1]}."
    )


def _write(path: Path, text: str) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
