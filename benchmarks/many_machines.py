"""Pages read by the engine `ray`, on a cluster of several nodes that this machine plays.

    python benchmarks/many_machines.py same --pages 2000
    python benchmarks/many_machines.py struck --pages 2000
    python benchmarks/many_machines.py stragglers --pages 2000
    python benchmarks/many_machines.py memory --pages 100000
    python benchmarks/many_machines.py kills --pages 400     kill -9 of the command, ten times
    python benchmarks/many_machines.py overhead FOLDER --pipeline iam-pages --rounds 5
    python benchmarks/many_machines.py same FOLDER --pipeline iam-pages

Without a FOLDER pages are drawn that are one line, and read by a network that costs next to
nothing; each says by its first row which one it is, so that it is known how often it was read.
"""

import argparse
import filecmp
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from one_liners import draw_pages, times_read

PLUGIN = Path(__file__).with_name("repeat")
NODES = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=SHOWS)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--pipeline")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processors", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        (here / "log").mkdir()
        os.environ |= {"PYTHONPATH": str(PLUGIN), "OCRKIT_CACHE": str(here / "cache")}
        sys.path.insert(0, str(PLUGIN))  # before plugins are looked for
        if asked.folder is None:
            asked.folder, asked.pipeline = draw_pages(here, asked.pages)
            os.environ["OCRKIT_REPEAT_LOG"] = str(here / "log")
        SHOWS[asked.what](here, asked)


# ------------------------------------------------------------------------------- without an engine


def _differences(one: Path, other: Path) -> list[str]:
    """Files that are not in both folders with the same bytes."""
    names = [
        {p.relative_to(f).as_posix() for p in f.rglob("*") if p.is_file()} for f in (one, other)
    ]
    _, different, missing = filecmp.cmpfiles(one, other, names[0] & names[1], shallow=False)
    return sorted([*(names[0] ^ names[1]), *different, *missing])


def _command(asked: Any, out: Path, *more: str) -> list[str]:
    words = ["run", str(asked.folder), "--pipeline", str(asked.pipeline), "--format", "json"]
    return [sys.executable, "-m", "ocrkit", *words, "--out", str(out), *more]


def _run(asked: Any, out: Path, *more: str) -> float:
    """Seconds that the command took."""
    start = time.perf_counter()
    subprocess.run(_command(asked, out, *more), check=True, capture_output=True)
    return time.perf_counter() - start


# -------------------------------------------------------------------------------------- the engine


@contextmanager
def _cluster(nodes: int, processors: int) -> Iterator[Any]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_BACKEND_LOG_LEVEL"] = "fatal"
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=_node(processors))
    try:
        for _ in range(nodes - 1):
            cluster.add_node(**_node(processors))
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def _node(processors: int) -> dict[str, Any]:
    return {"num_cpus": processors, "object_store_memory": 100_000_000}


def _outcomes(asked: Any, out: Path, existing: str = "stop") -> Iterator[Any]:
    import ocrkit
    from ocrkit.page_jobs import PageJob
    from ocrkit_ray.engine import Ray

    with ocrkit.load(asked.pipeline, threads=1) as pipeline:
        job = PageJob(str(asked.folder), str(out), ("json",), existing)
        yield from Ray().read(pipeline, job, lambda _: None)


def _actors() -> list[int]:
    """The processes of the actors that read, of those that this script started."""
    ours, found = f"OCRKIT_CACHE={os.environ['OCRKIT_CACHE']}".encode(), []
    for process in Path("/proc").iterdir():
        with suppress(OSError):  # it has ended, or is no process
            reads = (process / "cmdline").read_bytes().startswith(b"ray::MapWorker")
            if reads and ours in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


# ----------------------------------------------------------------------------------------- shows


def same(here: Path, asked: Any) -> None:
    """The same files as without an engine, on three nodes."""
    with _cluster(NODES, 1):
        _compared(here, asked, _outcomes(asked, here / "ray"), "on three nodes")


def struck(here: Path, asked: Any) -> None:
    """The same again, with a worker killed after a quarter of the pages and a node removed after
    half of them."""
    with _cluster(NODES, 1) as cluster:

        def outcomes() -> Iterator[Any]:
            for done, outcome in enumerate(_outcomes(asked, here / "ray"), 1):
                if done == asked.pages // 4:
                    os.kill(_actors()[0], signal.SIGKILL)
                if done == asked.pages // 2:
                    cluster.remove_node(list(cluster.worker_nodes)[-1], allow_graceful=False)
                yield outcome

        _compared(here, asked, outcomes(), "a worker killed, a node removed")


