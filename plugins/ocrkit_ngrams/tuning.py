"""The weight of a language model and the bonus for length with which a pipeline reads best."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import product
from typing import Any

from ocrkit.data.datasets import Dataset
from ocrkit.errors import DataError, OcrkitError
from ocrkit.interfaces import FloatArray, IntArray, Metric
from ocrkit.parts.codec import Alphabet
from ocrkit.parts.options import make_part
from ocrkit.pipeline import Pipeline

OPTIONS = ("language_model", "lm_weight", "length_bonus")
"""What a decoder's options must be called that are searched here."""
_WEIGHTS, _BONUSES = (0.4, 0.8, 1.2), (0.0, 1.5, 3.0, 4.5)
_STEPS = ((0.2, 0.75), (0.1, 0.375))


@dataclass(frozen=True, slots=True)
class Trial:
    """Two options, and the scores with them, by metric."""

    lm_weight: float
    length_bonus: float
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Tuning:
    """The trials, best first, and what they were scored on."""

    language_model: str
    dataset: str
    samples: int
    forms: list[str]
    metric: str
    """The one by which the best was chosen."""
    trials: list[Trial]

    @property
    def settings(self) -> list[str]:
        """What to give to ``--set``."""
        best = self.trials[0]
        return [
            f"decoder.language_model={self.language_model}",
            f"decoder.lm_weight={best.lm_weight:g}",
            f"decoder.length_bonus={best.length_bonus:g}",
        ]


def tune(
    pipeline: Pipeline, dataset: Dataset, on_trial: Callable[[Trial], None] = lambda _: None
) -> Tuning:
    """Searches ``lm_weight`` and ``length_bonus`` of the pipeline's decoder for the best score by
    the pipeline's first metric.

    The network runs once. A coarse grid comes first; from its best point on, the eight points
    around the best one so far are tried, until none is better, and then again with half the step.
    The same every time; of equals the first found is taken. ``on_trial`` is told of every trial as
    it is made.

    Raises OcrkitError where the decoder has no language model, or the model's scores were reported
    on this very split, which would no longer be of anything unseen; DataError where no sample can
    be used.
    """
    _check(pipeline, dataset)
    decoder: Any = pipeline.decoder
    evaluation = _Evaluation(pipeline, dataset)
    metric = next(iter(pipeline.spec.metrics))
    sign = -1 if evaluation.metrics[metric].higher_is_better else 1
    trials: dict[tuple[float, float], Trial] = {}

    def best_of(points: Iterator[tuple[float, float]]) -> tuple[float, float]:
        for weight, bonus in points:
            if (weight, bonus) not in trials:
                changed = replace(decoder, lm_weight=weight, length_bonus=bonus)
                trials[weight, bonus] = Trial(weight, bonus, evaluation.scores(changed))
                on_trial(trials[weight, bonus])
        return min(trials, key=lambda point: sign * trials[point].scores[metric])

    best = best_of(product(_WEIGHTS, _BONUSES))
    for step in _STEPS:
        while (better := best_of(_around(best, step))) != best:
            best = better
    ranked = sorted(trials.values(), key=lambda trial: sign * trial.scores[metric])
    return Tuning(
        decoder.language_model,
        _name(dataset),
        len(evaluation),
        sorted(evaluation.forms),
        metric,
        ranked,
    )


def _check(pipeline: Pipeline, dataset: Dataset) -> None:
    """Raises OcrkitError unless there is something to choose, on what the scores of the weights
    were not reported on."""
    decoder: Any = pipeline.decoder
    names = {each.name for each in fields(decoder)} if is_dataclass(decoder) else set()
    use = pipeline.spec.decoder.use
    if missing := [name for name in OPTIONS if name not in names]:
        raise OcrkitError(
            f"decoder {use!r} has no option {missing[0]!r}; choose one that has: --set "
            "decoder.use=ctc-beam"
        )
    if not decoder.language_model:
        raise OcrkitError(
            f"decoder {use!r} is given no language model; name one: --set "
            "decoder.language_model=FILE|NAME"
        )
    split = _name(dataset)
    if split == pipeline.weights.reported:
        raise OcrkitError(
            f"{split}: the scores of {pipeline.weights.reference} are reported on it; choose on "
            "another split or on forms set "
            "apart for choosing: --split NAME, --set reader.only=FILE"
        )


def _name(dataset: Dataset) -> str:
    return f"{dataset.name} {dataset.split}"


def _around(point: tuple[float, float], step: tuple[float, float]) -> Iterator[tuple[float, float]]:
    for across, along in product((-1, 0, 1), repeat=2):
        weight, bonus = round(point[0] + across * step[0], 6), round(point[1] + along * step[1], 6)
        if weight >= 0:
            yield weight, bonus


class _Evaluation:
    """What a pipeline's network says of samples, to be scored with any decoder."""

    def __init__(self, pipeline: Pipeline, dataset: Dataset) -> None:
        parts = pipeline.spec.metrics.items()
        self.metrics: dict[str, Metric] = {name: make_part(part) for name, part in parts}
        self.forms: set[str] = set()
        self._alphabet = Alphabet(pipeline.spec.alphabet)
        self._batches: list[tuple[list[str], FloatArray, IntArray]] = []
        for samples, log_probs, lengths in pipeline.outputs(dataset):
            self.forms.update(sample.form for sample in samples if sample.form is not None)
            texts = [self._alphabet.normalize(sample.text or "") for sample in samples]
            self._batches.append((texts, log_probs, lengths))
        if not len(self):
            raise DataError(
                f"{dataset.root}: no sample of {dataset.split} can be read, or none has a text"
            )

    def __len__(self) -> int:
        return sum(len(texts) for texts, _, _ in self._batches)

    def scores(self, decoder: Any) -> dict[str, float]:
        sums = {name: [0.0, 0.0] for name in self.metrics}
        for texts, log_probs, lengths in self._batches:
            for text, decoded in zip(
                texts, decoder(log_probs, lengths, self._alphabet), strict=True
            ):
                for name, metric in self.metrics.items():
                    numerator, denominator = metric.counts(text, decoded.text)
                    sums[name][0] += numerator
                    sums[name][1] += denominator
        return {
            name: numerator / denominator if denominator else 0.0
            for name, (numerator, denominator) in sums.items()
        }
