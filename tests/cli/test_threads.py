"""How long threads wait for each other by spinning, which on a busy machine costs more than their work."""

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="libgomp is there on Linux")
@pytest.mark.parametrize(
    ("environment", "spins"), [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "passive"}, "0")]
)
def test_threads_spin_for_short_unless_somebody_says_otherwise(environment: dict[str, str], spins: str) -> None:
    """With libgomp's own choice training beside a busy process has done 4 images a second, and 22 so. What libgomp was told
    it says itself when it is loaded, with PyTorch."""
    pytest.importorskip("torch")
    ours = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    shown = subprocess.run(
        [sys.executable, "-m", "ocrkit", "check", "iam-crnn", "--backend", "torch"],
        env=ours | environment | {"OMP_DISPLAY_ENV": "verbose"}, capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    assert f"GOMP_SPINCOUNT = '{spins}'" in shown
