"""Work in threads, results in order, with a bounded number of results waiting."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 256
"""Items that are worked on before their result is asked for; it bounds memory however long the input is."""


def ordered_map(work: Callable[[Item], Result], items: Iterable[Item], threads: int = 0) -> Iterator[Result]:
    """``work(item)`` of every item in the items' order, computed by ``threads`` threads (0: one a core).

    Reading and preprocessing spend their time in OpenCV, which lets other threads run meanwhile.
    """
    with ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="ocrkit") as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
