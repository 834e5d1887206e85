"""Teaching a model from the lines that people have corrected: one at a time, in a process of its
own, which goes on where it was stopped.

``FOLDER/.taught/N`` has what a teaching learns from (``lines``, as they were when it began), the
model (``model``, a training run), and, once people read with it, ``pipeline.toml``.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Any

import tomli_w

from ocrkit import Line, OcrkitError
from ocrkit.choosing.own_data import FEWEST
from ocrkit.parts.formats import save_page
from ocrkit.pipelines.file import load_spec, read_recipe
from ocrkit.support.files import read_text, write_atomically, writing
from ocrkit.support.parsing import parse_json
from ocrkit_serve.kept import Kept, written
from ocrkit_serve.work import Loaded

FOLDER = ".taught"
"""Begins with a dot: those who read the pages of the folder pass it over."""
_TEXT = "text."
"""Settings of what reads a page's lines begin with it."""


class Unfit(OcrkitError):  # noqa: N818  (what it is)
    """Not now: it is being done already, or there is nothing to do it with."""


@dataclass
class Seen:
    """How far a teaching is."""

    epochs: int = 0
    """How many there are at most."""
    share: float = 0.0
    """Of their steps, from 0 to 1."""
    error: str | None = None
    """Why it has stopped, where nobody stopped it."""


class Base:
    """The pipeline that every teaching begins from, and never one that was taught: this one would
    be measured by lines that it has learnt."""

    def __init__(self, source: str, settings: Sequence[str]) -> None:
        """``settings`` are those that it reads with, and that it is taught with too."""
        recipe = read_recipe(source)
        self._pages = recipe.table if recipe.task == "page" else None
        if self._pages is None:
            self.text, self.of_text, self.others = source, [*settings], list[str]()
            return
        self.text = self._pages["text"].removeprefix("zoo:")
        self.of_text = [each[len(_TEXT) :] for each in settings if each.startswith(_TEXT)]
        self.others = [each for each in settings if not each.startswith(_TEXT)]

    def with_model(self, at: Path, name: str) -> str:
        """The file of a pipeline in the folder ``at`` that reads with the ``model`` there."""
        if self._pages is not None:
            return tomli_w.dumps(self._pages | {"name": name, "text": "model"})
        return tomli_w.dumps(load_spec(at / "model").table | {"weights": "model/best.safetensors"})


