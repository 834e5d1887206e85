"""The names of the files that pages are written into: their inputs', with other endings. None leads
out of the folder, and no two are the same, on file systems that take ``A`` for ``a`` neither."""

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
    documents = {_key(_bare(file.name)) for file in files if _is_document(file.name)}
    groups = [_group(_bare(file.name), documents) for file in files]
    counts = Counter(groups)
    found = [
        file.name if counts[group] > 1 or _RESERVED.fullmatch(group) else _bare(file.name)
        for file, group in zip(files, groups, strict=True)
    ]
    while clashing := _clashing(found):
        whole = [place for place in clashing if found[place] != files[place].name]
        if not whole:
            first, second = (files[place].path for place in clashing[:2])
            raise DataError(
                f"{first} and {second}: both would be written as {found[clashing[0]]}; name the "
                "folder that both are in"
            )
        for place in whole:
            found[place] = files[place].name
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


def _is_document(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in DOCUMENTS


def _group(bare: str, documents: set[str]) -> str:
    """The same for all that clash with each other."""
    key = _key(bare)
    found = _NUMBERED.fullmatch(key)
    return found[1] if found and found[1] in documents else key


def _key(name: str) -> str:
    """A name without what differs between file systems: case, and the form of accents."""
    return unicodedata.normalize("NFC", name).casefold()


def _clashing(names: Sequence[str]) -> list[int]:
    """The places of the first name that is there several times."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(_key(name), []).append(place)
    return next((each for each in places.values() if len(each) > 1), [])
