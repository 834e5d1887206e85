"""Inputs for trials, made once."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ocrkit.cli import main
from trials.seeds import make_seeds


@pytest.fixture(scope="session")
def seeds(tiny_run: Path, words_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each parser with what it reads, whole and sound, not to be changed."""
    folder = tmp_path_factory.mktemp("seeds")
    results = folder / "results.jsonl"
    run = [
        "run",
        "--pipeline",
        str(tiny_run),
        "--data",
        str(words_root),
        "--split",
        "all",
        "--output",
        str(results),
    ]
    assert CliRunner().invoke(main, run).exit_code == 0
    make_seeds(folder / "made", tiny_run, words_root, results)
    return folder / "made"
