"""Minutes on a rented GPU, spent in order of worth: checks, training, benchmarks.

    python benchmarks/gpu/run.py --recipe iam-crnn --data DATA --out OUT --minutes 9

1. The tests marked ``gpu``, and ``ocrkit zoo verify``: the CPU against the GPU.
2. The recipe's training, or with ``--resume PIECES`` more of it. Every half minute it is in OUT, in
   pieces that ``pieces.py join`` makes a run of.
3. Reading and training on the GPU, timed, for every model that is here.

Each part has a share of the time, and a part that fails leaves the others theirs. OUT has
``log.txt``, what all commands printed; ``CARD.json``, what was measured and what became of each
part, with a table and a plot; and at most four pieces: eight files in all. ``README.md`` beside
this file says how to get everything to the machine.
"""

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import time
from pathlib import Path
from typing import Any

import recipes
from pieces import MIB, cut, join
from session import GRACE_SECONDS, ROOT, Session

from ocrkit.errors import OcrkitError

PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "default")
"""Whatever versions that machine has, their warnings are no errors there."""
LOG_BYTES = MIB // 2
"""Kept of the log's end, when all is done."""


# ------------------------------------------------------------------------------------------ checks


def checks(session: Session, models: list[str], seconds: float) -> str:
    end = time.monotonic() + seconds
    files = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if "mark.gpu" in path.read_text("utf-8")
    ]
    verify = ["-m", "ocrkit", "zoo", "verify", "--backend", "torch", *models]
    verified = session.command(verify, seconds) if models else 0
    tests = [*PYTEST, "-m", "gpu", *files]
    tested = session.command(tests, end - time.monotonic())
    return f"zoo verify {_outcome(verified)}; tests marked gpu {_outcome(tested)}"


def _outcome(status: int | None) -> str:
    return {0: "passed", None: "stopped, the time was up"}.get(status, f"FAILED ({status})")


# ---------------------------------------------------------------------------------------- training


def training(
    session: Session,
    recipe: recipes.Recipe,
    data: Path,
    resume: Path | None,
    size: int,
    seconds: float,
) -> str:
    end = time.monotonic() + seconds
    run = session.work / recipe.name
    if resume:
        shutil.rmtree(run, ignore_errors=True)
        join(resume, run)
    for draw in recipe.draw:
        if not (data / draw.to).exists():
            command = [str(ROOT / "tools/render_dataset.py"), *draw.arguments]
            if session.command(command, end - time.monotonic(), data):
                shutil.rmtree(data / draw.to, ignore_errors=True)
                raise ValueError(f"{draw.to} could not be drawn; log.txt says why")
    again = (run / "last.safetensors").is_file()
    saved = [0.0]

    def save() -> None:
        changed = run / "last.safetensors"
        if changed.is_file() and changed.stat().st_mtime > saved[0]:
            saved[0] = changed.stat().st_mtime
            try:
                session.say(f"checkpoint: {len(cut(run, session.out, size))} pieces")
            except (ValueError, OSError, OcrkitError) as error:  # training goes on
                session.say(f"checkpoint FAILED: {error}")

    status = session.command(
        recipe.resumed(run, session.device) if again else recipe.started(run, session.device),
        end - time.monotonic(),
        data,
        save,
    )
    save()
    log = run / "log.jsonl"
    last = log.read_text("utf-8").splitlines()[-1:] if log.is_file() else []
    ended = {0: "ended", None: "stopped, to be resumed"}.get(status, f"FAILED ({status})")
    return f"{recipe.name} {ended}; last epoch: {last[0] if last else 'none'}"


# -------------------------------------------------------------------------------------- benchmarks


