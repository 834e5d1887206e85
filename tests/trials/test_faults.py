"""Whatever happens while a command writes, nothing is lost: it goes on and ends with the same
files, bit for bit."""

from pathlib import Path

import pytest

from trials.children import FULL, TRIALS, run_child
from trials.faults import WORKS

MOST = 1200
"""MB that a training may take, most of them PyTorch's or MXNet's."""


@pytest.mark.parametrize("name", WORKS)
def test_a_command_that_was_killed_or_met_a_full_disk_goes_on(
    tmp_path: Path, seeds: Path, name: str
) -> None:
    if name == "train on gluon":
        pytest.importorskip("mxnet", reason="MXNet is not installed")
    points = 100_000 if FULL else max(1, TRIALS // 20)
    report = run_child("faults", tmp_path, seeds=str(seeds), name=name, points=points, most_mb=MOST)
    assert not report["wrong"]
    assert report["kills"] >= min(points, report["operations"])
