"""What all commands have in common: ``--quiet``, names that are nearly right, and errors that are a
line each."""

import errno
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from ocrkit.cli.streams import QUIET, guests_on_stderr, prepare_streams, settle_streams, warn
from ocrkit.errors import ConfigError, OcrkitError, Stopped
from ocrkit.printable import printable


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

    def invoke(self, ctx: click.Context) -> Any:
        with guests_on_stderr():
            return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuses what is left of ``"$IMAGE"`` where the shell has no such variable: a path it
        would mean this very folder."""
        for arg in args:
            if empty := re.fullmatch(r"(--[a-z-]+=)?", arg):
                raise OcrkitError(
                    f"{empty[0]}'': no such file or value: an argument is empty; is a variable not "
                    "set?"
                )
        return super().parse_args(ctx, args)


class Group(click.Group):
    """Commands of one subject."""

    command_class = Command
    group_class = type

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from ocrkit.parts.registry import nearest

            ctx.fail(f"No such command {args[0]!r}.{nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


class Program(Group):
    """The outermost group. What a user can cause becomes a line on standard error and exit status
    1."""

    def main(self, *args: Any, **extra: Any) -> Any:
        prepare_streams()
        try:
            try:
                with _signals_as_exceptions():
                    return super().main(*args, **extra)
            finally:
                settle_streams()
        except BrokenPipeError:  # as of head, which has seen enough
            sys.exit(1)
        except OcrkitError as error:
            _fail(error)
        except OSError as error:
            _fail(_reason(error))

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with _shown_as_printable():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _shown_as_printable():
                return super().invoke(ctx)
        except ConfigError as error:
            _fail(*error.problems)
        except OcrkitError as error:
            _fail(error)
        except KeyboardInterrupt as stop:
            click.echo(err=True)  # ends the line with the terminal's ^C
            _fail(": ".join(["stopped", *map(str, stop.args)]), status=getattr(stop, "status", 130))
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except BaseException as error:  # also an exit that is a plugin's, not the command's
            if (plugin := _plugin_at_work(error)) is None:
                raise
            from ocrkit.parts.guests import failure

            _fail(failure(f"plugin {plugin!r}", error))


def _plugin_at_work(error: BaseException) -> str | None:
    """The plugin of others in whose code an error was raised. One in ocrkit's own is to be
    reported, traceback and all."""
    from ocrkit.parts.guests import place

    found = place(error)
    return found[0].name if found and found[0].distribution != "ocrkit" else None


@contextmanager
def _shown_as_printable() -> Iterator[None]:
    """What was wrong with the command line is told with names of files in it, in which there may be
    anything."""
    try:
        yield
    except click.ClickException as error:
        vars(error)["message"] = printable(error.message or "")
        raise


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """What asks the process to end ends it as Ctrl-C does, so that what is half done is put
    away."""
    ours = threading.current_thread() is threading.main_thread()
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if ours and hasattr(signal, name)]
    before = {
        number: signal.getsignal(number) for number in (signal.Signals[name] for name in names)
    }
    before = {
        number: known
        for number, known in before.items()
        if known in (signal.SIG_DFL, signal.default_int_handler)
    }
    for number in before:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, known in before.items():
            signal.signal(number, known)


def _stop(number: int, _: object) -> NoReturn:
    raise Stopped(number)


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
        # Whoever writes a file names it: ocrkit.support.files.writing.
        return f"standard output, or a temporary file: cannot be written ({error.strerror})"
    return error.strerror or str(error)


@contextmanager
def resumable(hint: Callable[[], str]) -> Iterator[None]:
    """Whoever stops the block with Ctrl-C reads how to go on, or nothing where the hint is
    empty."""
    try:
        yield
    except KeyboardInterrupt as stop:
        stop.args = tuple(filter(None, [hint()]))
        raise
