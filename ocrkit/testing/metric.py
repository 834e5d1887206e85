"""Whether a metric does what the interface says."""

import math
import random

from ocrkit.parts.page import Line, Page, Word
from ocrkit.parts.page_protocols import PageMetric
from ocrkit.parts.protocols import Metric
from ocrkit.scoring.rules import Outcome
from ocrkit.scoring.scores import Scorer
from ocrkit.testing.base import PartConformance

TEXTS = ("a", "the", "to be", "It was, he said.", "naïve 12%", "x" * 300, "  two  ", "déjà vu")
ODD = ("", " ", "\t", "é", "🖋️x", "a\u00a0b", "\ud800", "a\0b")


def page_of(text: str) -> Page:
    """A page with a line for every four words of a text, and for the rest, 10 pixels a letter; each
    word has its place."""
    words = text.split()
    lines = []
    for number, start in enumerate(range(0, len(words), 4)):
        x, y, placed = 20.0, 60.0 + 50 * number, []
        for word in words[start : start + 4]:
            end = x + 10 * len(word)
            corners = ((x, y - 20), (end, y - 20), (end, y + 6), (x, y + 6))
            placed.append(Word(word, corners, 1.0))
            x = end + 10
        written = " ".join(words[start : start + 4])
        baseline = ((20.0, y), (x - 10, y))
        lines.append(Line(f"l{number}", baseline, (), 20, 6, text=written, words=tuple(placed)))
    return Page("page", 4000, 4000, lines=tuple(lines))


class MetricConformance(PartConformance):
    """Checks of a metric."""

    kind = "metric"

    def metric(self) -> Metric | PageMetric:
        metric: Metric | PageMetric = self.part()
        return metric

    def counts(
        self, metric: Metric | PageMetric, reference: str, prediction: str
    ) -> tuple[float, float]:
        """Of texts or, from a metric of pages, of pages on which they are written."""
        with self.works(f"on {reference[:20]!r} read as {prediction[:20]!r}"):
            if isinstance(metric, PageMetric):
                return metric.counts(page_of(reference), page_of(prediction))
            return metric.counts(reference, prediction)

    def score(self, pairs: list[tuple[str, str]]) -> float:
        """The metric over pairs of reference and prediction."""
        metric = self.metric()
        sums = [
            math.fsum(column)
            for column in zip(*(self.counts(metric, *pair) for pair in pairs), strict=True)
        ]
        self.check(
            sums[1] > 0,
            f"has the denominator {sums[1]} over ordinary texts; expected a number above 0",
        )
        return sums[0] / sums[1]

    def test_it_says_which_way_is_better(self) -> None:
        metric = self.metric()
        self.check(isinstance(metric, Metric), "lacks counts or higher_is_better")
        pages = getattr(metric, "takes_pages", True)
        self.check(pages is True, f"says takes_pages = {pages!r}; expected True, or nothing")
        better = metric.higher_is_better
        self.check(
            isinstance(better, bool), f"says higher_is_better = {better!r}; expected True or False"
        )

    def test_counts_are_finite(self) -> None:
        """Two finite numbers for any texts, the second not below 0."""
        metric = self.metric()
        for reference in (*TEXTS, *ODD):
            for prediction in (reference, "", "other", "🖋️"):
                numerator, denominator = self.counts(metric, reference, prediction)
                right = math.isfinite(numerator) and math.isfinite(denominator) and denominator >= 0
                self.check(
                    right,
                    f"counts {numerator} of {denominator} for {reference[:20]!r} read as "
                    f"{prediction!r}",
                )

    def test_the_right_texts_are_perfect(self) -> None:
        """1 where higher is better, else 0; and any mistake is worse."""
        higher, perfect = (
            self.metric().higher_is_better,
            self.score([(text, text) for text in TEXTS]),
        )
        self.check(
            perfect == (1 if higher else 0),
            f"scores the right texts with {perfect:g}; expected {int(higher)}",
        )
        wrong = self.score([(text, "# " * 40) for text in TEXTS])
        self.check(
            wrong < perfect if higher else wrong > perfect,
            f"scores nothing but mistakes with {wrong:g}, the right texts too",
        )

    def test_the_order_of_samples_does_not_count(self) -> None:
        """Nor does what was scored before."""
        metric, pairs = self.metric(), _pairs()
        forwards = [self.counts(metric, *pair) for pair in pairs]
        backwards = [self.counts(metric, *pair) for pair in reversed(pairs)]
        self.check(forwards == backwards[::-1], "gives a sample other counts after other samples")

    def test_two_halves_merge_into_the_whole(self) -> None:
        """Scored in two parts and merged, the score is the same as in one."""
        pairs = _pairs()
        whole, first, second = (
            self._scorer(some)
            for some in (pairs, pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :])
        )
        first.merge(second)
        merged, expected = first.result()[self.name].value, whole.result()[self.name].value
        self.check(
            merged == expected,
            f"scores {expected} in one go, and {merged} when two halves are merged",
        )

    def _scorer(self, pairs: list[tuple[str, str]]) -> Scorer:
        scorer = Scorer({self.name: self.metric()})
        with self.works("to score"):
            for index, (reference, prediction) in enumerate(pairs):
                pages = (page_of(reference), page_of(prediction))
                scorer.add(Outcome(str(index), reference, prediction, pages=pages))
        return scorer


def _pairs() -> list[tuple[str, str]]:
    rng = random.Random(0)  # noqa: S311  (nothing secret)
    return [(text, "".join(rng.sample(text, rng.randint(0, len(text))))) for text in TEXTS * 3]
