"""Sets ocrkit side by side with its peers: the same pages and lines, in turn, on the same cores.

    python benchmarks/peers/compare.py
    python benchmarks/peers/compare.py --data letters page-xml EXPORT all --to letters.json

makes an environment for every peer under build/peers, has all of them read pages that are drawn
from a seed, and those of every `--data`, and writes what that took and how well it went into a
JSON file with a table and a plot beside it. docs/peers.md says how to read them.

It goes on where it was interrupted: what is under build/peers/read is not read again.
"""

import argparse
import json
import os
import platform
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from environments import Environment, environment
from peer_data import Source, drawn, prepared
from peer_list import BUILD, LINES, PAGES, PEERS, REQUIREMENTS, SYSTEM
from peer_runs import read, turns
from peer_scores import scored, times
from peer_table import plot, tables

from ocrkit.support.files import write_atomically
from ocrkit.support.machine import memory, processors

RESULTS = Path(__file__).parent / "results" / "peers.json"
PYTORCH = "https://download.pytorch.org/whl/cpu"


def compared(sources: list[Source], cores: list[int], asked: argparse.Namespace) -> dict[str, Any]:
    """All results, as they are written."""
    peers = [peer for peer in PEERS if not asked.peer or peer.environment in asked.peer]
    made = {
        name: environment(name, asked.torch_index)
        for name in dict.fromkeys(peer.environment for peer in peers)
    }
    for each in made.values():
        if each.error:
            print(f"left out: {each.name}: {each.error}", file=sys.stderr)
    data = {source.name: prepared(source) for source in sources}
    there = [peer for peer in peers if not made[peer.environment].error]
    sizes = {PAGES: asked.group, LINES: asked.lines} if asked.lines else {PAGES: asked.group}
    read_by: dict[tuple[str, str, str], list[tuple[Any, Any]]] = {}
    for turn in turns(data, there, sizes):
        if asked.as_read and not turn.kept.exists():
            continue
        found = read(turn, made[turn.peer.environment], cores)
        read_by.setdefault((turn.data, turn.task, turn.peer.name), []).append((turn, found))
    return {
        "when": time.strftime("%Y-%m-%d"),
        "command": shlex.join(
            ["python", "benchmarks/peers/compare.py", *map(_public, sys.argv[1:])]
        ),
        "machine": machine(cores),
        "data": {
            source.name: {
                "reader": source.reader,
                "split": source.split,
                "pages": len(data[source.name][PAGES]),
                "lines": len(data[source.name][LINES]),
            }
            for source in sources
        },
        "environments": [_told(each) for each in made.values()],
        "rows": [row(groups) for groups in read_by.values()],
    }


def row(groups: list[tuple[Any, Any]]) -> dict[str, Any]:
    """What a peer did with the pages, or the lines, of a data set."""
    first, _ = groups[0]
    known = {
        "data": first.data,
        "task": first.task,
        "peer": first.peer.name,
        "environment": first.peer.environment,
        "made_for": first.peer.made_for,
        "licence": first.peer.licence,
    }
    errors = [found["error"] for _, found in groups if "error" in found]
    if errors:
        return known | {"error": errors[0]}
    items = [item for turn, _ in groups for item in turn.items]
    images = [image for _, found in groups for image in found["images"]]
    return (
        known
        | {"read": len(items), "versions": groups[0][1]["versions"]}
        | times([found for _, found in groups])
        | {"scores": scored(first.task, items, images, first.peer.reads)}
    )


def machine(cores: list[int]) -> dict[str, Any]:
    """What ran it."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.machine(),
        "processors": processors(),
        "used": len(cores),
        "memory_gb": round(memory() / 1e9),
        "python": platform.python_version(),
    }


def _told(made: Environment) -> dict[str, Any]:
    """What of an environment is the same for everybody."""
    return {
        "name": made.name,
        "installs": ["."]
        if made.name == "ocrkit"
        else REQUIREMENTS.get(made.name) or list(SYSTEM[made.name]),
        "megabytes": made.megabytes,
        "seconds": made.seconds,
        "error": made.error,
    }


def _public(word: str) -> str:
    """A word of the command line, without where its data are on this machine."""
    return Path(word).name.upper() if Path(word).is_absolute() else word


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument(
        "--data",
        nargs=4,
        action="append",
        default=[],
        metavar=("NAME", "READER", "ROOT", "SPLIT"),
        help="more pages, as a reader of ocrkit opens them: letters page-xml EXPORT all",
    )
    parser.add_argument("--pages", type=int, default=30, help="pages of each data set")
    parser.add_argument("--lines", type=int, default=60, help="lines of these pages, or 0")
    parser.add_argument("--drawn", type=int, default=10, help="pages that are drawn")
    parser.add_argument("--group", type=int, default=10, help="pages that are read in a turn")
    parser.add_argument("--cores", type=int, default=processors(), help="that each peer has")
    parser.add_argument("--peer", action="append", help="only those of this environment")
    parser.add_argument("--fonts", type=Path, default=BUILD / "fonts", help="to draw pages with")
    parser.add_argument("--torch-index", default=PYTORCH, help="with CPU builds of PyTorch")
    parser.add_argument(
        "--as-read", action="store_true", help="of what has been read so far, and read no more"
    )
    parser.add_argument("--to", type=Path, default=RESULTS, help="the file to write")
    asked = parser.parse_args()
    sources = [Source(*each, pages=asked.pages, lines=asked.lines) for each in asked.data]
    if asked.drawn:
        sources.append(drawn(asked.fonts, asked.drawn, asked.lines))
    cores = sorted(os.sched_getaffinity(0))[: asked.cores]
    results = compared(sources, cores, asked)
    asked.to.parent.mkdir(parents=True, exist_ok=True)
    for suffix, text in (
        (".json", json.dumps(results, indent=1, ensure_ascii=False) + "\n"),
        (".md", tables(results)),
        (".svg", plot(results)),
    ):
        with write_atomically(asked.to.with_suffix(suffix)) as file:
            file.write_text(text, encoding="utf-8")
    print(tables(results))


if __name__ == "__main__":
    main()
