"""What reading gives: a sample as it was read, and where the time went."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from ocrkit.parts.values import Decoded, Image, Sample

_T = TypeVar("_T")


@dataclass
class Seconds:
    """Seconds by stage. Stages overlap, and reading and preprocessing add up all threads, so they
    may exceed the total.

    ``wait_images`` and ``wait_network``: how long a run stood still until images had been read, and
    until the network was through with them. What it waited for longest is what bounds it.
    """

    total: float = 0.0
    read: float = 0.0
    preprocess: float = 0.0
    network: float = 0.0
    decode: float = 0.0
    score: float = 0.0
    wait_images: float = 0.0
    wait_network: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One evaluated sample: the sample, the image as the network saw it, and what was read."""

    sample: Sample
    image: Image
    decoded: Decoded
    note: str = ""
    """What is odd about it, in one line."""


def waited(items: Iterator[_T], stage: str, seconds: Seconds) -> Iterator[_T]:
    """The items, with the time that passes until they come added to the seconds."""
    while True:
        start = time.perf_counter()
        try:
            item = next(items)
        except StopIteration:
            return
        finally:
            setattr(seconds, stage, getattr(seconds, stage) + time.perf_counter() - start)
        yield item
