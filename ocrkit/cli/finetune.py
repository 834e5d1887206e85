"""``ocrkit finetune``"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocrkit.cli.commands import Command, resumable
from ocrkit.cli.options import (
    device_option,
    given_reader,
    reader_option,
    set_option,
    threads_option,
    together,
)
from ocrkit.cli.streams import echo, echo_json, say, unless_quiet, warn

if TYPE_CHECKING:
    from ocrkit.choosing.finetune import Plan


@click.command(cls=Command)
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--pipeline",
    metavar="NAME|FILE.toml",
    help="What to begin from; else the zoo's model that reads these data best.",
)
@reader_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="RUN_DIR",
    help="The new model's folder.  [default: DATA-model]",
)
@together(device_option, threads_option, set_option)
@click.option("--json", "as_json", is_flag=True, help="What came of it as one JSON object.")
@click.pass_context
def finetune(
    context: click.Context,
    /,
    *,
    data: Path,
    pipeline: str | None,
    out: Path | None,
    device: str,
    threads: int,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Teach a model the hand in DATA, and say what it was worth.

    DATA is a folder of words or lines with their texts, or of pages with PAGE or ALTO. It is
    checked and split by document; model, batches, learning rate and epochs are chosen by it. A run
    that was stopped goes on when the command is run again.
    """
    from ocrkit.choosing.finetune import finetune as teach
    from ocrkit.cli.training_bar import TrainingBar
    from ocrkit.support.bars import image_bar

    reader = given_reader(context)
    if reader:
        settings = settings[1:]  # --reader is the first of them
    out = out or data.absolute().with_name(f"{data.absolute().name}-model")
    bar = unless_quiet(image_bar())
    task = bar.add_task("checking", total=None)
    with resumable(lambda: "the same command goes on with it"), TrainingBar(first=True) as training:

        def report(event: dict[str, Any]) -> None:
            if event["event"] == "checked":
                bar.start()
                bar.update(task, completed=event["images"], total=event["of"])
            elif event["event"] == "planned":
                bar.stop()
                _tell(event["plan"])
            else:
                training.report(event)

        found = teach(
            data,
            out,
            pipeline=pipeline,
            reader=reader,
            settings=settings,
            device=device,
            threads=threads,
            command=shlex.join(["ocrkit", *sys.argv[1:]]),
            report=report,
        )
    if as_json:
        echo_json(found)
        return
    echo(found.sentence)
    if not found.best_epoch:
        perfect = found.right_before == found.test
        why = "it made no mistake" if perfect else "it needs more samples"
        echo(f"No epoch was better than the model as it was: {why}.")
    echo(f"Read with it: ocrkit run --pipeline {shlex.quote(str(out))} IMAGE")
    if found.licence:
        say(f"its terms are those of what it began from: {found.licence}")


def _tell(plan: Plan) -> None:
    """What was decided, before it is done."""
    from ocrkit.cli.run_output import SkippedLines

    skipped = SkippedLines()
    for item in plan.left_out:
        skipped.add(item.id, item.reason)
    skipped.sum_up("finetune/plan.json in the model's folder names them all")
    say(
        f"{plan.train + plan.validation + plan.test:,} {plan.shows}s: {plan.train:,} to learn "
        f"from, {plan.validation:,} to choose the best epoch by, {plan.test:,} to measure by, "
        f"split by {plan.split_by}"
    )
    tried = [
        f"{each.pipeline} {each.metric} {each.value:.3f}"
        for each in plan.tried
        if each.value is not None
    ]
    say(f"beginning from {plan.pipeline}" + (f": {', '.join(tried)}" if tried else ""))
    if plan.new_letters:
        say(f"letters that it learns anew: {' '.join(plan.new_letters)}")
    for letter, id_ in plan.odd_letters.items():
        warn(f"{id_}: {letter!r} is in no other text: a slip of the pen? It is not learnt")
