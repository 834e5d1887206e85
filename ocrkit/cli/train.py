"""``ocrkit train``"""

import shlex
import sys
from pathlib import Path

import click

from ocrkit.cli.commands import Command, resumable
from ocrkit.cli.options import (
    backend_option,
    data_option,
    device_option,
    limit_option,
    pipeline_option,
    reader_option,
    set_option,
    split_option,
    threads_option,
    together,
)
from ocrkit.cli.streams import say

_FROM_THE_START = ("pipeline", "reader", "split", "backend", "limit", "init", "settings")
"""What a run keeps, however often it is resumed."""


@click.command(cls=Command)
@together(pipeline_option, reader_option, data_option)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="RUN_DIR",
    help="The run's folder: checkpoints, log, curves.",
)
@together(split_option, backend_option, device_option, threads_option, limit_option)
@click.option(
    "--init",
    metavar="WEIGHTS",
    help="Start from a run, a weights file or zoo:NAME; what fits is taken (fine-tuning).",
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

    A run that was stopped, however, goes on with --resume and ends with the weights that it would
    have had.
    """
    from ocrkit.cli.training_bar import TrainingBar
    from ocrkit.pipelines.build import assemble
    from ocrkit.pipelines.file import read_spec
    from ocrkit.training import resume_options, train, workers_of

    if resume:
        given = [name for name in _FROM_THE_START if _was_given(context, name)]
        if given:
            names = ", ".join("--set" if name == "settings" else f"--{name}" for name in given)
            raise click.UsageError(
                f"--resume goes on with the run as it was started: leave out {names}."
            )
        stored = resume_options(out)
        pipeline, backend = str(out), stored.backend
        split, limit = stored.data.split, stored.data.limit
        data = data or (None if stored.data.is_sample else stored.data.root)
    assembly = assemble(read_spec(pipeline, settings), backend=backend, training=True)
    workers = workers_of(assembly)
    if not workers.index:
        together = f" with {workers.count} workers" if workers.count > 1 else ""
        say(f"training {assembly.spec.name!r} on {assembly.backend_name}{together} into {out}")
    with resumable(lambda: _how_to_go_on(out)), TrainingBar(first=not workers.index) as bar:
        progress = train(
            assembly,
            out,
            data=data,
            split=split,
            limit=limit,
            init=init,
            resume=resume,
            device=device,
            threads=threads,
            command=shlex.join(["ocrkit", *sys.argv[1:]]),
            report=bar.report,
        )
    if workers.index:
        return
    best = (
        f"the best is {progress.best_epoch}; read with it"
        if progress.best_epoch
        else (
            "none better than before training, so the weights are those that it started from; read "
            "with them"
        )
    )
    say(f"{progress.epoch} epochs, {best}: ocrkit run --pipeline {out}")


def _how_to_go_on(out: Path) -> str:
    started = (out / "run.json").is_file()
    return f"ocrkit train --resume --out {shlex.quote(str(out))} goes on with it" if started else ""


def _was_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE
