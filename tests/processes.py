"""Processes of their own that start at once: they are forked from one that has imported PyTorch,
which takes seconds, and has done nothing else."""

import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

from ocrkit.networks import weights

_PATIENCE = 120
"""Seconds after which a process hangs, however busy the machine is."""
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["torch", "cv2", "onnxruntime", "ocrkit.cli.train", "ocrkit.training"]
)


def wait_for(
    what: Callable[[], object], *, every: float = 0.01, patience: float = _PATIENCE
) -> None:
    """Returns as soon as it is true, which is asked after so many seconds each time."""
    end = time.monotonic() + patience
    while not what():
        assert time.monotonic() < end, "it never came true"
        time.sleep(every)


def _begin(
    environment: Mapping[str, str],
    output: str,
    work: Callable[..., None],
    arguments: tuple[object, ...],
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with Path(output).open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    work(*arguments)


def begin(
    work: Callable[..., None],
    *arguments: object,
    output: Path,
    environment: Mapping[str, str] | None = None,
) -> BaseProcess:
    """A process that does this work, of a module that it can import, with standard output and error
    in a file."""
    process = _context.Process(
        target=_begin,
        args=(os.environ | (environment or {}), str(output), work, arguments),
        daemon=True,
    )
    process.start()
    return process


def ended(process: BaseProcess) -> int:
    """Its exit status."""
    process.join(_PATIENCE)
    status = process.exitcode
    if status is None:
        process.kill()
    assert status is not None, "it hangs"
    return status


def _ocrkit(arguments: tuple[str, ...]) -> None:
    from ocrkit.cli import main

    main(arguments)


def run_with(site: Path, *arguments: object, output: Path) -> BaseProcess:
    """``ocrkit`` in a process of its own that finds the plugins in this folder, too."""
    return begin(_ocrkit_with, str(site), tuple(map(str, arguments)), output=output)


def _ocrkit_with(site: str, arguments: tuple[str, ...]) -> None:
    sys.path.insert(0, site)
    _ocrkit(arguments)


def workers(count: int, folder: Path, *arguments: object) -> list[tuple[int, str]]:
    """``ocrkit`` in so many processes that train together, as torchrun starts them: exit status and
    output of each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    words = tuple(map(str, arguments))
    outputs = [folder / f"worker{rank}.txt" for rank in range(count)]
    processes = [
        begin(
            _ocrkit,
            words,
            output=output,
            environment={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank, output in enumerate(outputs)
    ]
    return [
        (ended(process), output.read_text("utf-8"))
        for process, output in zip(processes, outputs, strict=True)
    ]


def _train(run: Path, data: Path, backend: str, resume: bool, event: str, count: int) -> None:
    from ocrkit.pipelines.build import assemble
    from ocrkit.pipelines.file import load_spec
    from ocrkit.training import train

    left = count

    def report(each: Mapping[str, object]) -> None:
        nonlocal left
        left -= each["event"] == event
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    spec = load_spec(run if resume else run.with_suffix(".toml"))
    train(assemble(spec, backend=backend), run, data=data, resume=resume, report=report)


def killed(
    run: Path, data: Path, backend: str, resume: str, event: str, count: int
) -> weights.Weights:
    """The checkpoint of a training run that another process does on the pipeline beside ``run``
    ("start") or goes on with ("resume"), and that is killed as it reports the so many-th event of a
    kind."""
    output = run.with_suffix(".txt")
    process = begin(_train, run, data, backend, resume == "resume", event, count, output=output)
    assert ended(process) == -signal.SIGKILL, output.read_text("utf-8")
    return weights.read(run / "last.safetensors")
