"""Whatever a plugin's part does or gives, a command ends by itself, and if it fails, in a line."""

from pathlib import Path

from trials.children import TRIALS, run_child


def test_what_a_guest_does_ends_no_command_without_a_line(tmp_path: Path, seeds: Path) -> None:
    report = run_child("guests", tmp_path, seeds=str(seeds), count=TRIALS, most_mb=1200)
    assert not report["wrong"]
    assert report["tried"] == report["done"] + report["refused"]
