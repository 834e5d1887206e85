"""Recorded pen strokes of lines of writing, as two layouts hold them.

IAM-OnDB's own, as its archives extract (Liwicki & Bunke, "IAM-OnDB", ICDAR 2005)::

    ROOT/lineStrokes/a01/a01-000/a01-000u-01.xml    the strokes of a line; lines count from 1
    ROOT/ascii/a01/a01-000/a01-000u.txt             texts of the form's lines, behind ``CSR:``
    ROOT/original/a01/a01-000/strokesu.xml          the form's writer; may be missing

and ``ROOT/lines.jsonl.gz``, a JSON object a line: ``id`` and ``text`` of a line and its
``strokes``, each a flat list of whole numbers: x, y of its first point, then dx, dy of every
further one. Writers are not known there.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

import numpy as np
import numpy.typing as npt

from ocrkit import DataError, Skipped
from ocrkit.support.files import open_regular, read_bytes
from ocrkit.support.parsing import parse_json

Stroke = npt.NDArray[np.float32]
"""The points of a stroke, (P, 2): x to the right, y down."""

TABLE = "lines.jsonl.gz"
_LONGEST = 64 << 20
"""Bytes of a row of the table, or of one of IAM-OnDB's files; they have some 100,000."""


class Line(NamedTuple):
    """A line of writing."""

    id: str
    text: str
    strokes: list[Stroke]


def read_lines(root: Path, skipped: list[Skipped]) -> Iterator[Line]:
    """The lines under a folder, of either layout; what cannot be read is added to ``skipped``.
    Raises DataError for a table that is damaged."""
    table = root / TABLE
    return _read_table(table, skipped) if table.is_file() else _read_folder(root, skipped)


def parse_line(row: str | bytes) -> Line:
    """A row of ``lines.jsonl.gz``. Raises ValueError where it is none.

    >>> line = parse_line('{"id": "a01-000u-01", "text": "l", "strokes": [[5, 10, 0, 40]]}')
    >>> line.strokes[0].tolist()
    [[5.0, 10.0], [5.0, 50.0]]
    """
    match parse_json(row):
        case {"id": str(line_id), "text": str(text), "strokes": list(lists)}:
            pass
        case _:
            raise ValueError("expected an object with id, text and strokes")
    strokes = []
    for numbers in lists:
        array = np.array(numbers)
        if array.dtype.kind != "i" or array.ndim != 1 or len(array) % 2:
            raise ValueError("expected strokes as lists of pairs of whole numbers")
        strokes.append(array.reshape(-1, 2).cumsum(0).astype(np.float32))
    return Line(line_id, text, _checked(strokes))


def parse_xml(data: bytes) -> list[Stroke]:
    """The strokes of a ``WhiteboardCaptureSession``. Raises ValueError for broken XML, and for a
    DOCTYPE: there is none."""
    strokes: list[list[tuple[float, float]]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Stroke":
            strokes.append([])
        elif tag == "Point" and strokes:
            x, y = attributes.get("x", "nan"), attributes.get("y", "nan")
            strokes[-1].append((float(x), float(y)))

    def refuse(*_: object) -> None:
        raise ValueError("it has a DOCTYPE")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError) as error:  # LookupError: an encoding that Python lacks
        raise ValueError(f"broken XML ({error})") from None
    return _checked([np.array(points, np.float32).reshape(-1, 2) for points in strokes])


def _checked(strokes: list[Stroke]) -> list[Stroke]:
    strokes = [stroke for stroke in strokes if len(stroke)]
    if not all((np.abs(stroke) < 1e6).all() for stroke in strokes):  # NaN is not
        raise ValueError("expected coordinates, below a million")
    return strokes


def parse_texts(text: str) -> list[str]:
    """The texts of a form's lines: what stands behind ``CSR:``.

    >>> parse_texts("OCR:\\nA h0use\\nCSR:\\nA house\\n")
    ['A house']
    """
    return [line.strip() for line in text.partition("CSR:")[2].splitlines() if line.strip()]


def _read_table(path: Path, skipped: list[Skipped]) -> Iterator[Line]:
    try:
        with open_regular(path, DataError, "lines of strokes") as packed, gzip.open(packed) as file:
            for number, row in enumerate(iter(partial(file.readline, _LONGEST + 1), b""), start=1):
                if len(row) > _LONGEST:
                    raise DataError(f"{path}: row {number} has more than {_LONGEST:,} bytes")
                try:
                    yield parse_line(row)
                except (ValueError, OverflowError) as error:
                    skipped.append(Skipped(f"{path.name}:{number}", str(error)))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None


def _read_folder(root: Path, skipped: list[Skipped]) -> Iterator[Line]:
    for file in sorted(root.glob("ascii/*/*/*.txt")):
        folder = root / "lineStrokes" / file.parent.relative_to(root / "ascii")
        try:
            data = read_bytes(file, DataError, most=_LONGEST)
            texts = parse_texts(data.decode("utf-8-sig", "replace"))
        except DataError as error:
            skipped.append(Skipped(file.name, str(error).removeprefix(f"{file}: ")))
            continue
        for number, text in enumerate(texts, start=1):
            line_id = f"{file.stem}-{number:02}"
            path = folder / f"{line_id}.xml"
            try:
                data = read_bytes(path, DataError, "strokes", most=_LONGEST)
                yield Line(line_id, text, parse_xml(data))
            except DataError as error:
                skipped.append(Skipped(line_id, str(error).removeprefix(f"{path}: ")))
            except ValueError as error:
                skipped.append(Skipped(line_id, str(error)))


def writer_of(root: Path, form: str) -> str | None:
    """What the recording says of a form's writer, in its first few kilobytes."""
    path = root / "original" / form[:3] / form[:7] / f"strokes{form[7:]}.xml"
    try:
        with open_regular(path, DataError) as file:
            found = re.search(rb'\bwriterID="(\w+)"', file.read(8192))
    except (DataError, OSError):
        return None
    return found[1].decode() if found else None
