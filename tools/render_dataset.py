"""Writes the samples of a reader into a folder that the reader `folder` reads, with as many
processes as there are cores.

    python tools/render_dataset.py synth-words fonts --to rendered --set samples=1000000

`ocrkit train` loads images in threads, and Python lets only one thread run at a time but for what
OpenCV does: a network on a fast GPU eats words faster than threads can draw them. Processes can,
and reading what they drew is OpenCV's work. Every 1,000 samples have a folder of their own: PNG
files, and `labels.tsv` with texts and writers.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import cv2

from ocrkit.errors import OcrkitError
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.pipelines.settings import parse_setting
from ocrkit.support.parallel import processors

SHARD = 1000
READER: Any = None
"""The reader, which processes inherit."""


def write_shard(first: int, folder: Path) -> int:
    """Draws some samples, and returns how many."""
    cv2.setNumThreads(1)
    shard = folder / f"{first // SHARD:05}"
    shard.mkdir()
    rows = []
    for index in range(first, min(first + SHARD, len(READER))):
        sample = READER[index]
        name = f"{index - first:03}.png"
        if not cv2.imwrite(str(shard / name), sample.load(), (cv2.IMWRITE_PNG_COMPRESSION, 1)):
            raise OSError(f"{shard / name}: cannot be written")
        rows.append(
            "\t".join([name, sample.text, *([sample.writer] if sample.writer else [])]) + "\n"
        )
    (shard / "labels.tsv").write_text("".join(rows), encoding="utf-8")
    return len(rows)


def main() -> None:
    global READER  # noqa: PLW0603  (what is there before processes fork, they need not open again)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reader", help="for example synth-words")
    parser.add_argument("root", help="its root")
    parser.add_argument("--to", required=True, type=Path, metavar="DIR", help="a new folder")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="options",
        metavar="NAME=VALUE",
        help="an option of the reader",
    )
    parser.add_argument("--processes", type=int, default=processors())
    arguments = parser.parse_args()
    options = {path[0]: value for path, value in map(parse_setting, arguments.options)}
    try:
        READER = make_part(PartSpec("reader", arguments.reader, options), root=arguments.root)
    except OcrkitError as error:
        sys.exit(str(error))
    arguments.to.mkdir(parents=True)
    done = 0
    with ProcessPoolExecutor(arguments.processes, get_context("fork")) as pool:
        for count in pool.map(write_shard, range(0, len(READER), SHARD), repeat(arguments.to)):
            done += count
            print(f"\r{done:,} of {len(READER):,}", end="", file=sys.stderr)  # noqa: T201
    used = getrusage(RUSAGE_CHILDREN)
    rate = done / (used.ru_utime + used.ru_stime)
    print(  # noqa: T201
        f"; {rate:.0f} for each second of a core; left out: {len(READER.skipped):,}",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