def _compared(here: Path, asked: Any, outcomes: Iterator[Any], named: str) -> None:
    """Reads all, and says what is otherwise than in a run without an engine."""
    told = sum(1 for _ in outcomes)
    read = times_read(here / "log")
    _run(asked, here / "local")
    alone = times_read(here / "log")
    found = _differences(here / "local", here / "ray") or "the same files"
    again = f", {len(read - alone):,} looked at again" * bool(alone)
    print(f"{named}: {told:,} pages, {found}{again}", flush=True)


def stragglers(here: Path, asked: Any) -> None:
    """How many pages each worker reads where one of three is stopped for nine tenths of the
    time."""
    with _cluster(NODES, 1):
        for slow in (False, True):
            start, out, halt = time.perf_counter(), here / f"out-{slow}", threading.Event()
            pages = _outcomes(asked, out)
            next(pages)
            if slow:
                thread = threading.Thread(target=_slowed, args=(_actors()[0], halt))
                thread.start()
            for _ in pages:
                pass
            spent = time.perf_counter() - start
            halt.set()
            looked = [len(log.read_text("utf-8").split()) for log in (here / "log").iterdir()]
            times_read(here / "log")
            shares = ", ".join(f"{each / sum(looked):.0%}" for each in sorted(looked))
            print(f"{'one slow' if slow else 'all alike'}: {spent:.1f} s, {shares}", flush=True)


def _slowed(process: int, halt: threading.Event) -> None:
    """Stops a process for nine tenths of the time."""
    with suppress(ProcessLookupError):  # it may have ended
        while not halt.is_set():
            os.kill(process, signal.SIGSTOP)
            time.sleep(0.9)
            os.kill(process, signal.SIGCONT)
            time.sleep(0.1)


def memory(here: Path, asked: Any) -> None:
    """What driver and workers hold in the course of a run."""
    with _cluster(1, asked.processors):
        step, start = max(asked.pages // 10, 1), time.perf_counter()
        for done, _ in enumerate(_outcomes(asked, here / "out"), 1):
            if done % step == 0 or done == 1:
                workers = ", ".join(f"{_resident(each):.0f}" for each in sorted(_actors()))
                print(
                    f"{done:>9,} pages after {time.perf_counter() - start:6.0f} s: driver "
                    f"{_resident(os.getpid()):.0f} MB and {time.process_time():.0f} s of "
                    f"processor time, workers {workers} MB",
                    flush=True,
                )


def _resident(process: int) -> float:
    """Its resident memory, MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def kills(here: Path, asked: Any) -> None:
    """The command killed ten times, each time when another eleventh of the files is there."""
    local, out = here / "local", here / "out"
    _run(asked, local)
    alone = times_read(here / "log")
    engine = ("--engine", "ray", "--existing", "skip")
    for number in range(1, 11):
        process = subprocess.Popen(
            _command(asked, out, *engine),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and len(list(out.rglob("*.json"))) < asked.pages * number / 11:
            time.sleep(0.02)
        process.kill()
        process.wait()
        while _actors():
            time.sleep(0.1)
        print(f"killed with {len(list(out.rglob('*.json'))) - 1:,} files there", flush=True)
    _run(asked, out, *engine)
    again = len(times_read(here / "log") - alone)
    found = _differences(local, out) or "the same files"
    print(f"ten times kill -9: {found}, {again:,} of {len(alone):,} pages looked at again")


def overhead(here: Path, asked: Any) -> None:
    """Pages a second without the engine and with it, in turn: of the whole command, and from its
    first file to its last, which leaves out how long it starts."""
    engines = {"local": ("--threads", str(asked.processors)), "ray": ("--engine", "ray")}
    whole: dict[str, list[float]] = {name: [] for name in engines}
    behind: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(asked.rounds):
        for name, options in engines.items():
            out = here / f"{name}{number}"
            seconds = _run(asked, out, *options)
            times = [
                file.stat().st_mtime for file in out.rglob("*.json") if file.name != "run.json"
            ]
            whole[name].append(len(times) / seconds)
            behind[name].append((len(times) - 1) / (max(times) - min(times)))
            print(f"{name}: {whole[name][-1]:.3f}, {behind[name][-1]:.3f} pages/s", flush=True)
    for what, speeds in (("whole commands", whole), ("behind the first page", behind)):
        local, ray = (statistics.median(each) for each in speeds.values())
        print(f"{what}, medians: {local:.3f} and {ray:.3f} pages/s, {ray / local:.1%}")


SHOWS: dict[str, Callable[[Path, Any], None]] = {
    each.__name__: each for each in (same, struck, stragglers, memory, kills, overhead)
}

if __name__ == "__main__":
    main()
