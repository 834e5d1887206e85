"""Result files as they are written: as the rows come, and whole only under their final name."""

import os
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from ocrkit.errors import OcrkitError
from ocrkit.support.files import lock, writing
from ocrkit.support.parsing import json_text, parse_json


class ResultFile:
    """``FILE``, or until it is complete ``FILE.part``: a header that says what produced it, then a
    row an image.

    Where ``resume`` is set, the first ``kept`` rows are those of an interrupted run, which
    :meth:`rows` reads one by one: as many as there are whole, and of which ``may_go_on_after`` says
    that a resumed run ends as an uninterrupted one. Raises OcrkitError where that run was another
    one, where another run is writing the file right now, and where it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        header: Mapping[str, Any],
        *,
        resume: bool,
        may_go_on_after: Callable[[int], bool],
    ) -> None:
        self._path, self._target = (
            path,
            Path(os.path.realpath(path)),
        )  # where it is a link, the link stays
        self._part = self._target.with_name(f"{self._target.name}.part")
        self._first = _line({"header": dict(header)})
        self.kept = 0
        with writing(path, self._part):
            for each in (self._target, self._part):
                if each.exists() and not each.is_file():  # it would be replaced, or be waited for
                    raise OcrkitError(f"{path}: cannot be written: {each} is no ordinary file")
            self._file = self._part.open("ab")
            try:
                self._begin(resume, may_go_on_after)
            except BaseException:
                self._file.close()
                raise

    def _begin(self, resume: bool, may_go_on_after: Callable[[int], bool]) -> None:
        # The other run's file has its final name by the time that this one has the lock, or is no
        # longer there.
        if not lock(self._file) or not self._is_part():
            raise OcrkitError(
                f"{self._path}: in use by another run; wait for its end, or name another file"
            )
        end = self._interrupted(may_go_on_after) if resume else 0
        self._file.truncate(end)  # what is written goes to the end
        if not end:
            self._file.write(self._first)
            self._file.flush()

    def _is_part(self) -> bool:
        return self._part.exists() and os.path.samestat(
            self._part.stat(), os.fstat(self._file.fileno())
        )

    def _interrupted(self, may_go_on_after: Callable[[int], bool]) -> int:
        """Counts the rows that are kept, and says where in the file they end: a run may have read
        millions."""
        with self._part.open("rb") as file:
            line = file.readline()
            if not line.endswith(b"\n"):
                return 0
            if line.removeprefix(BOM_UTF8) != self._first:
                raise OcrkitError(
                    f"{self._part}: was begun by another run (pipeline, weights, data or versions "
                    "differ); "
                    "delete it to start anew"
                )
            end = position = len(line)
            for number, line in enumerate(file, start=1):
                position += len(line)
                if line.endswith(b"\n") and may_go_on_after(number):
                    self.kept, end = number, position
        return end

    def rows(self) -> Iterator[dict[str, Any]]:
        """Those of the interrupted run, in order."""
        with self._part.open("rb") as file:
            yield from map(parse_json, islice(file, 1, 1 + self.kept))

    def write(self, row: Mapping[str, Any]) -> None:
        with writing(self._path):
            self._file.write(_line(row))
            self._file.flush()

    def __enter__(self) -> "ResultFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with writing(self._path, self._target, self._part):
            try:
                if kind is None:
                    os.fsync(self._file.fileno())
                    self._part.replace(self._target)
            finally:
                self._file.close()


def _line(row: Mapping[str, Any]) -> bytes:
    return f"{json_text(row)}\n".encode()
