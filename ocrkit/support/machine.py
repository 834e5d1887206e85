"""What of the machine this process may use: in a container it is less than there is."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

GROUPS = Path("/sys/fs/cgroup")
"""Where Linux mounts control groups."""
OWN = Path("/proc/self/cgroup")
"""The file that names this process's."""
_ASSUMED = 8 << 30
"""Bytes of memory of a machine whose system does not tell, as Windows does not."""


def processors(groups: Path = GROUPS, own: Path = OWN) -> int:
    """How many processors this process may use, at least 1: those that it may run on (affinity),
    but no more than its control group, which is its container's, grants it time of (rounded up).
    """
    everywhere = set(range(os.cpu_count() or 1))
    runs_on = len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else everywhere)
    quotas = (quota for folder in _groups("cpu", groups, own) for quota in _quota(folder))
    return max(1, min([runs_on, *map(ceil, quotas)]))


def memory(groups: Path = GROUPS, own: Path = OWN) -> int:
    """How many bytes of memory this process may use: the machine's, but no more than its control
    group may."""
    machine = _ASSUMED
    if hasattr(os, "sysconf"):
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = (limit for folder in _groups("memory", groups, own) for limit in _limit(folder))
    return min([machine, *limits])


def give_back_memory() -> None:
    """Has the C library give freed memory back to the system: it would keep much of it, for every
    thread apart."""
    with suppress(AttributeError, OSError, TypeError):  # it is not glibc, or no POSIX system
        _c_library().malloc_trim(0)


@cache
def _c_library() -> Any:
    import ctypes

    return ctypes.CDLL(None)


def _groups(controller: str, groups: Path, own: Path) -> Iterator[Path]:
    """The folders of this process's control groups for a resource, and of those above them."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # Version 1 has a tree for each set of controllers, version 2, which names none, one tree.
        tree = groups / controllers
        group = tree / path.lstrip("/")
        for folder in (group, *group.parents):
            yield folder
            if folder == tree:
                break


def _quota(folder: Path) -> Iterator[float]:
    """Seconds of processors a second that a control group grants."""
    for names in (["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]):
        with suppress(OSError, ValueError):  # no such group, or "max": as much as there is
            texts = [(folder / name).read_text(encoding="utf-8") for name in names]
            quota, period = (float(number) for number in " ".join(texts).split())
            if quota > 0:
                yield quota / period


def _limit(folder: Path) -> Iterator[int]:
    """Bytes of memory that a control group may have."""
    for name in ("memory.max", "memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # as above
            yield int((folder / name).read_text(encoding="utf-8"))


def has_bfloat16(cpu: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor multiplies bfloat16 numbers itself, as far as Linux tells; where it
    does not, they are slower than float32."""
    try:
        return re.search(r"\b(avx512_bf16|amx_bf16)\b", cpu.read_text(encoding="utf-8")) is not None
    except OSError:
        return False
