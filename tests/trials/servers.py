"""Servers that answer as none should. ``ANSWERS`` names them: add a line to try another.

An answer is pieces: bytes that are sent, and numbers, so many seconds of silence. ``LOGIN`` in it
is what the client sent.
"""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

from rich.progress import Progress

from ocrkit.errors import OcrkitError
from ocrkit.support import download, web
from ocrkit_iam import fetch

BODY = gzip.compress(bytes(range(256)) * 400)
USER, PASSWORD = "ada@example.org", "s3cret"
LOGIN = b"Basic YWRhQGV4YW1wbGUub3JnOnMzY3JldA=="
MOST_BYTES = 1_000_000

Answer = Callable[[], Iterator[bytes | float]]


def pieces(*parts: bytes | float) -> Answer:
    return lambda: iter(parts)


def answer(
    *headers: bytes | str, body: bytes = BODY, status: bytes = b"200 OK", length: bool = True
) -> Answer:
    lines = [b"HTTP/1.1 " + status, b"Connection: close"]
    lines += [header.encode() if isinstance(header, str) else header for header in headers]
    lines += [b"Content-Length: %d" % len(body)] * length
    return pieces(b"\r\n".join([*lines, b"", b""]), body)


def chunked(*chunks: bytes) -> Answer:
    return pieces(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *chunks)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def endless(first: bytes, again: bytes, wait: float = 0.0) -> Answer:
    def sent() -> Iterator[bytes | float]:
        yield first
        for piece in repeat(again):
            yield piece
            if wait:
                yield wait

    return sent


def dripping(data: bytes, wait: float = 0.05) -> Answer:
    return lambda: (piece for byte in data for piece in (bytes([byte]), wait))


def redirect(target: bytes, status: bytes = b"302 Found") -> Answer:
    return answer(b"Location: " + target, status=status, body=b"moved")


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
LENGTH = OK + b"Content-Length: %d\r\n\r\n" % len(BODY)
TRIES = "given up after 2 tries"
NO_HTTP = f"{TRIES} (its answer is no HTTP: "
UNSAFE = "the site redirects to no safe address, or without end; refused"
PAGE = "the site gave a web page instead of the archive"
NINES = "9" * 5000

