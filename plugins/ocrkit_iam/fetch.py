"""Downloads IAM's archives with the user's own login, checks them, and extracts them safely."""

import base64
import gzip
import http.client
import os
import re
import shutil
import ssl
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urlencode, urljoin, urlsplit

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from ocrkit.errors import DataError

BASE_URL = "https://fki.tic.heia-fr.ch/DBs/iamDB/data/"
MEMBERS = {
    "ascii": re.compile(r"[A-Za-z]+\.txt"),
    "xml": re.compile(r"[A-Za-z0-9]+-[A-Za-z0-9]+\.xml"),
    "words": re.compile(r"([A-Za-z0-9]+)/(\1-[A-Za-z0-9]+)/\2-[0-9]+-[0-9]+\.png"),
}
"""The archives in the order in which they are fetched, and the files that each holds."""
MAX_BYTES = 8 << 30
"""The most that an archive may weigh, packed or unpacked; words.tgz weighs 0.8 GB."""
MAX_MEMBERS = 500_000
TRIES = 5
TIMEOUT = 60.0
"""Seconds without a byte after which a connection counts as cut."""
FIRST_WAIT = 2.0
"""Seconds before the second try; doubled before every further one."""
_CHUNK = 1 << 16


class _CutError(Exception):
    """The connection broke; what has arrived is kept."""


class _WebPageError(Exception):
    """The site answered with a page for people."""


def fetch(dest: Path, url: str | None = None) -> None:
    """Gets ``ascii/``, ``xml/`` and ``words/`` into ``dest``; what is already there is left as it is.

    The login is asked for, or taken from ``OCRKIT_IAM_USER`` and ``OCRKIT_IAM_PASSWORD``; it is sent to the site of ``url``
    only, and kept nowhere. An archive that is already in ``dest`` is not downloaded again. Raises DataError.
    """
    base = _checked_url(url or BASE_URL)
    try:
        dest.mkdir(parents=True, exist_ok=True)
        wanted = [name for name in MEMBERS if not _has_files(dest / name)]
        site = None if all((dest / f"{name}.tgz").exists() for name in wanted) else Site(base, *_login())
        with _progress() as progress:
            for name in MEMBERS:
                if name not in wanted:
                    click.echo(f"{dest / name} is already there", err=True)
                    continue
                archive = dest / f"{name}.tgz"
                if site and not archive.exists():
                    part = archive.with_name(f"{archive.name}.part")
                    site.download(archive.name, part, progress)
                    _check_or_remove(part, name, progress)
                    part.rename(archive)
                    _version(part).unlink(missing_ok=True)
                else:
                    check(archive, name, progress)
                count = extract(archive, dest / name, progress)
                click.echo(f"{dest / name}: {count:,} files from {archive}", err=True)
    except OSError as error:
        raise DataError(f"{error.filename or dest}: {error.strerror or error}") from None


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise DataError(f"{url}: {error}; expected an address such as {BASE_URL}") from None
    if parts.username or parts.password:
        raise DataError("a login in the URL would end up in logs; put it into OCRKIT_IAM_USER and OCRKIT_IAM_PASSWORD")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DataError(f"{url}: expected an address such as {BASE_URL}")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise DataError(f"{url}: http would send your password unencrypted; use https")
    return url.rstrip("/") + "/"


def _login() -> tuple[str, str]:
    user, password = os.environ.get("OCRKIT_IAM_USER"), os.environ.get("OCRKIT_IAM_PASSWORD")
    if not (user and password) and not sys.stdin.isatty():
        raise DataError("IAM needs your login: set OCRKIT_IAM_USER (your e-mail address) and OCRKIT_IAM_PASSWORD")
    user = user or click.prompt("IAM user (e-mail address)", err=True)
    return user, password or click.prompt("Password", hide_input=True, err=True)


