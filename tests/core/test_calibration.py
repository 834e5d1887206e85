"""The temperature that makes confidences fit, its search, and the error that it is judged by."""

import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ocrkit
from ocrkit.choosing import calibration
from ocrkit.choosing.calibration import Calibration, fit, golden_section, store
from ocrkit.data.datasets import open_dataset
from ocrkit.errors import DataError, OcrkitError, WeightsError
from ocrkit.interfaces import Decoded, Sample
from ocrkit.scoring.confidence import calibration_error


def test_the_error_is_the_gap_of_every_bin_weighted_by_its_samples() -> None:
    confidences = np.array([0.95, 0.99, 0.97, 0.94, 0.1, 0.12])
    right = np.array([True, True, False, True, False, False])
    high, low = abs(np.mean([0.95, 0.99, 0.97, 0.94]) - 0.75), abs(np.mean([0.1, 0.12]))
    assert calibration_error(confidences, right) == pytest.approx((4 * high + 2 * low) / 6)
    assert calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0
    assert calibration_error(np.array([0.0, 1.0]), np.array([True, False])) == 1


@pytest.mark.parametrize("edge", range(1, 15))
def test_the_error_is_of_fifteen_bins_of_equal_width(edge: int) -> None:
    """Two samples on both sides of an edge are judged by themselves; in one bin the wrong one would
    excuse the right one."""
    below, above = edge / 15 - 0.001, edge / 15 + 0.001
    error = calibration_error(np.array([below, above]), np.array([False, True]))
    assert error == pytest.approx((below + 1 - above) / 2)
    together = calibration_error(np.array([above, above + 0.06]), np.array([False, True]))
    assert together == pytest.approx(abs(2 * above + 0.06 - 1) / 2), (
        "1/15 is 0.0667, so these two are in one bin"
    )


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_the_error_is_between_the_gap_of_all_samples_and_one(
    pairs: list[tuple[float, bool]],
) -> None:
    confidences, right = (
        np.array([each for each, _ in pairs]),
        np.array([each for _, each in pairs]),
    )
    assert (
        abs(confidences.mean() - right.mean()) - 1e-9 <= calibration_error(confidences, right) <= 1
    )


@given(st.floats(-2, 2))
def test_the_search_finds_the_minimum_also_at_an_end(lowest: float) -> None:
    found = golden_section(lambda value: abs(value - lowest) ** 1.5, -1, 1)
    assert found == pytest.approx(min(max(lowest, -1), 1), abs=1e-3)


@dataclass(frozen=True)
class Coin:
    """Says ``a`` of every sample, with the confidence that its one log-probability has at the
    temperature."""

    temperature: float | None = None

    def __call__(self, log_probs: Any, lengths: Any, alphabet: Any) -> list[Decoded]:
        odds = log_probs[:, 0, 0] / (self.temperature or 1)
        return [Decoded("a", float(1 / (1 + np.exp(-each)))) for each in odds]


@dataclass
class Network:
    """Stands for a pipeline whose log-odds of being right are ``too_sure`` times what they should
    be."""

    too_sure: float
    decoder: Any = field(default_factory=Coin)
    right: bool | None = None

    spec = SimpleNamespace(alphabet="ab", decoder=SimpleNamespace(use="coin"))

    def outputs(self, dataset: Any) -> Any:
        rng = np.random.default_rng(len(dataset.split))
        odds = rng.normal(1, 2, 4000)
        right = rng.random(4000) < 1 / (1 + np.exp(-odds))
        texts = ["a" if (each if self.right is None else self.right) else "b" for each in right]
        samples = [
            Sample(str(index), text, None, lambda: np.zeros((1, 1), np.uint8))
            for index, text in enumerate(texts)
        ]
        for first in range(0, 4000, 1000):
            chunk = slice(first, first + 1000)
            yield (
                samples[chunk],
                (self.too_sure * odds[chunk])[:, None, None].astype(np.float32),
                np.ones(1000, np.int32),
            )


@dataclass
class Data:
    split: str
    name: str = "coins"
    forms: Any = None
    root: Path = Path("here")


@pytest.mark.parametrize("too_sure", [0.5, 1.0, 3.0])
def test_a_network_that_is_too_sure_or_not_sure_enough_is_found_out(too_sure: float) -> None:
    found = fit(Network(too_sure), Data("one"), Data("other"))  # type: ignore[arg-type]
    assert found.temperature == pytest.approx(too_sure, rel=0.1)
    assert (found.fitted_on, found.measured_on) == (
        "coins one, 4000 samples",
        "coins other, 4000 samples",
    )
    assert found.ece_after < 0.03
    assert (found.ece_before > 0.06) == (too_sure != 1.0)
    assert fit(Network(too_sure), Data("one"), Data("other")) == found  # type: ignore[arg-type]


