"""Standard streams as callers hand them over: closed, full, or in an encoding that lacks what has to be printed."""

import codecs
import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from ocrkit.errors import OcrkitError
from ocrkit.reports.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress

QUIET = "ocrkit.quiet"
"""In the meta of click's context where ``--quiet`` was given."""


def prepare_streams() -> None:
    """Makes the standard streams hold everything that may be printed.

    Names of files need not be UTF-8: their bytes go out as they came in. Characters that a stream's encoding lacks go out as
    escapes. A stream that is closed is replaced by one that leads nowhere.
    """
    codecs.register_error("ocrkit", _as_bytes_or_escapes)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            # Opened in this order they take the places of the closed ones, and not those of files that are opened later.
            setattr(sys, name, Path(os.devnull).open("r" if name == "stdin" else "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="ocrkit")


def _as_bytes_or_escapes(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter = error.object[error.start]
    if "\udc80" <= letter <= "\udcff":
        return bytes([ord(letter) - 0xDC00]), error.start + 1
    return letter.encode("ascii", "backslashreplace").decode(), error.start + 1


def settle_streams() -> None:
    """Writes what is buffered. Raises OcrkitError where standard output takes no more, and BrokenPipeError."""
    with suppress(OSError):
        _flush(sys.stderr)
    try:
        _flush(sys.stdout)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OcrkitError(f"standard output: cannot be written ({error.strerror})") from error


def _flush(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        # Python writes what is left when it ends: it would fail again there, and say so in its own words.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise


def is_quiet() -> bool:
    """Whether the command was given ``--quiet``."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(QUIET))


def say(message: object) -> None:
    """A line of information on standard error, which ``--quiet`` hides."""
    if not is_quiet():
        warn(message)


def warn(message: object) -> None:
    """A line on standard error that is always there: a warning, or what was left out and why."""
    with suppress(OSError):  # where nobody listens, the work goes on
        click.echo(f"ocrkit: {printable(str(message))}", err=True)


def unless_quiet(bar: "Progress") -> "Progress":
    """A progress bar that ``--quiet`` hides."""
    bar.disable = bar.disable or is_quiet()
    return bar


def echo(text: str) -> None:
    """A line on standard output."""
    click.echo(printable(text))


def echo_lines(text: str) -> None:
    """The lines of a text on standard output."""
    for line in text.splitlines():
        echo(line.expandtabs())


def echo_row(*cells: str) -> None:
    """A line on standard output: the cells with a tab between them."""
    click.echo("\t".join(map(printable, cells)))


def echo_json(value: Any) -> None:
    """Prints an object with the dataclasses in it as JSON; in ASCII alone where standard output cannot hold it."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=asdict)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2, default=asdict)
    click.echo(text)
