"""Files that appear whole or not at all, that one process at a time writes, and that people have
saved."""

import codecs
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO

from ocrkit.errors import OcrkitError

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PART = re.compile(r"((?:.*/)?)\.(.+)\.[0-9a-f]{12}\.part(?:/.*)?", re.DOTALL)
"""What :func:`temporary_beside` makes, and what is in it: the path is the first two groups
together."""
_PIECE = 1 << 20
"""Bytes of a text that are read at a time."""
_LARGEST = 1 << 30
"""Bytes of a text that is read whole, and of a line."""


@contextmanager
def write_atomically(path: Path, *, folder: bool = False, tidy: bool = True) -> Iterator[Path]:
    """Gives a temporary file, or a new ``folder``, to write to; on success it takes the place of
    ``path``, on an error it vanishes.

    The bytes are on disk before the rename, so that a crash leaves the old file or the new one,
    never half of one. What killed processes left for the same path is removed, unless ``tidy`` is
    False: that looks through the folder, which may have a million files. Where ``path`` is a link,
    what it leads to is written and the link stays. Raises OcrkitError where the system refuses to
    write it (no such folder, no permission, a full disk), and where something is there that is no
    file and would be replaced: a device, a pipe, a socket.
    """
    target = Path(os.path.realpath(path))
    with writing(path, target):
        if target.exists() and not (target.is_file() or target.is_dir()):
            raise OcrkitError(f"{path}: cannot be written: it is no ordinary file")
        with temporary_beside(target, folder=folder, tidy=tidy) as temporary:
            yield temporary
            for file in temporary.rglob("*") if folder else [temporary]:
                if file.is_file():
                    with file.open("rb+") as written:
                        os.fsync(written.fileno())
            temporary.replace(target)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder in the system's temporary one, for this user alone, that is gone when the block
    ends."""
    from tempfile import gettempdir

    with temporary_beside(Path(gettempdir()) / "ocrkit", folder=True, mode=0o700) as folder:
        yield folder


@contextmanager
def temporary_beside(
    path: Path, *, folder: bool = False, mode: int = 0o777, tidy: bool = True
) -> Iterator[Path]:
    """A new file, or folder, that is gone when the block ends; so are, if it is to be ``tidy``,
    those that killed processes left for the same path.

    It is locked while it is in use, and the system frees the locks of a process that dies.
    """
    if tidy:
        remove_left_behind(path.parent, path.name)
    while True:
        temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.part")
        if folder:
            temporary.mkdir(mode)
        descriptor = os.open(
            temporary, os.O_RDONLY if folder else os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666
        )
        lock(descriptor)
        if temporary.exists():  # another process may have found it before it was locked
            break
        os.close(descriptor)
    try:
        yield temporary
    finally:
        _remove(temporary)
        os.close(descriptor)


def remove_left_behind(folder: Path, name: str = "") -> None:
    """Removes what processes that have died had begun to write in a folder: a file of this name, or
    of any.

    Nothing is touched where locks do not say that its writer is gone.
    """
    with suppress(OSError):
        for left in list(folder.iterdir()):
            found = _PART.fullmatch(str(left))
            if found and name in ("", found[2]):
                with suppress(OSError):
                    _remove_if_dead(left)


def _remove_if_dead(left: Path) -> None:
    descriptor = os.open(
        left, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    )
    try:
        if lock(descriptor, unless_known=False):
            _remove(left)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def writing(path: Path, *stand_ins: Path) -> Iterator[None]:
    """Turns the system's refusal to write ``path`` into an OcrkitError that names it, and not what
    stands for it meanwhile: one of the ``stand_ins``, or something temporary beside them. Errors of
    other files stay as they are."""
    try:
        yield
    except OSError as error:
        # os.replace() hands back the very Path that it was given, open() its text.
        if error.filename is not None and _PART.sub(r"\1\2", str(error.filename)) not in map(
            str, (path, *stand_ins)
        ):
            raise
        shown = _PART.sub(r"\1\2", str(path))
        raise OcrkitError(f"{shown}: cannot be written ({error.strerror or error})") from error


@contextmanager
def locked(path: Path, busy: OcrkitError | None = None) -> Iterator[None]:
    """Holds a lock while the block runs; ``path`` is an empty file that stays.

    Where another process holds it, this one waits, or raises ``busy``. The system frees the lock of
    a process that dies. On systems without POSIX's locks nothing is held.
    """
    with path.open("ab") as file:
        if not lock(file, wait=busy is None) and busy:
            raise busy
        yield


def lock(file: IO[Any] | int, *, wait: bool = False, unless_known: bool = True) -> bool:
    """Takes the lock of an open file, or of a folder's descriptor, until it is closed.

    False where another process, or another opening of it, holds the lock. On systems and file
    systems without such locks nothing is held, and the answer is ``unless_known``.
    """
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except (ModuleNotFoundError, OSError):
        return unless_known
    return True


def open_regular(
    path: Path, error: type[OcrkitError] = OcrkitError, expected: str = "a file"
) -> BinaryIO:
    """Opens a file to read its bytes, but no FIFO, which waits for a writer, and no device, which
    may have no end.

    Raises ``error``, whose one line begins with the path and says what was ``expected``.
    """

    def check(mode: int) -> None:
        if stat.S_ISDIR(mode):
            raise error(f"{path}: a folder; expected {expected}")
        if not stat.S_ISREG(mode):
            raise error(f"{path}: a device, a pipe or a socket; expected {expected}")

    try:
        check(path.stat().st_mode)
        with ExitStack() as until_checked:
            # It may have been replaced since: then nothing waits for a writer here.
            flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            file = until_checked.enter_context(os.fdopen(os.open(path, flags), "rb"))
            check(os.fstat(file.fileno()).st_mode)
            until_checked.pop_all()
    except FileNotFoundError:
        raise error(f"{path}: no such file; expected {expected}") from None
    except (OSError, ValueError) as wrong:  # ValueError: a null character in the path
        raise error(f"{path}: {getattr(wrong, 'strerror', None) or wrong}") from None
    return file


def read_bytes(
    path: Path,
    error: type[OcrkitError] = OcrkitError,
    expected: str = "a file",
    *,
    most: int = 8 << 30,
) -> bytes:
    """A file's bytes. Raises as :func:`open_regular`, and where there are more than ``most``."""
    with open_regular(path, error, expected) as file:
        try:
            size = os.fstat(file.fileno()).st_size
            if size <= most:
                return file.read(size + 1)
        except OSError as wrong:
            raise error(f"{path}: {wrong.strerror or wrong}") from None
    raise error(f"{path}: more than {most:,} bytes; expected {expected}")


