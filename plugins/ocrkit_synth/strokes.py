"""Recorded pen strokes, cut into words and drawn anew: the words of IAM-OnDB as if they had been
written on paper.

Two layouts are read. IAM-OnDB's own, as its archives extract (Liwicki & Bunke, "IAM-OnDB", ICDAR
2005)::

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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

import cv2
import numpy as np
import numpy.typing as npt

from ocrkit import DataError, Sample, Skipped, option
from ocrkit.interfaces import Image
from ocrkit.support.files import open_regular, read_bytes
from ocrkit.support.parsing import parse_json
from ocrkit_synth.ink import write

Stroke = npt.NDArray[np.float32]
"""The points of a stroke, (P, 2): x to the right, y down."""

TABLE = "lines.jsonl.gz"
_LONGEST = 64 << 20
"""Bytes of a row of the table, or of one of IAM-OnDB's files; they have some 100,000."""
_LINE_ID = re.compile(r"([a-z]\d\d-\d{3}[a-z]?)-\d\d")
_X_HEIGHT = 40
_PEN = 4
_SLANTS = (0.0, 0.25, 0.5)
"""How far letters may lean: a shift to the right for each unit of height."""
_GAP = 0.5
"""A gap as wide as this share of the x-height is as likely one between words as one within a
word."""
_FIT = 1.5
"""What it counts that a piece is as wide as its word is long, against that its gaps are wide."""
_MISFIT = 2.0
"""How many times too wide or too narrow a piece may be for its word."""
_CLEAR = 0.6
"""The narrowest gap between words by the widest one within a word must be at least this."""
_LARGEST = 4000
"""Pixels that a word may be wide or high when it is drawn."""
_WIDTHS = dict.fromkeys(".,;:'\"!|ilI()-jtfr", 0.5) | dict.fromkeys("mwMW", 1.5)
"""Widths of characters, others 1."""


class Line(NamedTuple):
    """A line of writing."""

    id: str
    text: str
    strokes: list[Stroke]


class Word(NamedTuple):
    """A word of a line, its strokes scaled to an x-height of 40 pixels, in any place."""

    id: str
    text: str
    form: str
    strokes: list[Stroke]


# -------------------------------------------------------------------------------------------- files


def parse_line(row: str | bytes) -> Line:
    """A row of ``lines.jsonl.gz``. Raises ValueError where it is none."""
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
            strokes[-1].append(
                (float(attributes.get("x", "nan")), float(attributes.get("y", "nan")))
            )

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
    """The texts of a form's lines: what stands behind ``CSR:``."""
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
            texts = parse_texts(
                read_bytes(file, DataError, most=_LONGEST).decode("utf-8-sig", "replace")
            )
        except DataError as error:
            skipped.append(Skipped(file.name, str(error).removeprefix(f"{file}: ")))
            continue
        for number, text in enumerate(texts, start=1):
            line_id = f"{file.stem}-{number:02}"
            try:
                path = folder / f"{line_id}.xml"
                yield Line(
                    line_id, text, parse_xml(read_bytes(path, DataError, "strokes", most=_LONGEST))
                )
            except DataError as error:
                skipped.append(Skipped(line_id, str(error).removeprefix(f"{path}: ")))
            except ValueError as error:
                skipped.append(Skipped(line_id, str(error)))


def _writer(root: Path, form: str) -> str | None:
    """What the recording says of a form's writer, in its first few kilobytes."""
    try:
        with open_regular(
            root / "original" / form[:3] / form[:7] / f"strokes{form[7:]}.xml", DataError
        ) as file:
            found = re.search(rb'\bwriterID="(\w+)"', file.read(8192))
    except (DataError, OSError):
        return None
    return found[1].decode() if found else None


# -------------------------------------------------------------------------------------------- words


