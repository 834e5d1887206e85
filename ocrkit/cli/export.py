"""``ocrkit export``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ocrkit.cli.commands import Command
from ocrkit.cli.options import OUTPUT, data_option, reader_option, set_option, together
from ocrkit.cli.streams import echo, say

if TYPE_CHECKING:
    from ocrkit.publishing.export import Export, Quantised
    from ocrkit.publishing.export_pages import PagesExport


@click.command(cls=Command)
@click.argument("pipeline")
@click.option(
    "--to",
    required=True,
    type=OUTPUT,
    metavar="FILE.onnx|DIR",
    help="The file to write; one that is there is replaced. Of a page pipeline, a new folder.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "int8"]),
    default="float32",
    show_default=True,
    help="int8: smaller and faster, a little less accurate; needs --data.",
)
@click.option(
    "--images",
    type=click.IntRange(1),
    default=512,
    show_default=True,
    metavar="N",
    help="Training images that calibrate int8.",
)
@together(reader_option, data_option, set_option)
def export(
    pipeline: str,
    *,
    to: Path,
    precision: str,
    images: int,
    data: str | None,
    settings: tuple[str, ...],
) -> None:
    """Write PIPELINE's network into one ONNX file, with its weights, alphabet and all that reading
    with it needs; of a page pipeline a folder with both networks and the recipe.

    The file is compared with the network on every backend that is installed before it is written.
    int8 is calibrated on the training split and measured against float32 on the validation split,
    as the pipeline's [training] table names them.
    """
    from ocrkit.errors import ConfigError
    from ocrkit.pipelines.file import read_recipe
    from ocrkit.pipelines.page_spec import PageSpec
    from ocrkit.publishing.export import export
    from ocrkit.publishing.export_pages import export_pages

    spec = read_recipe(pipeline, settings)
    if isinstance(spec, PageSpec):
        if precision != "float32" or data is not None:
            text = str(spec.table["text"]).removeprefix("zoo:")
            raise ConfigError([f"int8 is measured on texts; export what reads the lines: {text}"])
        _show_pages(export_pages(spec, to, on_step=say))
        return
    done = export(spec, to, precision=precision, data=data, images=images, on_step=say)
    _show(done, done.path)
    echo(f"read with it: ocrkit run --pipeline {done.path}")


def _show_pages(done: PagesExport) -> None:
    for each in done.networks.values():
        _show(each, done.folder / each.path.name)
    echo(f"read with it: ocrkit run IMAGE --pipeline {done.folder}")


def _show(done: Export, path: Path) -> None:
    about = done.exported
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    echo(
        f"{path}: {about.precision}, {size}, weights {about.weights} (sha256 {about.sha256[:12]}…)"
    )
    compared = ", ".join(
        f"{name} {difference:.1e}" for name, difference in done.differences.items()
    )
    echo(f"largest difference of {done.measured} in float32: {compared}")
    if done.quantised:
        _show_cost(done.quantised)
    if about.licence:
        echo(f"licence: {about.licence}")


def _show_cost(quantised: Quantised) -> None:
    from ocrkit.cli.tables import print_table
    from ocrkit.reports.facts import rate

    before, after = quantised.images_per_second
    rows = [
        (name, f"{exact.value:.4f}", f"{small.value:.4f}", f"{small.value - exact.value:+.4f}")
        for name, (exact, small) in quantised.scores.items()
        if exact.value is not None and small.value is not None
    ]
    rows.append(("images/s, network alone", rate(before), rate(after), f"{after / before:.2f} ×"))
    echo(f"calibrated on {quantised.images:,} images of {quantised.calibrated_on}")
    print_table(
        (f"{quantised.samples:,} samples of {quantised.measured_on}", "float32", "int8", "change"),
        rows,
    )
