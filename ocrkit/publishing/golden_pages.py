"""Golden pages: pages with what a page pipeline found and read on them, by which every backend is
verified.

They are a safetensors file: ``pixels`` uint8, all images' pixels one after another, and ``shapes``
int32 (N, 2), their heights and widths. The header has ``pages``, what was read, as
:mod:`ocrkit.parts.page_json` has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ocrkit.errors import DataError, WeightsError
from ocrkit.networks import weights as weight_files
from ocrkit.parts.page import Line, Page
from ocrkit.parts.page_json import page_from_json, page_to_json
from ocrkit.parts.plugins import one_line
from ocrkit.parts.values import Image
from ocrkit.publishing.golden_set import joined, parted

_SAMPLED = 32
"""Points of two baselines that are held against each other."""


@dataclass(frozen=True, slots=True)
class GoldenPage:
    """A grey image uint8 (H, W), and what was read of it."""

    image: Image
    page: Page


def write_pages(path: Path, items: Sequence[GoldenPage]) -> None:
    """Writes golden pages, whole or not at all."""
    about = {"pages": [page_to_json(item.page) for item in items]}
    weight_files.write(path, joined([item.image for item in items]), about)


def read_pages(path: Path, *, sha256: str | None = None) -> list[GoldenPage]:
    """Reads golden pages. Raises WeightsError where they are missing, damaged, or not the file that
    ``sha256`` names."""
    file = weight_files.read(path, sha256=sha256)
    try:
        pages = map(page_from_json, file.about["pages"])
        return [GoldenPage(*each) for each in zip(parted(file.arrays), pages, strict=True)]
    except (KeyError, TypeError, ValueError, DataError) as error:
        raise WeightsError(f"{path}: no golden pages ({one_line(error)})") from error


def other_models(stored: Page, read: Page) -> list[str]:
    """The models that read a page and are not those by which it was read when it was stored."""
    names = {each.task: each for each in stored.made_by}
    return [
        f"{each.task}: {each.name!r} has other weights than those that the pages were read with"
        for each in read.made_by
        if each.task in names and each.version != names[each.task].version
    ]


def unlike(stored: Page, read: Page, tolerance: float) -> list[str]:
    """In what a page that was read differs from the stored one, a line each: other lines, other
    texts, baselines that are more than ``tolerance`` pixels away."""
    if len(stored.lines) != len(read.lines):
        return [f"{len(read.lines):,} lines are found, stored are {len(stored.lines):,}"]
    problems = []
    for number, (one, other) in enumerate(zip(stored.lines, read.lines, strict=True), 1):
        if one.text != other.text:
            problems.append(f"line {number} is read {other.text!r}, stored is {one.text!r}")
        apart = baselines_apart(one, other)
        if apart > tolerance:
            problems.append(
                f"line {number} is {apart:.1f} pixels off its place, the tolerance is {tolerance:g}"
            )
    return problems


def farthest(stored: Page, read: Page) -> float:
    """The largest distance of two baselines of the same line, in pixels; inf for other lines."""
    if len(stored.lines) != len(read.lines):
        return float("inf")
    pairs = zip(stored.lines, read.lines, strict=True)
    return max((baselines_apart(one, other) for one, other in pairs), default=0.0)


def baselines_apart(one: Line, other: Line) -> float:
    """The largest distance, in pixels, of points that are as far along two baselines, as a share of
    their lengths."""
    if not one.baseline or not other.baseline:
        return 0.0 if one.baseline == other.baseline else float("inf")
    return float(np.linalg.norm(_sampled(one) - _sampled(other), axis=1).max())


def _sampled(line: Line) -> npt.NDArray[np.float64]:
    points = np.array(line.baseline, np.float64)
    along = np.concatenate([[0.0], np.linalg.norm(np.diff(points, axis=0), axis=1).cumsum()])
    at = np.linspace(0, along[-1], _SAMPLED)
    return np.column_stack([np.interp(at, along, points[:, axis]) for axis in range(2)])