def cut(line: Line) -> list[Word]:
    """The line's words, cut where gaps are wide and the pieces between them are as wide as its
    words are long.

    Raises ValueError where that is not clear.
    """
    tokens = line.text.split()
    form = _LINE_ID.fullmatch(line.id)
    if not 1 <= len(tokens) <= 100 or not form or not line.strokes:
        raise ValueError(
            "expected an id such as a01-000u-01, a text of up to 100 words, and strokes"
        )
    lengths = np.array(
        [0.4 + sum(_WIDTHS.get(character, 1.0) for character in token) for token in tokens]
    )
    x, y = np.concatenate(line.strokes).T
    unit = x_height(x, y)
    firsts = np.cumsum([0, *(len(stroke) for stroke in line.strokes[:-1])])
    cuts = (
        _cut(
            np.minimum.reduceat(leaning, firsts),
            np.maximum.reduceat(leaning, firsts),
            lengths,
            unit,
        )
        for leaning in (x + slant * y for slant in _SLANTS)
    )
    best = max(cuts, key=lambda found: found.score)
    if best.clear < _CLEAR:
        raise ValueError(f"its gaps do not show {len(tokens)} words")
    words = [[line.strokes[index] for index in group] for group in best.groups]
    widths = np.array([max(np.ptp(np.concatenate(strokes)[:, 0]), 1) for strokes in words])
    ratios = (widths + 0.4 * widths.sum() / lengths.sum()) / lengths
    ratios /= np.median(ratios)
    if max(ratios.max(), 1 / ratios.min()) > _MISFIT:
        raise ValueError("its pieces are not as wide as its words are long")
    scale = np.float32(_X_HEIGHT / unit)
    if max(widths.max(), np.ptp(y)) * scale > _LARGEST:
        raise ValueError("its strokes are scattered too far")
    return [
        Word(f"ondb-{line.id}-{number:02}", token, form[1], [scale * stroke for stroke in strokes])
        for number, (token, strokes) in enumerate(zip(tokens, words, strict=True))
    ]