def benchmarks(
    session: Session, models: list[str], data: Path, options: list[str], seconds: float
) -> str:
    """Each model has an equal share of what is left; results of a stopped one are kept as far as
    they go."""
    end = time.monotonic() + seconds
    found: dict[str, Any] = {}
    iam = ["--data", str(data / "iam")] if (data / "iam").is_dir() else []
    for index, model in enumerate(models):
        measured = session.work / f"{model}.json"
        measured.unlink(missing_ok=True)
        share = (end - time.monotonic()) / (len(models) - index)
        command = [*PYTEST, "benchmarks/test_network.py", "--model", model]
        command += ["--device", session.device, "--backend", "torch"]
        command += ["--benchmark-max-time=0.2", "--benchmark-min-rounds=5", *iam, *options]
        session.command([*command, f"--benchmark-json={measured}"], share - GRACE_SECONDS)
        if measured.is_file() and measured.stat().st_size:
            one = json.loads(measured.read_text("utf-8"))
            one["benchmarks"] = found.get("benchmarks", []) + one["benchmarks"]
            found = one
    _results(session).write_text(json.dumps(found, indent=1), encoding="utf-8")
    if not found.get("benchmarks"):
        return "nothing was measured; log.txt says why"
    session.command(["benchmarks/report.py", str(_results(session))], GRACE_SECONDS)
    return f"{len(found['benchmarks'])} cases of {', '.join(models)}"


def _results(session: Session) -> Path:
    return session.out / f"{card(session.device)}.json"


def card(device: str) -> str:
    """The card's name, as a file may have it."""
    import torch

    name = torch.cuda.get_device_name() if device == "cuda" else f"cpu-{platform.machine()}"
    return re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-")


# -------------------------------------------------------------------------------------------- main


def models_here() -> list[str]:
    """The zoo's models whose weights are here: a lean checkout lacks the others."""
    from ocrkit.zoo.models import models

    return [each.name for each in models()[0] if each.weights_path.is_file()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", required=True, help="a file of recipes/, or a path to one")
    parser.add_argument("--data", required=True, type=Path, help="what the packages hold, unpacked")
    parser.add_argument("--out", required=True, type=Path, help="for what is to come back")
    parser.add_argument("--work", type=Path, default=Path("gpu-work"), help="for all else")
    parser.add_argument("--minutes", type=float, default=9.0, help="for everything together")
    parser.add_argument("--checks", type=float, default=1.0, help="minutes of them for checks")
    parser.add_argument("--benchmarks", type=float, default=2.0, help="minutes for benchmarks")
    parser.add_argument("--models", metavar="A,B", help="checked and timed; else all that are here")
    parser.add_argument("--resume", type=Path, metavar="PIECES", help="go on with this run")
    parser.add_argument("--checkpoint-seconds", type=float, default=30.0)
    parser.add_argument("--piece-size", type=float, default=16.0, metavar="MIB")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="over the recipe's"
    )
    parser.add_argument("--pytest", default="", metavar="OPTIONS", help="for the benchmarks")
    arguments = parser.parse_args()
    data, out, work = (path.resolve() for path in (arguments.data, arguments.out, arguments.work))
    end = time.monotonic() + 60 * arguments.minutes
    for folder in (out, work):
        folder.mkdir(parents=True, exist_ok=True)
    os.environ["PYTHONUNBUFFERED"] = "1"
    session = Session(out, work, arguments.device, end, arguments.checkpoint_seconds)
    recipe = recipes.load(arguments.recipe, arguments.set)
    models = arguments.models.split(",") if arguments.models else models_here()
    size = int(arguments.piece_size * MIB)
    checking, timing = 60 * arguments.checks, 60 * arguments.benchmarks
    resume = arguments.resume.resolve() if arguments.resume else None
    if checking:
        session.part("checks", checking, lambda seconds: checks(session, models, seconds))
    session.part(
        "training",
        session.left - timing - GRACE_SECONDS,
        lambda seconds: training(session, recipe, data, resume, size, seconds),
    )
    if timing:
        session.part(
            "benchmarks",
            session.left,
            lambda seconds: benchmarks(
                session, models, data, shlex.split(arguments.pytest), seconds
            ),
        )
    finish(session)


def finish(session: Session) -> None:
    """What became of the parts goes beside what was measured; the log is cut to its end."""
    results = _results(session)
    found = json.loads(results.read_text("utf-8")) if results.is_file() else {}
    found["gpu_run"] = {"card": card(session.device), "parts": session.parts}
    results.write_text(json.dumps(found, indent=1), encoding="utf-8")
    log = session.out / "log.txt"
    log.write_bytes(log.read_bytes()[-LOG_BYTES:])
    for part in session.parts:
        print(f"{part['part']:<11} {part['seconds']:6.1f} s  {part['found']}")


if __name__ == "__main__":
    main()
