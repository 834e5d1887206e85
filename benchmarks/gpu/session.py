"""Commands within a budget of time, their output in one log."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GRACE_SECONDS = 15
"""What a command that is stopped gets to write down what it has."""


@dataclass
class Session:
    """The time that is left, the log, and what became of the parts."""

    out: Path
    work: Path
    device: str
    end: float
    checkpoint_seconds: float = 30.0
    parts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Seconds."""
        return self.end - time.monotonic()

    def say(self, text: str) -> None:
        line = f"[{self.left:6.1f} s left] {text}"
        print(line, flush=True)
        with (self.out / "log.txt").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def command(
        self,
        arguments: list[str],
        seconds: float,
        cwd: Path = ROOT,
        every: Callable[[], None] = lambda: None,
    ) -> int | None:
        """Runs a Python command for so many seconds at most, its output in the log; ``every`` is
        called each ``checkpoint_seconds``. The exit status; None where the time was up."""
        self.say(f"$ python {' '.join(arguments)}")
        with (self.out / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], cwd=cwd, stdout=log, stderr=subprocess.STDOUT
            )
            end = time.monotonic() + seconds
            try:
                while True:
                    left = end - time.monotonic()
                    try:
                        return process.wait(max(0.0, min(self.checkpoint_seconds, left)))
                    except subprocess.TimeoutExpired:
                        if left <= self.checkpoint_seconds:
                            return None
                        every()
            finally:
                _stop(process)

    def part(self, name: str, seconds: float, do: Callable[[float], str]) -> None:
        """Does a part within so many seconds, and notes what became of it."""
        start = time.monotonic()
        seconds = min(seconds, self.left - GRACE_SECONDS)
        try:
            found = do(seconds) if seconds > 0 else "no time was left"
        except Exception as error:  # noqa: BLE001  (whatever it was, the others have their turn)
            found = f"failed: {type(error).__name__}: {error}"
        took = round(time.monotonic() - start, 1)
        self.parts.append({"part": name, "seconds": took, "found": found})
        self.say(f"{name}: {found}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """By Ctrl-C, at which pytest writes what it has measured; then by force."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
