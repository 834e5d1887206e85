"""What the parts of a pipeline hand to each other."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ocrkit.parts.page import Alternative, Page, Points, Word

Image = npt.NDArray[np.uint8]
"""Pixels uint8, grey (H, W) or in colour, RGB (H, W, 3); 0 is black, 255 is white; dark writing on
light paper. What does not say that it takes colour (``takes_colour``) gets grey ones only."""


PointMap = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
"""Takes points (N, 2) of one image, x to the right and y down from the outer corner of its top left
pixel, to those of another."""


FloatArray = npt.NDArray[np.float32]


IntArray = npt.NDArray[np.int32]


Arrays = dict[str, npt.NDArray[Any]]
"""Named arrays, as a checkpoint holds them."""


def option(
    default: Any,
    doc: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    file: str | None = None,
) -> Any:
    """A field of a part: its default, what it means, and the range it must stay in (both ends
    included).

    The field's annotation is its type: ``int``, ``float``, ``bool``, ``str``, ``Path``,
    ``Literal[...]``, ``X | None``, or ``tuple[X, ...]`` of these. A ``Path`` in a pipeline's file
    starts at the file. So does a text that is one or the other: ``file="language_model"``, for one,
    is the name of such a part, else a file; ``file=""`` always a file.
    """
    metadata = {"doc": doc, "minimum": minimum, "maximum": maximum, "file": file}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of a data set with what is known of it. Making one reads no file; ``load`` does."""

    id: str
    text: str | None
    """What is written, or None where nobody has said so."""
    writer: str | None
    load: Callable[[], Image]
    """Reads the image. Raises ImageError. Safe from several threads."""
    form: str | None = None
    """The page that it is from. Intervals are by writer, else by form; a split can be narrowed by
    form ids."""
    path: str | Path | None = None
    """The image's file. Preprocessed images are cached only where it is known, since its size and
    time are in the key."""
    variant: str = ""
    """What the pixels depend on besides the file, and that differs between samples: the box of a
    line in its page, say. It is in the cache's key, as are the reader's options and code."""
    page: Page | None = None
    """Where the image is that of a page: its lines and their texts, as far as they are known."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A sample that a data set names but that cannot be used, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class FormCount:
    """How many of a split's forms are there, of how many that the split's definition lists (None:
    it lists none)."""

    found: int
    expected: int | None


@dataclass(frozen=True, slots=True)
class ImageSize:
    """Height and width in pixels of what a preprocessor gives; ``width`` is None where it varies,
    and ``height`` where both do. It is grey (1 channel) or in colour (3)."""

    height: int | None
    width: int | None
    channels: int = 1


@dataclass(frozen=True, slots=True)
class SequenceSize:
    """Features of a step (D or E), and the number of steps; ``steps`` is None where it varies with
    the image's width."""

    features: int
    steps: int | None


@dataclass(frozen=True, slots=True)
class Span:
    """The half-open range of time steps [start, end) in which the best path shows a character."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, how sure the decoder is of it (0 to 1), and what is known beyond that; what a decoder
    does not give is empty."""

    text: str
    confidence: float
    spans: tuple[Span, ...] = ()
    """The steps of every character, as many as the text is long."""
    characters: tuple[float, ...] = ()
    """How sure the decoder is of every character (0 to 1), as many as the text is long."""
    alternatives: tuple[Alternative, ...] = ()
    """The best texts, best first, beginning with the text itself."""
    words: tuple[Word, ...] = ()
    """The text's words with their places in the source image, where they were asked for; no decoder
    gives them."""
    boundaries: tuple[Points, ...] = ()
    """Where in the source image every character is, 4 points each, as many as the text is long;
    like the words."""
