"""Result files: what was read, one JSON object a line, written as it comes and whole only under its final name."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from ocrkit.errors import OcrkitError


class ResultFile:
    """``FILE``, or until it is complete ``FILE.part``: a header that says what produced it, then a row an image.

    ``rows`` holds those of an interrupted run where ``resume`` is set, in order; a row that was cut off is dropped.
    Raises OcrkitError where that run was another one.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], *, resume: bool) -> None:
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self.rows: list[dict[str, Any]] = []
        first = _line({"header": dict(header)})
        try:
            kept = self._interrupted(first) if resume and self._part.exists() else [first]
            self._file = self._part.open("w", encoding="utf-8")
            self._file.writelines(kept)
        except OSError as error:
            raise OcrkitError(f"{path}: cannot be written ({error.strerror})") from error

    def _interrupted(self, first: str) -> list[str]:
        lines = [line for line in self._part.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
        if lines and lines[0] != first:
            raise OcrkitError(
                f"{self._part}: was begun by another run (pipeline, weights, data or versions differ); delete it to start anew"
            )
        self.rows = [json.loads(line) for line in lines[1:]]
        return lines or [first]

    def write(self, row: Mapping[str, Any]) -> None:
        self._file.write(_line(row))
        self._file.flush()

    def __enter__(self) -> "ResultFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if kind is None:
            self._part.replace(self._path)


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
