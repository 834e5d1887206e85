"""``ocrkit zoo``: the trained models that are installed."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ocrkit.cli.commands import Group
from ocrkit.cli.streams import echo, echo_json, echo_lines, results_above, unless_quiet, warn
from ocrkit.cli.zoo_import import import_
from ocrkit.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ocrkit.publishing.verification import Verification
    from ocrkit.zoo.models import Model


@click.group(cls=Group)
def zoo() -> None:
    """The trained models that are installed."""


@zoo.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def list_(as_json: bool) -> None:
    """List the trained models with what they read, their size, scores and licence."""

    from ocrkit.zoo.models import models

    found, problems = models()
    if as_json:
        listed = [
            {
                "name": each.name,
                "owner": each.owner,
                "weights_are_here": not each.manifest.weights or each.weights_path.is_file(),
                **each.table,
            }
            for each in found
        ]
        echo_json({"models": listed, "broken": problems})
        return
    from ocrkit.cli.tables import print_table

    rows = []
    for each in found:
        weights, results = each.manifest.weights, each.manifest.results
        scores = ""
        if results and results.metrics:
            scores = ", ".join(f"{name} {its.value:.4f}" for name, its in results.metrics.items())
            scores += f" on {results.dataset}"
        rows.append(
            (
                each.name,
                each.owner,
                f"{weights.parameters:,}" if weights and weights.parameters else "",
                _size(each) if weights else "",
                scores,
                each.manifest.licence or "none stated",
            )
        )
    print_table(
        ("model", "plugin", "parameters", "size", "scores", "licence"),
        rows,
        right=("parameters", "size"),
    )
    for problem in problems:
        echo(f"broken: {problem}")


def _size(model: Model) -> str:
    from ocrkit.zoo.models import size_text

    if model.weights_path.is_file():
        return f"{model.weights_path.stat().st_size / 1e6:.1f} MB"
    return f"{size_text(model)}, not fetched" if model.url else "missing"


@zoo.command()
@click.argument("name")
@click.option(
    "--manifest",
    "whole",
    is_flag=True,
    help="The manifest in place of the card, as it is in its file.",
)
@click.option("--json", "as_json", is_flag=True, help="The manifest as one JSON object.")
def show(name: str, whole: bool, as_json: bool) -> None:
    """Show the card of the model NAME: what it is good for, and what not."""
    from ocrkit.support.files import read_text
    from ocrkit.zoo.models import MANIFEST, model

    found = model(name)
    if as_json:
        echo_json(found.table)
    elif whole:
        echo_lines(read_text(found.folder / MANIFEST))
    else:
        card = found.folder / "CARD.md"
        if card.is_file():
            echo_lines(read_text(card).strip())
            echo()
        for line in _in_short(found):
            echo(line)


def _in_short(model: Model) -> list[str]:
    """What a manifest says of itself in a few lines."""
    manifest = model.manifest
    lines = [f"licence: {manifest.licence or 'none stated'}"]
    if manifest.pages:
        lines += _terms_of_named(model)
    elif manifest.terms:
        lines.append(f"terms: {manifest.terms}")
    if forms := manifest.forms:
        seen = f"trained on {forms.trained:,}, chosen by {forms.chosen:,}"
        lines.append(f"forms: {seen} ({model.folder / forms.file})")
    return [*lines, f"more: ocrkit zoo show {model.name} --manifest"]


def _terms_of_named(model: Model) -> list[str]:
    """What the models may be used for that a page pipeline names."""
    from ocrkit.pipelines.file import read_recipe
    from ocrkit.pipelines.page_spec import PageSpec
    from ocrkit.publishing.named_models import named_models, terms_of

    spec = read_recipe(model.name)
    return terms_of(named_models(spec)) if isinstance(spec, PageSpec) else []


@zoo.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--backend", metavar="NAME", help="On this backend alone; else on all that the pipeline names."
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="auto: the CPU, and the GPU too where there is one.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def verify(names: tuple[str, ...], backend: str | None, device: str, as_json: bool) -> None:
    """Check that the models NAME read the same on every backend; all models whose weights are here
    without a name.

    A model passes when its manifest is complete, its files are what the manifest says, its pipeline
    builds, and its golden set gives the stored log-probabilities within the manifest's tolerance,
    and the stored texts, on every backend and device. A page pipeline passes when the same lines
    are found and the same texts read on its golden pages.
    """
    import os
    from dataclasses import asdict

    # cuBLAS and cuDNN read this when they start: TensorFloat-32 rounds to 10 bits, far more than
    # the tolerance.
    os.environ["NVIDIA_TF32_OVERRIDE"] = "0"

    from ocrkit.errors import OcrkitError
    from ocrkit.publishing import verify as verifying
    from ocrkit.support.bars import image_bar
    from ocrkit.zoo.models import models

    problems: list[str] = []
    results: list[Verification] = []
    asked_for = bool(names)
    if not asked_for:
        found, problems = models()
        names = tuple(each.name for each in found)
    with unless_quiet(image_bar()) as bar:
        for name in names:
            update = partial(_update, bar, bar.add_task(printable(name), total=None))
            try:
                results.append(
                    verifying.verify(name, backend=backend, device=device, on_images=update)
                )
            except OcrkitError as error:
                problems += str(error).splitlines()
    for each in results:
        problems += [f"{each.model}: {problem}" for problem in each.problems]
        if asked_for and not each.fetched:
            problems.append(
                f"{each.model}: its weights are not on this machine yet. Try: ocrkit zoo fetch "
                f"{each.model}"
            )
    if as_json:
        listed = [{**asdict(each), "passed": each.passed} for each in results]
        echo_json({"passed": not problems, "models": listed, "problems": problems})
    elif results:
        _print_checks(results)
    for problem in problems:
        warn(problem)
    if problems:
        sys.exit(1)


def _print_checks(results: list[Verification]) -> None:
    from ocrkit.cli.tables import print_table

    rows = []
    for each in results:
        rows += [
            (each.model, check.name, "FAILED" if check.problems else "passed", check.found)
            for check in each.checks
        ]
        rows += [(each.model, name, "left out", reason) for name, reason in each.left_out.items()]
        if not each.fetched:
            rows.append((each.model, "weights", "not fetched", ""))
    print_table(("model", "check", "result", "found"), rows)


@zoo.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--all",
    "fetch_all",
    is_flag=True,
    help="All models whose weights do not come with their plugins.",
)
@click.option("--offline", is_flag=True, help="Download nothing; only check what is there.")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Weights fetched by hand.",
)
def fetch(names: tuple[str, ...], fetch_all: bool, offline: bool, source: Path | None) -> None:
    """Fetch the weights of the models NAME, so that they can be used without a network from then
    on."""
    if fetch_all == bool(names):
        raise click.UsageError("name models to fetch, or --all.")
    if source and (offline or len(names) != 1):
        raise click.UsageError(
            "--from FILE is for one model, whose weights are then not downloaded."
        )
    from ocrkit.errors import OcrkitError
    from ocrkit.support.bars import byte_bar
    from ocrkit.zoo.models import adopt, check_there, model, models
    from ocrkit.zoo.models import fetch as fetch_weights

    problems: list[str] = []
    if fetch_all:
        found, problems = models()
        names = tuple(each.name for each in found if each.url)
    with unless_quiet(byte_bar()) as bar, results_above(bar):
        for name in names:
            try:
                each = model(name)
                if source:
                    path = adopt(each, source)
                elif offline or not each.url:
                    path = check_there(each)
                else:
                    path = fetch_weights(
                        each, partial(_update, bar, bar.add_task(printable(name), total=None))
                    )
            except OcrkitError as error:
                problems += str(error).splitlines()
            else:
                echo(f"{name}: {path}")
    for problem in problems:
        warn(problem)
    if problems:
        sys.exit(1)


def _update(bar: Progress, task: TaskID, done: int, total: int | None) -> None:
    bar.update(task, completed=done, total=total)


zoo.add_command(import_)
