"""``ocrkit check``"""

import click

from ocrkit.cli.options import backend_option, set_option, together


@click.command()
@click.argument("pipeline")
@together(backend_option, set_option)
def check(pipeline: str, backend: str | None, settings: tuple[str, ...]) -> None:
    """Check that the parts of PIPELINE fit together, and say what goes in and out of each; read no data.

    PIPELINE is a zoo model, a pipeline's file or a training run.
    """
    from dataclasses import astuple

    from ocrkit.cli.tables import print_table
    from ocrkit.config import load_spec
    from ocrkit.pipeline import assemble, fitting_weights, seams

    assembly = assemble(load_spec(pipeline, settings), backend=backend)
    click.echo(f"{assembly.spec.name} on {assembly.backend_name}")
    rows = seams(assembly)
    print_table(
        ("part", "name", "plugin", "in", "out", "parameters"),
        [(*astuple(seam)[:-1], f"{seam.parameters:,}" if seam.parameters else "") for seam in rows],
        right=("parameters",),
    )
    stride, steps = assembly.featurizer.stride, assembly.plan.sequence.steps
    click.echo(
        f"{sum(seam.parameters for seam in rows):,} parameters; {assembly.alphabet.classes} classes; {stride} pixels a step"
    )
    if steps is not None:
        click.echo(f"longest label that fits: {steps} characters, less one for every two equal neighbours")
    weights = fitting_weights(assembly)
    click.echo(f"weights: {weights.reference}" if weights.arrays is not None else f"untrained: {weights.reason}")
