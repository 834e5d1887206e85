"""Work in threads: threads that last, and results in order.

What is made here works in forked children too: a child has none of its parent's threads, and a
lock that one of them held would never be free, so a child makes its own.
"""

import os
import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from threading import Condition, Lock, get_ident
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from ocrkit.support.machine import processors

Item = TypeVar("Item")
Result = TypeVar("Result")
Value = TypeVar("Value")

AHEAD = 256
"""Items that are worked on before their result is asked for, unless somebody says how many; it
bounds memory."""

# ----------------------------------------------------------------------------------------- forks


class MadeAnewInChildren(ABC):
    """What holds threads or locks, which a forked child has to make for itself."""

    def __init__(self) -> None:
        self.make()
        _LIVING.add(self)

    @abstractmethod
    def make(self) -> None:
        """Makes them; called at first, and again in every child before anything else runs."""


_LIVING: WeakSet[MadeAnewInChildren] = WeakSet()


def _in_child() -> None:
    for each in list(_LIVING):
        each.make()


_opencv: dict[int, int] = {}
"""How many threads OpenCV has had where a thread is about to fork, by that thread."""


def _rest_opencv() -> None:
    """Ends OpenCV's own threads before a fork: in a child the next resizing of an image might wait
    for one for ever. The parent's start anew when they are needed; a child does with one."""
    cv2: Any = sys.modules.get("cv2")
    if hasattr(cv2, "setNumThreads"):
        _opencv[get_ident()] = cv2.getNumThreads()
        cv2.setNumThreads(1)


def _wake_opencv() -> None:
    if (threads := _opencv.pop(get_ident(), 1)) > 1:
        sys.modules["cv2"].setNumThreads(threads)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_rest_opencv, after_in_parent=_wake_opencv, after_in_child=_in_child)


class ProcessLock(MadeAnewInChildren):
    """A lock that a forked child finds free, whoever held it in the parent."""

    def make(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()


class LastingThreads(MadeAnewInChildren):
    """Threads that last as long as this object, for libraries that keep memory or settings by
    thread. They start when they are first needed; each calls ``start`` first."""

    def __init__(self, count: int, name: str, start: Callable[[], None] | None = None) -> None:
        self._count, self._name, self._start = count, name, start
        super().__init__()

    def make(self) -> None:
        self._pool = ThreadPoolExecutor(self._count, self._name, initializer=self._start)

    def call(self, work: Callable[..., Result], /, *arguments: object) -> Result:
        """What ``work`` returns, or raises, in one of the threads, with the caller's context."""
        return self._pool.submit(copy_context().run, work, *arguments).result()

    def map(self, work: Callable[..., Result], /, *arguments: Iterable[object]) -> Iterator[Result]:
        """The same of many calls, in order."""
        return self._pool.map(work, *arguments)


class HeldSetting(MadeAnewInChildren, Generic[Value]):
    """A setting of the whole process that some calls need at a value of their own.

    The first call sets it and the last puts back what was there; calls that need another value
    wait until nobody holds it.
    """

    def __init__(self, read: Callable[[], Value], write: Callable[[Value], None]) -> None:
        self._read, self._write = read, write
        self._holders = 0
        super().__init__()

    def make(self) -> None:
        self._changed = Condition()
        if self._holders:  # threads that there are only in the parent
            self._holders = 0
            self._write(self._before)

    @contextmanager
    def at(self, value: Value) -> Iterator[None]:
        """Holds the setting at this value meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._holders or self._value == value)
            if not self._holders:
                self._before, self._value = self._read(), value
                self._write(value)
            self._holders += 1
        try:
            yield
        finally:
            with self._changed:
                self._holders -= 1
                if not self._holders:
                    self._write(self._before)
                    self._changed.notify_all()


# ------------------------------------------------------------------------------------- in order


def ordered_map(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int = 0,
    ahead: int = AHEAD,
    at_first: int = AHEAD,
) -> Iterator[Result]:
    """``work(item)`` of every item in the items' order, computed by ``threads`` threads (0: one for
    every processor that this process may use).

    ``ahead`` items at most have been taken whose results nobody has asked for, and fewer before so
    many results were given out: ``at_first``, or as many as have been given out. Items are taken
    in the caller's thread.
    """
    with ThreadPoolExecutor(threads or processors(), thread_name_prefix="ocrkit") as pool:
        waiting: deque[Future[Result]] = deque()
        given = 0
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > min(ahead, max(at_first, given)):
                    yield waiting.popleft().result()
                    given += 1
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