class Teaching:
    """One teaching at a time. A ``with`` block around it stops it at its end; it can go on then."""

    def __init__(
        self,
        kept: Kept,
        base: Base,
        load: Callable[[Path], Loaded],
        *,
        device: str = "auto",
        threads: int = 0,
    ) -> None:
        """``load`` loads a new model from its folder."""
        self._kept = kept
        self._base = base
        self.load = load
        self._on = (device, str(threads))
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._following: Thread | None = None
        self._seen = Seen()
        self._closing = False

    def __enter__(self) -> "Teaching":
        return self

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._closing = True
            self._stop()

    def state(self) -> dict[str, Any]:
        """How far it is. ``status``: ``none``, ``running``, ``stopped`` (it can go on) or ``done``,
        with its ``result``; ``scores``: the metric on the lines to choose the best epoch by, before
        and after every epoch; ``corrected``: lines, counted where none is taught."""
        with self._lock:
            at, running = self._latest(), self._is_running()
            result = _result(at) if at and not running else None
            status = "running" if running else "done" if result else "stopped" if at else "none"
            return {
                "status": status,
                "corrected": None if running else len(self._corrected()),
                "needed": FEWEST,
                **asdict(self._seen),
                "scores": _scores(at) if at else [],
                "result": result,
                "offered": bool(result and result["better"]),
            }

    def start(self) -> None:
        """Begins one with the lines that are corrected now, or goes on with one that was stopped.
        Raises Unfit while one runs, OcrkitError where there are too few lines or no room."""
        with self._lock:
            if self._closing or self._is_running():
                raise Unfit("a model is being taught already; wait for it, or cancel it")
            at = self._latest()
            if at is None or _result(at) or not (at / "model" / "run.json").is_file():
                at = self._begin(at)
            self._run(at)

    def cancel(self) -> None:
        """Stops and forgets the teaching, or its result that nobody has taken. Raises Unfit where
        there is none."""
        with self._lock:
            at = self._latest()
            if at is None:
                raise Unfit("no model is being taught, and none is there that could be forgotten")
            self._stop()
            self._forget(at)

    def take(self) -> Loaded:
        """The new model, loaded, whose folder ``taken`` has from now on. Raises Unfit where there
        is none."""
        with self._lock:
            at = self._latest()
            if at is None or not _result(at):
                raise Unfit("there is no new model yet")
            pipeline = self._base.with_model(at, _name(at))
            with written(), write_atomically(at / "pipeline.toml") as temporary:
                temporary.write_text(pipeline, encoding="utf-8")
            self._seen = Seen()
            return self.load(at)

    def taken(self) -> Path | None:
        """The folder of the model that was taken last."""
        return next(filter(_is_taken, reversed(self._all())), None)

    # The folders, under the lock.

    def _all(self) -> list[Path]:
        folder = self._kept.folder / FOLDER
        found = [at for at in folder.iterdir() if at.name.isdecimal()] if folder.is_dir() else []
        return sorted(found, key=lambda at: int(at.name))

    def _latest(self) -> Path | None:
        """The teaching that runs, was stopped, or whose model nobody has taken."""
        found = self._all()
        return found[-1] if found and not _is_taken(found[-1]) else None

    def _corrected(self) -> list[tuple[str, Line]]:
        """The lines that are corrected and have a text, each with its page's id."""
        return [
            (id_, line)
            for id_ in self._kept.ids()
            for line in self._kept.page(id_).lines
            if line.corrected and line.text and (line.baseline or line.boundary)
        ]

    def _begin(self, last: Path | None) -> Path:
        """A new teaching's folder, in place of the last one that came to nothing."""
        lines: dict[str, list[Line]] = {}
        for id_, line in self._corrected():
            lines.setdefault(id_, []).append(line)
        if (count := sum(map(len, lines.values()))) < FEWEST:
            raise OcrkitError(
                f"{count} corrected lines; expected {FEWEST} at least, some to learn from and some "
                "to measure by; correct more first"
            )
        if last:
            self._forget(last)
        earlier = self._all()
        at = self._kept.folder / FOLDER / str(int(earlier[-1].name) + 1 if earlier else 1)
        with written(), writing(at):
            at.parent.mkdir(exist_ok=True)
        with written(), write_atomically(at, folder=True) as new:
            (new / "lines").mkdir()
            for id_, those in lines.items():
                picture = self._kept.picture_file(id_)
                _link(picture, new / "lines" / picture.name)
                page = replace(self._kept.page(id_), lines=tuple(those))
                save_page(page, new / "lines" / f"{id_}.xml", "page")
        return at

    def _forget(self, at: Path) -> None:
        shutil.rmtree(at)
        self._seen = Seen()

    # The process, under the lock.

    def _is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _run(self, at: Path) -> None:
        child = [sys.executable, "-P", "-m", "ocrkit_serve.teaching_child"]
        what = [str(at / "lines"), str(at / "model"), self._base.text, *self._on]
        self._seen = Seen()
        self._process = subprocess.Popen(  # noqa: S603  (ocrkit's own program)
            [*child, *what, f'name="{_name(at)}"', *self._base.of_text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the service, which stops it
        )
        self._following = Thread(
            target=_follow, args=(self._process, self._seen), name="ocrkit-teaching"
        )
        self._following.start()

    def _stop(self) -> None:
        """Ends the process, and its children; whatever it has written is whole."""
        if self._process and self._is_running():
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
        if self._following:
            self._following.join()


def _follow(process: "subprocess.Popen[bytes]", seen: Seen) -> None:
    """Notes what a process tells, until it ends."""
    with process:
        assert process.stdout  # noqa: S101  (a pipe was asked for)
        _read_events(process.stdout, seen)
        process.wait()  # it would be ended by closing its standard input, as the block does
    if process.returncode > 0 and seen.error is None:
        seen.error = "something went wrong; the service's log has more"


def _read_events(events: IO[bytes], seen: Seen) -> None:
    for line in events:
        event = parse_json(line)
        if event["event"] == "start":
            seen.epochs = event["epochs"]
        elif event["event"] == "step":
            seen.share = event["step"] / event["steps"]
        elif event["event"] == "failed":
            seen.error = event["error"]


def _name(at: Path) -> str:
    return f"taught-{at.name}"


def _is_taken(at: Path) -> bool:
    return (at / "pipeline.toml").exists()


def _result(at: Path) -> dict[str, Any] | None:
    path = at / "model" / "finetune" / "result.json"
    result: dict[str, Any] | None = parse_json(read_text(path)) if path.is_file() else None
    return result


def _scores(at: Path) -> list[float]:
    path = at / "model" / "log.jsonl"
    lines = read_text(path).splitlines() if path.is_file() else []
    return [next(iter(parse_json(line)["validation"].values())) for line in lines]


def _link(file: Path, name: Path) -> None:
    """The same file by another name, or a copy where the disk knows no such thing. Pictures that
    are kept are never written again."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)
