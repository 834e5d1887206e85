"""Where in the source image what was read is written."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ocrkit.parts.page import Points, Word
from ocrkit.parts.values import Decoded, Image, PointMap, Span

Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""


def with_places(decoded: Decoded, image: Image, stride: int, to_source: PointMap) -> Decoded:
    """What was decoded, with the places of its words and characters in the source image.

    ``image`` is the one that the network saw, ``stride`` the pixels of its width in a step. A
    decoder that gives no span for every character leaves no places.
    """
    if len(decoded.spans) != len(decoded.text) or not decoded.text:
        return decoded
    edges = character_edges(decoded.spans, stride, image.shape[1])
    ink = _ink(image)
    characters = [_around_ink(ink, left, right) for left, right in edges]
    words = list(re.finditer(r"\S+", decoded.text))
    boxes = [_around_ink(ink, edges[each.start()][0], edges[each.end() - 1][1]) for each in words]
    return replace(
        decoded,
        boundaries=_in_source(characters, to_source),
        words=tuple(
            Word(each[0], boundary, min(decoded.characters[slice(*each.span())], default=None))
            for each, boundary in zip(words, _in_source(boxes, to_source), strict=True)
        ),
    )


def character_edges(spans: tuple[Span, ...], stride: int, width: int) -> list[tuple[float, float]]:
    """Left and right edge of every character, in pixels of an image of this width.

    A network trained with CTC shows a character in a step or two somewhere within it, so that one
    ends and the next begins in the middle between their spans. On their outer sides the first and
    the last may reach twice as far from their spans as on their inner ones; a single one has all of
    the image.
    """
    middles = np.array([span.start + span.end for span in spans], np.float64) * stride / 2
    inner = (middles[1:] + middles[:-1]) / 2
    if not len(inner):
        return [(0.0, float(width))]
    first, last = (3 * middles[end] - 2 * inner[end] for end in (0, -1))
    edges = np.clip([first, *inner, last], 0, width).tolist()
    return list(pairwise(edges))


def _ink(image: Image) -> npt.NDArray[np.bool_]:
    """The pixels that are nearer to the darkest than to the lightest."""
    grey = image if image.ndim == 2 else image.mean(axis=2)
    return grey < (float(grey.min()) + float(grey.max())) / 2


def _around_ink(ink: npt.NDArray[np.bool_], left: float, right: float) -> Box:
    """The box of what is written between two columns; all that is between them where nothing is."""
    start, end = int(left), max(int(np.ceil(right)), int(left) + 1)
    within = ink[:, start:end]
    rows, columns = np.flatnonzero(within.any(axis=1)), np.flatnonzero(within.any(axis=0))
    if not rows.size:
        return left, 0.0, right, float(len(ink))
    return (
        max(left, float(start + columns[0])),
        float(rows[0]),
        min(right, float(start + columns[-1] + 1)),
        float(rows[-1] + 1),
    )


def _in_source(boxes: list[Box], to_source: PointMap) -> tuple[Points, ...]:
    """The boxes' corners in the source image, clockwise from the top left one."""
    corners = [
        corner
        for left, top, right, bottom in boxes
        for corner in ((left, top), (right, top), (right, bottom), (left, bottom))
    ]
    found = to_source(np.array(corners, np.float64).reshape(-1, 2))
    return tuple(tuple((float(x), float(y)) for x, y in four) for four in found.reshape(-1, 4, 2))
