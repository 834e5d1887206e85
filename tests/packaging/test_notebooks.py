"""The notebooks of the documentation, run cell by cell, each in a folder and processes of its
own."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from outsiders import install

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))
SHELL = """
def _shell(command):
    import subprocess
    print("$", " ".join(command), flush=True)
    subprocess.run(command, check=True)
"""


def cells(notebook: Path) -> list[str]:
    """The source of every cell of Python."""
    found = json.loads(notebook.read_text(encoding="utf-8"))
    assert found["nbformat"] == 4
    return ["".join(each["source"]) for each in found["cells"] if each["cell_type"] == "code"]


def as_python(cell: str) -> str:
    """A cell with its ``!`` commands, as Jupyter runs them."""
    return re.sub(r"^!(.+)$", lambda found: f"_shell({shlex.split(found[1])})", cell, flags=re.M)


def ran(source: str, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["fine-tune", "read-a-page", "write-a-featurizer"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_no_results_in_it(notebook: Path) -> None:
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    if notebook.stem != "read-a-page":
        pytest.importorskip("torch")
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": programs, "OCRKIT_IAM": ""}
    parts: list[str] = []
    for cell in map(as_python, cells(notebook)):
        # Of a package no dependency is fetched, and it goes where nobody else finds it.
        if package := re.fullmatch(r"_shell\(\['pip', 'install', '\./([\w-]+)'\]\)", cell.strip()):
            ran("\n".join([SHELL, *parts]), tmp_path, environment)
            parts = []
            site = tmp_path / "site-packages"
            environment |= {"PYTHONPATH": install(tmp_path, [package[1]], site)["PYTHONPATH"]}
        else:
            parts.append(cell)
    ran("\n".join([SHELL, *parts]), tmp_path, environment)
