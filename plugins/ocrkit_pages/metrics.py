"""Scores of pages: of the text in the order in which it was read and in any other, and of the lines
and words that were found.

A page's text is that of its lines, a line each; blank ones between regions do not count. What was
read where truth has a line and nobody has said what it says is left out of scores of texts.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ocrkit import Page
from ocrkit_pages.assignment import assignment
from ocrkit_pages.matching import matched

_OVERLAP = 0.5
"""Share of two words' boxes together that they have in common, where they are the same word."""


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Levenshtein's distance of two texts, or of two lists of words."""
    from rapidfuzz.distance import Levenshtein  # a pipeline that only reads images does without

    return Levenshtein.distance(one, other)


def texts(reference: Page, prediction: Page) -> tuple[list[str], list[str]]:
    """The texts of both pages' lines, in their order, as far as they can be compared."""
    silent = {place for place, line in enumerate(reference.lines) if not line.text}
    passed = {
        found
        for true, found in (matched(reference, prediction).pairs if silent else ())
        if true in silent
    }
    return (
        [line.text for line in reference.lines if line.text],
        [
            line.text
            for place, line in enumerate(prediction.lines)
            if line.text and place not in passed
        ],
    )


@dataclass(frozen=True)
class PageCharacterErrorRate:
    """Distances of the pages' texts, their lines in the order in which they were read, over lengths
    of the true texts; may exceed 1. The end of a line is a character."""

    takes_pages: ClassVar[bool] = True
    higher_is_better: ClassVar[bool] = False

    def counts(self, reference: Page, prediction: Page, /) -> tuple[float, float]:
        """The distance in characters, and the characters of the true text."""
        truth, read = map("\n".join, texts(reference, prediction))
        return float(distance(read, truth)), float(len(truth))


@dataclass(frozen=True)
class PageWordErrorRate:
    """The same over words, which are what white space and the ends of lines separate."""

    takes_pages: ClassVar[bool] = True
    higher_is_better: ClassVar[bool] = False

    def counts(self, reference: Page, prediction: Page, /) -> tuple[float, float]:
        """The distance in words, and the words of the true text."""
        truth, read = (" ".join(lines).split() for lines in texts(reference, prediction))
        return float(distance(read, truth)), float(len(truth))


@dataclass(frozen=True)
class OrderFreeCharacterErrorRate:
    """Character error rate whatever the order: each true line is compared with the read one that is
    its own in the one-to-one assignment of the least distance in all. What is left over on either
    side is missing or invented. Beside ``page-cer`` it tells what the reading order costs."""

    takes_pages: ClassVar[bool] = True
    higher_is_better: ClassVar[bool] = False

    def counts(self, reference: Page, prediction: Page, /) -> tuple[float, float]:
        """The sum of distances in characters, and the characters of the true lines."""
        from rapidfuzz.distance import Levenshtein
        from rapidfuzz.process import cdist

        truth, read = texts(reference, prediction)
        total = float(sum(map(len, truth)))
        edits = total + sum(map(len, read))
        if truth and read:
            distances = cdist(truth, read, scorer=Levenshtein.distance, dtype=np.int32)
            apart = np.add.outer([len(text) for text in truth], [len(text) for text in read])
            saved = (apart - distances).astype(np.float64)
            edits -= sum(saved[pair] for pair in assignment(-saved))
        return float(edits), total


@dataclass(frozen=True)
class MatchedCharacterErrorRate:
    """Character error rate of the true lines that were found: those half of whose baseline at least
    a found line covers, which is its own. Beside the others it tells how well lines are read, apart
    from how they are found and put in order."""

    takes_pages: ClassVar[bool] = True
    higher_is_better: ClassVar[bool] = False

    def counts(self, reference: Page, prediction: Page, /) -> tuple[float, float]:
        """The sum of distances in characters, and the characters of the lines that were found."""
        pairs = [
            (truth, prediction.lines[found].text or "")
            for true, found in matched(reference, prediction).found
            if (truth := reference.lines[true].text)
        ]
        return (
            float(sum(distance(read, truth) for truth, read in pairs)),
            float(sum(len(truth) for truth, _ in pairs)),
        )


