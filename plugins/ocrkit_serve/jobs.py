"""What was asked for to be fetched later."""

import secrets
import time
from dataclasses import dataclass, field

from ocrkit_serve.job import Job
from ocrkit_serve.work import BusyError

_KEPT_SECONDS = 3600.0
"""After so long a job that nobody has fetched is forgotten."""
_MOST = 1000
_MOST_BYTES = 500_000_000
"""Of all files whose results nobody has fetched: they are held until then."""


@dataclass(frozen=True)
class Asked:
    """A job, and how its result is to be written: a format's name, or '' for JSON."""

    job: Job
    format: str
    size: int
    """Bytes of the file."""
    since: float = field(default_factory=time.monotonic)

    @property
    def status(self) -> str:
        if self.job.done.done():
            return "failed" if self.job.done.exception() else "done"
        return "reading" if self.job.begun else "waiting"


class Jobs:
    """Jobs by ids that nobody can guess."""

    def __init__(self) -> None:
        self._asked: dict[str, Asked] = {}

    def check_room(self) -> None:
        """Raises BusyError where no further job can be kept."""
        self._forget_old()
        size = sum(each.size for each in self._asked.values())
        if len(self._asked) >= _MOST or size >= _MOST_BYTES:
            raise BusyError(60, "too many results have not been fetched")

    def add(self, asked: Asked) -> str:
        """Keeps a job; its id."""
        id_ = secrets.token_urlsafe(16)
        self._asked[id_] = asked
        return id_

    def get(self, id_: str) -> Asked | None:
        self._forget_old()
        return self._asked.get(id_)

    def remove(self, id_: str) -> None:
        """Forgets a job; pages of it that nobody has begun to read are not read."""
        if asked := self._asked.pop(id_, None):
            asked.job.done.cancel()

    def _forget_old(self) -> None:
        old = time.monotonic() - _KEPT_SECONDS
        for id_, asked in list(self._asked.items()):
            if asked.since < old:
                self.remove(id_)
