"""``ocrkit new``: files to begin with."""

from pathlib import Path

import click

from ocrkit.cli.commands import Group
from ocrkit.cli.options import OUTPUT
from ocrkit.cli.streams import echo


@click.group(cls=Group)
def new() -> None:
    """Write files to begin with."""


@new.command()
@click.option(
    "--from",
    "source",
    required=True,
    metavar="NAME|FILE.toml",
    help="A zoo model, a pipeline's file or a training run.",
)
@click.option(
    "--to",
    type=OUTPUT,
    metavar="FILE.toml",
    help="The file to write; it must not be there yet. Unless given: my-NAME.toml.",
)
def pipeline(source: str, to: Path | None) -> None:
    """Write a pipeline of your own: a copy of another, comments and all, to edit.

    It reads with the same weights until a change of its network makes them not apply any more; then
    train it.
    """
    from ocrkit.errors import OcrkitError
    from ocrkit.pipelines.file import find_pipeline, load_spec
    from ocrkit.pipelines.relative_paths import absolute_reference, make_absolute
    from ocrkit.pipelines.training_options import Training
    from ocrkit.support.files import read_text, write_atomically
    from ocrkit.support.parsing import parse_toml
    from ocrkit.support.toml_text import changed

    spec, path = load_spec(source), find_pipeline(source)
    if spec.network:
        raise OcrkitError(
            f"{source}: an exported network has no parts to edit; take the pipeline that it came "
            "from"
        )
    to = to or Path(f"my-{spec.name}.toml")
    if to.suffix != ".toml":
        raise OcrkitError(f"{to}: expected a name that ends in .toml")
    if to.exists():
        raise OcrkitError(f"{to}: is there already; name another file with --to")
    text = read_text(path)
    table = {"name": to.stem} | parse_toml(text) | {"name": to.stem}
    if (
        to.resolve().parent != spec.folder
    ):  # what lies beside the source does not lie beside the copy
        make_absolute(table, spec.folder, Training)
        if spec.weights:
            table["weights"] = absolute_reference(spec.weights, spec.folder)
    text = changed(text, table)
    with write_atomically(to) as temporary:
        temporary.write_text(text, encoding="utf-8")
    echo(f"wrote {to}; after editing it: ocrkit check {to}")
