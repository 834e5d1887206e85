"""Reading needs nothing that Linux alone has. Nobody has run ocrkit on macOS or Windows for this
project; what is tried here is that modules and functions which they lack are not asked for."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# Reads an image where Python is as it is on another system: without these modules, and `os` without
# these names.
PROGRAM = """
import importlib.abc, json, os, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {modules!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

for name in {modules!r}:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Absent())
for name in {names!r}:
    if hasattr(os, name):
        delattr(os, name)

import ocrkit
with ocrkit.load("iam-crnn", threads=1) as pipeline:
    print(json.dumps([item.error for item in pipeline.read_many([sys.argv[1]])]))
"""
LINUX_ONLY = ("sched_getaffinity", "posix_fadvise", "memfd_create", "pidfd_open")
POSIX = ("fcntl", "resource", "pwd", "grp", "termios")
POSIX_NAMES = (*LINUX_ONLY, "fork", "sysconf", "register_at_fork", "O_NONBLOCK", "O_NOFOLLOW")


@pytest.mark.parametrize(
    ("modules", "names"), [((), LINUX_ONLY), (POSIX, POSIX_NAMES)], ids=["macOS", "Windows"]
)
def test_an_image_is_read_without_what_other_systems_lack(
    modules: tuple[str, ...], names: tuple[str, ...], tmp_path: Path
) -> None:
    Image.fromarray(np.full((40, 120), 255, np.uint8)).save(tmp_path / "word.png")
    program = PROGRAM.format(modules=modules, names=names)
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "word.png"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [None]
