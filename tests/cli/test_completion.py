"""The shell completes commands and options, as docs/command-line.md says."""

import os
import subprocess
import sys

import pytest

PROGRAM = "from ocrkit.cli import main; main(prog_name='ocrkit')"


@pytest.mark.parametrize(
    ("typed", "offered"), [("ocrkit fine", "finetune"), ("ocrkit run --dra", "--draft")]
)
def test_what_is_typed_is_completed(typed: str, offered: str) -> None:
    words = typed.split()
    environment = {
        **os.environ,
        "_OCRKIT_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.split(",") == ["plain", f"{offered}\n"], done.stderr
