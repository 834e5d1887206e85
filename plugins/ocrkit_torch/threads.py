"""Threads for PyTorch that have a number of processors of their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import torch

from ocrkit.support.machine import processors
from ocrkit.support.parallel import LastingThreads, ProcessLock

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_CHANGING = ProcessLock()


def lasting_thread(threads: int, device: torch.device) -> LastingThreads:
    """One thread for all that a network computes, with ``threads`` processors (0: PyTorch's choice,
    but no more than this process may use), and a GPU as its current device.

    PyTorch's thread pools belong to the thread that calls it. In a forked child a thread that has
    one waits for it for ever, since the pool is not there; this one is made anew, and so is its.
    """
    return LastingThreads(1, "torch", partial(_start, threads, device))


def _start(threads: int, device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.set_device(device)
    with _CHANGING:
        usual = torch.get_num_threads()
        torch.set_num_threads(threads or min(usual, processors()))
        # That holds for this thread, and for those that PyTorch sees for the first time from now
        # on. Said in another thread, what was usual holds for them again, and not for this one.
        with ThreadPoolExecutor(1) as other:
            other.submit(torch.set_num_threads, usual).result()


def in_its_thread(
    method: Callable[Concatenate[Any, _Arguments], _Result],
) -> Callable[Concatenate[Any, _Arguments], _Result]:
    """For methods of an object whose ``thread`` they are to run in."""

    @wraps(method)
    def call(owner: Any, /, *arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        thread: LastingThreads = owner.thread
        return thread.call(partial(method, owner, *arguments, **named))

    return call