def _progress() -> Progress:
    """A bar in bytes on standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    return Progress(*columns, console=console, disable=not console.is_terminal)


# -------------------------------------------------------------------------------------------------------------- download


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, with the login on the same site only and never from https to http; the login page is no archive."""

    def redirect_request(  # noqa: PLR0917 (urllib calls it so)
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if req.get_method() == "POST":
            return None
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.path.rstrip("/").endswith("/login"):
            fp.close()
            raise _WebPageError
        if new.scheme not in ("https", old.scheme):
            fp.close()
            raise DataError(f"{req.full_url}: the site redirects to {new.scheme}, which is not encrypted; refused")
        redirected = super().redirect_request(req, fp, code, msg, headers, newurl)
        login = req.get_header("Authorization")
        if redirected and login and (new.scheme, new.netloc) == (old.scheme, old.netloc):
            redirected.add_unredirected_header("Authorization", login)
        return redirected


class Site:
    """Where the archives are. Logs in by basic authentication, and where the site shows a web page instead, by its form."""

    def __init__(self, base: str, user: str, password: str) -> None:
        self._base = base
        self._form = urlencode({"email": user, "password": password}).encode()
        self._basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._logged_in = False
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()), _Redirects())

    def download(self, name: str, part: Path, progress: Progress) -> None:
        """Gets an archive into ``part``, going on where an earlier download was cut. Raises DataError."""
        url = urljoin(self._base, name)
        task = progress.add_task(name, total=None)
        failures = 0
        while True:
            try:
                self._receive(url, part, progress, task)
            except _WebPageError:
                if self._logged_in:
                    raise DataError(
                        f"{url}: the site gave a web page instead of the archive: its login page, or a notice. Check your "
                        f"login in a browser, or download {name} there into {part.parent} and run this again."
                    ) from None
                self._log_in()
            except _CutError as error:
                failures += 1
                if failures == TRIES:
                    raise DataError(
                        f"{url}: cut off {TRIES} times ({error}); what has arrived is kept: run this again to go on"
                    ) from None
                time.sleep(FIRST_WAIT * 2 ** (failures - 1))
            else:
                return

    def _log_in(self) -> None:
        """Sends the login form, as the site has asked for since 2020; the cookie that it answers with is kept in memory."""
        self._logged_in = True
        request = urllib.request.Request(urljoin(self._base, "/login"), data=self._form)  # noqa: S310 (scheme was checked)
        try:
            self._opener.open(request, timeout=TIMEOUT).close()
        except urllib.error.HTTPError as error:
            error.close()  # a redirect to a start page, or no such form: the next try for the archive shows which
        except (OSError, http.client.HTTPException) as error:
            raise DataError(f"{request.full_url}: cannot log in ({_reason(error)})") from None

    def _receive(self, url: str, part: Path, progress: Progress, task: Any) -> None:
        """One connection. Returns when ``part`` is complete; raises _CutError, _WebPageError or DataError."""
        offset = part.stat().st_size if part.exists() else 0
        try:
            response = self._open(url, part, offset)
            if response is None:
                return
            with response:
                if response.headers.get_content_type() == "text/html":
                    raise _WebPageError
                if response.status == http.HTTPStatus.PARTIAL_CONTENT:
                    total = _continued_total(response, part, offset)
                    chunk = response.read(_CHUNK)
                else:
                    length = response.headers.get("Content-Length", "")
                    total, offset = int(length) if length.isdecimal() else None, 0
                    chunk = response.read(_CHUNK)
                    _check_start(chunk, url)
                    _save_version(response, part)
                progress.update(task, total=total)
                with part.open("ab" if offset else "wb") as file:
                    while chunk:
                        offset += file.write(chunk)
                        progress.update(task, completed=offset)
                        if offset > MAX_BYTES:
                            raise DataError(f"{url}: more than {MAX_BYTES:,} bytes; that is not IAM's archive")
                        chunk = response.read(_CHUNK)
        except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
            raise _CutError(_reason(error)) from None
        if total is not None and offset < total:
            raise _CutError(f"{offset:,} of {total:,} bytes")

    def _open(self, url: str, part: Path, offset: int) -> http.client.HTTPResponse | None:
        """The site's answer to a request for everything from ``offset`` on; None where there is nothing more to come."""
        request = urllib.request.Request(url, headers={"Accept-Encoding": "identity"})  # noqa: S310 (scheme was checked)
        request.add_unredirected_header("Authorization", self._basic)
        if offset:
            request.add_header("Range", f"bytes={offset}-")
            if _version(part).exists():
                request.add_header("If-Range", _version(part).read_text("ascii"))
        try:
            response: http.client.HTTPResponse = self._opener.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    if error.headers.get("Content-Range") == f"bytes */{offset}":
                        return None
                    part.unlink()
                    raise _CutError("the file has changed on the site") from None
                if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise _CutError(f"the site answers {error.code} {_reason(error)}") from None
                if error.code in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
                    raise DataError(f"{url}: the site refuses this login ({error.code}); check user and password") from None
                raise DataError(f"{url}: the site answers {error.code} {_reason(error)}") from None
        except urllib.error.URLError as error:
            raise DataError(
                f"{url}: cannot be reached ({_reason(error)}); the site is down at times, try again later"
            ) from None
        return response


