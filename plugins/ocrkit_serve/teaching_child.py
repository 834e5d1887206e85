"""The process that teaches: ``python -m ocrkit_serve.teaching_child LINES MODEL PIPELINE DEVICE
THREADS [SETTING…]``.

Events are lines of JSON on standard output. It ends with the process that has started it, however
that ends: its standard input is a pipe that nobody writes to.
"""

import os
import signal
import sys
from functools import partial
from threading import Thread
from typing import IO, Any

from ocrkit import OcrkitError, finetune
from ocrkit.support.parsing import json_text

_LESS_URGENT = 10
"""What is to be read meanwhile goes first."""


def _end_with_parent() -> None:
    os.read(0, 1)  # not by sys.stdin, which a thread that waits at it would keep from being closed
    os.killpg(os.getpgrp(), signal.SIGTERM)


def _tell(events: IO[str], event: dict[str, Any]) -> None:
    events.write(f"{json_text(event)}\n")
    events.flush()


def main() -> None:
    """Teaches, or goes on with it; an error is the last event."""
    tell = partial(_tell, os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)  # where others may print
    lines, model, pipeline, device, threads, *settings = sys.argv[1:]
    os.nice(_LESS_URGENT)
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        finetune(
            lines,
            model,
            pipeline=pipeline,
            reader="page-xml",
            settings=settings,
            device=device,
            threads=int(threads),
            command="ocrkit serve",
            report=tell,
        )
    except OcrkitError as error:
        tell({"event": "failed", "error": str(error)})
        sys.exit(1)


if __name__ == "__main__":
    main()