@pytest.mark.parametrize("right", [True, False])
def test_what_cannot_be_fitted_is_refused(right: bool) -> None:
    with pytest.raises(DataError, match="both kinds are needed"):
        fit(Network(1.0, right=right), Data("one"))  # type: ignore[arg-type]
    with pytest.raises(OcrkitError, match="decoder 'coin' has no option 'temperature'"):
        fit(Network(1.0, decoder=object()), Data("one"))  # type: ignore[arg-type]


@pytest.mark.parametrize("sure", [20.0, 800.0])
def test_one_that_is_sure_and_wrong_does_not_outweigh_all_others(sure: float) -> None:
    """A confidence of 1 for a wrong text would cost infinitely much, whatever the temperature."""

    class OneWrong(Network):
        def outputs(self, dataset: Any) -> Any:
            yield from super().outputs(dataset)
            sample = Sample("wrong", "b", None, lambda: np.zeros((1, 1), np.uint8))
            yield [sample], np.full((1, 1, 1), sure, np.float32), np.ones(1, np.int32)

    assert fit(OneWrong(1.0), Data("one")).temperature == pytest.approx(1.0, rel=0.1)  # type: ignore[arg-type]


def test_confidences_count_as_a_millionth_from_certain_at_least() -> None:
    class Wrong(Network):
        def outputs(self, dataset: Any) -> Any:
            sample = Sample("wrong", "b", None, lambda: np.zeros((1, 1), np.uint8))
            yield [sample], np.full((1, 1, 1), 800, np.float32), np.ones(1, np.int32)

    assert calibration._Outputs(Wrong(1.0), Data("one")).loss(1.0) == pytest.approx(math.log(1e6))  # type: ignore[arg-type]


def test_a_pipeline_s_texts_stay_and_its_confidences_fit_better(
    tiny_run: Path, words_root: Path
) -> None:
    pipeline = ocrkit.load(tiny_run)
    found = fit(pipeline, open_dataset(pipeline.spec.reader, root=words_root, split="all"))
    changed = ocrkit.load(tiny_run, {"decoder.temperature": found.temperature})
    outcomes = [
        {each.sample.id: each.decoded for each in heard}
        for heard in (_readings(pipeline, words_root), _readings(changed, words_root))
    ]
    assert {id_: each.text for id_, each in outcomes[0].items()} == {
        id_: each.text for id_, each in outcomes[1].items()
    }

    def loss(decoded: dict[str, Decoded], texts: dict[str, str]) -> float:
        return -sum(
            math.log(max(each.confidence if each.text == texts[id_] else 1 - each.confidence, 1e-6))
            for id_, each in decoded.items()
        )

    texts = {each.sample.id: each.sample.text for each in _readings(pipeline, words_root)}
    assert loss(outcomes[1], texts) <= loss(outcomes[0], texts)


def _readings(pipeline: ocrkit.Pipeline, root: Path) -> list[Any]:
    heard: list[Any] = []
    pipeline.evaluate("all", data=root, on_reading=heard.append)
    return heard


def test_the_manifest_keeps_what_was_found(tmp_path: Path) -> None:
    path = tmp_path / "manifest.toml"
    path.write_text('schema = 2\n[weights]\nfile = "w.safetensors"\nsha256 = "' + "0" * 64 + '"\n')
    for temperature in (1.5, 1.25):
        store(
            path,
            Calibration(temperature, "iam tune", "iam validation", 0.1, 0.05),
            "ocrkit calibrate x",
        )
    manifest = tomllib.loads(path.read_text())
    assert manifest["weights"]["file"] == "w.safetensors"
    assert manifest["confidence"] == {
        "temperature": 1.25,
        "fitted_on": "iam tune",
        "measured_on": "iam validation",
        "ece_before": 0.1,
        "ece_after": 0.05,
        "command": "ocrkit calibrate x",
    }
    (tmp_path / "other.toml").write_text("schema = 2\n")
    with pytest.raises(WeightsError, match=r"weights\.file: missing|weights: missing"):
        store(tmp_path / "other.toml", Calibration(1.0, "", "", 0.0, 0.0), "")
