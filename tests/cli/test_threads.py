"""How long threads wait for each other by spinning, which on a busy machine costs more than their
work."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

LOADED_BY_A_COMMAND = """
import ctypes, sys
from ocrkit import cli

cli.main = lambda: ctypes.CDLL(sys.argv[1])
cli.console()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="libgomp is there on Linux")
@pytest.mark.parametrize(
    ("environment", "spins"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "passive"}, "0")],
)
def test_threads_spin_for_short_unless_somebody_says_otherwise(
    environment: dict[str, str], spins: str
) -> None:
    """With libgomp's own choice training beside a busy process has done 4 images a second, and 22
    so. What libgomp was told it says itself when it is loaded, as it is with PyTorch."""
    spec = find_spec("torch")
    folders = [Path(folder) for folder in (spec and spec.submodule_search_locations) or []]
    found = [
        path
        for folder in folders
        for path in (*folder.glob("lib/libgomp*"), *folder.parent.glob("torch.libs/libgomp*"))
    ]
    if not found:
        pytest.skip("no PyTorch with a libgomp of its own")
    ours = {
        name: value
        for name, value in os.environ.items()
        if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    }
    shown = subprocess.run(
        [sys.executable, "-c", LOADED_BY_A_COMMAND, found[0]],
        env=ours | environment | {"OMP_DISPLAY_ENV": "verbose"},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert f"GOMP_SPINCOUNT = '{spins}'" in shown