def x_height(x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> float:
    """An estimate from the points of a line, which may climb or fall: most of its ink is between
    baseline and x-height."""
    across = x - x.mean()
    slope = float(np.clip((across * y).sum() / max(float((across**2).sum()), 1.0), -0.2, 0.2))
    low, high = np.percentile(y - slope * x, (10, 90))
    return max(float(high - low), 1.0)


class _Cut(NamedTuple):
    score: float
    clear: float
    """The narrowest gap between words, at most the x-height, by the widest one within any, at least
    a third of it."""
    groups: list[npt.NDArray[np.intp]]
    """Numbers of strokes, for every word."""


def _cut(
    left: npt.NDArray[np.float32],
    right: npt.NDArray[np.float32],
    lengths: npt.NDArray[np.float64],
    unit: float,
) -> _Cut:
    """The best cut of strokes that reach from ``left`` to ``right`` into words of these lengths.

    By dynamic programming over words and gaps: the most that speaks for the gaps and for the widths
    of the pieces, added up.
    """
    order = np.argsort(left)
    left, right = left[order], np.maximum.accumulate(right[order])
    gaps = left[1:] - right[:-1]
    words = len(lengths)
    wide = np.sort(np.argsort(-gaps)[: 2 * words + 2])
    wide = wide[gaps[wide] > 0]
    if len(wide) < words - 1:
        return _Cut(-np.inf, 0.0, [])
    starts, ends = np.append(0, wide + 1), np.append(wide, len(left) - 1)
    for_gap = np.append(0, np.minimum(np.log(gaps[wide] / (_GAP * unit)), 1))
    a_character = max(right[-1] - left[0], 1) / (lengths.sum() + 0.8 * words)
    widths = (right[ends] - left[starts][:, None]).clip(
        0
    ) / a_character + 0.4  # from every start (rows) to every end
    for_width = -_FIT * np.log(widths / lengths[:, None, None]) ** 2
    for_width[:, ends < starts[:, None]] = -np.inf
    score = for_width[0, 0]  # of the best cut of the words so far, by where the last one ends
    begins = []
    for word in range(1, words):
        before = np.append(-np.inf, score[:-1]) + for_gap
        choices = before[:, None] + for_width[word]
        begins.append(choices.argmax(axis=0))
        score = choices.max(axis=0)
    at, between = len(ends) - 1, []
    for begin in reversed(begins):
        at = int(begin[at]) - 1
        between.append(at)
    kept = np.isin(np.arange(len(wide)), between)
    clear = gaps[wide[kept]].min(initial=unit) / gaps[wide[~kept]].max(initial=0.35 * unit)
    return _Cut(float(score[-1]), float(clear), np.split(order, np.sort(wide[kept]) + 1))


def draw(strokes: Sequence[Stroke]) -> Image:
    """The strokes with a pen four pixels wide, light on black, with some space around them: uint8
    (H, W)."""
    points = np.concatenate(strokes)
    corner = points.min(axis=0) - 8
    width, height = np.ceil(points.max(axis=0) - corner + 8).astype(int).tolist()
    canvas = np.zeros((height, width), np.uint8)
    # The first point comes twice, since a line of one point would not be drawn.
    lines = [
        np.rint((np.vstack([stroke[:1], stroke]) - corner) * 16).astype(np.int32)
        for stroke in strokes
    ]
    cv2.polylines(canvas, lines, False, (255,), _PEN, cv2.LINE_AA, 4)
    return canvas


def render(strokes: Sequence[Stroke], seed: int, index: int) -> Image:
    """The picture of some strokes: uint8 (H, W), dark ink on light paper, the same for the same
    arguments."""
    return write(draw(strokes), _X_HEIGHT, _PEN, np.random.default_rng([seed, index]))


@dataclass
class Strokes:
    """Words of recorded pen strokes, drawn with random size, slant, pen, ink, paper and cut; see
    :mod:`ocrkit_synth.strokes`.

    A line is cut into the words of its text at gaps between strokes. Lines where it is not clear
    which gaps these are, are left out and named. Another seed gives other pictures of the same
    words. Ids of words and forms begin with ``ondb-``, since IAM has forms of the same names.

    The only split is ``all``; narrow it by form ids. Raises DataError where nothing can be read.
    """

    root: Path = option(Path(), "the folder with lineStrokes/ and ascii/, or with lines.jsonl.gz")
    split: str = option("all", "'all'")
    seed: int = option(0, "fixes the pictures of the words", minimum=0)

    def __post_init__(self) -> None:
        if self.split != "all":
            raise DataError(
                f"strokes: no split named {self.split!r}; the only one is 'all'; narrow it by form "
                "ids"
            )
        self._skipped: list[Skipped] = []
        self._words: list[Word] = []
        table = self.root / TABLE
        lines = (
            _read_table(table, self._skipped)
            if table.is_file()
            else _read_folder(self.root, self._skipped)
        )
        for line in lines:
            try:
                self._words += cut(line)
            except ValueError as error:
                self._skipped.append(Skipped(line.id, str(error)))
        if not self._words:
            first = (
                f"; the first: {self._skipped[0].id}: {self._skipped[0].reason}"
                if self._skipped
                else ""
            )
            raise DataError(
                f"strokes: no words under {self.root}; expected lineStrokes/ and ascii/, or "
                f"{TABLE}{first}"
            )
        self._writers = {
            form: _writer(self.root, form) for form in {word.form for word in self._words}
        }

    def __len__(self) -> int:
        return len(self._words)

    def __getitem__(self, index: int) -> Sample:
        if index < 0:
            raise IndexError(index)
        word = self._words[index]
        load = partial(render, word.strokes, self.seed, index)
        return Sample(word.id, word.text, self._writers[word.form], load, f"ondb-{word.form}")

    @property
    def skipped(self) -> Sequence[Skipped]:
        return self._skipped

    @property
    def forms(self) -> None:
        return None

    @classmethod
    def sample_root(cls) -> None:
        return None
