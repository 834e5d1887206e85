"""A real service on a free port of this machine, and what clients do to it."""

import io
import os
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from urllib.parse import urlsplit

import httpx
import numpy as np
import uvicorn
from PIL import Image

from ocrkit_serve.app import make_app
from ocrkit_serve.kept import Kept
from ocrkit_serve.limits import Limits
from ocrkit_serve.metrics import Metrics
from ocrkit_serve.teaching import Teaching
from ocrkit_serve.work import Work
from processes import wait_for


@contextmanager
def served(
    pipelines: dict,
    limits: Limits | None = None,
    key: str | None = None,
    kept: Kept | None = None,
    teaching: Teaching | None = None,
) -> Iterator:
    """A client of a service around pipelines that are loaded."""
    limits, metrics = limits or Limits(), Metrics()
    app = make_app(Work(pipelines, limits, metrics), limits, key, metrics, kept, teaching=teaching)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", server_header=False))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        at = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with httpx.Client(base_url=at, timeout=120, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def command(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``ocrkit serve`` in a process of its own, and the address that it says; it is told to end, if
    it has not yet."""
    run = [sys.executable, "-m", "ocrkit", "serve", "--port", "0", *arguments]
    environment = os.environ | environment
    with subprocess.Popen(run, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr
        addresses = (re.search(r"http://\S+", line) for line in process.stderr)
        try:
            yield process, next(filter(None, addresses))[0]
        finally:
            process.terminate()


def sent(client: httpx.Client, *pieces: bytes, pause: float = 0.0, hang_up: bool = False) -> bytes:
    """What comes back for bytes as they are, with so many seconds between pieces until it comes;
    half a request ends when the server says so, unless the client hangs up."""
    address = urlsplit(str(client.base_url))
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        answer = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
                if select.select([connection], [], [], pause)[0]:
                    break
            while not hang_up and (data := connection.recv(65536)):
                answer += data
                if b"\r\n\r\n" in answer and b"}" in answer:
                    break
        except (BrokenPipeError, ConnectionResetError):
            pass
        return answer


def png(pixels: np.ndarray, fmt: str = "PNG") -> bytes:
    """The file of an image."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, fmt)
    return file.getvalue()


def read(client: httpx.Client, data: bytes, name: str = "a.png", **fields: str) -> httpx.Response:
    """The answer to a picture."""
    return client.post("/v1/read", files={"file": (name, data)}, data=fields)


def read_later(client: httpx.Client, data: bytes, name: str = "a.png", **fields: str) -> dict:
    """The status of a job that is done."""
    asked = client.post("/v1/read/async", files={"file": (name, data)}, data=fields)
    assert asked.status_code == 202, asked.text
    job = f"/v1/jobs/{asked.json()['id']}"
    wait_for(lambda: client.get(job).json()["status"] not in ("waiting", "reading"))
    status = client.get(job).json()
    assert status["status"] == "done"
    return status


def text(answer: httpx.Response) -> str:
    """What was read, where there was a picture that could be."""
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    assert item["error"] is None
    return item["text"]


def metric(client: httpx.Client, name: str) -> float:
    (value,) = re.findall(rf"^{name} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return float(value)
