"""Where pages lie and results go: folders of this machine, or object stores and file systems that
pyarrow reaches by an address (s3://, gs://, abfs://, hdfs://)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from pyarrow import fs

from ocrkit.data.inputs import InputFile, InputPage, input_pages, is_found
from ocrkit.errors import DataError, ImageError, OcrkitError
from ocrkit.interfaces import Picture
from ocrkit.parts.page import Page
from ocrkit.support.files import scratch_folder, walk
from ocrkit.writing.folder import RUN, Existing, PageFormat, ResultFolder, another_run

MAX_BYTES = 2_000_000_000
"""The largest file that is fetched."""


def is_address(place: str) -> bool:
    """Whether it is the address of a store, and no path."""
    return "://" in place


@contextmanager
def reaching(place: str) -> Iterator[None]:
    """Turns what a store refuses into an OcrkitError that names the place."""
    try:
        yield
    except (OSError, ValueError, NotImplementedError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise OcrkitError(f"{place}: {reason}") from error


def folders(source: str, wanted: Callable[[str], bool] = is_found) -> Iterator[list[InputFile]]:
    """The files in a folder and below it, those of one folder at a time, whose ending is wanted:
    unless that is given, pictures and PDF documents, as ``ocrkit run`` finds them. Raises
    OcrkitError for what cannot be listed."""
    if is_address(source):
        with reaching(source):
            system, root = fs.FileSystem.from_uri(source)
            yield from _remote_folders(system, root, source.rstrip("/"), "", wanted)
        return
    if not Path(source).is_dir():
        raise DataError(f"{source}: no such folder")
    for _, paths in groupby(walk(Path(source)), key=lambda path: path.parent):
        files = [
            InputFile(str(path), path.relative_to(source).as_posix(), False)
            for path in paths
            if wanted(path.suffix)
        ]
        if files:
            yield files


def _remote_folders(
    system: fs.FileSystem, root: str, address: str, below: str, wanted: Callable[[str], bool]
) -> Iterator[list[InputFile]]:
    listed = system.get_file_info(fs.FileSelector(f"{root}/{below}".rstrip("/")))
    listed = sorted((info for info in listed if not info.base_name.startswith(".")), key=_name)
    files = [
        InputFile(f"{address}/{below}{info.base_name}", f"{below}{info.base_name}", False)
        for info in listed
        if info.type == fs.FileType.File and wanted(f".{info.extension}")
    ]
    if files:
        yield files
    for info in listed:
        if info.type == fs.FileType.Directory:
            inside = f"{below}{info.base_name}/"
            yield from _remote_folders(system, root, address, inside, wanted)


def _name(info: fs.FileInfo) -> str:
    return str(info.base_name)


_NOWHERE = InputPage("")


@dataclass(frozen=True, slots=True)
class FetchedPage(InputPage):
    """A page of a store, with a copy on this machine."""

    copy: InputPage = _NOWHERE

    def picture(self, *, colour: bool = True) -> Picture:
        try:
            found = self.copy.picture(colour=colour)
            return found.read_bytes() if isinstance(found, Path) else found
        except ImageError as error:
            raise ImageError(str(error).replace(self.copy.path, self.path)) from None


@contextmanager
def pages_of(path: str) -> Iterator[list[InputPage]]:
    """The pages of a file; what is fetched for them is gone when the block ends. One that cannot be
    opened is a page with its ``error``."""
    if not is_address(path):
        yield input_pages(path)
        return
    with scratch_folder() as scratch:
        copy = scratch / PurePosixPath(path).name
        try:
            _fetch(path, copy)
        except OcrkitError as error:
            yield [InputPage(path, error=str(error))]
            return
        yield [
            FetchedPage(
                path,
                page.number,
                page.place,
                page.inches,
                page.error.replace(page.path, path),
                copy=page,
            )
            for page in input_pages(str(copy))
        ]


def _fetch(address: str, copy: Path) -> None:
    with reaching(address):
        system, path = fs.FileSystem.from_uri(address)
        if (size := system.get_file_info(path).size or 0) > MAX_BYTES:
            raise DataError(f"{address}: {size:,} bytes; expected {MAX_BYTES:,} at most")
        with system.open_input_stream(path) as remote, copy.open("wb") as file:
            while piece := remote.read(1 << 20):
                file.write(piece)


class RemoteFolder(ResultFolder):
    """A folder of results in a store. Files are made in a folder of this machine and sent whole:
    stores show nothing of a file before its end."""

    def __init__(
        self, address: str, formats: list[PageFormat], existing: Existing, scratch: Path
    ) -> None:
        super().__init__(scratch, formats, existing)
        self._address = address.rstrip("/")
        with reaching(address):
            self._system, path = fs.FileSystem.from_uri(address)
        self._path = path.rstrip("/")

    def begin(self, about: Mapping[str, Any]) -> None:
        if not self.has(RUN):
            (self.root / RUN).write_text(self.run_text(about), "utf-8")
            self._send(RUN)
            return
        with reaching(self._address), self._system.open_input_stream(self._at(RUN)) as file:
            said = file.read()
        if said != self.run_text(about).encode():
            raise another_run(f"{self._address}/{RUN}")

    def has(self, name: str) -> bool:
        with reaching(f"{self._address}/{name}"):
            return bool(self._system.get_file_info(self._at(name)).type == fs.FileType.File)

    def write(
        self, name: str, format_: PageFormat, pages: Iterator[tuple[Page, Picture | None]]
    ) -> None:
        super().write(name, format_, pages)
        self._send(name)

    def say_failures(self, failures: Mapping[str, str], shard: str) -> str:
        name = super().say_failures(failures, shard)
        if failures:
            self._send(name)
        elif self.has(name):
            with reaching(f"{self._address}/{name}"):
                self._system.delete_file(self._at(name))
        return name

    def _send(self, name: str) -> None:
        made = self.root / name
        if self._system.type_name == "local":  # stores have no folders
            self._system.create_dir(self._at(name).rpartition("/")[0])
        with (
            reaching(f"{self._address}/{name}"),
            self._system.open_output_stream(self._at(name)) as remote,
        ):
            remote.write(made.read_bytes())
        made.unlink()

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"


def is_inside(out: str, source: str) -> bool:
    """Whether one of two places lies in the other."""
    if is_address(source) != is_address(out):
        return False
    if is_address(source):
        return PurePosixPath(out).is_relative_to(source)
    return Path(out).resolve().is_relative_to(Path(source).resolve())


@contextmanager
def results(out: str, formats: list[PageFormat], existing: Existing) -> Iterator[ResultFolder]:
    """The folder of results at a path or an address."""
    if not is_address(out):
        yield ResultFolder(Path(out), formats, existing)
        return
    with scratch_folder() as scratch:
        yield RemoteFolder(out, formats, existing, scratch)
