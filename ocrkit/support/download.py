"""Downloads over HTTP that go on where they were cut, by Python's own urllib.

A file arrives in a *part*, which stays when the connection breaks, and of which the next try asks
for the rest alone. Beside it the ETag or the date of its version is kept, so that two versions are
never mixed. What a part holds is for the caller to check.
"""

import http
import http.client
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ocrkit.errors import DownloadError
from ocrkit.support import web

TRIES = 5
FIRST_WAIT = 2.0
"""Seconds before the second try; doubled before every further one."""
GRACE = 600.0
"""Seconds that every download may take, however little arrives."""
MEAN = 8192
"""Bytes that have to arrive for each further second, on the average."""
_CHUNK = 1 << 16
_SIZE = "[0-9]{1,18}"
_VERSION = "[ -~]{1,1000}"


class WebPageError(DownloadError):
    """The server answered with a page for people instead of the file."""


class _CutError(Exception):
    """The connection broke; what has arrived is kept."""


def is_offline() -> bool:
    """Whether the environment variable ``OCRKIT_OFFLINE`` forbids downloads: anything but nothing
    and 0 does."""
    return os.environ.get("OCRKIT_OFFLINE", "") not in ("", "0")


def download(
    url: str,
    part: Path,
    *,
    max_bytes: int,
    opener: urllib.request.OpenerDirector | None = None,
    headers: Mapping[str, str] | None = None,
    on_bytes: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> None:
    """Gets a file from a safe address into ``part``, going on where an earlier download was cut,
    and trying a few times.

    ``headers`` go to this address only, not to where it redirects. ``on_bytes`` hears how many
    bytes are there, and of how many where the server says that. It ends: more than :data:`GRACE`
    and :data:`MEAN` give it takes no download. Raises DownloadError, its child WebPageError, and
    OSError where ``part`` cannot be written.
    """
    if not web.is_safe(url):
        raise DownloadError(
            f"{url}: expected an address such as https://example.org/file, without a login in it"
        )
    if is_offline():
        raise DownloadError(f"{url}: not downloaded, since OCRKIT_OFFLINE is set")
    deadline = _Deadline(url)
    receiver = _Receiver(
        url, part, max_bytes, opener or web.opener(), headers or {}, on_bytes, deadline
    )
    for failures in range(TRIES):
        if failures:
            time.sleep(FIRST_WAIT * 2 ** (failures - 1))
        deadline.check(0)
        try:
            return receiver.receive()
        except _CutError as error:
            last = error
    raise DownloadError(
        f"{url}: given up after {TRIES} tries ({last}); what has arrived is kept: run this again "
        "to go on"
    )


def complete(part: Path, path: Path) -> None:
    """Gives a part that was found to be good its name; its bytes are on disk before."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)
    _version(part).unlink(missing_ok=True)


def discard(part: Path) -> None:
    """Removes a part that was found to be bad."""
    part.unlink(missing_ok=True)
    _version(part).unlink(missing_ok=True)


class _Deadline:
    """The time that a download may take, over all its tries: a while, and more for every byte that
    arrives."""

    def __init__(self, url: str) -> None:
        self._url, self._begin, self._bytes = url, time.monotonic(), 0

    def check(self, more: int) -> None:
        """So many ``more`` bytes have arrived. Raises DownloadError where the time is over."""
        self._bytes += more
        taken = time.monotonic() - self._begin
        if taken > GRACE + self._bytes / MEAN:
            raise DownloadError(
                f"{self._url}: given up: {self._bytes:,} bytes in {taken:,.0f} seconds, and fewer "
                f"than {MEAN:,} a second take "
                "too long; what has arrived is kept: run this again to go on"
            )


@dataclass(frozen=True)
class _Receiver:
    """One download: what is asked for, and where it goes."""

    url: str
    part: Path
    max_bytes: int
    opener: urllib.request.OpenerDirector
    headers: Mapping[str, str]
    on_bytes: Callable[[int, int | None], None]
    deadline: _Deadline

    def receive(self) -> None:
        """One connection. Returns when the part is complete; raises _CutError, WebPageError,
        DownloadError or OSError."""
        offset = self._begun()
        try:
            response = self._open(offset)
            if response is None:
                return
            with response:
                if response.headers.get_content_type() == "text/html":
                    raise self._web_page()
                if response.status == http.HTTPStatus.PARTIAL_CONTENT:
                    total = self._continued_total(response, offset)
                    chunk = response.read1(_CHUNK)
                else:
                    length = re.fullmatch(_SIZE, response.headers.get("Content-Length", ""))
                    total, offset = int(length[0]) if length else None, 0
                    chunk = response.read1(_CHUNK)
                    self._check_start(chunk)
                    self._save_version(response)
                self._check_size(total or 0)
                self.on_bytes(offset, total)
                with self.part.open("ab" if offset else "wb") as file:
                    while chunk:
                        offset += len(chunk)
                        self._check_size(offset)
                        file.write(chunk)
                        self.deadline.check(len(chunk))
                        self.on_bytes(offset, total)
                        chunk = response.read1(_CHUNK)
        except (
            http.client.HTTPException,
            ConnectionError,
            TimeoutError,
            ssl.SSLError,
            ValueError,
        ) as error:
            raise _CutError(
                web.reason(error)
            ) from None  # ValueError: http.client believes in any number
        if total is not None and offset < total:
            raise _CutError(f"{offset:,} of {total:,} bytes")

    def _begun(self) -> int:
        """How many bytes are there already."""
        if self.part.exists() and not self.part.is_file():
            raise DownloadError(f"{self.part}: cannot be written: it is no ordinary file")
        version = _version(self.part)
        if version.exists() and not re.fullmatch(_VERSION, version.read_text("ascii", "replace")):
            discard(self.part)  # nobody can say of which version it is
        return self.part.stat().st_size if self.part.exists() else 0

    def _open(self, offset: int) -> http.client.HTTPResponse | None:
        """The answer to a request for everything from ``offset`` on; None where there is nothing
        more to come."""
        request = urllib.request.Request(self.url, headers={"Accept-Encoding": "identity"})  # noqa: S310 (is safe)
        for name, value in self.headers.items():
            request.add_unredirected_header(name, value)
        if offset:
            request.add_header("Range", f"bytes={offset}-")
            if _version(self.part).exists():
                request.add_header("If-Range", _version(self.part).read_text("ascii"))
        try:
            response: http.client.HTTPResponse = self.opener.open(request, timeout=web.TIMEOUT)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    if error.headers.get("Content-Range") == f"bytes */{offset}":
                        return None
                    discard(self.part)
                    raise _CutError("the file has changed on the site") from None
                if error.code // 100 == 3:
                    raise DownloadError(
                        f"{self.url}: the site redirects to no safe address, or without end; "
                        "refused",
                        error.code,
                    ) from None
                answer = f"the site answers {web.status_text(error.code)}"
                if (
                    error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR
                    or error.code == http.HTTPStatus.TOO_MANY_REQUESTS
                ):
                    raise _CutError(answer) from None
                raise DownloadError(f"{self.url}: {answer}", error.code) from None
        except urllib.error.URLError as error:
            if _may_pass(error.reason):
                raise _CutError(web.reason(error)) from None
            raise DownloadError(
                f"{self.url}: cannot be reached ({web.reason(error)}); the site is down at times, "
                "try again later"
            ) from None
        return response

    def _continued_total(self, response: http.client.HTTPResponse, offset: int) -> int | None:
        """The size of the whole file, where a 206 answer says it; checks that the answer goes on at
        ``offset``."""
        given = re.fullmatch(
            rf"bytes ({_SIZE})-{_SIZE}/({_SIZE}|\*)", response.headers.get("Content-Range", "")
        )
        if given is None or int(given[1]) != offset:
            discard(self.part)
            raise _CutError("the site sent another range than asked for")
        return None if given[2] == "*" else int(given[2])

    def _check_start(self, chunk: bytes) -> None:
        if not chunk:
            raise _CutError("no byte came")
        if chunk.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
            raise self._web_page()

    def _check_size(self, size: int) -> None:
        if size > self.max_bytes:
            discard(self.part)
            raise DownloadError(
                f"{self.url}: more than {self.max_bytes:,} bytes, the most that the file may have; "
                "not kept"
            )

    def _save_version(self, response: http.client.HTTPResponse) -> None:
        """Remembers of which version a new part is."""
        etag = response.headers.get("ETag", "")
        version = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
        discard(self.part)
        if re.fullmatch(_VERSION, version):
            _version(self.part).write_text(version, "ascii")

    def _web_page(self) -> WebPageError:
        return WebPageError(f"{self.url}: the site gave a web page instead of the file")


def _version(part: Path) -> Path:
    """Holds the ETag or the date of the version that ``part`` is of."""
    return part.with_name(f"{part.name}.version")


def _may_pass(error: object) -> bool:
    """Whether what kept a connection from being made is likely to be gone soon."""
    no_answer = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
    return no_answer or isinstance(error, TimeoutError | ConnectionResetError | ssl.SSLEOFError)
