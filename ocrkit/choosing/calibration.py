"""The temperature that makes a decoder's confidences fit how often it is right."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ocrkit.data.datasets import Dataset
from ocrkit.errors import DataError, OcrkitError, WeightsError
from ocrkit.parts.checked import CheckError
from ocrkit.parts.codec import Alphabet
from ocrkit.parts.values import FloatArray, IntArray
from ocrkit.pipeline import Pipeline
from ocrkit.scoring.confidence import calibration_error
from ocrkit.support.files import read_text
from ocrkit.support.parsing import parse_toml
from ocrkit.zoo.manifest import write_manifest

LOWEST, HIGHEST = 0.1, 10.0
"""Temperatures that are tried."""
_WIDTH = 1e-3
"""The search ends where the natural logarithm of the temperature is known to this."""
_CLIP = 1e-6
"""Confidences count as at least this far from 0 and 1, so that a single sample cannot outweigh all
others."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A temperature and what it does; errors are expected calibration errors, 0 to 1."""

    temperature: float
    fitted_on: str
    measured_on: str
    ece_before: float
    """At temperature 1."""
    ece_after: float


class _Outputs:
    """What a network says of samples with texts, decoded at any temperature."""

    def __init__(self, pipeline: Pipeline, dataset: Dataset) -> None:
        self._decoder: Any = pipeline.decoder
        self._alphabet = Alphabet(pipeline.spec.alphabet)
        self._batches: list[tuple[list[str], FloatArray, IntArray]] = []
        for samples, log_probs, lengths in pipeline.outputs(dataset):
            texts = [self._alphabet.normalize(sample.text or "") for sample in samples]
            self._batches.append((texts, log_probs, lengths))
        count = sum(len(texts) for texts, _, _ in self._batches)
        forms = f"{dataset.forms.found} forms, " if dataset.forms else ""
        self.name = f"{dataset.name} {dataset.split}, {forms}{count} samples"
        if not count:
            raise DataError(
                f"{dataset.root}: no sample of {dataset.split} can be read, or none has a text"
            )

    def at(self, temperature: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Every sample's confidence, and whether it is read exactly."""
        decoder = replace(self._decoder, temperature=temperature)
        confidences, right = [], []
        for texts, log_probs, lengths in self._batches:
            for text, decoded in zip(
                texts, decoder(log_probs, lengths, self._alphabet), strict=True
            ):
                confidences.append(decoded.confidence)
                right.append(decoded.text == text)
        return np.array(confidences), np.array(right)

    def loss(self, temperature: float) -> float:
        """The mean negative log-likelihood of what is right and what is not, in nats."""
        confidences, right = self.at(temperature)
        return float(-np.log(np.where(right, confidences, 1 - confidences).clip(_CLIP)).mean())


def fit(pipeline: Pipeline, dataset: Dataset, measured: Dataset | None = None) -> Calibration:
    """The temperature by which the pipeline's decoder is best calibrated on a data set, and its
    error there or on another.

    A temperature divides the network's log-probabilities before confidences are computed from them
    (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2). It is the one
    that makes it likeliest that those readings are right that are: maximum likelihood for the event
    that the best text is the true one, which is what the confidence claims (Kuleshov and Liang,
    "Calibrated Structured Prediction", NIPS 2015), for whatever decoder. Found by golden-section
    search on its logarithm (Kiefer 1953), the same every time.

    Raises OcrkitError where the decoder has no temperature, DataError where no sample can be used
    or all or none are right.
    """
    if not hasattr(pipeline.decoder, "temperature"):
        raise OcrkitError(
            f"decoder {pipeline.spec.decoder.use!r} has no option 'temperature'; choose one that "
            "has"
        )
    outputs = _Outputs(pipeline, dataset)
    _, right = outputs.at(1)
    if right.all() or not right.any():
        raise DataError(
            f"{outputs.name}: {'all' if right.all() else 'none'} are read right; both kinds are "
            "needed to fit"
        )
    exponent = golden_section(
        lambda value: outputs.loss(math.exp(value)), math.log(LOWEST), math.log(HIGHEST)
    )
    temperature = round(math.exp(exponent), 3)
    judged = _Outputs(pipeline, measured) if measured else outputs
    before, after = (round(calibration_error(*judged.at(each)), 4) for each in (1, temperature))
    return Calibration(temperature, outputs.name, judged.name, before, after)


def golden_section(
    function: Callable[[float], float], low: float, high: float, width: float = _WIDTH
) -> float:
    """Where a function with a single minimum in [low, high] has it, to within ``width``."""
    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > width:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return (low + high) / 2


def store(path: Path, found: Calibration, command: str) -> None:
    """Stores the temperature as ``[confidence]`` of a model's manifest. Raises WeightsError where
    it is none."""
    try:
        table = parse_toml(read_text(path))
    except (OcrkitError, ValueError) as error:
        raise WeightsError(f"{path}: no readable manifest ({error})") from error
    table["confidence"] = {
        "temperature": found.temperature,
        "fitted_on": found.fitted_on,
        "measured_on": found.measured_on,
        "ece_before": found.ece_before,
        "ece_after": found.ece_after,
        "command": command,
    }
    try:
        write_manifest(path, table)
    except CheckError as error:
        raise WeightsError(f"{path}: {error}") from error
