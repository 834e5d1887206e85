"""Makes the peers' environments, one each, and says how long that took and how large they are."""

import json
import shutil
import subprocess
import sys
import time
import venv
from dataclasses import asdict, dataclass
from pathlib import Path

from peer_list import BUILD, REQUIREMENTS, SYSTEM

from ocrkit.support.files import write_atomically

PLAIN = ("--quiet", "--no-cache-dir", "--no-compile")
"""Options of pip: all is downloaded, and modules are compiled when they are first imported."""


@dataclass(frozen=True)
class Environment:
    """Where a peer is, and what it took."""

    name: str
    python: str = ""
    """Its interpreter; empty where it could not be made."""
    megabytes: float | None = None
    """Of all that is installed for it, Python itself apart."""
    seconds: float | None = None
    """That pip took, downloads included; None where the system has it."""
    error: str = ""


def environment(name: str, index: str) -> Environment:
    """Makes it, unless it is there. ``index``: another index of packages, with CPU builds of
    PyTorch."""
    if name in SYSTEM:
        return of_system(name)
    folder = BUILD / "environments" / name
    kept = folder.with_suffix(".json")
    if kept.exists():
        found = Environment(**json.loads(kept.read_text(encoding="utf-8")))
        if not found.error:
            return found
    print(f"installing {name}", file=sys.stderr, flush=True)
    made = _made(name, folder, index)
    with write_atomically(kept) as file:
        file.write_text(json.dumps(asdict(made)), encoding="utf-8")
    return made


def _made(name: str, folder: Path, index: str) -> Environment:
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=False, symlinks=True)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    others = ["--extra-index-url", index] if index else []
    start = time.monotonic()
    done = subprocess.run(
        [
            *pip,
            "install",
            "--quiet",
            "--no-cache-dir",
            "--no-compile",
            *others,
            *REQUIREMENTS[name],
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - start
    if done.returncode:
        shutil.rmtree(folder)
        reason = done.stderr.strip().rpartition("\n")[2]
        return Environment(name, error=reason or f"pip ended with status {done.returncode}")
    return Environment(name, python, megabytes(folder), seconds)


def megabytes(folder: Path) -> float:
    """Of the files in a folder and below it, links apart."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def of_system(name: str) -> Environment:
    """A peer that Debian's packages have installed; its driver runs in the Python of this
    process."""
    query = ["dpkg-query", "--show", "--showformat", "${Installed-Size}\n", *SYSTEM[name]]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        packages = " ".join(SYSTEM[name])
        return Environment(name, error=f"not installed; try: apt-get install {packages}")
    return Environment(name, sys.executable, sum(map(int, done.stdout.split())) * 1024 / 1e6)
