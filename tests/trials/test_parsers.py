"""Whatever is in a file, it is read or refused by ocrkit's own error: soon, and in little
memory."""

from pathlib import Path

import pytest

from trials.children import FULL, TRIALS, run_child
from trials.parsers import ODD_FILES, PARSERS

MOST = 500
"""MB that reading may take, most of them the libraries'."""


@pytest.mark.parametrize(
    "names", [[name] for name in PARSERS] if FULL else [list(PARSERS)], ids=" ".join
)
def test_what_is_damaged_is_read_or_refused(tmp_path: Path, seeds: Path, names: list[str]) -> None:
    report = run_child(
        "parsers", tmp_path, seeds=str(seeds), names=names, count=TRIALS, most_mb=MOST
    )
    assert report["tried"] == (TRIALS + len(ODD_FILES)) * len(names)
    assert not report["wrong"]
