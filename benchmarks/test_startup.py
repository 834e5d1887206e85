"""Whole processes, from their start to their end. Their modules are compiled, as pip compiles them
when it installs."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.startup
OCRKIT = [sys.executable, "-m", "ocrkit"]
IMAGE = next((Path(__file__).parents[1] / "plugins/ocrkit_iam/sample/words").rglob("*.png"))
PROCESSES = {
    "interpreter": [sys.executable, "-c", ""],
    "help": [*OCRKIT, "--help"],
    "plugins-list": [*OCRKIT, "plugins", "list"],
    "imports": [sys.executable, "-c", "import onnxruntime, cv2, numpy"],
    "first-text": [*OCRKIT, "run", str(IMAGE)],
}


@pytest.mark.parametrize("what", PROCESSES)
def test_process(what: str, benchmark: Any, note: Callable[..., None]) -> None:
    """``imports`` is what reading an image cannot do without: ONNX Runtime, OpenCV and NumPy."""
    benchmark.group = "whole processes"
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    options = {"capture_output": True, "check": True, "env": environment}
    done = benchmark.pedantic(
        subprocess.run, (PROCESSES[what],), options, warmup_rounds=1, rounds=15
    )
    assert done.returncode == 0
    note(1, what=what)