def read_text(
    path: Path, error: type[OcrkitError] = OcrkitError, expected: str = "text in UTF-8"
) -> str:
    """A text file as a person may have saved it: UTF-8, with a byte-order mark or without, with the
    ends of lines of any system, which become line feeds.

    Raises ``error``, whose one line begins with the path and says what was ``expected``.
    """
    pieces, size = [], 0
    for piece in text_pieces(path, error, expected):
        pieces.append(piece)
        if (size := size + len(piece)) > _LARGEST:
            raise error(f"{path}: more than {_LARGEST:,} characters; expected {expected}")
    return "".join(pieces).replace("\r\n", "\n").replace("\r", "\n")


def text_lines(
    path: Path, error: type[OcrkitError] = OcrkitError, expected: str = "text in UTF-8"
) -> Iterator[str]:
    """The lines of such a file without their line feeds, one by one, however long the file."""
    for piece in text_pieces(path, error, expected):
        yield from piece.removesuffix("\n").split("\n")


def text_pieces(
    path: Path, error: type[OcrkitError] = OcrkitError, expected: str = "text in UTF-8"
) -> Iterator[str]:
    """Such a file in pieces of whole lines, about a megabyte each, with line feeds as they are."""
    line = 1
    with open_regular(path, error, expected) as file:
        try:
            while data := file.read(_PIECE):
                if line == 1:
                    if data.startswith(_UTF_16) or b"\0" in data[:4]:
                        raise error(f"{path}: UTF-16, or no text at all; save it as UTF-8")
                    data = data.removeprefix(codecs.BOM_UTF8)
                data += file.readline(_LARGEST)
                if len(data) > _LARGEST:
                    raise error(
                        f"{path}: a line of more than {_LARGEST:,} bytes; expected {expected}"
                    )
                yield data.decode()
                line += data.count(b"\n")
        except UnicodeDecodeError as wrong:
            line += wrong.object.count(b"\n", 0, wrong.start)
            raise error(f"{path}: not UTF-8 (line {line}); save it as UTF-8") from None
        except OSError as wrong:
            raise error(f"{path}: {wrong.strerror or wrong}") from None


def walk(folder: Path, on_error: Callable[[OSError], None] = lambda _: None) -> Iterator[Path]:
    """Every file of a folder and of the folders below it, by name, a folder's own files first.

    Links to folders are followed, except those that lead back to a folder around them. What begins
    with a dot is passed over. ``on_error`` is told of folders that cannot be listed.
    """
    around = {str(folder): {_identity(folder)}}
    for parent, folders, names in os.walk(folder, onerror=on_error, followlinks=True):
        above, inside = around.pop(parent), {}
        for name in sorted(folders):
            identity = _identity(Path(parent, name))
            if not name.startswith(".") and identity not in above:
                inside[name] = above | {identity}
        folders[:] = inside
        around |= {os.path.join(parent, name): above for name, above in inside.items()}  # noqa: PTH118  (as os.walk does)
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))


def _identity(folder: Path) -> tuple[int, int] | None:
    """The same for a folder and for all links to it; None for one that is gone."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