def _continued_total(response: http.client.HTTPResponse, part: Path, offset: int) -> int | None:
    """The size of the whole file, where a 206 answer says it; checks that the answer goes on at ``offset``."""
    given = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if given is None or int(given[1]) != offset:
        part.unlink()
        raise _CutError("the site sent another range than asked for")
    return None if given[2] == "*" else int(given[2])


def _save_version(response: http.client.HTTPResponse, part: Path) -> None:
    """Remembers of which version a new ``part`` is."""
    etag = response.headers.get("ETag", "")
    version = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
    part.unlink(missing_ok=True)
    _version(part).unlink(missing_ok=True)
    if version and version.isascii():
        _version(part).write_text(version, "ascii")


def _version(part: Path) -> Path:
    """Holds the ETag or the date of the version that ``part`` is of, so that two versions are never mixed."""
    return part.with_name(f"{part.name}.version")


def _check_start(chunk: bytes, url: str) -> None:
    if not chunk:
        raise _CutError("no byte came")
    if chunk.lstrip().startswith(b"<"):
        raise _WebPageError
    if not chunk.startswith(b"\x1f\x8b"):
        raise DataError(f"{url}: not a gzip archive")


def _reason(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error
    return " ".join(str(reason).split()) or type(error).__name__


# --------------------------------------------------------------------------------------------------------------- archive


def extract(archive: Path, folder: Path, progress: Progress) -> int:
    """Extracts an archive that has passed the check, and returns the number of files; ``folder`` appears whole or not at all.

    Files are made anew from their contents alone: links, devices, owners and modes are never taken over. Raises DataError.
    """
    temporary = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        count = 0
        for name, source in _files(archive, folder.name, progress, "extracting"):
            target = temporary / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(source, file)
            count += 1
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return count


def check(archive: Path, name: str, progress: Progress) -> None:
    """Reads a whole archive. Raises DataError for a damaged one, for members that reach outside, and for links and devices."""
    if sum(1 for _ in _files(archive, name, progress, "checking")) == 0:
        raise DataError(f"{archive}: holds nothing of IAM's {name}.tgz; download it again")


def _check_or_remove(part: Path, name: str, progress: Progress) -> None:
    try:
        check(part, name, progress)
    except DataError:
        part.unlink()
        _version(part).unlink(missing_ok=True)
        raise


def _files(archive: Path, name: str, progress: Progress, verb: str) -> Iterator[tuple[str, IO[bytes]]]:
    """The files of an archive that are like IAM's, by path; others are left out."""
    task = progress.add_task(f"{verb} {archive.name}", total=archive.stat().st_size)
    too_large = DataError(f"{archive}: unpacks to more than {MAX_BYTES:,} bytes or {MAX_MEMBERS:,} members; refused")
    try:
        with archive.open("rb") as raw, gzip.open(raw) as stream, tarfile.open(fileobj=stream, mode="r:") as members:
            for number, member in enumerate(members):
                path = PurePosixPath(member.name)
                if path.is_absolute() or ".." in path.parts:
                    raise DataError(f"{archive}: {member.name!r} lies outside the folder to extract into; refused")
                if not (member.isreg() or member.isdir()):
                    raise DataError(f"{archive}: {member.name!r} is a link or a device, IAM has none; refused")
                if number == MAX_MEMBERS or stream.tell() + member.size > MAX_BYTES:
                    raise too_large
                inside = str(path.relative_to(name) if path.parts[:1] == (name,) else path)
                source = members.extractfile(member)
                if source and MEMBERS[name].fullmatch(inside):
                    yield inside, source
                progress.update(task, completed=raw.tell())
            while stream.read(_CHUNK):  # gzip's checksum comes last
                if stream.tell() > MAX_BYTES:
                    raise too_large
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise DataError(f"{archive}: damaged or cut off ({_reason(error)}); delete it and download it again") from None
