"""The models that ship: their manifests are true, and they read."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import ocrkit
from networks import INSTALLED
from ocrkit.data.datasets import Dataset
from ocrkit.parts.codec import Alphabet
from ocrkit.parts.registry import registry
from ocrkit.pipelines.file import load_spec
from ocrkit.publishing.golden_set import read_golden
from ocrkit.publishing.pack import sample_of
from ocrkit.publishing.verify import verify
from ocrkit.support.checksums import sha256_of
from ocrkit.zoo.models import model, read_model_weights
from ocrkit_iam.splits import split_forms

LARGEST_CER = {
    "iam-crnn": 0.082,
    "iam-lines": 0.06,
    "iam-words-fast": 0.082,
    "iam-words-resnet": 0.043,
    "synth-words-resnet": 0.232,
}
"""The most that each may have on the writers of `aachen/validation`."""
OF_PAGES = ["hands-lines"]
"""Those that have learnt lines of pages, and nothing of IAM."""
FOR_PAGES = {"page-lines", "iam-pages", "hands-pages"}
"""Those that `test_zoo_pages.py` is about."""


@pytest.fixture(scope="module", params=[*LARGEST_CER, *OF_PAGES])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def pipeline(name: str) -> ocrkit.Pipeline:
    return ocrkit.load(name)


@pytest.fixture(scope="module")
def level(name: str) -> str:
    """What it reads: words or lines."""
    return str(load_spec(name).reader.options["level"])


@pytest.fixture(scope="module")
def sample(name: str) -> Dataset:
    """Its reader's sample."""
    return sample_of(load_spec(name).reader)


def test_every_model_is_tested_here(name: str) -> None:
    assert name in registry().names("zoo")
    assert {
        entry.name for entry in registry().entries("zoo") if entry.plugin.distribution == "ocrkit"
    } == {*LARGEST_CER, *OF_PAGES, *FOR_PAGES}


def test_the_manifest_describes_the_file_beside_it(name: str) -> None:
    found = model(name)
    about, stored = found.table["weights"], read_model_weights(found)
    assert about["bytes"] == found.weights_path.stat().st_size < 10_000_000
    assert about["sha256"] == sha256_of(found.weights_path)
    assert about["dtype"] == "float16"
    assert {array.dtype for array in stored.arrays.values()} == {np.dtype(np.float16)}
    assert about["parameters"] == sum(array.size for array in stored.arrays.values())
    assert found.table["network"] == stored.about


@pytest.mark.parametrize("name", LARGEST_CER, indirect=True)
def test_what_reads_iam_has_its_characters_and_saw_nothing_that_it_is_scored_on(name: str) -> None:
    """Pen strokes are of other people, on a whiteboard."""
    found = model(name)
    assert Alphabet(found.table["network"]["alphabet"]).classes == 96
    seen = found.seen
    chosen, of_iam = seen.chosen, {form for form in seen.trained if not form.startswith("ondb-")}
    assert bool(of_iam) == bool(chosen) == (name != "synth-words-resnet"), (
        "which has never seen IAM"
    )
    assert of_iam <= set(split_forms("aachen/train"))
    assert not of_iam & chosen
    assert chosen <= set(split_forms("aachen/train"))


@pytest.mark.parametrize("name", OF_PAGES, indirect=True)
def test_what_reads_french_hands_is_for_anybody_and_saw_neither_iam_nor_copiste(name: str) -> None:
    """Copiste's sheets say "for non-commercial ends"."""
    found = model(name)
    assert found.manifest.licence == "CC-BY-4.0"
    assert "HTR-United/timeuscorpus" in found.manifest.terms
    seen = found.seen.trained | found.seen.chosen
    assert found.seen.trained
    assert found.seen.chosen
    assert not found.seen.trained & found.seen.chosen
    assert not seen & set(split_forms("aachen/train"))
    assert not any("copiste" in form or "stanford" in form for form in seen)


def test_it_reads_the_same_on_all_backends_as_its_golden_set_says(name: str) -> None:
    result = verify(name)
    assert result.passed, result.problems
    spec, graph = load_spec(name), model(name).manifest.graph
    assert {each for each in spec.backends if each in INSTALLED} <= result.ran.keys()
    assert graph or "onnx" in result.ran, "what runs without a large framework"
    compared = {frozenset(each.between): each.largest for each in result.differences}
    for pair in combinations((*result.ran, *([graph.file] if graph else []), "stored"), 2):
        largest = compared[frozenset(pair)]
        assert largest is not None
        assert largest <= 1e-3


def test_its_golden_set_is_small_of_the_rendered_sample_and_far_from_ties(
    name: str, level: str, sample: Dataset
) -> None:
    found = model(name)
    about, path = found.table["golden"], found.folder / found.table["golden"]["file"]
    assert path.stat().st_size <= {"words": 700_000, "lines": 1_500_000}[level]
    items = read_golden(path, sha256=about["sha256"])
    assert len(items) == about["items"] >= {"words": 30, "lines": 10}[level]
    samples = {each.id: each for each in map(sample.__getitem__, range(len(sample)))}
    for item in items:
        np.testing.assert_array_equal(item.image, samples[item.id].load())
        ordered = np.sort(item.computed.valid["log_probs"], axis=1)
        assert (ordered[:, -1] - ordered[:, -2]).min() >= about["margin"] >= 10 * about["tolerance"]
    if level == "words":
        assert min(item.image.shape[1] for item in items) < 10
        height = load_spec(name).preprocessor.options["height"]
        assert max(item.image.shape[0] for item in items) > height, "one is shrunk to fit"
    assert len({item.computed.text for item in items}) >= len(items) / 2


def test_it_reads_the_sample(name: str, pipeline: ocrkit.Pipeline, sample: Dataset) -> None:
    """Which is English: others have not learnt that language."""
    result = pipeline.evaluate()
    assert result.samples == len(sample)
    cer = result.metrics["cer"].value
    assert cer is not None
    assert cer < (0.35 if name in LARGEST_CER else 0.45)


@pytest.mark.parametrize("name", LARGEST_CER, indirect=True)
def test_it_is_as_good_as_its_manifest_says_on_writers_it_has_not_seen(
    name: str, pipeline: ocrkit.Pipeline, real_iam: Path, level: str
) -> None:
    if not (real_iam / level).is_dir():
        pytest.skip(f"this copy of IAM has no {level}")
    result = pipeline.evaluate("aachen/validation", data=real_iam)
    stated = model(name).table["results"]
    if result.dataset["forms"]["found"] != stated["forms"]["found"]:
        pytest.skip(
            f"this copy of IAM has {result.dataset['forms']['found']} of the split's forms, not "
            "those of the manifest"
        )
    assert result.samples == stated["samples"]
    for metric, score in result.metrics.items():
        for end in ("value", "low", "high"):
            assert getattr(score, end) == pytest.approx(stated["metrics"][metric][end], abs=2e-3)
    assert result.metrics["cer"].value <= LARGEST_CER[name]  # type: ignore[operator]
