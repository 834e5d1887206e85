"""Has the peers read, in turn, each in processes of its own on the same cores.

Pictures go in groups. All peers read a group before the next one's turn comes, so that a machine
that slows down slows all of them. What was read is kept, so that a run that is interrupted goes
on where it was."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments import Environment
from peer_data import Item
from peer_list import BUILD, Peer

from ocrkit.support.files import write_atomically

DRIVERS = Path(__file__).parent / "drivers"
LONGEST = 1800
"""Seconds that a peer may take for a group."""
THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Turn:
    """A group of pictures, and who reads it."""

    data: str
    task: str
    group: int
    items: Sequence[Item]
    peer: Peer

    @property
    def kept(self) -> Path:
        """Where what was read is."""
        return BUILD / "read" / self.data / self.task / f"{self.group}-{self.peer.slug}.json"


def turns(
    data: dict[str, dict[str, list[Item]]], peers: Sequence[Peer], sizes: dict[str, int]
) -> Iterator[Turn]:
    """A group after the other, each by all peers; so many pictures of a task are one."""
    for task, size in sizes.items():
        for name, tasks in data.items():
            items = tasks[task]
            for group, first in enumerate(range(0, len(items), size)):
                for peer in peers:
                    its = items[: peer.most][first : first + size]
                    if its and task in peer.tasks:
                        yield Turn(name, task, group, its, peer)


def read(turn: Turn, environment: Environment, cores: Sequence[int]) -> dict[str, Any]:
    """What a peer has read of a group, now or before; ``error`` where it could not."""
    images = [item.image for item in turn.items]
    if turn.kept.exists():
        kept: dict[str, Any] = json.loads(turn.kept.read_text(encoding="utf-8"))
        if kept["asked"] == [images, list(cores), turn.peer.options]:
            return kept
    print(f"{turn.data} {turn.task} {turn.group}: {turn.peer.name}", file=sys.stderr, flush=True)
    turn.kept.parent.mkdir(parents=True, exist_ok=True)
    job, out = (turn.kept.with_suffix(f".{name}") for name in ("job", "out"))
    asked = {
        "task": turn.task,
        "images": images,
        "options": turn.peer.options,
        "threads": len(cores),
        "cores": list(cores),
        "began": time.monotonic(),
        "out": str(out),
    }
    job.write_text(json.dumps(asked), encoding="utf-8")
    busy = os.getloadavg()[0]
    result: dict[str, Any]
    error = _run([environment.python, DRIVERS / f"{turn.peer.driver}.py", job], len(cores))
    result = {"error": error} if error else json.loads(out.read_text(encoding="utf-8"))
    result |= {"asked": [images, list(cores), turn.peer.options], "load": busy}
    with write_atomically(turn.kept) as file:
        file.write_text(json.dumps(result), encoding="utf-8")
    for path in (job, out):
        path.unlink(missing_ok=True)
    return result


def _run(command: list[Any], threads: int) -> str:
    """Why a process failed, in one line; empty if it did not."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    limits = dict.fromkeys(THREADED, str(threads))
    try:
        done = subprocess.run(
            list(map(str, command)),
            env=clean | limits,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {LONGEST} seconds"
    if not done.returncode:
        return ""
    return done.stderr.strip().rpartition("\n")[2] or f"it ended with status {done.returncode}"
