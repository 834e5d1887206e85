"""What reading pages gives: a page as it was read, and where the time went."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from ocrkit.data.inputs import PageSample
from ocrkit.parts.page import Line, Maker, Page, PageImage
from ocrkit.parts.values import Decoded, Sample, Skipped
from ocrkit.pipelines.opened import Opened
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.reading.values import Reading, Seconds

UNSURE = 0.85
"""Less confidence, on the average over its characters, than a line has that a model can read. Of
211 lines of IAM (aachen/validation, iam-lines) none has less; of the same upside down 83 %. As
benchmarks/doubted_lines.py measures it."""


@dataclass
class PageSeconds(Seconds):
    """Seconds by stage, as of :class:`Seconds`; ``preprocess``, ``network`` and ``decode`` are
    those of the lines."""

    find: float = 0.0
    """Finding lines, the network for it included, and putting them in order."""
    cut: float = 0.0
    """Cutting them out."""


@dataclass(frozen=True, slots=True)
class PageReading:
    """A page as it was read."""

    sample: Sample
    page: Page
    doubtful: tuple[str, ...] = ()
    """The ids of the lines of which the model is not sure, or that it could not read."""
    sure: float = 1.0
    """How sure the model is of the characters, on the average; 1 where there are none."""
    note: str = ""
    """What is odd about it, in one line."""


def drawn_of(sample: Sample) -> Page | None:
    """The lines of a page that need not be looked for."""
    return sample.drawn if isinstance(sample, PageSample) else None


def image_of(sample: Sample) -> PageImage | None:
    """Where the picture of a page is."""
    if isinstance(sample, PageSample):
        return sample.image
    if sample.page:
        return sample.page.image
    return PageImage(str(sample.path)) if sample.path is not None else None


def dpi_of(sample: Sample, page: Page) -> float | None:
    """Pixels per inch of the page's picture: as its file says, else as its lines' file does."""
    said = sample.dpi if isinstance(sample, PageSample) else None
    return (said and said(page.width)) or page.dpi


def maker_of(role: str, spec: PipelineSpec, opened: Opened | None) -> Maker:
    """A pipeline that has a part in a page, with the sha256 of its weights."""
    return Maker(role, spec.title, opened.weights.sha256 if opened else "")


def with_text(line: Line, reading: Reading | Skipped) -> Line:
    """A line with what was read of it, without spaces at its ends, which some programs drop and
    others keep; what a person has corrected stays."""
    if line.corrected:
        return line
    if isinstance(reading, Skipped):
        return replace(line, confidence=None)
    read = reading.decoded
    return replace(
        line,
        text=read.text.strip(),
        confidence=read.confidence,
        words=read.words,
        alternatives=tuple(replace(each, text=each.text.strip()) for each in read.alternatives),
    )


def sure_of(decoded: Decoded) -> float:
    """How sure the decoder is of the characters of a text, on the average."""
    return fmean(decoded.characters) if decoded.characters else decoded.confidence


def mean_sure(readings: Sequence[Reading | Skipped]) -> float:
    """How sure it is of the characters of some lines, on the average; 1 where there are none."""
    read = [each.decoded for each in readings if not isinstance(each, Skipped)]
    lengths = [len(each.text) for each in read]
    sure = [sure_of(each) for each in read]
    return float(np.average(sure, weights=lengths)) if any(lengths) else 1.0


def note_of(page: Page, doubtful: tuple[str, ...]) -> str:
    if not page.lines:
        return "no lines of writing were found on it"
    if 2 * len(doubtful) > len(page.lines):
        return (
            f"{len(doubtful):,} of {len(page.lines):,} lines are doubtful: it may be print, or a "
            "hand that this model cannot read"
        )
    return ""
