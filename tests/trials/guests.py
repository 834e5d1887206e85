"""Plugins whose parts fail or give what no part should, in commands that people run.

``PLACES`` of ``odd_parts`` names where, ``VALUES`` what is given: add a line to try another.
"""

import os
import shutil
import sys
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from odd_parts import PLACES, RAISED, RUN
from trials.commands import run_command
from trials.mutations import DEEP

DECODER = "run --pipeline RUN --data DATA --set decoder.use=odd-decoder"
TRAIN = "train --pipeline RUN --data DATA --set featurizer.use=odd-features --out TO"
COMMANDS = [
    *((place, command) for place, command, *_ in PLACES),
    ("sample", RUN),
    ("image", RUN),
    ("image", "data show odd-reader SITE --output TO"),
    ("decoder", f"{DECODER} --json"),
    ("decoder-text", f"{DECODER} --format csv"),
    ("decoder-characters", f"{DECODER} --output TO"),
    ("decoder-all", DECODER),
    ("decoder-all", "run --pipeline RUN WORD --set decoder.use=odd-decoder"),
    ("stride", TRAIN),
    ("parameters", TRAIN),
    ("build", TRAIN),
    ("featurizer-size", TRAIN),
    ("devices", "check RUN --backend odd-backend"),
]
"""A place, and a command that meets it."""
VALUES: list[Any] = [
    None, True, -1, 7, 2**31, 10**400, 0.5, float("nan"), "", "a", "\ud800",
    [], [1, "a", []], DEEP, {}, {"a": 1},
    np.zeros(0, np.uint8),
    np.zeros((0, 0), np.uint8),
    np.zeros((16, 48), np.float64),
    np.full((16, 48), np.nan, np.float32),
    np.zeros((1, 16, 48), np.uint8),
    np.array([None, "a"]),
    np.array(7),
    np.broadcast_to(np.uint8(0), (1 << 20, 1 << 20)),
    lambda *_: None,
    iter([]),
    object(),
    int,
]  # fmt: skip
"""What a part gives in place of what is usual."""


def trial(folder: Path, seeds: str, count: int, seed: int = 0) -> dict[str, Any]:
    """Has so many of these happen, drawn at random, or all where there are no more. A command ends
    by itself, and where it fails, with a line. Reports ``wrong``, a line each."""
    given = Path(seeds)
    site = given / "guests"
    sys.path.insert(0, str(site))
    os.environ["OCRKIT_DISABLE_PLUGINS"] = "gluon"  # whose import takes longer than all else
    os.environ["OCRKIT_CACHE"] = str(folder / "cache")
    for module in ("run", "run_images", "run_scores", "train", "data", "check", "zoo"):
        import_module(f"ocrkit.cli.{module}")
    for module in ("ocrkit.pipeline", "ocrkit.training", "ocrkit_torch.backend"):
        import_module(module)
    word = next((given / "words").rglob("*.png"))
    names = {"RUN": given / "run", "DATA": given / "words", "SITE": site, "WORD": word}
    names |= {"TEXT": given / "text" / "text.txt", "TO": folder / "to"}
    kinds = [*RAISED, "gives", *map(str, range(len(VALUES)))]
    every = [(place, command, kind) for place, command in COMMANDS for kind in kinds]
    chosen = every if count >= len(every) else Random(f"{seed} guests").sample(every, count)
    ended, wrong, peaks = 0, [], [0.0]
    for place, command, kind in chosen:
        os.environ["ODD"] = f"{place} {kind}"
        end = run_command([str(names.get(word, word)) for word in command.split()], folder)
        peaks.append(end.peak_mb)
        ended += end.status == 0
        told = any(line.startswith("ocrkit: ") for line in end.said.splitlines())
        if end.status not in (0, 1) or "Traceback" in end.said or (end.status and not told):
            what = f"{VALUES[int(kind)]!r:.40}" if kind.isdigit() else kind
            wrong.append(f"{place} {kind} ({what}), {command}: {end.status}: {end.said[-400:]}")
        shutil.rmtree(folder / "to", ignore_errors=True)
        (folder / "to").unlink(missing_ok=True)
    return {
        "tried": len(chosen),
        "done": ended,
        "refused": len(chosen) - ended,
        "wrong": wrong,
        "peak_mb": round(max(peaks)),
    }
