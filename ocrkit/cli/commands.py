"""What all commands have in common: ``--quiet``, names that are nearly right, and errors that are a line each."""

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from ocrkit.cli.streams import QUIET, prepare_streams, settle_streams, warn
from ocrkit.errors import ConfigError, OcrkitError


def _be_quiet(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.meta[QUIET] = True


_QUIET = click.Option(
    ["-q", "--quiet"],
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_be_quiet,
    help="No information and no progress on standard error: warnings and errors alone.",
)


class Command(click.Command):
    """A command of ocrkit."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params.append(_QUIET)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuses what is left of ``"$IMAGE"`` where the shell has no such variable: a path it would mean this very folder."""
        for arg in args:
            if empty := re.fullmatch(r"(--[a-z-]+=)?", arg):
                raise OcrkitError(f"{empty[0]}'': no such file or value: an argument is empty; is a variable not set?")
        return super().parse_args(ctx, args)


class Group(click.Group):
    """Commands of one subject."""

    command_class = Command
    group_class = type

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from ocrkit.registry import nearest

            ctx.fail(f"No such command {args[0]!r}.{nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


class Program(Group):
    """The outermost group. What a user can cause becomes a line on standard error and exit status 1."""

    def main(self, *args: Any, **extra: Any) -> Any:
        prepare_streams()
        try:
            try:
                return super().main(*args, **extra)
            finally:
                settle_streams()
        except BrokenPipeError:  # as of head, which has seen enough
            sys.exit(1)
        except OcrkitError as error:
            _fail(error)
        except OSError as error:
            _fail(_reason(error))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            _fail(*error.problems)
        except OcrkitError as error:
            _fail(error)
        except KeyboardInterrupt as stop:
            click.echo(err=True)  # ends the line with the terminal's ^C
            _fail(": ".join(["stopped", *stop.args]), status=130)


def _fail(*reasons: object, status: int = 1) -> NoReturn:
    for reason in reasons:
        warn(reason)
    sys.exit(status)


def _reason(error: OSError) -> str:
    """What the operating system refuses, in a line."""
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    try:
        Path.cwd()
    except FileNotFoundError:
        return "the current folder is no longer there; change to another one and try again"
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}:
        # Whoever writes a file names it: ocrkit.files.writing.
        return f"standard output, or a temporary file: cannot be written ({error.strerror})"
    return error.strerror or str(error)


@contextmanager
def resumable(hint: Callable[[], str]) -> Iterator[None]:
    """Whoever stops the block with Ctrl-C reads how to go on, or nothing where the hint is empty."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(*filter(None, [hint()])) from stop
