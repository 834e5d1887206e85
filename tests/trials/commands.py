"""The command ``ocrkit`` in forked children of a process that has imported all that it needs: a
fault costs no start of Python.

A child can be killed before any of its operations on files or in the midst of a file, or be refused
more bytes, as on a full disk.
"""

import os
import re
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NamedTuple

from ocrkit.cli import console

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_OPERATIONS = {
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.truncate",
    "os.link",
    "os.symlink",
    "os.utime",
    "os.chmod",
}
"""Events of Python's audit that change a folder; ``open`` is one where it is to write."""


PATIENCE = 300
"""Seconds after which a command hangs; SIGALRM ends it."""


class End(NamedTuple):
    """How a command ended."""

    status: int
    """Less than 0 for a signal."""
    said: str
    """All that it wrote to standard output and standard error."""
    operations: int
    """On files under the folder that was watched; 0 where it was killed."""
    peak_mb: float


def run_command(
    words: list[str],
    watched: Path,
    *,
    kill_at: int = 0,
    most_bytes: int | None = None,
    killing: bool = False,
) -> End:
    """Runs a command in a child. It is killed before its operation of that number on files under
    ``watched``, or when a file grows beyond ``most_bytes``; without ``killing`` it is refused then,
    as on a full disk."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        os.close(reading)
        for stream in (1, 2):
            os.dup2(writing, stream)
        sys.stdout, sys.stderr = (
            open(stream, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            for stream in (1, 2)
        )
        try:
            _be(words, watched, kill_at, most_bytes, killing)
        except BaseException:  # noqa: BLE001  (the parent reads it)
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(99)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    _, status, used = os.wait4(pid, 0)
    count = re.search(r"\noperations (\d+)\n$", said)
    return End(
        os.waitstatus_to_exitcode(status),
        said[: count.start()] if count else said,
        int(count[1]) if count else 0,
        used.ru_maxrss / 1024,
    )


def _be(
    words: list[str], watched: Path, kill_at: int, most_bytes: int | None, killing: bool
) -> None:
    count = 0

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event not in _OPERATIONS and not (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES
        ):
            return
        if isinstance(arguments[0], str | bytes | os.PathLike) and str(watched) in os.fsdecode(
            arguments[0]
        ):
            count += 1
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)
    signal.alarm(PATIENCE)
    if most_bytes is not None:
        if killing:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # which ends the process as a kill does
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    sys.argv = ["ocrkit", *words]
    status = 0
    try:
        console()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(1, f"\noperations {count}\n".encode())
    os._exit(status)
