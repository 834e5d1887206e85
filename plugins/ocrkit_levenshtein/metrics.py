"""The seed notebook's score, the character error rate and the word error rate.

The distance is Levenshtein's: the fewest insertions, deletions and substitutions that turn the
prediction into the reference. Characters are Unicode code points, compared as they are: case,
accents, punctuation and spaces count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


def distance(prediction: Sequence[str], reference: Sequence[str]) -> int:
    """The Levenshtein distance of two texts, or of two lists of words.

    >>> distance("hause", "house"), distance("a house".split(), "the house".split())
    (1, 1)
    """
    from rapidfuzz.distance import Levenshtein  # a pipeline that only reads images does without

    return Levenshtein.distance(prediction, reference)


@dataclass(frozen=True)
class Levenshtein:
    """The seed notebook's score: the mean over samples of (length - distance) / length, 1 where all
    is right.

    Every sample weighs the same, however long. Negative where a prediction is wrong and longer than
    its reference. The notebook divides by 0 for an empty reference; here a sample scores 1 -
    distance / max(length, 1), the same number for every other reference: 1 for an empty prediction,
    1 less for every character invented.
    """

    higher_is_better: ClassVar[bool] = True

    def counts(self, reference: str, prediction: str, /) -> tuple[float, float]:
        """The sample's score, and 1 for the sample.

        >>> Levenshtein().counts("house", "hause")
        (0.8, 1.0)
        """
        return 1 - distance(prediction, reference) / max(len(reference), 1), 1.0


@dataclass(frozen=True)
class CharacterErrorRate:
    """Distances over lengths of the references, both summed over the data set; may exceed 1."""

    higher_is_better: ClassVar[bool] = False

    def counts(self, reference: str, prediction: str, /) -> tuple[float, float]:
        """The distance in characters, and the characters of the reference.

        >>> CharacterErrorRate().counts("house", "hause")
        (1.0, 5.0)
        """
        return float(distance(prediction, reference)), float(len(reference))


@dataclass(frozen=True)
class WordErrorRate:
    """The same over words, which are what white space separates (``str.split``); may exceed 1."""

    higher_is_better: ClassVar[bool] = False

    def counts(self, reference: str, prediction: str, /) -> tuple[float, float]:
        """The distance in words, and the words of the reference.

        >>> WordErrorRate().counts("the old house", "the hause")
        (2.0, 3.0)
        """
        words = reference.split()
        return float(distance(prediction.split(), words)), float(len(words))
