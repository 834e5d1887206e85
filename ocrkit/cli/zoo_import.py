"""``ocrkit zoo import``: weights that another program has trained."""

from pathlib import Path

import click

from ocrkit.cli.commands import Command
from ocrkit.cli.options import PartOption, pipeline_option, set_option
from ocrkit.cli.streams import say

_PATH = click.Path(path_type=Path)


@click.command("import", cls=Command)
@click.option(
    "--params",
    "source",
    required=True,
    type=_PATH,
    metavar="FILE",
    help="The other program's file, a Gluon network's .params file for one.",
)
@pipeline_option
@click.option("--to", "folder", required=True, type=_PATH, metavar="DIR", help="The new folder.")
@click.option(
    "--licence", default="", metavar="TEXT", help="The weights' licence, for the manifest."
)
@click.option(
    "--importer",
    cls=PartOption,
    part="importer",
    show_default=True,
    metavar="NAME",
    help="The plugin's part that reads the file.",
)
@set_option
def import_(
    *,
    source: Path,
    pipeline: str,
    folder: Path,
    licence: str,
    importer: str,
    settings: tuple[str, ...],
) -> None:
    """Make a folder that ocrkit run reads with, out of weights that another program has trained.

    They must be of the pipeline's network: --set gives it the alphabet and the options that it was
    trained with.
    """
    from ocrkit.pipelines.build import assemble
    from ocrkit.pipelines.file import read_spec
    from ocrkit.publishing.import_weights import import_weights

    assembly = assemble(read_spec(pipeline, settings))
    import_weights(assembly, source, folder, importer=importer, licence=licence)
    say(f"{source} is now {folder}; read with it: ocrkit run --pipeline {folder}")
