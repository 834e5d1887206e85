"""However an image is damaged, it is read or skipped, counted and named, and the others are
read."""

from pathlib import Path

from trials.children import TRIALS, run_child


def test_damaged_images_are_read_or_skipped_and_none_is_lost(tmp_path: Path, seeds: Path) -> None:
    count = TRIALS * 5 // 2
    report = run_child("images", tmp_path, seeds=str(seeds), count=count, most_mb=500)
    assert not report["wrong"]
    assert report["tried"] > count
    assert report["read"] + report["skipped"] == report["tried"]
