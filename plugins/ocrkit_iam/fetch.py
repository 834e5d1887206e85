"""Downloads IAM's archives with the user's own login, and has them checked and extracted."""

import base64
import http
import http.client
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.cookiejar import CookieJar
from pathlib import Path
from typing import IO
from urllib.parse import urlencode, urljoin, urlsplit

import click
from rich.progress import Progress

from ocrkit.errors import DataError, DownloadError
from ocrkit.support import web
from ocrkit.support.bars import byte_bar
from ocrkit.support.download import WebPageError, complete, discard, download
from ocrkit.support.files import locked
from ocrkit_iam.archive import MAX_BYTES, MEMBERS, check, extract
from ocrkit_iam.files import LEVELS, Level

BASE_URL = "https://fki.tic.heia-fr.ch/DBs/iamDB/data/"


def fetch(dest: Path, url: str | None = None, level: Level = "words") -> None:
    """Gets ``ascii/``, ``xml/`` and ``words/`` or ``lines/`` into ``dest``; what is already there
    is left as it is.

    The login is asked for, or taken from ``OCRKIT_IAM_USER`` and ``OCRKIT_IAM_PASSWORD``; it is
    sent to the site of ``url`` only, and kept nowhere. An archive that is already in ``dest`` is
    not downloaded again. Raises DataError and DownloadError.
    """
    if level not in LEVELS:
        raise DataError(f"iam: no level {level!r}; expected one of {', '.join(LEVELS)}")
    base = _checked_url(BASE_URL if url is None else url)
    try:
        dest.mkdir(parents=True, exist_ok=True)
        with (
            locked(dest / ".lock", DataError(f"{dest}: another ocrkit data fetch is at work here")),
            byte_bar() as progress,
        ):
            _fetch(
                dest,
                base,
                [name for name in MEMBERS if name not in LEVELS or name == level],
                progress,
            )
    except OSError as error:
        raise DataError(f"{error.filename or dest}: {error.strerror or error}") from None


def _fetch(dest: Path, base: str, names: Sequence[str], progress: Progress) -> None:
    wanted = [name for name in names if not _has_files(dest / name)]
    site = (
        None if all((dest / f"{name}.tgz").exists() for name in wanted) else Site(base, *_login())
    )
    for name in names:
        if name not in wanted:
            click.echo(f"{dest / name} is already there", err=True)
            continue
        archive = dest / f"{name}.tgz"
        if site and not archive.exists():
            part = archive.with_name(f"{archive.name}.part")
            site.download(archive.name, part, progress)
            try:
                check(part, name, progress)
            except DataError:
                discard(part)
                raise
            complete(part, archive)
        else:
            check(archive, name, progress)
        count = extract(archive, dest / name, progress)
        click.echo(f"{dest / name}: {count:,} files from {archive}", err=True)


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise DataError(f"{url!r}: {error}; expected an address such as {BASE_URL}") from None
    if parts.username or parts.password:
        raise DataError(
            "a login in the URL would end up in logs; put it into OCRKIT_IAM_USER and "
            "OCRKIT_IAM_PASSWORD"
        )
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise DataError(f"{url}: http would send your password unencrypted; use https")
    if not web.is_safe(url):
        raise DataError(f"{url!r}: expected an address such as {BASE_URL}")
    return url.rstrip("/") + "/"


def _login() -> tuple[str, str]:
    user, password = os.environ.get("OCRKIT_IAM_USER"), os.environ.get("OCRKIT_IAM_PASSWORD")
    if not (user and password) and not sys.stdin.isatty():
        raise DataError(
            "IAM needs your login: set OCRKIT_IAM_USER (your e-mail address) and "
            "OCRKIT_IAM_PASSWORD"
        )
    user = user or click.prompt("IAM user (e-mail address)", err=True)
    return user, password or click.prompt("Password", hide_input=True, err=True)


# ----------------------------------------------------------------------------------------- download


class _Redirects(web.Redirects):
    """Follows redirects with the login on the same site only; the login page is no archive."""

    def redirect_request(  # noqa: PLR0917 (urllib calls it so)
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
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
    """Where the archives are. Logs in by basic authentication, and where the site shows a web page
    instead, by its form."""

    def __init__(self, base: str, user: str, password: str) -> None:
        self._base = base
        self._form = urlencode({"email": user, "password": password}).encode()
        self._basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._opener = web.opener(urllib.request.HTTPCookieProcessor(CookieJar()), _Redirects())
        self._logged_in = False

    def download(self, name: str, part: Path, progress: Progress) -> None:
        """Gets an archive into ``part``, going on where an earlier download was cut. Raises
        DataError and DownloadError."""
        url = urljoin(self._base, name)
        task = progress.add_task(name, total=None)
        try:
            download(
                url,
                part,
                max_bytes=MAX_BYTES,
                opener=self._opener,
                headers={"Authorization": self._basic},
                on_bytes=lambda done, total: progress.update(task, completed=done, total=total),
            )
        except WebPageError:
            if self._logged_in:
                raise DataError(
                    f"{url}: the site gave a web page instead of the archive: its login page, or a "
                    "notice. Check your "
                    f"login in a browser, or download {name} there into {part.parent} and run this "
                    "again."
                ) from None
            self._log_in()
            self.download(name, part, progress)
        except DownloadError as error:
            if error.status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
                raise DataError(
                    f"{url}: the site refuses this login ({error.status}); check user and password"
                ) from None
            raise

    def _log_in(self) -> None:
        """Sends the login form, as the site has asked for since 2020; the cookie that it answers
        with is kept in memory."""
        self._logged_in = True
        request = urllib.request.Request(urljoin(self._base, "/login"), data=self._form)  # noqa: S310 (scheme was checked)
        try:
            self._opener.open(request, timeout=web.TIMEOUT).close()
        except urllib.error.HTTPError as error:
            # a redirect to a start page, or no such form: the next try for the archive shows which
            error.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise DataError(f"{request.full_url}: cannot log in ({web.reason(error)})") from None
