"""What is to be read, in pieces that actors take one by one. Nobody holds the whole list: of the
files those of one folder are known at a time."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from ocrkit.errors import OcrkitError
from ocrkit.support.parsing import json_text, parse_json
from ocrkit.writing.names import stems
from ocrkit_ray.apart import Apart, Begun, Deadly, ProcessEndedError, Reads
from ocrkit_ray.storage import folders, pages_of

FEWEST, MOST = 4, 64
"""Pages that an actor takes together: few at first, so that a short list is shared out evenly, and
more the longer the list is, since each piece costs Ray some milliseconds."""
_SHARE = 500
"""A piece is no more than this part of what has been listed before it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that is to be read, or a page of one."""

    path: str
    name: str
    """Its path from the folder that is read."""
    stem: str
    """What the names of its pages' files begin with."""
    number: int | None = None
    """The page of a PDF document, from 1; all pages of the file where None."""

    @property
    def id(self) -> str:
        """``scan.pdf#3``."""
        return self.path if self.number is None else f"{self.path}#{self.number}"


def entries(source: str, *, apart: bool) -> Iterator[Entry]:
    """All that is to be read in a folder, the same whenever nothing changes there; with ``apart``
    the pages of PDF documents one by one. Raises OcrkitError."""
    with closing(Apart(_counts)) as counter:
        for files in folders(source):
            for file, stem in zip(files, stems(files), strict=True):
                pdf = apart and file.path.lower().endswith(".pdf")
                for number in _numbers(file.path, counter) if pdf else [None]:
                    yield Entry(file.path, file.name, stem, number)


def _numbers(path: str, counter: Apart) -> list[int | None]:
    """The pages of a document. One at which a process ends is left to who reads it, as a whole."""
    try:
        return list(counter.read(path))
    except ProcessEndedError:
        return [None]


def _counts(_: Begun) -> Reads:
    def numbers(path: str, _: Deadly) -> list[int | None]:
        with pages_of(path) as pages:
            return [page.number for page in pages]

    return numbers


def pieces(source: str, *, apart: bool) -> Iterator[str]:
    """The same in pieces, each the JSON of some entries."""
    found, before = entries(source, apart=apart), 0
    while piece := list(islice(found, min(max(before // _SHARE, FEWEST), MOST))):
        before += len(piece)
        yield json_text([asdict(each) for each in piece])


def listed(batch: dict[str, Any], *, source: str, apart: bool) -> Iterator[dict[str, Any]]:
    """The pieces as Ray Data takes them. What goes wrong is a piece too: the error would be Ray's
    by the time that anybody saw it."""
    assert len(batch["id"]) == 1, "one task lists, so that a list that is made anew is the same"  # noqa: S101
    try:
        for piece in pieces(source, apart=apart):
            yield {"piece": [piece]}
    except OcrkitError as error:
        yield {"piece": [json_text(str(error))]}


def entries_of(piece: str) -> list[Entry]:
    """The entries of a piece. Raises OcrkitError where there is an error in their place."""
    found = parse_json(piece)
    if isinstance(found, str):
        raise OcrkitError(found)
    return [Entry(**each) for each in found]
