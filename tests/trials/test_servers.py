"""Whatever a server answers, the file arrives as it is or one line ends the download: soon, in
little memory, and without anything that the server said."""

from pathlib import Path

from trials.children import run_child
from trials.servers import ANSWERS


def test_downloads_succeed_or_end_in_a_line(tmp_path: Path) -> None:
    report = run_child("servers", tmp_path, names=list(ANSWERS), most_mb=150)
    assert report["tried"] == len(ANSWERS)
    assert not report["wrong"]
