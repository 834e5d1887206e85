"""A folder of results: what it was made by, which files it has, and files that appear whole."""

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ocrkit.data.inputs import is_found
from ocrkit.errors import OcrkitError
from ocrkit.parts.formats import make_format
from ocrkit.parts.guests import guest
from ocrkit.parts.page import Page
from ocrkit.parts.page_protocols import Format, Picture
from ocrkit.support.files import read_text, remove_left_behind, write_atomically, writing
from ocrkit.support.parsing import json_text
from ocrkit.writing.names import endings

Existing = Literal["stop", "skip", "overwrite"]
"""What to do where a file is there already."""
RUN = "run.json"
"""The file that says what a folder's results were made by."""
_FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""Why no other file can be written either."""


@dataclass(frozen=True, slots=True)
class PageFormat:
    """A format that pages are written in."""

    name: str
    part: Format
    ending: str


def page_formats(names: Iterable[str]) -> list[PageFormat]:
    """The formats of these names. Raises PluginError where there is none."""
    parts = {name: make_format(name) for name in names}
    of = endings({name: part.ending for name, part in parts.items()})
    return [PageFormat(name, part, of[name]) for name, part in parts.items()]


def check_place(out: str, source: str, formats: Iterable[PageFormat]) -> None:
    """Whether results that lie in the folder that is read would be read themselves by the next run.
    Raises OcrkitError."""
    for each in formats:
        if is_found(each.ending):
            raise OcrkitError(
                f"{out}: lies in {source}, where the next run would read the {each.ending} files; "
                "name a folder elsewhere"
            )


class ResultFolder:
    """A folder that files of results are written into, once it has begun."""

    def __init__(self, root: Path, formats: Iterable[PageFormat], existing: Existing) -> None:
        self.root, self.formats, self.existing = root, tuple(formats), existing

    def begin(self, about: Mapping[str, Any]) -> None:
        """Makes the folder, where it is not there, and removes what killed processes had begun to
        write in it.

        Raises OcrkitError where it cannot be made, and where it holds the results of another run
        than ``about`` says: of another pipeline, or in other formats.
        """
        with writing(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
        for folder, _, _ in os.walk(self.root):
            remove_left_behind(Path(folder))
        path = self.root / RUN
        if not path.exists():
            with write_atomically(path) as temporary:
                temporary.write_text(self.run_text(about), encoding="utf-8")
        elif read_text(path) != self.run_text(about):
            raise another_run(path)

    def run_text(self, about: Mapping[str, Any]) -> str:
        """What the folder's file :data:`RUN` says."""
        about = {**about, "formats": [each.name for each in self.formats]}
        return f"{json_text(about, indent=1)}\n"

    def has(self, name: str) -> bool:
        return (self.root / name).exists()

    def write(
        self, name: str, format_: PageFormat, pages: Iterator[tuple[Page, Picture | None]]
    ) -> None:
        """Writes a file of these pages. Raises OcrkitError where that fails; :func:`is_fatal` says
        whether other files would fail too."""
        path = self.root / name
        with writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        with (
            write_atomically(path, tidy=False) as temporary,
            temporary.open("wb") as file,
            guest("format", format_.name),
        ):
            format_.part.write(pages, file)

    def say_failures(self, failures: Mapping[str, str], shard: str) -> str:
        """Writes the file that names all that failed, and why, or removes it where nothing did.
        Gives its name."""
        name = f"failures{shard}.jsonl"
        path = self.root / name
        if not failures:
            with writing(path):
                path.unlink(missing_ok=True)
            return name
        with write_atomically(path) as temporary:
            rows = ({"id": id_, "error": reason} for id_, reason in failures.items())
            temporary.write_text("".join(f"{json_text(row)}\n" for row in rows), "utf-8")
        return name


def another_run(path: object) -> OcrkitError:
    """What is wrong with a folder whose :data:`RUN` says something else."""
    return OcrkitError(
        f"{path}: the folder has the results of another run (pipeline, weights or formats "
        "differ); name another folder"
    )


def is_fatal(error: OcrkitError) -> bool:
    """Whether a file could not be written for a reason that others have as well: a full disk."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _FATAL
