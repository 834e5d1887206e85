"""Lines of pen strokes, cut into words at gaps between strokes."""

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ocrkit_synth.recordings import Line, Stroke

X_HEIGHT = 40
"""Pixels, of words."""
_LINE_ID = re.compile(r"([a-z]\d\d-\d{3}[a-z]?)-\d\d")
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
_LARGEST, _LONGEST = 4000, 12_000
"""Pixels that a word may be wide or high when it is drawn, and a line."""
_WIDTHS = dict.fromkeys(".,;:'\"!|ilI()-jtfr", 0.5) | dict.fromkeys("mwMW", 1.5)
"""Widths of characters, others 1."""


class Word(NamedTuple):
    """A word of a line, or the line, its strokes scaled to an x-height of 40 pixels, in any
    place."""

    id: str
    text: str
    form: str
    strokes: list[Stroke]


def cut(line: Line) -> list[Word]:
    """The line's words, cut where gaps are wide and the pieces between them are as wide as its
    words are long.

    Raises ValueError where that is not clear.
    """
    tokens, form = _checked(line)
    lengths = np.array([_length(token) for token in tokens])
    x, y = np.concatenate(line.strokes).T
    unit = x_height(x, y)
    firsts = np.cumsum([0, *(len(stroke) for stroke in line.strokes[:-1])])
    cuts = []
    for slant in _SLANTS:
        upright = x + slant * y
        left = np.minimum.reduceat(upright, firsts)
        right = np.maximum.reduceat(upright, firsts)
        cuts.append(_cut(left, right, lengths, unit))
    best = max(cuts, key=lambda found: found.score)
    if best.clear < _CLEAR:
        raise ValueError(f"its gaps do not show {len(tokens)} words")
    words = [[line.strokes[index] for index in group] for group in best.groups]
    widths = np.array([max(np.ptp(np.concatenate(strokes)[:, 0]), 1) for strokes in words])
    ratios = (widths + 0.4 * widths.sum() / lengths.sum()) / lengths
    ratios /= np.median(ratios)
    if max(ratios.max(), 1 / ratios.min()) > _MISFIT:
        raise ValueError("its pieces are not as wide as its words are long")
    scale = np.float32(X_HEIGHT / unit)
    if max(widths.max(), np.ptp(y)) * scale > _LARGEST:
        raise ValueError("its strokes are scattered too far")
    return [
        Word(f"ondb-{line.id}-{number:02}", token, form, [scale * stroke for stroke in strokes])
        for number, (token, strokes) in enumerate(zip(tokens, words, strict=True))
    ]


def whole(line: Line) -> Word:
    """The line as a whole. Raises ValueError where it cannot be one."""
    tokens, form = _checked(line)
    x, y = np.concatenate(line.strokes).T
    scale = np.float32(X_HEIGHT / x_height(x, y))
    if max(np.ptp(x), np.ptp(y)) * scale > _LONGEST:
        raise ValueError("its strokes are scattered too far")
    strokes = [scale * stroke for stroke in line.strokes]
    return Word(f"ondb-{line.id}", " ".join(tokens), form, strokes)


def _checked(line: Line) -> tuple[list[str], str]:
    """The line's words and its form. Raises ValueError."""
    tokens = line.text.split()
    form = _LINE_ID.fullmatch(line.id)
    if not 1 <= len(tokens) <= 100 or not form or not line.strokes:
        raise ValueError(
            "expected an id such as a01-000u-01, a text of up to 100 words, and strokes"
        )
    return tokens, form[1]


def _length(word: str) -> float:
    """How wide a word is, in characters of usual width."""
    return 0.4 + sum(_WIDTHS.get(character, 1.0) for character in word)


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

    The most that speaks for the gaps and for the widths of the pieces, added up. ``left``,
    ``right`` (S,) are of strokes, ``lengths`` (W,) of words, ``unit`` is the x-height; a gap
    between words is one of the G widest.
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
    spans = right[ends] - left[starts][:, None]  # from every start (rows) to every end
    widths = spans.clip(0) / a_character + 0.4
    for_width = -_FIT * np.log(widths / lengths[:, None, None]) ** 2
    for_width[:, ends < starts[:, None]] = -np.inf
    score, between = _best(for_width, for_gap)
    kept = np.isin(np.arange(len(wide)), between)
    clear = gaps[wide[kept]].min(initial=unit) / gaps[wide[~kept]].max(initial=0.35 * unit)
    return _Cut(score, float(clear), np.split(order, np.sort(wide[kept]) + 1))


def _best(
    for_width: npt.NDArray[np.float64], for_gap: npt.NDArray[np.float64]
) -> tuple[float, list[int]]:
    """The best sum, and which gaps the words are cut at, by dynamic programming over words.

    ``for_width`` (W, G + 1, G + 1): what speaks for a word that reaches from a start (rows) to an
    end. ``for_gap`` (G + 1,): what speaks for the gap before a start.
    """
    score = for_width[0, 0]  # of the best cut of the words so far, by where the last one ends
    begins = []
    for of_word in for_width[1:]:
        before = np.append(-np.inf, score[:-1]) + for_gap
        choices = before[:, None] + of_word
        begins.append(choices.argmax(axis=0))
        score = choices.max(axis=0)
    at, between = len(score) - 1, []
    for begin in reversed(begins):
        at = int(begin[at]) - 1
        between.append(at)
    return float(score[-1]), between
