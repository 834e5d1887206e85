"""Whether a command of a plugin fits into ocrkit's command line."""

from collections.abc import Iterator

import click
from click.testing import CliRunner

from ocrkit.errors import OcrkitError
from ocrkit.testing.base import Conformance, skipped_where_missing


class CommandConformance(Conformance):
    """Checks of a command."""

    kind = "command"

    def command(self) -> click.Command:
        with self.works("to be imported", OcrkitError), skipped_where_missing(self.entry):
            command = self.entry.load()
        self.check(
            isinstance(command, click.Command),
            f"is {type(command).__name__}; expected a click command or group",
        )
        return command  # type: ignore[no-any-return]  # it is one, as was just checked

    def test_it_says_what_it_is_for(self) -> None:
        """A summary of one line for ``ocrkit --help``."""
        self.check(
            len(self.entry.summary.strip().splitlines()) == 1,
            "has no summary of one line; give register() one",
        )

    def test_it_has_help(self) -> None:
        """The command, and every command in a group: ``--help`` says what it does, and its
        options."""
        for names, command in _commands(self.command(), (self.name,)):
            self.where = " ".join(names[1:])
            self.check(command.help, "has no help; write a docstring")
            shown = CliRunner().invoke(command, ["--help"], prog_name=" ".join(names))
            self.check(
                shown.exit_code == 0,
                f"has no --help (exit status {shown.exit_code}): {shown.output.strip()}",
            )
            for each in command.params:
                undocumented = isinstance(each, click.Option) and not each.help
                self.check(not undocumented, f"does not say what its option {each.name} means")


def _commands(
    command: click.Command, names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The command, and all in it if it is a group, each with the names that lead to it."""
    yield names, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if (below := command.get_command(context, name)) is not None:
                yield from _commands(below, (*names, name))
