"""Runs the service until it is told to end."""

import socket
from collections.abc import Mapping
from contextlib import suppress

import uvicorn

from ocrkit_serve.app import make_app
from ocrkit_serve.kept import Kept
from ocrkit_serve.limits import Limits
from ocrkit_serve.metrics import Metrics
from ocrkit_serve.teaching import Teaching
from ocrkit_serve.work import Loaded, Work


def run(
    pipelines: Mapping[str, Loaded],
    limits: Limits,
    key: str | None,
    listening: socket.socket,
    kept: Kept | None,
    *,
    teaching: Teaching | None,
) -> None:
    """Answers what comes in at a socket that listens. With SIGINT and SIGTERM no more is let in,
    what has been asked for is read and answered, and this returns."""
    metrics = Metrics()
    app = make_app(Work(pipelines, limits, metrics), limits, key, metrics, kept, teaching=teaching)
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    with suppress(KeyboardInterrupt):  # the signal comes again when all is put away
        uvicorn.Server(config).run(sockets=[listening])
