"""Words a second from image files to texts and scores: ocrkit on every backend beside the
notebook's way, with its weights."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import Case, Measured, Words, pipeline_of, weights

pytestmark = pytest.mark.end_to_end
ROUNDS = 4


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of preprocessed images, empty."""
    monkeypatch.setenv("OCRKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("start", ["cold", "cached"])
def test_end_to_end(
    case: Case,
    start: str,
    cache: Path,
    measured: Callable[[Case], Measured],
    benchmark: Any,
    note: Callable[..., None],
) -> None:
    """Every file read, preprocessed, through the network, decoded and scored; ``cached`` finds
    preprocessed images."""
    network = measured(case)
    pipeline = pipeline_of(network)

    def cold() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    def run() -> Any:
        return pipeline.evaluate(dataset=network.words.dataset)

    if start == "cached":
        run()
    benchmark.group = f"end to end, {start}: {case.model}, {case.device}"
    result = benchmark.pedantic(run, setup=cold if start == "cold" else None, rounds=ROUNDS)
    assert result.samples == len(network.words.samples)
    waits = {
        name: round(getattr(result.seconds, name) / result.seconds.total, 3)
        for name in ("wait_images", "wait_network")
    }
    note(result.samples, batch_size=case.batch_size, **waits, **network.about)


def test_notebook(
    model: str, words: Callable[[str], Words], benchmark: Any, note: Callable[..., None]
) -> None:
    """The notebook's way, from files to its score."""
    notebook = pytest.importorskip(
        "notebook", reason="the notebook's way needs MXNet, which is not installed"
    )
    assembly, arrays = weights(model)
    if (assembly.spec.featurizer.use, assembly.spec.encoder.use) != ("cnn", "bilstm"):
        pytest.skip(f"{model} is not the notebook's network")
    network, samples = notebook.network(arrays), words(model).samples
    paths, texts = [sample.path for sample in samples], [sample.text for sample in samples]
    notebook.score(paths[:64], texts[:64], network, assembly.spec.alphabet)
    benchmark.group = f"end to end, cold: {model}, cpu"
    score, read = benchmark.pedantic(
        notebook.score, (paths, texts, network, assembly.spec.alphabet), rounds=ROUNDS
    )
    assert 0.5 < score <= 1
    edits = [
        assembly.metrics["cer"].counts(text or "", found)
        for text, found in zip(texts, read, strict=True)
    ]
    cer = sum(wrong for wrong, _ in edits) / sum(length for _, length in edits)
    note(
        len(samples),
        model=model,
        backend="notebook",
        device="cpu",
        precision="float32",
        batch_size=64,
        words=words(model).about,
        score=score,
        cer=cer,
    )
