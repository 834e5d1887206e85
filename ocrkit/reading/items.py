"""Images read one after another, each an item: its text, or why it has none."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from io import IOBase
from os import PathLike

import numpy as np

from ocrkit.images.sources import Source, pixels_of
from ocrkit.parts.values import Decoded, Sample, Skipped
from ocrkit.reading.engine import Recogniser
from ocrkit.reading.values import Seconds


@dataclass(frozen=True, slots=True)
class Item:
    """What was read from one image, or why nothing could be."""

    id: str
    text: str | None
    confidence: float | None
    error: str | None = None
    decoded: Decoded | None = None
    """All that the decoder says."""
    note: str = ""
    """What is odd about the image, in one line; most have none."""


def read_items(
    recogniser: Recogniser, sources: Iterable[Source], after: int, *, places: bool
) -> Iterator[Item]:
    samples = (
        Sample(
            str(source) if isinstance(source, str | PathLike) else str(index),
            None,
            None,
            partial(pixels_of, source),
        )
        for index, source in enumerate(sources, start=after)
    )
    for reading in recogniser.readings(
        recogniser.prepare(samples, places=places, judged=True), Seconds(), after
    ):
        if isinstance(reading, Skipped):
            named = reading.reason.startswith(
                f"{reading.id}: "
            )  # what reads a file says which, a part does not know
            yield Item(
                reading.id,
                None,
                None,
                reading.reason if named else f"{reading.id}: {reading.reason}",
            )
        else:
            yield Item(
                reading.sample.id,
                reading.decoded.text,
                reading.decoded.confidence,
                None,
                reading.decoded,
                reading.note,
            )


def is_one(sources: object) -> bool:
    """Whether what should be several images is a single one; a text and an image's pixels may be
    gone through as well."""
    if isinstance(sources, np.ndarray):
        return sources.ndim < 3 or (sources.ndim == 3 and sources.shape[2] in (1, 3, 4))
    return isinstance(sources, str | bytes | bytearray | memoryview | IOBase) or not isinstance(
        sources, Iterable
    )
