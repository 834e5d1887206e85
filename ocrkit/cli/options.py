"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import click

from ocrkit.cli.streams import guests_on_stderr
from ocrkit.errors import OcrkitError, PluginError

_READER = "ocrkit.reader"
"""In the meta of click's context where ``--reader`` was given."""


class OutputFile(click.Path):
    """A file to write. That it cannot be written is said before the work, not after it."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if str(value) == "-":
            self.fail(
                "'-' is no file; standard output has what --format or --json say.", param, ctx
            )
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        folder = path.parent
        if path.is_symlink():  # what it leads to is written
            folder = Path(os.path.realpath(path)).parent
        if not folder.is_dir():
            raise OcrkitError(f"{path}: cannot be written: there is no folder {folder}")
        if path.exists() and not path.is_file():  # as root a device would be replaced by a file
            raise OcrkitError(f"{path}: cannot be written: it is no ordinary file")
        try:
            TemporaryFile(dir=folder).close()
        except OSError as error:
            raise OcrkitError(f"{path}: cannot be written ({error.strerror})") from error
        return path


OUTPUT = OutputFile()


class PartOption(click.Option):
    """Names a part of the kind ``part``; unless given, the one that is registered as the
    default."""

    def __init__(self, *arguments: Any, part: str, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.part = part

    def get_default(self, ctx: click.Context, call: bool = True) -> str | None:
        from ocrkit.parts.registry import registry

        try:
            with guests_on_stderr():  # plugins are imported here
                return registry().default(self.part)
        except PluginError:
            if call:
                raise
            return None  # it is asked for the help, which is to come all the same


pipeline_option = click.option(
    "--pipeline",
    cls=PartOption,
    part="zoo",
    show_default=True,
    metavar="NAME|FILE.toml",
    help="A zoo model, a pipeline's file or a training run.",
)
data_option = click.option(
    "--data",
    type=click.Path(),
    metavar="ROOT",
    help="The data set's folder; else OCRKIT_<READER> (OCRKIT_IAM), else the shipped sample.",
)
split_option = click.option(
    "--split", metavar="NAME", help="The reader's split; else the pipeline's."
)
backend_option = click.option(
    "--backend",
    metavar="NAME",
    help="The framework that runs the network; else the pipeline's first that is installed.",
)
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="auto: the GPU where there is one.",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(0),
    metavar="N",
    default=0,
    help="Threads for reading and for the network; 0: one a core.",
)
limit_option = click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="Only the first N samples."
)


def _keep_reader(context: click.Context, _: click.Parameter, name: str | None) -> None:
    if name is not None:
        context.meta[_READER] = name


def given_reader(context: click.Context) -> str | None:
    """What ``--reader`` names."""
    name: str | None = context.meta.get(_READER)
    return name


def _with_reader(
    context: click.Context, _: click.Parameter, settings: tuple[str, ...]
) -> tuple[str, ...]:
    name = given_reader(context)
    return settings if name is None else (f"reader.use={name}", *settings)


reader_option = click.option(
    "--reader",
    metavar="NAME",
    expose_value=False,
    is_eager=True,
    callback=_keep_reader,
    help="How the data set is read, folder for example; else as the pipeline says.",
)
"""Becomes the first of the settings that ``set_option`` gives."""
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    callback=_with_reader,
    metavar="A.B=C",
    help=(
        "Change a value of the pipeline; may be repeated. A.B+=C adds to it. PART.use=X replaces "
        "a part whole."
    ),
)


_lowercase_option = click.option(
    "--lowercase", is_flag=True, help="Compare texts in small letters."
)
_unicode_option = click.option(
    "--unicode",
    type=click.Choice(["NFC", "NFKC"]),
    help="Compare texts in this normalisation form of Unicode.",
)
_skip_punctuation_option = click.option(
    "--skip-punctuation", is_flag=True, help="Leave out samples whose truth is punctuation only."
)
min_confidence_option = click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    metavar="P",
    help="Mark what is read with less confidence as doubtful.",
)


def together(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """One decorator out of several, which show in the help in this order."""

    def decorate(command: Any) -> Any:
        for each in reversed(options):
            command = each(command)
        return command

    return decorate


rules_options = together(_lowercase_option, _unicode_option, _skip_punctuation_option)
"""How texts are compared: the fields of :class:`ocrkit.scoring.rules.Rules`."""
