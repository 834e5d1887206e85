"""Downloads IAM's archives with the user's own login, checks them, and extracts them safely."""

import base64
import gzip
import http
import http.client
import os
import re
import shutil
import sys
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlencode, urljoin, urlsplit

import click
from rich.progress import Progress

from ocrkit.download import TIMEOUT, Redirects, WebPageError, byte_bar, complete, discard, download, reason
from ocrkit.errors import DataError, DownloadError

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
_CHUNK = 1 << 16


def fetch(dest: Path, url: str | None = None) -> None:
    """Gets ``ascii/``, ``xml/`` and ``words/`` into ``dest``; what is already there is left as it is.

    The login is asked for, or taken from ``OCRKIT_IAM_USER`` and ``OCRKIT_IAM_PASSWORD``; it is sent to the site of ``url``
    only, and kept nowhere. An archive that is already in ``dest`` is not downloaded again. Raises DataError and DownloadError.
    """
    base = _checked_url(url or BASE_URL)
    try:
        dest.mkdir(parents=True, exist_ok=True)
        wanted = [name for name in MEMBERS if not _has_files(dest / name)]
        site = None if all((dest / f"{name}.tgz").exists() for name in wanted) else Site(base, *_login())
        with byte_bar() as progress:
            for name in MEMBERS:
                if name not in wanted:
                    click.echo(f"{dest / name} is already there", err=True)
                    continue
                archive = dest / f"{name}.tgz"
                if site and not archive.exists():
                    part = archive.with_name(f"{archive.name}.part")
                    site.download(archive.name, part, progress)
                    _check_or_remove(part, name, progress)
                    complete(part, archive)
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


# -------------------------------------------------------------------------------------------------------------- download


class _Redirects(Redirects):
    """Follows redirects with the login on the same site only; the login page is no archive."""

    def redirect_request(  # noqa: PLR0917 (urllib calls it so)
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if req.get_method() == "POST":
            return None
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.path.rstrip("/").endswith("/login"):
            fp.close()
            raise WebPageError(req.full_url)
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
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()), _Redirects())
        self._logged_in = False

    def download(self, name: str, part: Path, progress: Progress) -> None:
        """Gets an archive into ``part``, going on where an earlier download was cut. Raises DataError and DownloadError."""
        url = urljoin(self._base, name)
        task = progress.add_task(name, total=None)
        try:
            download(
                url, part, max_bytes=MAX_BYTES, opener=self._opener, headers={"Authorization": self._basic},
                on_bytes=lambda done, total: progress.update(task, completed=done, total=total),
            )  # fmt: skip
        except WebPageError:
            if self._logged_in:
                raise DataError(
                    f"{url}: the site gave a web page instead of the archive: its login page, or a notice. Check your "
                    f"login in a browser, or download {name} there into {part.parent} and run this again."
                ) from None
            self._log_in()
            self.download(name, part, progress)
        except DownloadError as error:
            if error.status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
                raise DataError(f"{url}: the site refuses this login ({error.status}); check user and password") from None
            raise

    def _log_in(self) -> None:
        """Sends the login form, as the site has asked for since 2020; the cookie that it answers with is kept in memory."""
        self._logged_in = True
        request = urllib.request.Request(urljoin(self._base, "/login"), data=self._form)  # noqa: S310 (scheme was checked)
        try:
            self._opener.open(request, timeout=TIMEOUT).close()
        except urllib.error.HTTPError as error:
            error.close()  # a redirect to a start page, or no such form: the next try for the archive shows which
        except (OSError, http.client.HTTPException) as error:
            raise DataError(f"{request.full_url}: cannot log in ({reason(error)})") from None


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
        discard(part)
        raise


def _files(archive: Path, name: str, progress: Progress, verb: str) -> Iterator[tuple[str, IO[bytes]]]:
    """The files of an archive that are like IAM's, by path; others are left out."""
    task = progress.add_task(f"{verb} {archive.name}", total=archive.stat().st_size)
    too_large = DataError(f"{archive}: unpacks to more than {MAX_BYTES:,} bytes or {MAX_MEMBERS:,} members; refused")
    with archive.open("rb") as raw:
        if raw.read(2) != b"\x1f\x8b":
            raise DataError(f"{archive}: not a gzip archive; delete it and download it again")
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
        raise DataError(f"{archive}: damaged or cut off ({reason(error)}); delete it and download it again") from None
