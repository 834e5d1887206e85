"""A zoo model of a third party, and a server on this machine that misbehaves as it is told."""

import re
import shutil
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tomli_w

from ocrkit.support import download, web
from ocrkit.support.checksums import sha256_of

PLUGIN = """
import ocrkit

@ocrkit.hookimpl
def ocrkit_zoos(register):
    register("tiny", "tiny_models:first", summary="reads badly")
    register("gone", "no_such_package:first")
"""


@pytest.fixture
def folder(install: Callable[[str, str], Path], tiny: Path, tiny_run: Path) -> Path:
    """The folder of the model ``tiny``, which comes in a plugin of its own and has the weights of
    the training run."""
    site = install("small-zoo", PLUGIN)
    folder = site / "tiny_models" / "first"
    folder.mkdir(parents=True)
    (site / "tiny_models" / "__init__.py").touch()
    shutil.copy(tiny_run / "best.safetensors", folder / "w.safetensors")
    table = tomllib.loads(tiny.read_text()) | {"weights": "zoo:tiny"}
    (folder / "pipeline.toml").write_text(tomli_w.dumps(table))
    manifest = {
        "schema": 2,
        "weights": {"file": "w.safetensors", "sha256": sha256_of(folder / "w.safetensors")},
    }
    (folder / "manifest.toml").write_text(tomli_w.dumps(manifest))
    return folder


@dataclass
class Site:
    """What the server has, how it misbehaves, and what it was asked."""

    files: dict[str, bytes]
    ranges: bool = True
    etag: str | None = '"v1"'
    modified: str | None = None
    lengths: bool = True
    kind: str = "application/octet-stream"
    cuts: list[int] = field(default_factory=list)
    """One entry is taken by each answer that sends a file: it stops after so many bytes."""
    statuses: list[int] = field(default_factory=list)
    """One entry is taken by each request: it is answered with this error."""
    redirect: str | None = None
    reason: str | None = None
    """Of the status, where not the standard's."""
    pause: float = 0.0
    """Seconds after each piece of a file."""
    stall: threading.Event | None = None
    """Half of each answer is sent at once, the rest when this is set."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers of each request."""
    url: str = ""

    def headers(self, name: str) -> list[str | None]:
        """This header of each request."""
        return [headers.get(name) for _, headers in self.asked]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        site = self.site
        site.asked.append((self.path, dict(self.headers)))
        if site.statuses:
            self.answer(site.statuses.pop(0), b"")
        elif site.redirect:
            target, site.redirect = site.redirect, None
            self.answer(302, b"", Location=target)
        elif (body := site.files.get(self.path.removeprefix("/"))) is None:
            self.answer(404, b"")
        else:
            self.send_file(body)

    def send_file(self, body: bytes) -> None:
        site = self.site
        start = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        version = site.etag or site.modified
        about = {"ETag": site.etag, "Last-Modified": site.modified, "Content-Type": site.kind}
        cut = site.cuts.pop(0) if site.cuts else None
        if start and site.ranges and self.headers.get("If-Range", version) == version:
            offset = int(start[1])
            if offset >= len(body):
                self.answer(416, b"", **{"Content-Range": f"bytes */{len(body)}"})
            else:
                span = f"bytes {offset}-{len(body) - 1}/{len(body)}"
                self.answer(206, body[offset:], cut, **{"Content-Range": span}, **about)
        else:
            self.answer(200, body, cut, **about)

    def answer(
        self, status: int, body: bytes, cut: int | None = None, **headers: str | None
    ) -> None:
        site = self.site
        self.send_response(status, site.reason)
        headers["Content-Length" if site.lengths else "Connection"] = (
            str(len(body)) if site.lengths else "close"
        )
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self.close_connection = cut is not None or not site.lengths
        body = body[:cut]
        if site.stall:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            site.stall.wait(30)
            body = body[len(body) // 2 :]
        if site.pause:
            for start in range(0, len(body), 4096):
                self.wfile.write(body[start : start + 4096])
                time.sleep(site.pause)
        else:
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Says nothing of clients that leave: some tests kill them."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server without files. Downloads are made impatient meanwhile."""
    monkeypatch.setattr(download, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(web, "TIMEOUT", 5.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site = Site({})
    with Server(("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": site})) as server:
        site.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        yield site
        server.shutdown()
