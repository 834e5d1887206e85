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
    "--from", "source", required=True, metavar="NAME|FILE.toml", help="A zoo model, a pipeline's file or a training run."
)
@click.option(
    "--to",
    type=OUTPUT,
    metavar="FILE.toml",
    help="The file to write; it must not be there yet. Unless given: my-NAME.toml.",
)
def pipeline(source: str, to: Path | None) -> None:
    """Write a pipeline of your own: a copy of another, comments and all, to edit.

    It reads with the same weights until a change of its network makes them not apply any more; then train it.
    """
    from ocrkit.config import find_pipeline, load_spec
    from ocrkit.errors import OcrkitError
    from ocrkit.files import read_text, write_atomically

    spec, path = load_spec(source), find_pipeline(source)
    if spec.network:
        raise OcrkitError(f"{source}: an exported network has no parts to edit; take the pipeline that it came from")
    to = to or Path(f"my-{spec.name}.toml")
    if to.suffix != ".toml":
        raise OcrkitError(f"{to}: expected a name that ends in .toml")
    if to.exists():
        raise OcrkitError(f"{to}: is there already; name another file with --to")
    text = read_text(path).replace(f'name = "{spec.name}"', f'name = "{to.stem}"', 1)
    if spec.weights and not spec.weights.startswith("zoo:"):  # beside the source, not beside the copy
        text = text.replace(f'weights = "{spec.weights}"', f'weights = "{(spec.folder / spec.weights).as_posix()}"', 1)
    with write_atomically(to) as temporary:
        temporary.write_text(text, encoding="utf-8")
    echo(f"wrote {to}; after editing it: ocrkit check {to}")
