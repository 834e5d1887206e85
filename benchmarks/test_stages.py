"""What surrounds the network, stage by stage: reading, preprocessing, batches, decoding, metrics,
and the cache."""

import os
import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import Case, Measured

from ocrkit.reading.values import Seconds
from ocrkit.scoring.evaluate import outcome
from ocrkit.scoring.scores import Scorer

pytestmark = pytest.mark.stages
Note = Callable[..., None]
Networks = Callable[[Case], Measured]


@pytest.fixture
def network(model: str, measured: Networks) -> Measured:
    """The model on ONNX Runtime; on which backend makes no difference to the other stages."""
    return measured(Case(model, "onnx", "cpu"))


def _about(network: Measured) -> dict[str, Any]:
    return {name: network.about[name] for name in ("model", "words")}


def test_reading(network: Measured, benchmark: Any, note: Note) -> None:
    """Files to grey pixels, in one thread."""
    benchmark.group = "stages, one thread"
    benchmark(lambda: [sample.load() for sample in network.words.samples])
    note(len(network.words.samples), **_about(network))


def test_preprocessing(network: Measured, benchmark: Any, note: Note) -> None:
    benchmark.group = "stages, one thread"
    images = [sample.load() for sample in network.words.samples]
    benchmark(lambda: [network.recogniser.assembly.preprocessor(image) for image in images])
    note(len(images), **_about(network))


def test_batches(network: Measured, benchmark: Any, note: Note) -> None:
    """Preprocessed images to the network's inputs."""
    benchmark.group = "stages, one thread"
    benchmark(lambda: deque(network.batches(64), maxlen=0))
    note(len(network.words.samples), **_about(network))


def test_decoding(network: Measured, benchmark: Any, note: Note) -> None:
    benchmark.group = "stages, one thread"
    assembly = network.recogniser.assembly
    outputs = [network.recogniser.network.run(batch) for batch in network.batches(64)]
    benchmark(
        lambda: [
            assembly.decoder(each["log_probs"], each["lengths"], assembly.alphabet)
            for each in outputs
        ]
    )
    note(len(network.words.samples), decoder=assembly.spec.decoder.use, **_about(network))


def test_metrics(network: Measured, benchmark: Any, note: Note) -> None:
    """All metrics with their intervals."""
    benchmark.group = "stages, one thread"
    recogniser, samples = network.recogniser, network.words.samples
    outcomes = [
        outcome(reading) for reading in recogniser.readings(recogniser.prepare(samples), Seconds())
    ]

    def score() -> Any:
        scorer = Scorer(recogniser.assembly.metrics)
        for each in outcomes:
            scorer.add(each)
        return scorer.result()

    assert np.isfinite(benchmark(score)["cer"].value)
    note(len(samples), **_about(network))


@pytest.mark.parametrize("start", ["cold", "cached"])
def test_start(
    start: str,
    network: Measured,
    benchmark: Any,
    note: Note,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until all images are there, preprocessed, none in the system's memory: from their files, and
    from the cache."""
    monkeypatch.setenv("OCRKIT_CACHE", str(tmp_path))

    def forget() -> None:
        if start == "cold":
            shutil.rmtree(tmp_path, ignore_errors=True)
        for path in (*(sample.path for sample in network.words.samples), *tmp_path.rglob("*")):
            if path and Path(path).is_file():
                _forget(path)

    def run() -> None:
        deque(network.recogniser.prepare_all(network.words.dataset), maxlen=0)

    run()
    benchmark.group = "start on a data set, all threads"
    benchmark.pedantic(run, setup=forget, rounds=5)
    note(len(network.words.samples), what=start, **_about(network))


def _forget(path: str | Path) -> None:
    """Takes a file out of the system's memory, so that it is read from disk again."""
    file = os.open(path, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)
