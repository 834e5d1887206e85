"""Trials run in processes of their own: what crashes, hangs or takes all memory there ends one
test, and is seen."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TRIALS = int(os.environ.get("OCRKIT_TRIALS") or 20)
"""Mutated inputs for each parser; the other counts follow from it."""
FULL = TRIALS >= 1000
"""Whether to try everything, whatever it takes."""
_MOST_VIRTUAL = 12 << 30
"""Bytes that a process may reserve: one that would take all memory fails before the machine
does."""
_PATIENCE = 3600 if FULL else 300
"""Seconds after which a process counts as hung."""


def run_child(trial: str, folder: Path, *, most_mb: int, **options: Any) -> dict[str, Any]:
    """Runs ``trial(folder, **options)`` of the module ``trials.<trial>`` in a process of its own;
    gives what it reports.

    Asserts that the process ends by itself, without a traceback, and never held more than
    ``most_mb`` megabytes.
    """
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PYTHONFAULTHANDLER": "1",
    }
    command = [sys.executable, "-m", "trials.children", trial, str(folder), json.dumps(options)]
    child = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    assert child.returncode == 0, child.stderr[-3000:]
    assert "Traceback" not in child.stderr, child.stderr[-3000:]
    report: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    print(f"{trial}: {report}")  # noqa: T201  (pytest shows it with -rP, and where a test fails)
    assert report["peak_mb"] <= most_mb, report
    return report


def peak_mb() -> float:
    """The most memory that this process has held. ``ru_maxrss`` would count the one that started it
    too."""
    line = next(
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    return int(line.split()[1]) / 1024


def _main() -> None:
    from importlib import import_module
    from resource import RLIMIT_AS, setrlimit

    setrlimit(RLIMIT_AS, (_MOST_VIRTUAL, _MOST_VIRTUAL))
    _, name, folder, options = sys.argv
    report = import_module(f"trials.{name}").trial(Path(folder), **json.loads(options))
    print(json.dumps(report | {"peak_mb": max(round(peak_mb()), report.get("peak_mb", 0))}))  # noqa: T201


if __name__ == "__main__":
    _main()