ANSWERS: dict[str, tuple[str, Answer]] = {
    "the file": ("", answer()),
    "the file without its length": ("", answer(length=False)),
    "the file in chunks": ("", chunked(chunk(BODY[:70]), chunk(BODY[70:]), b"0\r\n\r\n")),
    "chunks with extensions and trailers": (
        "",
        chunked(b"%x;a=b\r\n%s\r\n" % (len(BODY), BODY), b"0\r\nA: b\r\n\r\n"),
    ),
    "HTTP/1.0": ("", pieces(b"HTTP/1.0 200 OK\r\n\r\n", BODY)),
    "an early 100": ("", pieces(b"HTTP/1.1 100 Continue\r\n\r\n", LENGTH, BODY)),
    "a length of words": ("", answer("Content-Length: many", length=False)),
    "a negative length": ("", answer("Content-Length: -5", length=False)),
    "a length of 5,000 digits": ("", answer(f"Content-Length: {NINES}", length=False)),
    "a length in other digits": ("", answer("Content-Length: ٣", length=False)),
    "a length of nothing": ("", answer("Content-Length:", length=False)),
    "a silence, then the file": ("", pieces(0.2, LENGTH, BODY)),
    "an odd ETag": ("", answer('ETag: "\x01\x02é"')),
    "an ETag of 60,000 letters": ("", answer(f'ETag: "{"a" * 60_000}"')),
    "a folded ETag": ("", answer('ETag: "a\r\n b"')),
    "an odd date": ("", answer("Last-Modified: yesterday")),
    "odd cookies": (
        "",
        answer(f"Set-Cookie: a=b; Max-Age={NINES}; Version={NINES}; Path=\x01; Expires={NINES}"),
    ),
    "an odd type": ("", answer("Content-Type: ;;;/")),
    "a header without a colon": ("", answer("nonsense")),
    "a header with a null": ("", answer(b"A: \0")),
    "99 headers": ("", answer(*(f"A{i}: b" for i in range(96)))),
    # ------------------------------------------------------------------------------ what comes back
    "the login as the reason": ("answers 404 Not Found", answer(status=b"404 " + LOGIN)),
    "escapes as the reason": (
        "answers 500 Internal Server Error",
        answer(status=b"500 \x1b[2J\x1b]0;mine\x07"),
    ),
    "the login as the reason of a 503": (
        f"{TRIES} (the site answers 503 Service Unavailable)",
        answer(status=b"503 " + LOGIN),
    ),
    "a status that nobody knows": ("the site answers 499", answer(status=b"499 " + LOGIN)),
    "a status of 999": (f"{TRIES} (the site answers 999)", answer(status=b"999 odd")),
    "no reason": ("the site answers 404 Not Found", answer(status=b"404")),
    "refused": ("the site refuses this login (401)", answer(status=b"401 no")),
    "forbidden": ("the site refuses this login (403)", answer(status=b"403 no")),
    "gone": ("the site answers 410 Gone", answer(status=b"410 no")),
    "busy": (f"{TRIES} (the site answers 429", answer(status=b"429 no")),
    "a page": (PAGE, answer("Content-Type: text/html", body=b"<html>" + LOGIN)),
    "a page that says it is an archive": (PAGE, answer(body=b" \n<!DOCTYPE html>" + LOGIN)),
    "no content": (f"{TRIES} (no byte came)", answer(status=b"204 No Content", body=b"")),
    "nothing": (f"{TRIES} (no byte came)", answer(body=b"")),
    "not modified": (UNSAFE, answer(status=b"304 Not Modified", body=b"")),
    "a range that nobody asked for": (
        "the site sent another range",
        answer("Content-Range: bytes 7-9/10", status=b"206 P"),
    ),
    "a range of 5,000 digits": (
        "the site sent another range",
        answer(f"Content-Range: bytes 0-{NINES}/{NINES}", status=b"206 P"),
    ),
    "a range of words": (
        "the site sent another range",
        answer(b"Content-Range: " + LOGIN, status=b"206 P"),
    ),
    "no range": ("the site sent another range", answer(status=b"206 P")),
    "no such range": (
        "the file has changed on the site",
        answer("Content-Range: bytes */5", status=b"416 R"),
    ),
    # ------------------------------------------------------------------------------ what is no HTTP
    "nothing at all": (f"{TRIES} (Remote end closed", pieces()),
    "an empty line": (NO_HTTP, pieces(b"\r\n\r\n")),
    "the login and no HTTP": (NO_HTTP, pieces(LOGIN + b"\r\n\r\n")),
    "escapes and no HTTP": (NO_HTTP, pieces(b"\x1b[2J\x1b]0;mine\x07\r\n")),
    "another protocol": (NO_HTTP, pieces(b"SSH-2.0-" + LOGIN + b"\r\n")),
    "another version": (NO_HTTP, pieces(b"HTTP/2.0 200 OK\r\n\r\n")),
    "a version of words": (NO_HTTP, pieces(b"HTTP/" + LOGIN + b" 200 OK\r\n\r\n")),
    "a status of words": (NO_HTTP, pieces(b"HTTP/1.1 " + LOGIN + b" OK\r\n\r\n")),
    "a status of 5,000 digits": (NO_HTTP, pieces(f"HTTP/1.1 {NINES} OK\r\n\r\n".encode())),
    "a status of -200": (NO_HTTP, pieces(b"HTTP/1.1 -200 OK\r\n\r\n")),
    "random bytes": (NO_HTTP, pieces(bytes(range(255, 0, -1)) * 9)),
    "TLS": (NO_HTTP, pieces(bytes.fromhex("15030100020246"))),
    "101 headers": (NO_HTTP, answer(*(f"A{i}: b" for i in range(120)))),
    "a header of 70,000 letters": (NO_HTTP, answer("A: " + "b" * 70_000)),
    "a status line of 70,000 letters": (
        NO_HTTP,
        pieces(b"HTTP/1.1 200 " + b"b" * 70_000 + b"\r\n\r\n"),
    ),
    "a negative chunk": (TRIES, chunked(b"-5\r\nhello\r\n")),
    "a chunk of words": (TRIES, chunked(LOGIN + b"\r\nhello\r\n")),
    "a chunk of 5,000 digits": (TRIES, chunked(b"f" * 5000 + b"\r\nhello\r\n")),
    "a chunk without a size": (TRIES, chunked(b"\r\nhello\r\n")),
    "a chunk that says 16 GB": (TRIES, chunked(b"3ffffffff\r\n", BODY)),
    "chunks without their end": (TRIES, chunked(chunk(BODY))),
    # ------------------------------------------------------------------------------------ redirects
    "to another file": (UNSAFE, redirect(b"/other")),  # which answers the same, without end
    "to itself": (UNSAFE, redirect(b"")),
    "to nowhere": (UNSAFE, answer(status=b"302 Found")),
    "to half an address": (NO_HTTP, redirect(b"http://[::1")),
    "to a port that is none": (UNSAFE, redirect(b"http://127.0.0.1:99999/x")),
    "to a port of letters": (UNSAFE, redirect(b"http://127.0.0.1:port/x")),
    "to http elsewhere": (UNSAFE, redirect(b"http://example.org/" + LOGIN)),
    "to a file": (UNSAFE, redirect(b"file:///etc/passwd")),
    "to ftp": (UNSAFE, redirect(b"ftp://127.0.0.1/x")),
    "to data": (UNSAFE, redirect(b"data:text/plain,x")),
    "to a login": (UNSAFE, redirect(b"http://ada:s3cret@127.0.0.1/x")),
    "to what is not ASCII": (UNSAFE, redirect("http://éxample/é".encode())),
    "to a host of 70 letters": (UNSAFE, redirect(b"https://" + b"a" * 70 + b".org/")),
    "to the login page": (PAGE, redirect(b"/login")),
    "to 60,000 letters": (UNSAFE, redirect(b"/" + b"a" * 60_000)),
    "for good": (UNSAFE, redirect(b"/other", b"308 Permanent Redirect")),
    "a redirect without end": (
        TRIES,
        endless(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", bytes(65_536)),
    ),
    # -------------------------------------------------------------------------- what is cut or late
    "less than it says": (
        " bytes); what has arrived is kept",
        answer(f"Content-Length: {len(BODY) + 9}", length=False),
    ),
    "cut in the headers": (TRIES, pieces(b"HTTP/1.1 200 OK\r\nContent-Le")),
    "silence": (TRIES, pieces(1.0)),
    "silence after the headers": (TRIES, pieces(LENGTH, 1.0)),
    "silence in the middle": (TRIES, pieces(LENGTH, BODY[:100], 1.0)),
    "a byte at a time": (TRIES, dripping(LENGTH + BODY)),
    "a byte of the file at a time": (
        TRIES,
        lambda: (p for each in (pieces(LENGTH), dripping(BODY)) for p in each()),
    ),
    "a header at a time": (TRIES, endless(OK, b"A: b\r\n", 0.05)),
    "a chunk of a byte at a time": (
        TRIES,
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", chunk(b"x"), 0.05),
    ),
    # ------------------------------------------------------------------------------ what never ends
    "a file without end": ("more than 1,000,000 bytes", endless(OK + b"\r\n", BODY)),
    "a length of 8 TB": (
        "more than 1,000,000 bytes",
        answer("Content-Length: 8000000000000", length=False),
    ),
    "chunks without end": (
        "more than 1,000,000 bytes",
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", chunk(BODY)),
    ),
    "a line without end": (NO_HTTP, endless(b"HTTP/1.1 200 ", b"a" * 65_536)),
    "headers without end": (NO_HTTP, endless(OK, b"A: b\r\n" * 1000)),
    "100 again and again": (NO_HTTP, endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100)),
    "trailers without end": (
        TRIES,
        endless(
            OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(BODY) + b"0\r\n", b"A: b\r\n" * 1000
        ),
    ),
    "a chunk's size without end": (
        NO_HTTP,
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"a" * 65_536),
    ),
}
"""By what is wrong with them: words of the line that ends the download, nothing where it
succeeds."""


