"""Every benchmark's body runs, once, on a few words of the sample, so that none of them breaks unseen."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def python(*arguments: str) -> str:
    """What a process prints on standard output; it must succeed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_benchmarks_run(tmp_path: Path) -> None:
    quick = ["-p", "no:cacheprovider", "--device", "cpu", "--batch-size", "8", "--words", "8"]
    printed = python("-m", "pytest", "benchmarks", "-q", "--benchmark-disable", *quick)
    assert "failed" not in printed


def test_the_table_and_the_plot_show_every_case(tmp_path: Path) -> None:
    results = tmp_path / "quick.json"
    quick = ["--device", "cpu", "--backend", "onnx", "--precision", "float32", "--batch-size", "8", "--words", "8"]
    timed = [
        "--benchmark-min-rounds=1",
        "--benchmark-max-time=0.01",
        f"--benchmark-json={results}",
        "-k",
        "test_network or metrics",
    ]
    python("-m", "pytest", "benchmarks", "-q", "-p", "no:cacheprovider", *quick, *timed)
    python("benchmarks/report.py", str(results))
    table = results.with_suffix(".md").read_text("utf-8")
    assert "| onnx float32 |" in table
    assert "metrics[iam-crnn]" in table
    assert "8 words of iam all (sample)" in table
    assert "batches of 8" in results.with_suffix(".svg").read_text("utf-8")


def test_a_run_over_many_words_is_killed_and_resumed() -> None:
    printed = python("benchmarks/scale.py", "600", "--interrupt")
    assert "600 words:" in printed
    assert "and resumed: the same file" in printed
