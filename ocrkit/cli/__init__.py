"""The command line: a thin layer over the Python interface, one module a command, each imported
when it is called."""

import os
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from ocrkit import __version__
from ocrkit.cli.commands import Program
from ocrkit.cli.streams import guests_on_stderr, keep_results_apart, prepare_streams, warn
from ocrkit.errors import PluginError

COMMANDS = {
    "run": "Read images, or score a pipeline on a data set.",
    "score": "Score a result file again.",
    "compare": "Compare two result files: is one run better than the other?",
    "calibrate": "Find the temperature that makes a pipeline's confidences fit.",
    "convert": "Write pages that were read in another format.",
    "train": "Train a pipeline's network.",
    "finetune": "Teach a model your hand: words or lines with their texts.",
    "check": "Check that a pipeline's parts fit together; read no data.",
    "export": "Write a pipeline's network into an ONNX file.",
    "new": "Write files to begin with.",
    "plugins": "The parts that are installed.",
    "zoo": "The trained models that are installed.",
    "data": "Get, check and look at data sets.",
}
"""The command line's own commands, and what each is for; plugins add others."""


def _summaries() -> dict[str, str]:
    """What each command is for, ocrkit's own first."""
    from ocrkit.parts.registry import registry

    with guests_on_stderr():  # plugins are imported here
        try:
            entries = registry().entries("command")
        except PluginError as error:
            warn(error)
            entries = []
    return COMMANDS | {entry.name: entry.summary for entry in entries if entry.name not in COMMANDS}


def _of_plugin(name: str) -> click.Command:
    """A plugin's command, imported. Raises PluginError where that fails, or it is none."""
    from ocrkit.parts.registry import registry

    with guests_on_stderr():
        entry = registry().get("command", name)
        command = entry.load()
    if not isinstance(command, click.Command):
        raise PluginError(
            f"{entry} of plugin {entry.plugin.name!r} is {type(command).__name__}; expected a "
            "click command or group"
        )
    return command


class _Lazy(Program):
    """Knows its commands by name and help, and imports a command's module when the command is
    called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_summaries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            command: click.Command = getattr(import_module(f"ocrkit.cli.{cmd_name}"), cmd_name)
            return command
        return _of_plugin(cmd_name) if cmd_name in _summaries() else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_summaries().items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and summaries, for which nothing is imported, and options."""
        commands = [
            CompletionItem(name, help=summary)
            for name, summary in _summaries().items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ocrkit")
def main() -> None:
    """Read handwriting with pipelines of plugins and trained models."""


def console() -> None:
    """The command ``ocrkit``: :func:`main` in a process of its own.

    NumPy's and OpenCV's OpenBLAS, which nothing here needs, would each start a thread a core, and
    these spin where others have work to do. The threads of PyTorch and MXNet, which are libgomp's,
    wait for each other after every operation, spinning for milliseconds; on a busy machine, where
    the other one has no processor, training then takes ten times as long. They are to spin no
    longer than libgomp lets them where it knows that threads outnumber processors, which of other
    processes it does not.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    prepare_streams()
    keep_results_apart()
    main()
