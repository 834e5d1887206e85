"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Gives a temporary file beside ``path`` to write to; on success it takes ``path``'s place, on an error it vanishes.

    The bytes are on disk before the rename, so that a crash leaves the old file or the new one, never half of one.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.part")
    try:
        temporary.open("xb").close()
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock while the block runs, waiting for other processes that hold it; ``path`` is an empty file that stays.

    The system frees the lock of a process that dies. On systems without POSIX's locks nothing is held.
    """
    try:
        import fcntl
    except ModuleNotFoundError:
        yield
        return
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
