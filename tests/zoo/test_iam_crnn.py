"""The model that ships: its manifest is true, and it reads."""

from pathlib import Path

import numpy as np
import pytest

import ocrkit
from ocrkit import weights
from ocrkit.alphabet import Alphabet
from ocrkit.zoo import model, read_model_weights
from ocrkit_iam.words import split_forms


@pytest.fixture(scope="module")
def pipeline() -> ocrkit.Pipeline:
    return ocrkit.load("iam-crnn")


def test_the_manifest_describes_the_file_beside_it() -> None:
    found = model("iam-crnn")
    about, stored = found.manifest["weights"], read_model_weights("iam-crnn")
    assert about["bytes"] == found.weights_path.stat().st_size < 5_000_000
    assert about["sha256"] == weights.sha256_of(found.weights_path)
    assert about["dtype"] == "float16"
    assert {array.dtype for array in stored.arrays.values()} == {np.dtype(np.float16)}
    assert about["parameters"] == sum(array.size for array in stored.arrays.values())
    assert found.manifest["network"] == stored.about
    assert Alphabet(found.manifest["network"]["alphabet"]).classes == 96


def test_what_it_is_scored_on_it_was_neither_trained_nor_chosen_on() -> None:
    manifest = model("iam-crnn").manifest
    chosen = set(manifest["choosing"]["forms"])
    for run in manifest["training"]["runs"]:
        trained = set(run["forms"])
        assert trained
        assert trained <= set(split_forms("aachen/train"))
        assert not trained & chosen
    assert chosen <= set(split_forms("aachen/train"))


def test_it_reads_the_sample(pipeline: ocrkit.Pipeline) -> None:
    result = pipeline.evaluate()
    assert result.samples == 312
    cer = result.metrics["cer"].value
    assert cer is not None
    assert cer < 0.35


def test_it_is_as_good_as_its_manifest_says_on_writers_it_has_not_seen(pipeline: ocrkit.Pipeline, real_iam: Path) -> None:
    result = pipeline.evaluate("aachen/validation", data=real_iam)
    stated = model("iam-crnn").manifest["results"]
    if result.dataset["forms"]["found"] != stated["forms"]["found"]:
        pytest.skip(f"this copy of IAM has {result.dataset['forms']['found']} of the split's forms, not those of the manifest")
    assert result.samples == stated["samples"] == 1646
    for name, score in result.metrics.items():
        for end in ("value", "low", "high"):
            assert getattr(score, end) == pytest.approx(stated["metrics"][name][end], abs=2e-3)
    assert result.metrics["levenshtein"].value >= 0.84  # type: ignore[operator]
    assert result.metrics["cer"].value <= 0.18  # type: ignore[operator]
