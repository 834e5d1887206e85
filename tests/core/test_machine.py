"""What of the machine this process may use: in a container it is less than there is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ocrkit.support.machine import memory, processors

GIB = 1 << 30


def groups(folder: Path, own: str, **files: str) -> tuple[Path, Path]:
    """Files as Linux has them of control groups; in a name ``__`` stands for a slash."""
    for name, text in files.items():
        path = folder / "fs" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "own").write_text(own)
    return folder / "fs", folder / "own"


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "1000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n"}, 3),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "100000 100000\n"}, 1),
        ("4:memory:/x\n3:cpu,cpuacct:/x\n0::/\n", {"cpu,cpuacct/x/cpu.cfs_quota_us": "50000\n",
          "cpu,cpuacct/x/cpu.cfs_period_us": "20000\n"}, 3),
        ("3:cpu:/docker/elsewhere\n", {"cpu/cpu.cfs_quota_us": "400000",
          "cpu/cpu.cfs_period_us": "100000"}, 4),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ("2:cpuset:/\n", {"cpuset/cpu.cfs_quota_us": "1\n", "cpuset/cpu.cfs_period_us": "1\n"}, 8),
        ("0::/\n", {"cpu.max": "nonsense\n"}, 8),
        ("0::/\n", {"cpu.max": "9000000 100000\n"}, 8),
    ],
)  # fmt: skip
def test_a_containers_share_of_the_processors_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, files: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    mounted = {name.replace("/", "__"): text for name, text in files.items()}
    assert processors(*groups(tmp_path, own, **mounted)) == expected


def test_processors_that_this_process_may_not_run_on_do_not_count(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert processors(nowhere, nowhere) == len(os.sched_getaffinity(0))
    assert 1 <= processors() <= len(os.sched_getaffinity(0))
    on_one = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    code = f"{on_one}; from ocrkit.support.machine import processors; print(processors())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert said == b"1\n"


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"memory.max": f"{2 * GIB}\n"}, 2),
        ("0::/\n", {"memory.max": "max\n"}, 8),
        ("0::/\n", {"memory.max": "nonsense\n"}, 8),
        ("0::/\n", {"memory.max": f"{9 * GIB}\n"}, 8),
        ("0::/a/b\n", {"a/memory.max": f"{3 * GIB}\n", "a/b/memory.max": "max\n"}, 3),
        ("0::/a/b\n", {"a/memory.max": f"{3 * GIB}\n", "a/b/memory.max": f"{GIB}\n"}, 1),
        ("4:memory:/x\n0::/\n", {"memory/x/memory.limit_in_bytes": f"{5 * GIB}\n"}, 5),
        ("4:memory:/docker/elsewhere\n", {"memory/memory.limit_in_bytes": f"{4 * GIB}\n"}, 4),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 8),
        ("3:cpu:/\n", {"cpu/memory.limit_in_bytes": f"{GIB}\n"}, 8),
    ],
)
def test_a_containers_share_of_the_memory_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, files: dict[str, str], expected: int
) -> None:
    machine = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 8 * GIB // 4096}
    monkeypatch.setattr(os, "sysconf", machine.__getitem__)
    mounted = {name.replace("/", "__"): text for name, text in files.items()}
    assert memory(*groups(tmp_path, own, **mounted)) == expected * GIB


def test_all_of_the_machines_memory_is_there_where_no_group_limits_it(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert memory(nowhere, nowhere) == machine
    assert 0 < memory() <= machine


FREED = """
from pathlib import Path
from ocrkit.support.machine import give_back_memory

def held():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) >> 10

pieces = [b"a" * 100_000 for _ in range(2000)]
last = pieces[-1]  # behind which the C library cannot cut off what is free
del pieces
before = held()
give_back_memory()
print(before - held())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems' libraries differ")
def test_memory_that_was_freed_goes_back_to_the_system() -> None:
    said = subprocess.run([sys.executable, "-c", FREED], capture_output=True, check=True).stdout
    assert int(said) > 100
