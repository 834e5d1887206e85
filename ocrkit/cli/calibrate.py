"""``ocrkit calibrate``"""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from ocrkit.cli.commands import Command
from ocrkit.cli.options import (
    backend_option,
    data_option,
    device_option,
    limit_option,
    reader_option,
    set_option,
    threads_option,
    together,
)
from ocrkit.cli.streams import echo, echo_json, say, warn


@click.command(cls=Command)
@click.argument("pipeline")
@together(
    reader_option,
    data_option,
    backend_option,
    device_option,
    threads_option,
    limit_option,
    set_option,
)
@click.option(
    "--split",
    metavar="NAME",
    help="The split to fit on, best one set apart for choosing; else the pipeline's.",
)
@click.option(
    "--measure", metavar="NAME", help="The split to measure on, whole; else the one fitted on."
)
@click.option(
    "--write",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="MANIFEST",
    help="Store it in this manifest.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def calibrate(
    *,
    pipeline: str,
    data: str | None,
    split: str | None,
    measure: str | None,
    backend: str | None,
    device: str,
    threads: int,
    limit: int | None,
    settings: tuple[str, ...],
    write: Path | None,
    as_json: bool,
) -> None:
    """Find the temperature that makes the confidences of PIPELINE fit how often it is right.

    PIPELINE is a zoo model, a pipeline's file or a training run; for pages, the one that reads
    their lines. Texts stay as they are.
    """
    from dataclasses import asdict
    from functools import partial

    from ocrkit.choosing.calibration import fit, store
    from ocrkit.data.datasets import open_dataset
    from ocrkit.errors import OcrkitError
    from ocrkit.pipeline import load_text
    from ocrkit.pipelines.file import read_recipe
    from ocrkit.pipelines.page_spec import PageSpec
    from ocrkit.scoring.contamination import contamination

    spec = read_recipe(pipeline, settings)
    if isinstance(spec, PageSpec):
        raise OcrkitError(
            f"{pipeline}: a page pipeline, whose confidences are those of what reads its lines; "
            f"calibrate that: ocrkit calibrate {str(spec.table['text']).removeprefix('zoo:')}"
        )
    reader = load_text(pipeline, settings, backend=backend, device=device, threads=threads)
    opened = partial(
        open_dataset, reader.spec.reader, cutter=reader.spec.cutter, root=data, limit=limit
    )
    dataset = opened(split=split)
    measured = opened(split=measure, only="", exclude="") if measure else None
    say(f"fitting on {dataset.name} {dataset.split} in {dataset.root}: {len(dataset):,} samples")
    seen = contamination(reader.weights.seen, dataset)
    if seen and seen.trained.samples:
        warn("WARNING: fitted on what the model was trained on, where it is too sure of itself")
    found = fit(reader, dataset, measured)
    if as_json:
        echo_json(asdict(found))
    else:
        echo(f"temperature {found.temperature:g}, fitted on {found.fitted_on}")
        echo(
            f"expected calibration error on {found.measured_on}: {found.ece_before:.4f} → "
            f"{found.ece_after:.4f}"
        )
        echo(
            f"to use it: --set decoder.temperature={found.temperature:g}, or temperature = … in "
            "the pipeline's [decoder]"
        )
    if write:
        given = {"--data": data, "--split": split, "--measure": measure, "--limit": limit}
        words = [
            word
            for name, value in given.items()
            if value is not None
            for word in (name, str(value))
        ]
        words += [word for setting in settings for word in ("--set", setting)]
        store(write, found, shlex.join(["ocrkit", "calibrate", pipeline, *words]))
        say(f"wrote {write}")
