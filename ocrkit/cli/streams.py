"""Standard streams as callers hand them over: closed, full, or in an encoding that lacks what has
to be printed."""

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from ocrkit.errors import OcrkitError
from ocrkit.printable import printable
from ocrkit.support.parsing import json_text

if TYPE_CHECKING:
    from rich.progress import Progress

QUIET = "ocrkit.quiet"
"""In the meta of click's context where ``--quiet`` was given."""
_INPUT = "ocrkit.input"
"""There: what standard input held."""


def prepare_streams() -> None:
    """Makes the standard streams hold everything that may be printed.

    Names of files need not be UTF-8: their bytes go out as they came in. Characters that a stream's
    encoding lacks go out as escapes. A stream that is closed is replaced by one that leads nowhere.
    """
    codecs.register_error("ocrkit", _as_bytes_or_escapes)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            # Opened in this order they take the places of the closed ones, and not those of files
            # that are opened later.
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


def keep_results_apart() -> None:
    """Leaves standard output to results for the rest of this process: what plugins and libraries
    write to it by its number, 1, goes to standard error. For Python it is where it was,
    ``sys.stdout``."""
    out = sys.stdout
    if not isinstance(out, io.TextIOWrapper):
        return
    with suppress(OSError):
        raw = open(os.dup(out.fileno()), "wb", buffering=0 if out.write_through else -1)  # noqa: SIM115, PTH123
        os.dup2(sys.stderr.fileno(), out.fileno())
        sys.stdout = io.TextIOWrapper(
            raw,
            out.encoding,
            out.errors,
            line_buffering=out.line_buffering,
            write_through=out.write_through,
        )


_results: TextIO | None = None


def results() -> TextIO:
    """Where results go: standard output, which is not ``sys.stdout`` while a command is at work."""
    return _results or sys.stdout


@contextmanager
def guests_on_stderr() -> Iterator[None]:
    """What plugins print meanwhile goes to standard error, since it would be read as results."""
    global _results
    before, _results, sys.stdout = _results, sys.stdout, sys.stderr
    try:
        yield
    finally:
        _results, sys.stdout = before, _results


@contextmanager
def results_above(bar: "Progress") -> Iterator[None]:
    """Results are printed above the bar meanwhile, where both are on one terminal: a row that knows
    nothing of the bar would begin behind it, and be drawn over."""
    from rich.file_proxy import FileProxy

    global _results  # noqa: PLW0603 (the stream is one of the process)
    before, out = _results, results()
    if not bar.disable and os.path.sameopenfile(out.fileno(), sys.stderr.fileno()):
        _results = cast("TextIO", FileProxy(bar.console, out))
    try:
        yield
    finally:
        _results = before


def settle_streams() -> None:
    """Writes what is buffered. Raises OcrkitError where standard output takes no more, and
    BrokenPipeError."""
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
        # Python writes what is left when it ends: it would fail again there, and say so in its own
        # words.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise


def standard_input() -> bytes:
    """All of standard input, read once a command: what kind of image it is is seen before it is
    read."""
    meta = click.get_current_context().meta
    if _INPUT not in meta:
        meta[_INPUT] = sys.stdin.buffer.read()
    held: bytes = meta[_INPUT]
    return held


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
        # Click would find its own way to the stream, past a progress bar that stands in for it.
        click.echo(f"ocrkit: {printable(str(message))}", file=sys.stderr)


def unless_quiet(bar: "Progress") -> "Progress":
    """A progress bar that ``--quiet`` hides."""
    bar.disable = bar.disable or is_quiet()
    return bar


def echo(text: str = "") -> None:
    """A line on standard output."""
    click.echo(printable(text), file=results())


def echo_lines(text: str) -> None:
    """The lines of a text on standard output."""
    for line in text.splitlines():
        echo(line.expandtabs())


def echo_row(*cells: str) -> None:
    """A line on standard output: the cells with a tab between them."""
    click.echo("\t".join(map(printable, cells)), file=results())


def echo_json(value: Any) -> None:
    """Prints an object with the dataclasses in it as JSON; in ASCII alone where standard output
    cannot hold it."""
    _echo_json(value, indent=2)


def echo_json_line(value: Any) -> None:
    """Prints an object as JSON on one line, at once: whoever reads the stream is not kept
    waiting."""
    _echo_json(value, indent=None)
    results().flush()


def _echo_json(value: Any, indent: int | None) -> None:
    text = json_text(value, indent=indent)
    try:
        text.encode(results().encoding or "utf-8")
    except UnicodeEncodeError:
        text = json_text(value, indent=indent, ascii_only=True)
    click.echo(text, file=results())
