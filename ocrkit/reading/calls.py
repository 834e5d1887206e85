"""Calls of a network: so many at a time, and one image at a time where many fail together."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ocrkit.parts.networks import ConcurrentNetwork, Network
from ocrkit.reading.values import Seconds
from ocrkit.support.parallel import MadeAnewInChildren

_T = TypeVar("_T")


def apart(
    work: Callable[[list[int]], _T],
    numbers: list[int],
    failed: dict[int, str],
    say: Callable[[BaseException], str],
) -> list[tuple[list[int], _T]]:
    """What the work makes of all together or, where it fails, of each by itself: one odd image
    takes no others along.

    Of what fails by itself ``failed`` gets told what is to be said.
    """
    try:
        return [(numbers, work(numbers))]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  (a part may raise anything)
        if len(numbers) == 1:
            failed[numbers[0]] = say(error)
            return []
    return [made for number in numbers for made in apart(work, [number], failed, say)]


class Calls(MadeAnewInChildren):
    """Lets as many threads at a time call a network as it takes, and measures for how long any of
    them does."""

    def __init__(self, network: Network) -> None:
        self.most = network.callers if isinstance(network, ConcurrentNetwork) else 1
        super().__init__()

    def make(self) -> None:
        self._places = threading.Semaphore(self.most)
        self._lock = threading.Lock()
        self._inside = 0
        self._since = 0.0

    @contextmanager
    def one(self, seconds: Seconds) -> Iterator[None]:
        """A call; it waits until there is a place for it."""
        with self._places:
            with self._lock:
                self._since = self._since if self._inside else time.perf_counter()
                self._inside += 1
            try:
                yield
            finally:
                with self._lock:
                    self._inside -= 1
                    if not self._inside:
                        seconds.network += time.perf_counter() - self._since
