"""IAM's forms as whole pages: the picture of a form, and where on it lines and words are written.

IAM says where words are, by boxes, and nothing of baselines: these are fitted to the boxes of words
whose letters all stand on the line.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

import numpy as np

from ocrkit import Line, Page, PageImage, Region
from ocrkit.errors import DataError, ImageError
from ocrkit.images import read_image
from ocrkit.interfaces import FormCount, Image, Sample, Skipped
from ocrkit.parts.page import Word
from ocrkit.support.files import read_text
from ocrkit_iam.files import ascii_file
from ocrkit_iam.spacing import as_written
from ocrkit_iam.texts import PlacedWord, parse_forms, parse_placed_words

Spacing = Literal["tokens", "written"]

_FORM = re.compile(r"[A-Za-z0-9]+-[A-Za-z0-9]+")
_PNG = b"\x89PNG\r\n\x1a\n"
_DEEP = frozenset("fgjpqyzJQ")
"""Letters that go below the line in some hand at least."""
_TALL = frozenset("bdfhkltABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_OUTSIDE = 0.35
"""Of the heights of a line's boxes, a share by which the bottom of one may be off a first guess of
the baseline."""
_STEEPEST = 0.2
_ABOVE, _BELOW = 0.75, 0.25
"""Shares of the boxes' height that are above and below the baseline, where no letter tells."""
_LARGEST = 20_000
"""Pixels that a form may be wide or high."""


class Pages(NamedTuple):
    """The pages of a split, and what is missing."""

    samples: list[Sample]
    skipped: list[Skipped]
    forms: FormCount


def open_pages(
    root: Path, listed: Sequence[str] | None, spacing: Spacing, advice: Callable[[], str]
) -> Pages:
    """The forms whose pictures and words are there; of ``listed`` ones only, unless that is None.

    Pictures are ``FORM.png`` in folders ``forms…`` of the root, as the archives formsA-D.tgz,
    formsE-H.tgz and formsI-Z.tgz hold them, or in the root itself. Raises DataError where there is
    none.
    """
    table = ascii_file(root, "words.txt")
    if table is None:
        raise DataError(
            f"iam: {root}: where words are on a form is in words.txt, and neither ascii/words.txt "
            f"nor words.txt is there; {advice()}"
        )
    rows, malformed = parse_placed_words(read_text(table, DataError))
    forms = ascii_file(root, "forms.txt")
    writers = parse_forms(read_text(forms, DataError)) if forms else {}
    wanted = None if listed is None else frozenset(listed)
    words = defaultdict[str, list[PlacedWord]](list)
    for row in rows:
        if wanted is None or row.word.form in wanted:
            words[row.word.form].append(row)
    pictures = form_pictures(root)
    samples, skipped = [], list(malformed)
    for form, placed in words.items():
        if form not in pictures:
            continue
        path = pictures[form]
        try:
            size = png_size(path)
            page = form_page(form, placed, size, spacing)
        except ImageError as error:
            skipped.append(Skipped(form, str(error)))
            continue
        page = replace(page, image=PageImage(path.relative_to(root).as_posix()))
        load = partial(_load, path, size)
        samples.append(Sample(form, page.text, writers.get(form), load, form, path, page=page))
    if not samples:
        raise DataError(
            f"iam: no form of the split can be read under {root}: looked for pictures such as "
            f"{root / 'forms' / 'a01-000u.png'}; {advice()}"
        )
    return Pages(samples, skipped, FormCount(len(samples), None if listed is None else len(listed)))


def form_pictures(root: Path) -> dict[str, Path]:
    """The pictures by form, of the first folder that has one."""
    folders = [*sorted(path for path in root.glob("forms*") if path.is_dir()), root]
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.png")):
            if _FORM.fullmatch(path.stem):
                found.setdefault(path.stem, path)
    return found


def png_size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG by its first bytes: a form has millions, which need not be read to
    know its lines' places. Raises ImageError."""
    try:
        with path.open("rb") as file:
            head = file.read(24)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror or error}") from None
    width, height = (int.from_bytes(head[at : at + 4]) for at in (16, 20))
    if len(head) < 24 or not head.startswith(_PNG) or not 0 < max(width, height) <= _LARGEST:
        raise ImageError(f"{path}: {'no PNG' if head else 'empty file'}")
    return width, height


def _load(path: Path, size: tuple[int, int]) -> Image:
    pixels = read_image(path)
    if pixels.shape[1::-1] != size:
        raise ImageError(f"{path}: it has another size than its header says")
    return pixels


# ------------------------------------------------------------------------------------------- truth


