"""Loaded pipelines in programs with several processes and threads, on every backend."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import ocrkit
from networks import BACKENDS


@pytest.fixture(scope="session")
def images(words_root: Path) -> list[str]:
    return [str(path) for path in sorted(words_root.rglob("*.png"))[:12]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_has_read_reads_in_forked_children_too(backend: str, images: list[str]) -> None:
    """Children waited for ever, for threads that only their parent had."""
    script = Path(__file__).parents[1] / "forks.py"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [sys.executable, str(script), backend, *images]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("backend", BACKENDS)
def test_pipelines_in_several_threads_read_what_each_reads_alone(
    backend: str, images: list[str]
) -> None:
    pipelines = [
        ocrkit.load("iam-crnn", settings, backend=backend, device="cpu", threads=threads)
        for threads, settings in ((1, ()), (2, {"preprocessor.width": 112}))
    ]

    def read(pipeline: ocrkit.Pipeline) -> list[tuple[str | None, float | None]]:
        return [(item.text, item.confidence) for item in pipeline.read_many(images)]

    alone = [read(pipeline) for pipeline in pipelines]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(read, pipelines * 6))
    assert together == alone * 6
