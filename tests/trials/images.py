"""Damaged images, read as people read them: by ``ocrkit run FOLDER``, with a model of the zoo."""

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

from hostile_images import BOMBS
from trials.commands import run_command
from trials.mutations import image_mutated

SUFFIXES = {b"II*\0": ".tif", b"RIFF": ".webp", b"\x89PNG": ".png"}
"""By the first four bytes of a file."""


def trial(folder: Path, seeds: str, count: int, seed: int = 0) -> dict[str, Any]:
    """Damages so many images and reads them all, the bombs as they are too. Reports how many were
    read and skipped, and ``wrong``, a line each."""
    import ocrkit.cli.run
    import ocrkit.cli.run_images
    import ocrkit.pipeline  # noqa: F401  (now, not in the child)

    random = Random(f"{seed} images")
    bombs = [(SUFFIXES[data[:4]], data) for data in BOMBS.values()]
    seeds_of = sorted((Path(seeds) / "images").iterdir())
    whole = [(path.suffix, path.read_bytes()) for path in seeds_of]
    whole += [(suffix, data) for suffix, data in bombs if len(data) < 1_000_000]
    (folder / "images").mkdir()
    for number in range(count + len(bombs)):
        if number < count:
            suffix, data = random.choice(whole)
            data = image_mutated(data, random, [each for _, each in whole])
        else:
            suffix, data = bombs[number - count]
        (folder / "images" / f"{number:05}{suffix}").write_bytes(data)
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
        f"{number:05}" for number in range(count + len(bombs))
    ]:
        wrong.append(f"{len(rows)} rows for {count + len(bombs)} images")
    shutil.rmtree(folder / "images")
    return {
        "tried": count + len(bombs),
        "read": len(read),
        "skipped": len(rows) - len(read),
        "wrong": wrong,
        "peak_mb": round(end.peak_mb),
    }
