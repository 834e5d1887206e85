"""The names of the files that pages are written into: their inputs', with other endings. None leads
out of the folder, and no two are the same; on a file system that takes ``A`` for ``a`` neither,
unless the inputs differ in nothing else."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from ocrkit.data.inputs import DOCUMENTS, InputFile
from ocrkit.errors import DataError

_NUMBERED = re.compile(r"(.+)-\d{4,}", re.DOTALL)
_RESERVED = re.compile(r"run|failures.*")
"""The folder's own files, without their endings."""


def stems(files: Sequence[InputFile]) -> list[str]:
    """What the names of every file's pages begin with: its path without the ending or, where that
    is another one's too, with it.

    The pages of a document have numbers, so that ``scan.pdf`` and ``scan-0003.png`` clash as well.
    Raises DataError for files that lie in different folders under the same name.
    """
    found = [_bare(file.name) for file in files]
    while short := [at for at in _clashing(files, found) if found[at] != files[at].name]:
        for at in short:
            found[at] = files[at].name
    first: dict[str, str] = {}
    for file, stem in zip(files, found, strict=True):
        if stem in first:
            raise DataError(
                f"{first[stem]} and {file.path}: both would be written as {stem}; name the folder "
                "that both are in"
            )
        first[stem] = file.path
    return found


def endings(formats: Mapping[str, str]) -> dict[str, str]:
    """The ending of every format's files, by its name: the format's own or, where two of them have
    the same, the format's name and that: ``.alto.xml``."""
    counts = Counter(formats.values())
    return {
        name: f".{name}{ending}" if counts[ending] > 1 else ending
        for name, ending in formats.items()
    }


def numbered(stem: str, number: int | None) -> str:
    """``scan-0003`` for page 3 of a document."""
    return stem if number is None else f"{stem}-{number:04}"


def _bare(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _clashing(files: Sequence[InputFile], found: Sequence[str]) -> list[int]:
    """The places of what is there several times, of documents with a page that is, and of names
    that are the folder's own."""
    keys = [_key(name) for name in found]
    documents = {
        key
        for key, file in zip(keys, files, strict=True)
        if PurePosixPath(file.name).suffix.lower() in DOCUMENTS
    }
    groups = [match[1] if (match := _NUMBERED.fullmatch(key)) else key for key in keys]
    groups = [group if group in documents else key for group, key in zip(groups, keys, strict=True)]
    counts = Counter(groups)
    return [
        place
        for place, group in enumerate(groups)
        if counts[group] > 1 or _RESERVED.fullmatch(group)
    ]


def _key(name: str) -> str:
    """A name without what differs between file systems: case, and the form of accents."""
    return unicodedata.normalize("NFC", name).casefold()
