"""Packages of third parties, installed and tested as their owners would, in processes of their
own."""

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree as ET

# Runs command after command of ocrkit in one process, so that frameworks are imported once.
PROGRAM = """
import json, sys
from ocrkit.cli import main
for command in json.load(sys.stdin):
    try:
        main(command)
    except SystemExit as end:
        if end.code:
            sys.exit(f"{command}: exit status {end.code}")
"""


def run(
    *command: object, stdin: str = "", env: dict[str, str] | None = None, cwd: Path | None = None
) -> str:
    """What a process prints, on both streams."""
    words = [str(word) for word in command]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(words, input=stdin, env=env, cwd=cwd, text=True, check=False, **streams)
    assert done.returncode == 0, done.stdout
    return done.stdout


def install(packages: Path, names: Collection[str], site: Path) -> dict[str, str]:
    """Installs the packages of these names in a folder into ``site``: the environment of a process
    that has them."""
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    run(*pip, "--target", site, *(packages / name for name in names))
    paths = [str(site), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OCRKIT_IAM": ""}


def outcomes_of(
    packages: Path, names: Collection[str], environment: dict[str, str]
) -> dict[str, list[str]]:
    """What became of each package's own tests, by package: ``passed``, or the others with their
    reason."""
    pytest_ = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "--junitxml",
        "results.xml",
    ]
    subprocess.run(
        [*pytest_, *names], cwd=packages, env=environment, capture_output=True, check=False
    )
    modules = {f"test_{name.replace('-', '_')}": name for name in names}
    found: dict[str, list[str]] = {name: [] for name in names}
    for case in ET.parse(packages / "results.xml").iter("testcase"):  # noqa: S314  (pytest's own)
        (name,) = (
            modules[part] for part in str(case.get("classname")).split(".") if part in modules
        )
        found[name].append(
            next((f"{child.tag}: {child.get('message')}" for child in case), "passed")
        )
    return found