class Server(threading.Thread):
    """Answers whatever is asked, always in the same way."""

    def __init__(self, said: Answer) -> None:
        super().__init__(daemon=True)
        self._said = said
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=partial(self._answer, connection), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with connection:
                asked = b""
                while b"\r\n\r\n" not in asked and (more := connection.recv(65_536)):
                    asked += more
                for piece in self._said():
                    if isinstance(piece, bytes):
                        connection.sendall(piece)
                    else:
                        time.sleep(piece)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass
        except OSError:
            pass

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def trial(folder: Path, names: list[str]) -> dict[str, Any]:
    """Downloads from each of these servers. Reports ``wrong``, a line each."""
    web.TIMEOUT, download.FIRST_WAIT, download.TRIES = 0.3, 0.001, 2
    fetch.MAX_BYTES = MOST_BYTES
    wrong = []
    for name in names:
        words, said = ANSWERS[name]
        part = folder / "file.part"
        server = Server(said)
        server.start()
        try:
            fetch.Site(server.url, USER, PASSWORD).download("file", part, Progress(disable=True))
            message, found = "", part.read_bytes()
        except OcrkitError as error:
            message, found = str(error), b""
        except Exception as error:  # noqa: BLE001  (that is what is looked for)
            message, found = repr(error), b""
        server.close()
        echoed = LOGIN[6:].decode() in message or PASSWORD in message
        if (
            found != (b"" if words else BODY)
            or words not in message
            or not message.isprintable()
            or echoed
        ):
            wrong.append(f"{name}: {message[:300]!r}")
        download.discard(part)
    wrong += [f"left behind: {path.name}" for path in folder.iterdir()]
    return {"tried": len(names), "wrong": wrong}
