"""Texts of images: a table's rows, and the names of files that hold one text."""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from ocrkit import Skipped

TABLE = "labels.tsv"
GROUND_TRUTH = ".gt.txt"
_VERSIONS = (".bin", ".nrm", ".dew", ".raw")
"""What other programs put before the ending of a line's image that they have worked on; its text
has the line's name."""


class Label(NamedTuple):
    """What is known of an image."""

    text: str | None
    writer: str | None


def parse_labels(
    table: str, name: str = TABLE, actual: Callable[[str], str] = lambda path: path
) -> tuple[dict[str, Label], list[Skipped]]:
    """Labels by path, and the rows that make no sense, by line number.

    A row is ``path<TAB>text`` or ``path<TAB>text<TAB>writer``; blank lines do not count. Nothing is
    quoted, and there are no comments: any character but a tab or a line's end may be in a text,
    which may be empty. Spaces around a text are dropped. ``actual`` gives the path of the file that
    a path in the table stands for.

    >>> labels, malformed = parse_labels("a.png\\tHouse\\tErna\\nb.png")
    >>> labels
    {'a.png': Label(text='House', writer='Erna')}
    >>> malformed[0].id
    'labels.tsv:2'
    """
    labels: dict[str, Label] = {}
    malformed: list[Skipped] = []
    for number, line in enumerate(table.split("\n"), start=1):
        if not line.strip():
            continue
        written, *rest = line.split("\t")
        path = actual(written)
        key = PurePosixPath(path)
        if len(rest) not in (1, 2):
            reason = (
                f"{1 + len(rest)} columns; expected path, text and perhaps writer, with a tab "
                "between them"
            )
        elif not path or not stays_inside(key):
            reason = f"path {path!r}; expected a file in this folder or below"
        elif key.as_posix() in labels:
            reason = f"second row of {path}"
        else:
            labels[key.as_posix()] = Label(
                rest[0].strip(), rest[1].strip() or None if len(rest) == 2 else None
            )
            continue
        malformed.append(Skipped(f"{name}:{number}", reason))
    return labels, malformed


def stays_inside(path: PurePosixPath) -> bool:
    """Whether a path leads nowhere but into the folder that it begins at, on any system."""
    return (
        not path.is_absolute()
        and ".." not in path.parts
        and not re.match("[A-Za-z]:", path.as_posix())
    )


def ground_truths(image: str) -> Iterator[str]:
    """The names that the file with an image's text may have: ``w1.bin.gt.txt``, then ``w1.gt.txt``,
    for ``w1.bin.png``.

    >>> list(ground_truths("page/w1.bin.png"))
    ['page/w1.bin.gt.txt', 'page/w1.gt.txt']
    """
    path = PurePosixPath(image)
    yield path.with_suffix(GROUND_TRUTH).as_posix()
    if PurePosixPath(path.stem).suffix in _VERSIONS:
        yield path.with_suffix("").with_suffix(GROUND_TRUTH).as_posix()


def is_quoted(text: str) -> bool:
    """Whether a text looks as if a program had quoted it."""
    return len(text) > 1 and text.startswith('"') and text.endswith('"')