def form_page(
    form: str, words: Sequence[PlacedWord], size: tuple[int, int], spacing: Spacing
) -> Page:
    """The page of a form of this width and height: what is written by hand on it, and nothing of
    what is printed. Raises ImageError where words lie outside the picture."""
    width, height = size
    lines = defaultdict[str, list[PlacedWord]](list)
    for row in words:
        lines[row.line].append(row)
    seen = {name: [row for row in rows if _has_box(row)] for name, rows in lines.items()}
    slopes = [slope for rows in seen.values() if rows and (slope := slope_of(rows)) is not None]
    leaning = median(slopes) if slopes else 0.0
    found = tuple(
        _line(name, rows, seen[name], leaning, spacing)
        for name, rows in lines.items()
        if seen[name]
    )
    boxes = np.array([_box(row) for row in words if _has_box(row)]).reshape(-1, 2)
    if len(boxes) and (boxes.min() < 0 or (boxes.max(axis=0) > (width, height)).any()):
        raise ImageError(
            f"a picture of {width} × {height} pixels, outside which words.txt has words of it: "
            "another picture, or a scaled one"
        )
    if not found:
        return Page(form, width, height)
    (left, top), (right, bottom) = boxes.min(axis=0).tolist(), boxes.max(axis=0).tolist()
    around = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Page(form, width, height, regions=(Region("handwriting", "text", around),), lines=found)


def _line(
    name: str,
    rows: Sequence[PlacedWord],
    placed: Sequence[PlacedWord],
    leaning: float,
    spacing: Spacing,
) -> Line:
    """The line of these words, some of which are ``placed``."""
    slope, level = fit_baseline(placed, leaning)
    left = min(row.x for row in placed)
    right = max(row.x + row.width for row in placed)
    tall = [level + slope * _middle(row) - row.y for row in placed if _TALL & set(row.word.text)]
    deep = [
        row.y + row.height - level - slope * _middle(row)
        for row in placed
        if _DEEP & set(row.word.text)
    ]
    usual = median(row.height for row in placed)
    tokens = tuple(row.word.text for row in rows)
    return Line(
        name,
        ((float(left), level + slope * left), (float(right), level + slope * right)),
        above=max(float(median(tall)), 1.0) if tall else _ABOVE * usual,
        below=max(float(median(deep)), 1.0) if deep else _BELOW * usual,
        region="handwriting",
        text=" ".join(tokens) if spacing == "tokens" else as_written(tokens),
        words=tuple(Word(row.word.text, _box(row) if _has_box(row) else ()) for row in rows),
    )


def fit_baseline(words: Sequence[PlacedWord], leaning: float = 0.0) -> tuple[float, float]:
    """Slope and level (y at x = 0) of the baseline of words that have boxes.

    It goes through the bottoms of words that have letters, none of which goes below the line, and
    leaves out those that are far off the median. Where these are too few to tell the slope it is
    ``leaning``, that of other lines.
    """
    found = slope_of(words)
    slope = leaning if found is None else found
    standing = [row for row in words if _stands(row)]
    if not standing:
        bottoms = [
            row.y + (1 - _BELOW) * row.height - slope * _middle(row)
            if _DEEP & set(row.word.text)
            else row.y + row.height - slope * _middle(row)
            for row in words
        ]
        return slope, float(median(bottoms))
    usual = median(row.height for row in words)
    x = np.array([_middle(row) for row in standing])
    y = np.array([row.y + row.height for row in standing], np.float64)
    level = float(np.median(y - slope * x))
    near = np.abs(y - slope * x - level) <= _OUTSIDE * usual
    if near.sum() > 3 and np.ptp(x[near]) > 4 * usual:
        slope, level = (float(each) for each in np.polyfit(x[near], y[near], 1))
    return slope, level


def slope_of(words: Sequence[PlacedWord]) -> float | None:
    """The median slope between words that stand on the line, or None where too few do."""
    standing = [row for row in words if _stands(row)]
    apart = 2 * median(row.height for row in words)
    slopes = [
        (one.y + one.height - other.y - other.height) / (_middle(one) - _middle(other))
        for one, other in combinations(standing, 2)
        if abs(_middle(one) - _middle(other)) > apart
    ]
    return min(max(median(slopes), -_STEEPEST), _STEEPEST) if len(slopes) > 2 else None


def _stands(row: PlacedWord) -> bool:
    letters = [each for each in row.word.text if each.isalnum()]
    return bool(letters) and _DEEP.isdisjoint(row.word.text) and "," not in row.word.text


def _has_box(row: PlacedWord) -> bool:
    return row.width > 0 and row.height > 0


def _middle(row: PlacedWord) -> float:
    return row.x + row.width / 2


def _box(row: PlacedWord) -> tuple[tuple[float, float], ...]:
    left, top = float(row.x), float(row.y)
    right, bottom = left + row.width, top + row.height
    return ((left, top), (right, top), (right, bottom), (left, bottom))
