"""How ocrkit speaks HTTP: safe addresses only, with patience that has an end, and never repeating
what a server says.

A server that echoes a login, or sends a terminal's escape sequences, gets neither into a message or
a log: nothing in them comes from its answer but the number of its status.
"""

import http
import http.client
import io
import re
import socket
import time
import urllib.error
import urllib.request
from typing import IO, Any
from urllib.parse import urlsplit

TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as cut."""
SLOWEST = 16_384
"""Bytes that have to come in each :data:`TIMEOUT` after the first."""
_MOST_HEADERS = 1 << 20
"""Bytes that may come before a file does, or between two pieces of it."""


def is_safe(url: str) -> bool:
    """Whether an address is of https, or of http on this machine, as a browser would send it: in
    ASCII, without spaces. There is no login in it, which would end up in logs."""
    try:
        parts = urlsplit(url)
        given = parts.hostname, parts.port  # a port of five nines is found here
        (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    local = parts.scheme == "http" and given[0] in ("localhost", "127.0.0.1", "::1")
    address = re.fullmatch("[!-~]+", url) and given[0] and parts.username is None
    return bool(address) and (parts.scheme == "https" or local)


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to safe addresses, and from https to no other scheme."""

    def redirect_request(  # noqa: PLR0917 (urllib calls it so)
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not is_safe(newurl) or urlsplit(newurl).scheme not in (
            "https",
            urlsplit(req.full_url).scheme,
        ):
            return None  # for urllib it is an answer like 404 then
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def opener(*handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    """What opens safe addresses. ``handlers`` come beside, or as with urllib's in the place of, its
    own."""
    # http is for this machine alone: a proxy would get all that is sent, the login too.
    proxies = {
        scheme: url for scheme, url in urllib.request.getproxies().items() if scheme == "https"
    }
    return urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), _Http, _Https, *(handlers or [Redirects()])
    )


def status_text(code: int) -> str:
    """A status as the standard names it, not the server."""
    try:
        return f"{code} {http.HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def reason(error: BaseException) -> str:
    """Why a connection failed, in a line."""
    cause = getattr(error, "reason", None) or error
    from_here = isinstance(
        cause, OSError | str | http.client.IncompleteRead
    )  # others hold what the server sent
    return (
        " ".join(str(cause).split()) if from_here else ""
    ) or f"its answer is no HTTP: {type(cause).__name__}"


# ----------------------------------------------------------------------------------------- patience


class _Patient(io.RawIOBase):
    """A connection's bytes. Raises TimeoutError where they come too slowly, HTTPException where
    there are too many."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self.left = _MOST_HEADERS
        """Bytes that may still come."""
        self._begin, self._count = 0.0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = int(self._stream.readinto(buffer) or 0)
        now = time.monotonic()
        if self._begin and now - self._begin > TIMEOUT:
            if self._count < SLOWEST:
                raise TimeoutError(f"fewer than {SLOWEST:,} bytes in {TIMEOUT:g} seconds")
            self._begin = 0.0
        if not self._begin:
            self._begin, self._count = now, 0
        self._count += count
        self.left -= count
        if self.left < 0:
            raise http.client.HTTPException
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer whose headers are limited, and what comes beside a file after them: trailers, the
    text of a redirect."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self._patient = _Patient(sock.makefile("rb", buffering=0))
        self.fp = io.BufferedReader(self._patient)

    def read1(self, n: int = -1) -> bytes:
        self._patient.left = _MOST_HEADERS
        return super().read1(n)


class _Connection(http.client.HTTPConnection):
    response_class = _Response


class _SecureConnection(http.client.HTTPSConnection):
    response_class = _Response


class _Http(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, request)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, request)
