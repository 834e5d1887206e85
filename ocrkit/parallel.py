"""Work in threads, results in order, with a bounded number of results waiting."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 256
"""Items that are worked on before their result is asked for, unless somebody says how many; it bounds memory."""


def ordered_map(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int = 0, ahead: int = AHEAD
) -> Iterator[Result]:
    """``work(item)`` of every item in the items' order, computed by ``threads`` threads (0: one a core).

    ``ahead`` items at most have been taken whose results nobody has asked for. Items are taken in the caller's thread.
    """
    with ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="ocrkit") as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
