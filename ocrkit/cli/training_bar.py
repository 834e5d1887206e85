"""What ``ocrkit train`` says while it trains."""

import time
from typing import Any

from ocrkit.cli.run_output import SkippedLines
from ocrkit.cli.streams import is_quiet
from ocrkit.printable import printable
from ocrkit.reports.facts import rate
from ocrkit.support.bars import image_bar

SILENCE = 60.0
"""Seconds after which it is said where training is, where no bar shows it."""


class TrainingBar:
    """A progress bar on standard error, or where that is no terminal a line now and then; events
    worth keeping are printed above it.

    Of several workers the first says it all; the others only name what they skip.
    """

    def __init__(self, *, first: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._first = first
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn("loss {task.fields[loss]:.3f}  {task.fields[rate]} images/s"),
            TimeRemainingColumn(),
            console=self._console,
            disable=is_quiet() or not (first and self._console.is_terminal),
        )
        self._task: Any = None
        self._images = image_bar()
        self._last_said = time.monotonic()

    def __enter__(self) -> "TrainingBar":
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._images.live.is_started:
            self._images.stop()
        self._progress.stop()

    def report(self, event: dict[str, Any]) -> None:
        if self._first or event["event"] == "skipped":
            getattr(self, f"_{event['event']}", lambda _: None)(event)

    def _say(self, text: str) -> None:
        self._last_said = time.monotonic()
        if not is_quiet():
            self._warn(text)

    def _warn(self, text: str) -> None:
        self._console.print(printable(text), markup=False)

    def _start(self, event: dict[str, Any]) -> None:
        data = event["data"]
        self._say(
            f"seed {event['seed']}, {event['device']}, {event['samples']:,} samples of "
            f"{data['split']} ({data['root']})"
        )
        for also in event["also"]:
            self._say(
                f"among them {also['samples']:,} of {also['name']}, {also['split']} "
                f"({also['root']})"
            )
        skipped = SkippedLines(self._warn)
        for item in event["skipped"]:
            skipped.add(item["id"], item["reason"])
        skipped.sum_up("run.json names them all")
        for note in event["notes"]:
            self._say(note)
        if event["validation"]:
            self._say(
                f"validation: {event['validation']['samples']:,} samples of "
                f"{event['validation']['split']}"
            )
            for note in event["validation"]["notes"]:
                self._say(f"validation: {note}; they stay mistakes")

    def _init(self, event: dict[str, Any]) -> None:
        fresh = f"; fresh: {', '.join(event['fresh'])}" if event["fresh"] else ""
        self._say(
            f"starting from {event['from']}: {event['arrays']} arrays, {event['characters']} "
            f"characters shared{fresh}"
        )
        if "licence" in event:
            self._say(f"their terms hold for the run's weights too: {event['licence']}")
        if "temperature" in event:
            self._say(
                f"confidences keep their temperature of {event['temperature']:g} until ocrkit "
                "calibrate finds this run's own"
            )

    def _resume(self, event: dict[str, Any]) -> None:
        self._say(f"going on after epoch {event['epoch']}, step {event['step']}")

    def _workers(self, event: dict[str, Any]) -> None:
        self._say(
            f"started with {event['before']} workers, goes on with {event['now']}: not bit for bit "
            "as it would have been"
        )

    def _skipped(self, event: dict[str, Any]) -> None:
        self._warn(f"skipped {event['id']}: {event['reason']}")

    def _unscored(self, event: dict[str, Any]) -> None:
        samples = f"{event['samples']:,} samples" if event["samples"] > 1 else "1 sample"
        self._warn(
            f"validation: {samples} cannot be scored; the first: {event['first']['id']}: "
            f"{event['first']['reason']}"
        )

    def _teacher(self, event: dict[str, Any]) -> None:
        self._say(f"learning from {event['name']} too")
        if "licence" in event:
            self._say(f"its terms hold for the run's weights too: {event['licence']}")

    def _taught(self, event: dict[str, Any]) -> None:
        self._show_images("read by the teacher", event)

    def _read(self, event: dict[str, Any]) -> None:
        self._show_images("reading images into memory", event)

    def _show_images(self, what: str, event: dict[str, Any]) -> None:
        """A bar of its own, in the place of the one of steps."""
        if self._progress.disable:
            return
        if not self._images.live.is_started:
            self._images.add_task(what, total=event["of"])
            self._progress.stop()
            self._images.start()
        self._images.update(self._images.task_ids[-1], completed=event["images"])
        if event["images"] == event["of"]:
            self._images.stop()
            self._progress.start()

    def _step(self, event: dict[str, Any]) -> None:
        fields = {
            "epoch": event["epoch"],
            "loss": event["loss"],
            "rate": rate(event["images_per_second"]),
        }
        if self._task is None:
            self._task = self._progress.add_task(
                "", total=event["steps"], completed=event["step"], **fields
            )
        self._progress.update(self._task, completed=event["step"], **fields)
        if not self._console.is_terminal and time.monotonic() - self._last_said > SILENCE:
            self._say(
                f"epoch {event['epoch']}, step {event['batch']:,} of {event['batches']:,}  loss "
                f"{event['loss']:.3f}  "
                f"{fields['rate']} images/s"
            )

    def _before(self, event: dict[str, Any]) -> None:
        self._say(f"before training{_scores(event)}")

    def _epoch(self, event: dict[str, Any]) -> None:
        best = "  *" if event["best"] else ""
        speed = f"{rate(event['images_per_second'])} images/s"
        self._say(
            f"epoch {event['epoch']}/{event['epochs']}  loss {event['loss']:.3f}{_scores(event)}  "
            f"{speed}{best}"
        )


def _scores(event: dict[str, Any]) -> str:
    return "".join(
        f"  {name} {value:.4f}" for name, value in (event.get("validation") or {}).items()
    )
