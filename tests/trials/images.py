"""Damaged images, read as people read them: by ``ocrkit run FOLDER``, with a model of the zoo."""

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

from trials.commands import run_command
from trials.mutations import image_mutated


def trial(folder: Path, seeds: str, count: int, seed: int = 0) -> dict[str, Any]:
    """Damages so many images and reads them all. Reports how many were read and skipped, and
    ``wrong``, a line each."""
    import ocrkit.cli.run
    import ocrkit.cli.run_images
    import ocrkit.pipeline  # noqa: F401  (now, not in the child)

    random = Random(f"{seed} images")
    whole = [
        (path.suffix, path.read_bytes()) for path in sorted((Path(seeds) / "images").iterdir())
    ]
    (folder / "images").mkdir()
    for number in range(count):
        suffix, data = random.choice(whole)
        (folder / "images" / f"{number:05}{suffix}").write_bytes(
            image_mutated(data, random, [each for _, each in whole])
        )
    results = folder / "results.jsonl"
    words = [
        "run",
        str(folder / "images"),
        "--pipeline",
        "iam-crnn",
        "--output",
        str(results),
        "--threads",
        "2",
    ]
    end = run_command(words, folder)
    rows = (
        [json.loads(line) for line in results.read_text("utf-8").splitlines()[1:]]
        if results.exists()
        else []
    )
    read = [row for row in rows if "error" not in row]
    wrong = []
    if end.status not in (0, 1) or "Traceback" in end.said:
        wrong.append(f"status {end.status}: {end.said[-1000:]}")
    if sorted({row["id"].rpartition("/")[2][:5] for row in rows}) != [
        f"{number:05}" for number in range(count)
    ]:
        wrong.append(f"{len(rows)} rows for {count} images")
    shutil.rmtree(folder / "images")
    return {
        "tried": count,
        "read": len(read),
        "skipped": len(rows) - len(read),
        "wrong": wrong,
        "peak_mb": round(end.peak_mb),
    }
