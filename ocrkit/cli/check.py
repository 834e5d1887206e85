"""``ocrkit check``"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ocrkit.cli.commands import Command
from ocrkit.cli.options import backend_option, reader_option, set_option, together
from ocrkit.cli.streams import echo

if TYPE_CHECKING:
    from ocrkit.pipelines.assembly import Surroundings
    from ocrkit.pipelines.opened import Parts
    from ocrkit.pipelines.stages import Stage


@click.command(cls=Command)
@click.argument("pipeline")
@together(reader_option, backend_option, set_option)
def check(pipeline: str, backend: str | None, settings: tuple[str, ...]) -> None:
    """Check that the parts of PIPELINE fit together, and say what goes in and out of each; read no
    data.

    PIPELINE is a zoo model, a pipeline's file or a training run. The stride is in pixels a step.
    The longest label that fits is in characters; two equal neighbours in it take a step more.
    """
    from ocrkit.pipelines.file import read_recipe
    from ocrkit.pipelines.opened import make_parts
    from ocrkit.pipelines.page_build import assemble_pages
    from ocrkit.pipelines.page_spec import PageSpec

    spec = read_recipe(pipeline, settings)
    if not isinstance(spec, PageSpec):
        _check(make_parts(spec, backend))
        return
    assembly = assemble_pages(spec, backend)
    echo(f"{spec.title}: finds lines, reads them, and puts them in order by {spec.order.use}")
    for parts in (assembly.segment, assembly.text):
        echo("")
        _check(parts)


def _check(parts: Parts) -> None:
    """Shows the stages of a pipeline, and what its weights are."""
    from ocrkit.networks.network_file import network_files
    from ocrkit.pipelines.assembly import Assembly
    from ocrkit.pipelines.stages import stages_of, stages_of_exported, stages_without_network
    from ocrkit.pipelines.trained import fitting_weights

    around, exported = parts.around, parts.exported
    if exported:
        path = around.spec.folder / around.spec.network
        network_files(path).open(path, around.objective.outputs, device="cpu", threads=1)
        _show(around, stages_of_exported(around, exported))
        echo(f"weights: {parts.called or exported.weights}, exported in {exported.precision}")
    elif isinstance(around, Assembly):
        _show(around, stages_of(around))
        weights = fitting_weights(around)
        echo(
            f"weights: {weights.reference}"
            if weights.arrays is not None
            else f"untrained: {weights.reason}"
        )
    else:
        _show(around, stages_without_network(around))


def _show(around: Surroundings, rows: list[Stage]) -> None:
    from ocrkit.cli.tables import print_table

    on = f" on {around.backend_name}" if around.backend_name else ""
    echo(f"{around.spec.title}{on}")
    numbers = ("stride", "longest label", "parameters")
    print_table(
        ("part", "name", "plugin", "in", "out", *numbers),
        [
            (
                each.part,
                each.use,
                each.owner,
                each.input,
                each.output,
                str(each.stride or ""),
                each.longest_label,
                f"{each.parameters:,}" if each.parameters else "",
            )
            for each in rows
        ],
        right=numbers,
    )
    classes = f"; {around.alphabet.classes} classes" if around.alphabet else ""
    echo(f"{sum(each.parameters for each in rows):,} parameters{classes}")
