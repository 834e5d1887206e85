"""``ocrkit train``"""

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from ocrkit.cli.options import (
    backend_option,
    data_option,
    device_option,
    limit_option,
    pipeline_option,
    set_option,
    split_option,
    threads_option,
    together,
)


@click.command()
@together(pipeline_option, data_option)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="RUN_DIR",
    help="The run's folder: checkpoints, log, curves.",
)
@together(split_option, backend_option, device_option, threads_option, limit_option)
@click.option(
    "--init", metavar="WEIGHTS", help="Start from a run, a weights file or zoo:NAME; what fits is taken (fine-tuning)."
)
@click.option("--resume", is_flag=True, help="Go on with the run in RUN_DIR, exactly where it was.")
@set_option
@click.pass_context
def train(
    context: click.Context,
    *,
    pipeline: str,
    data: str | None,
    out: Path,
    split: str | None,
    backend: str | None,
    device: str,
    threads: int,
    limit: int | None,
    init: str | None,
    resume: bool,
    settings: tuple[str, ...],
) -> None:
    """Train a pipeline's network as its [training] table says.

    A run that was stopped, however, goes on with --resume and ends with the weights that it would have had.
    """
    from ocrkit.assembly import assemble
    from ocrkit.config import load_spec
    from ocrkit.training import resume_options, train, workers_of

    if resume:
        given = [name for name in ("pipeline", "split", "backend", "limit", "init", "settings") if _was_given(context, name)]
        if given:
            names = ", ".join("--set" if name == "settings" else f"--{name}" for name in given)
            raise click.UsageError(f"--resume goes on with the run as it was started: leave out {names}.")
        stored = resume_options(out)
        pipeline, backend, split, limit = str(out), stored.backend, stored.split, stored.limit
        data = data or stored.data
    assembly = assemble(load_spec(pipeline, settings), backend=backend, training=True)
    workers = workers_of(assembly)
    if not workers.index:
        together = f" with {workers.count} workers" if workers.count > 1 else ""
        click.echo(f"ocrkit: training {assembly.spec.name!r} on {assembly.backend_name}{together} into {out}", err=True)
    with _Bar(first=not workers.index) as bar:
        progress = train(
            assembly, out, data=data, split=split, limit=limit, init=init, resume=resume, device=device, threads=threads,
            command=shlex.join(["ocrkit", *sys.argv[1:]]), report=bar.report,
        )  # fmt: skip
    if workers.index:
        return
    click.echo(
        f"ocrkit: {progress.epoch} epochs, the best is {progress.best_epoch}; read with it: ocrkit run --pipeline {out}",
        err=True,
    )


def _was_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE


class _Bar:
    """A progress bar on standard error, nothing of it where that is no terminal; events worth keeping are printed above it.

    Of several workers the first says it all; the others only name what they skip.
    """

    def __init__(self, *, first: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._first = first
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
            TextColumn("loss {task.fields[loss]:.3f}  {task.fields[rate]:.0f} images/s"), TimeRemainingColumn(),
            console=self._console, disable=not (first and self._console.is_terminal),
        )  # fmt: skip
        self._task: Any = None

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def report(self, event: dict[str, Any]) -> None:
        if self._first or event["event"] == "skipped":
            getattr(self, f"_{event['event']}", lambda _: None)(event)

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False)

    def _start(self, event: dict[str, Any]) -> None:
        data = event["data"]
        self._say(f"seed {event['seed']}, {event['device']}, {event['samples']:,} samples of {data['split']} ({data['root']})")
        for also in event["also"]:
            self._say(f"among them {also['samples']:,} of {also['name']}, {also['split']} ({also['root']})")
        skipped = event["skipped"]
        for item in skipped[:20]:
            self._say(f"skipped {item['id']}: {item['reason']}")
        if len(skipped) > 20:
            self._say(f"skipped {len(skipped) - 20} more; run.json names them all")
        if event["validation"]:
            self._say(f"validation: {event['validation']['samples']:,} samples of {event['validation']['split']}")

    def _init(self, event: dict[str, Any]) -> None:
        fresh = f"; fresh: {', '.join(event['fresh'])}" if event["fresh"] else ""
        self._say(f"starting from {event['from']}: {event['arrays']} arrays, {event['characters']} characters shared{fresh}")

    def _resume(self, event: dict[str, Any]) -> None:
        self._say(f"going on after epoch {event['epoch']}, step {event['step']}")

    def _workers(self, event: dict[str, Any]) -> None:
        self._say(f"started with {event['before']} workers, goes on with {event['now']}: not bit for bit as it would have been")

    def _skipped(self, event: dict[str, Any]) -> None:
        self._say(f"skipped {event['id']}: {event['reason']}")

    def _step(self, event: dict[str, Any]) -> None:
        fields = {"epoch": event["epoch"], "loss": event["loss"], "rate": event["images_per_second"]}
        if self._task is None:
            self._task = self._progress.add_task("", total=event["steps"], completed=event["step"], **fields)
        self._progress.update(self._task, completed=event["step"], **fields)

    def _epoch(self, event: dict[str, Any]) -> None:
        scores = "".join(f"  {name} {value:.4f}" for name, value in (event.get("validation") or {}).items())
        best = "  *" if event["best"] else ""
        speed = f"{event['images_per_second']:.0f} images/s"
        self._say(f"epoch {event['epoch']}/{event['epochs']}  loss {event['loss']:.3f}{scores}  {speed}{best}")
