"""The folder of a training run, and the files in it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomli_w

from ocrkit.errors import OcrkitError
from ocrkit.networks import weights as weight_files
from ocrkit.networks.seen_forms import IMAGES, SeenForms, write_list
from ocrkit.parts.values import Arrays
from ocrkit.support.files import lock, remove_left_behind, write_atomically
from ocrkit.support.parsing import json_text
from ocrkit.training.curves import draw_curves
from ocrkit.training.run_file import RunFile

LISTS = "finetune"
"""A folder in a run's, which may be there before it: lists of the samples that it learns from."""
_FIRST = "last.safetensors"
TEACHER = "teacher.jsonl"
_BEGUN = {_FIRST, "log.jsonl", IMAGES, TEACHER, "pipeline.toml"}
"""What a run writes before it can be resumed, the first of it before the others: a pipeline alone
is somebody's own."""


def was_stopped_at_its_start(folder: Path) -> bool:
    """Whether all that a folder holds is what a run leaves that was stopped while it started."""
    names = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    return bool(names) and _only_begun(names)


def _only_begun(names: set[str]) -> bool:
    found = {name for name in names if not (name.startswith(".") and name.endswith(".part"))}
    found.discard(LISTS)
    return found <= _BEGUN and (not found or _FIRST in found)


class RunFolder:
    """Writes a run's files, each whole or not at all. Raises OcrkitError where one cannot be
    written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def check_unused(self) -> None:
        """Raises OcrkitError where a new run cannot have this folder: it is a file, or has
        something in it.

        What a run leaves that could not be started is nothing.
        """
        try:
            names = {file.name for file in self.path.iterdir()} if self.path.exists() else set()
        except OSError as error:
            raise self._unusable(error) from error
        if not _only_begun(names):
            raise OcrkitError(
                f"{self.path}: not empty; name a new folder, or go on with the run in it: --resume"
            )

    def make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """The folder is there and this run's alone while the block runs. Raises OcrkitError where
        another one is in it."""
        self.make()
        folder = os.open(self.path, os.O_RDONLY)
        try:
            if not lock(folder):
                raise OcrkitError(
                    f"{self.path}: in use by another run; wait for its end, or name another folder"
                )
            remove_left_behind(self.path)
            yield
        finally:
            os.close(folder)

    def _unusable(self, error: OSError) -> OcrkitError:
        return OcrkitError(f"{self.path}: cannot be used as the run's folder ({error.strerror})")

    def write_pipeline(self, table: Mapping[str, Any]) -> None:
        """``pipeline.toml``: this pipeline, its weights those of the best epoch."""
        self._write_text("pipeline.toml", tomli_w.dumps({**table, "weights": "best.safetensors"}))

    def write_about(self, about: RunFile) -> None:
        """``run.json``: what the run was started with."""
        self._write_text("run.json", json_text(about, indent=2))

    def write_seen(self, seen: SeenForms) -> None:
        """``seen.txt``: the keys of the samples that the run sees, where some are of no form."""
        if seen.trained_keys or seen.chosen_keys:
            with self._written(IMAGES) as path:
                write_list(path, seen.trained_keys, seen.chosen_keys)

    def write_teacher(self, lines: str) -> None:
        """``teacher.jsonl``: what the teacher read of the images."""
        self._write_text(TEACHER, lines)

    def write_log(self, history: Sequence[Mapping[str, Any]]) -> None:
        """``log.jsonl`` and ``curves.svg``."""
        self._write_text("log.jsonl", "".join(json_text(line) + "\n" for line in history))
        if history:
            self._write_text("curves.svg", draw_curves(history))

    def write_weights(self, name: str, arrays: Arrays, about: Mapping[str, Any]) -> None:
        with self._written(name) as path:
            weight_files.write(path, arrays, about)

    def _write_text(self, name: str, text: str) -> None:
        with self._written(name) as path, write_atomically(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    @contextmanager
    def _written(self, name: str) -> Iterator[Path]:
        path = self.path / name
        try:
            yield path
        except OcrkitError as error:
            if not (self.path / "run.json").is_file():
                raise
            go_on = (
                "what was saved before is whole: make room, then ocrkit train --out "
                f"{self.path} --resume"
            )
            raise OcrkitError(f"{error}; {go_on}") from error
