"""Whatever an archive holds, it is extracted whole or refused in one line, in little memory."""

from pathlib import Path

import pytest

from trials.archives import ARCHIVES, LARGE
from trials.children import FULL, run_child

MOST = 150
"""MB that a child may take, most of them Python with NumPy and rich."""


@pytest.mark.parametrize("name", [None, *(LARGE if FULL else ())])
def test_archives_are_extracted_whole_or_refused_in_a_line(
    tmp_path: Path, name: str | None
) -> None:
    names = list(ARCHIVES) if name is None else [name]
    report = run_child("archives", tmp_path, names=names, most_mb=MOST)
    assert report["tried"] == len(names)
    assert not report["wrong"]