@dataclass(frozen=True)
class BagOfWords:
    """F1 of the words, each as often as it is there, wherever it is."""

    takes_pages: ClassVar[bool] = True
    higher_is_better: ClassVar[bool] = True

    def counts(self, reference: Page, prediction: Page, /) -> tuple[float, float]:
        """Twice the words that both have, and the words of both."""
        truth, read = (Counter(" ".join(lines).split()) for lines in texts(reference, prediction))
        return 2.0 * (truth & read).total(), float(truth.total() + read.total())


@dataclass(frozen=True)
class LineRecall:
    """How much of the true lines was found: see :func:`ocrkit_pages.matching.matched`."""

    takes_pages: ClassVar[bool] = True
    higher_is_better: ClassVar[bool] = True

    def counts(self, reference: Page, prediction: Page, /) -> tuple[float, float]:
        """The sum of what is covered of every true line, 0 to 1, and the true lines."""
        covered = matched(reference, prediction).covered
        return float(covered.sum()), float(len(covered))


@dataclass(frozen=True)
class LinePrecision:
    """How much of the found lines is true."""

    takes_pages: ClassVar[bool] = True
    higher_is_better: ClassVar[bool] = True

    def counts(self, reference: Page, prediction: Page, /) -> tuple[float, float]:
        """The sum of what is right of every found line, 0 to 1, and the found lines."""
        right = matched(reference, prediction).right
        return float(right.sum()), float(len(right))


@dataclass(frozen=True)
class LineF1:
    """Both together: what is covered of the true lines and right of the found ones, over all lines
    of both. Where lines are found wholly or not at all it is the F1 of recall and precision."""

    takes_pages: ClassVar[bool] = True
    higher_is_better: ClassVar[bool] = True

    def counts(self, reference: Page, prediction: Page, /) -> tuple[float, float]:
        """The sum over the lines of both pages, and their number."""
        matches = matched(reference, prediction)
        return (
            float(matches.covered.sum() + matches.right.sum()),
            float(len(matches.covered) + len(matches.right)),
        )


@dataclass(frozen=True)
class WordBoxes:
    """F1 of the words' places: a word is found where its upright box and a true one, one to one,
    have half of their common area in common at least (an intersection over union of 0.5). Pages on
    which nobody has said where words are do not count."""

    takes_pages: ClassVar[bool] = True
    higher_is_better: ClassVar[bool] = True

    def counts(self, reference: Page, prediction: Page, /) -> tuple[float, float]:
        """Twice the words that are found, and the words of both pages."""
        truth, read = _boxes(reference), _boxes(prediction)
        if not len(truth):
            return 0.0, 0.0
        same = (_overlaps(truth, read) >= _OVERLAP).astype(np.float64)
        near = same[np.ix_(same.any(axis=1), same.any(axis=0))]
        found = sum(near[pair] for pair in assignment(-near))
        return 2.0 * float(found), float(len(truth) + len(read))


def _boxes(page: Page) -> npt.NDArray[np.float64]:
    """Left, top, right and bottom of the words whose place is known (n, 4)."""
    boundaries = [
        np.array(word.boundary) for line in page.lines for word in line.words if word.boundary
    ]
    boxes = [np.concatenate([each.min(axis=0), each.max(axis=0)]) for each in boundaries]
    return np.array(boxes, np.float64).reshape(-1, 4)


def _overlaps(
    one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Intersection over union of boxes (n, 4) and (m, 4), as (n, m)."""
    low = np.maximum(one[:, None, :2], other[:, :2])
    high = np.minimum(one[:, None, 2:], other[:, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (one, other)]
    union = areas[0][:, None] + areas[1] - common
    ratios: npt.NDArray[np.float64] = common / np.maximum(union, 1e-9)
    return ratios
