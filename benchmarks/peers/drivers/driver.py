"""What all drivers share. A driver is run by the Python of its peer's environment, knows nothing of
ocrkit, and uses the standard library and its peer alone.

    PYTHON drivers/by_PEER.py JOB.json

JOB.json says what to read and where to write what was found:

- ``task``: ``pages`` or ``lines``; ``images``: their files; ``options``: of this peer;
- ``threads``; ``cores``: those that the process may run on; ``began``: when it was started, by the
  system's monotonic clock; ``out``: the file to write.

The first image is read twice: the first time ends what a process takes for one image, its start
included; the times of the second are those of a process that is warm, as all that follow.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Found = dict[str, Any]
"""``lines``: of a page, each with what is known of ``baseline``, ``boundary``, ``text`` and
``words``, as in a page of ocrkit's JSON; ``text``: of a line; ``stages``: seconds by name."""
Read = Callable[[str], Found]


def drive(open_reader: Callable[[dict[str, Any]], tuple[Read, dict[str, str]]]) -> None:
    """Reads the images of a job; ``open_reader`` gives what reads one, and versions."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.sched_setaffinity(0, job["cores"])
    read, versions = open_reader(job)
    read(job["images"][0])
    first = time.monotonic() - job["began"]
    images = []
    for image in job["images"]:
        start, worked = time.monotonic(), _worked()
        found = read(image)
        images.append(
            {
                "image": image,
                "seconds": time.monotonic() - start,
                "processor_seconds": _worked() - worked,
                **found,
            }
        )
    result = {
        "first_seconds": first,
        "memory_mb": _memory(),
        "versions": versions,
        "images": images,
    }
    Path(job["out"]).write_text(json.dumps(result), encoding="utf-8")


def _worked() -> float:
    """Seconds that processors have worked for this process and those that it started."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _memory() -> float:
    """Megabytes that this process held at most, or one of those that it started."""
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    own = int(next(line for line in status if line.startswith("VmHWM")).split()[1])
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def box(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    """The corners of an upright box, clockwise."""
    return [[left, top], [right, top], [right, bottom], [left, bottom]]
