"""Every benchmark's body runs, once, on a few words of the sample, so that none of them breaks
unseen."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pareto import cases_of, plot, table
from report import ratios

from ocrkit_pagexml.reader import PageXml

ROOT = Path(__file__).parents[2]
# Without what says that these tests run in one of several processes: those that they start do not.
ENVIRONMENT = {name: text for name, text in os.environ.items() if "PYTEST" not in name} | {
    "OMP_NUM_THREADS": "1"
}


def python(*arguments: str) -> str:
    """What a process prints on standard output; it must succeed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
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


def test_latency_is_told_of_one_image_after_the_other() -> None:
    printed = python("benchmarks/latency.py", "iam", "--pipeline", "iam-crnn")
    assert "312 pictures" in printed
    p50, p99 = (float(re.findall(rf"{each} (\d+\.\d\d) ms", printed)[0]) for each in ("p50", "p99"))
    assert 0 < p50 <= p99


def test_what_pictures_show_is_counted() -> None:
    printed = python("benchmarks/layout.py", "iam", "--every", "4")
    assert "word" in printed.splitlines()[0]


def test_lines_of_pages_are_scored_by_the_folder_that_the_pages_are_in(tmp_path: Path) -> None:
    for name, folder in (("letter", "first/a"), ("columns", "second/b")):
        (tmp_path / "pages" / folder).mkdir(parents=True)
        for file in PageXml.sample_root().glob(f"{name}.*"):
            shutil.copy(file, tmp_path / "pages" / folder)
    read = ("--reader", "page-xml", "--data", tmp_path / "pages", "--output", tmp_path / "l.jsonl")
    python("-m", "ocrkit", "run", "--pipeline", "iam-lines", *map(str, read), "--quiet")
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in python("benchmarks/lines.py", str(tmp_path / "l.jsonl")).splitlines()[2:]
    ]
    assert [row[:2] for row in rows] == [["first", "1"], ["second", "1"], ["all", "2"]]
    lines = [int(row[2]) for row in rows]
    header, *read_lines = (tmp_path / "l.jsonl").read_text("utf-8").splitlines()
    assert "iam-lines" in header
    assert lines[0] + lines[1] == lines[2] == len(read_lines)
    assert rows[0][3] != rows[1][3]


def measure(folder: Path, *options: str) -> str:
    """What some quick benchmarks print, which keep their results in the folder."""
    quick = [
        "--device",
        "cpu",
        "--backend",
        "onnx",
        "--precision",
        "float32",
        "--batch-size",
        "8",
        "--words",
        "8",
    ]
    timed = [
        "--benchmark-min-rounds=1",
        "--benchmark-max-time=0.01",
        f"--benchmark-storage={folder}",
    ]
    return python(
        "-m", "pytest", "benchmarks", "-q", "-p", "no:cacheprovider", *quick, *timed, *options
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of one run, in a file and as ``earlier``."""
    folder = tmp_path_factory.mktemp("measured")
    measure(
        folder,
        f"--benchmark-json={folder / 'quick.json'}",
        "--benchmark-save=earlier",
        "-k",
        "test_network or metrics",
    )
    return folder


def test_the_table_and_the_plot_show_every_case(measured: Path) -> None:
    results = measured / "quick.json"
    python("benchmarks/report.py", str(results))
    table = results.with_suffix(".md").read_text("utf-8")
    assert "| onnx float32 |" in table
    assert "metrics[iam-crnn]" in table
    assert "8 words of iam all (sample)" in table
    assert "batches of 8" in results.with_suffix(".svg").read_text("utf-8")


def test_two_runs_can_be_compared(measured: Path) -> None:
    printed = measure(measured, "--benchmark-compare", "-m", "network")
    assert "(NOW)" in printed
    assert "earlier" in printed


def test_the_report_sets_what_was_measured_against_what_it_is_compared_with() -> None:
    def case(name: str, seconds: float, **about: Any) -> dict[str, Any]:
        return {
            "name": name,
            "backend": name.partition(" ")[0],
            "best": seconds,
            "samples": 100,
            **about,
        }

    groups = {
        "end to end, cold: m, cpu": [
            case("onnx float32", 1.0, cer=0.12),
            case("notebook float32", 3.0, cer=0.119),
        ],
        "network alone: m, cpu, batches of 64": [
            case("onnx float32", 0.8, limit_images_per_second=250.0)
        ],
        "start on a data set, all threads": [
            case("start", 5.0, what="cold"),
            case("start", 0.25, what="cached"),
        ],
        "whole processes": [
            case(what, best, what=what) for what, best in (("interpreter", 0.02), ("help", 0.1))
        ],
    }
    assert [value for _, value in ratios(groups)] == [
        "3.00, CER +0.10 points",
        "50%",
        "80%",
        "20.00",
        "80 ms",
    ]


def test_models_that_no_other_beats_are_set_apart() -> None:
    def case(precision: str, seconds: float, cer: float, backend: str = "onnx") -> dict[str, Any]:
        about = {"backend": backend, "model": "m", "precision": precision, "file_mb": 2.0}
        return {"name": precision, "best": seconds, "samples": 100, "cer": cer, **about}

    groups = {
        "end to end, cold: m, cpu": [
            case("float32", 1.0, 0.08), case("int8", 0.5, 0.09), case("float32", 2.0, 0.085),
            case("float32", 4.0, 0.04), case("float32", 5.0, 0.08, "notebook"),
        ],
        "end to end, cached: m, cpu": [case("float32", 0.1, 0.01)],
    }  # fmt: skip
    cases = cases_of(groups)
    assert [(case["rate"], case["front"]) for case in cases] == [
        (200.0, True), (100.0, True), (50.0, False), (25.0, True), (20.0, False),
    ]  # fmt: skip
    assert [case["times"] for case in cases] == [10.0, 5.0, 2.5, 1.25, 1.0]
    machine = {"when": "2026-01-01", "cpu": {}, "cores": 2}
    assert "| **m, int8** | 0.0900 | 200 | 10.00 | 2.0 |" in table(machine, cases)
    dots = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', plot(cases))
    across, down = ([float(each) for each in side] for side in zip(*dots, strict=True))
    assert across == sorted(across, reverse=True)
    assert down[0] == min(down)  # more mistakes are further up
    assert down[3] == max(down)


def test_a_run_over_many_words_is_killed_and_resumed() -> None:
    printed = python("benchmarks/scale.py", "600", "--interrupt")
    assert "600 words:" in printed
    assert "and resumed: the same file" in printed
