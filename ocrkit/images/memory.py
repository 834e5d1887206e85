"""How much memory images take while they are decoded, over all threads of the process."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Condition

from ocrkit.support.machine import give_back_memory
from ocrkit.support.parallel import MadeAnewInChildren

_LITTLE = 1_000_000
"""Bytes below which nobody counts: most images are words, and counting would take a tenth of the
time."""
_MUCH = 50_000_000
"""Bytes from which on it is worth a millisecond to give them back to the system."""


class Budget(MadeAnewInChildren):
    """So many bytes, which those who need some of them share: who finds too few left waits for
    others to be done."""

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__()

    def make(self) -> None:
        self._changed = Condition()
        self._taken = 0

    def hold(self, amount: int) -> AbstractContextManager[None]:
        """Holds so many bytes meanwhile; all of them where it would be more."""
        return nullcontext() if amount < _LITTLE else self._held(min(amount, self.most))

    @contextmanager
    def _held(self, amount: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._taken + amount <= self.most)
            self._taken += amount
        try:
            yield
        finally:
            if amount >= _MUCH:
                give_back_memory()
            with self._changed:
                self._taken -= amount
                self._changed.notify_all()
