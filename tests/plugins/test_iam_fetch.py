"""Downloading IAM, against a real server on this machine with passwords, ranges and everything that
goes wrong."""

import base64
import gzip
import io
import re
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ocrkit.cli import main
from ocrkit.errors import DataError
from ocrkit.interfaces import FormCount
from ocrkit.support import download, web
from ocrkit.support.files import locked
from ocrkit_iam import archive as archiving
from ocrkit_iam import fetch as fetching
from ocrkit_iam.reader import Iam
from trials.archives import ARCHIVES

USER, PASSWORD = "ada@example.org", "s3cret:Pässwörd"
LOGIN_PAGE = b"<!DOCTYPE html><html><form action=login>Please log in</form></html>"


def archive(files: dict[str, bytes], *odd: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in odd:
            tar.addfile(member)
    return packed.getvalue()


def odd_member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@dataclass
class Site:
    """What the server has, how it misbehaves, and what it was asked."""

    files: dict[str, bytes]
    login: str = "basic"
    """``basic``; ``form``: a login page that sets a cookie; ``page``: a web page, whatever one
    does."""
    ranges: bool = True
    etag: str | None = '"v1"'
    lengths: bool = True
    cuts: list[int] = field(default_factory=list)
    """One entry is taken by each answer that sends a file: it stops after so many bytes."""
    statuses: list[int] = field(default_factory=list)
    """One entry is taken by each request for a file: it is answered with this error."""
    redirect: str | None = None
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def asked(self, name: str) -> list[dict[str, str]]:
        """The headers of the requests for a file."""
        return [headers for _, path, headers in self.requests if path == f"/data/{name}"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *_: object) -> None:
        pass

    def answer(
        self, status: int, body: bytes = b"", *, sent: int | None = None, **headers: str | None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), value)
        if self.site.lengths:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[:sent])
        self.close_connection = sent is not None or not self.site.lengths

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.site.requests.append(("POST", self.path, dict(self.headers)))
        right = "email=ada%40example.org&password=s3cret%3AP%C3%A4ssw%C3%B6rd"
        if self.site.login == "form" and self.path == "/login":
            # The real site redirects to plain http, where nobody should follow.
            cookie = "session=abc; HttpOnly; Path=/" if form == right else None
            self.answer(302, Location="http://127.0.0.1:9/databases", Set_Cookie=cookie)
        else:
            self.answer(404)

    def do_GET(self) -> None:
        site = self.site
        site.requests.append(("GET", self.path, dict(self.headers)))
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if site.login == "basic" and self.headers.get("Authorization") != basic:
            self.answer(401, LOGIN_PAGE, Content_Type="text/html")
        elif site.login == "form" and "session=abc" not in self.headers.get("Cookie", ""):
            self.answer(302, Location=f"{site.url}/login")
        elif site.login == "page":
            self.answer(200, LOGIN_PAGE, Content_Type="application/gzip")
        elif site.statuses:
            self.answer(site.statuses.pop(0))
        elif site.redirect:
            self.answer(302, Location=site.redirect + self.path)
        elif (body := site.files.get(self.path.rpartition("/")[2])) is None:
            self.answer(404)
        else:
            self.send_file(body)

    def send_file(self, body: bytes) -> None:
        site = self.site
        start = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        cut = site.cuts.pop(0) if site.cuts else None
        if start and site.ranges and self.headers.get("If-Range", site.etag) == site.etag:
            offset = int(start[1])
            if offset >= len(body):
                self.answer(416, Content_Range=f"bytes */{len(body)}")
            else:
                span = f"bytes {offset}-{len(body) - 1}/{len(body)}"
                self.answer(206, body[offset:], sent=cut, Content_Range=span, ETag=site.etag)
        else:
            self.answer(200, body, sent=cut, ETag=site.etag)


def serve(site: Site) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": site}))
    site.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    return server


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(web, "TIMEOUT", 5.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("OCRKIT_IAM_USER", USER)
    monkeypatch.setenv("OCRKIT_IAM_PASSWORD", PASSWORD)


@pytest.fixture
def archives(iam: Path) -> dict[str, bytes]:
    """The small data set, packed as IAM's archives are."""
    return {
        f"{name}.tgz": archive(
            {
                str(p.relative_to(iam / name)): p.read_bytes()
                for p in sorted((iam / name).rglob("*.*"))
            }
        )
        for name in ("words", "xml", "ascii")
    }


@pytest.fixture
def site(archives: dict[str, bytes]) -> Iterator[Site]:
    site = Site(archives)
    with serve(site) as server:
        yield site
        server.shutdown()


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "new" / "iam"


def fetch(site: Site, dest: Path, *more: str) -> Result:
    """Runs the command, and checks what holds of every run: no login is shown or kept, and no half
    of a folder stays."""
    result = CliRunner().invoke(
        main, ["data", "fetch", "iam", "--dest", str(dest), "--url", f"{site.url}/data", *more]
    )
    assert isinstance(result.exception, SystemExit | None), result.exception
    secrets = [PASSWORD, USER, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(), "s3cret"]
    assert not any(secret in result.output for secret in secrets)
    for path in dest.rglob("*") if dest.exists() else []:
        assert path.is_dir() or not any(secret.encode() in path.read_bytes() for secret in secrets)
        assert not (path.is_dir() and path.name.endswith(".part"))
    return result


def failure(result: Result) -> str:
    """The one line of a run that failed."""
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("ocrkit: ")]
    assert len(lines) == 1
    return lines[0]


def assert_complete(result: Result, dest: Path) -> None:
    assert result.exit_code == 0, result.output
    assert Iam(dest).forms == FormCount(3, None)
    report = Iam.check(dest)
    assert not report.findings
    assert report.counts["images"].found == 8
    there = ["ascii", "ascii.tgz", "words", "words.tgz", "xml", "xml.tgz"]
    assert sorted(path.name for path in dest.iterdir() if path.name != ".lock") == there


def test_fetches_and_extracts_all(site: Site, dest: Path) -> None:
    result = fetch(site, dest)
    assert_complete(result, dest)
    assert f"{dest / 'words'}: 8 files from" in result.stderr
    assert result.stdout == ""


def test_lines_are_fetched_in_place_of_words_where_they_are_asked_for(
    site: Site, dest: Path
) -> None:
    line = (Iam.sample_root() / "lines/z00/z00-000/z00-000-00.png").read_bytes()
    site.files["lines.tgz"] = archive(
        {
            "c04/c04-110/c04-110-00.png": line,
            "lines/a01/a01-003/a01-003-00.png": line,
            "a01/a01-003/a01-003-00-00.png": b"a word",
        }
    )
    assert fetch(site, dest, "--level", "lines").exit_code == 0
    assert not site.asked("words.tgz")
    assert not (dest / "words").exists()
    lines = Iam(dest, level="lines")
    assert [lines[index].text for index in range(len(lines))] == ['" R&D', "test"]
    site.requests.clear()
    assert fetch(site, dest).exit_code == 0
    assert len(Iam(dest)) == 6
    assert not site.asked("lines.tgz")


def test_an_unknown_level_is_one_line(site: Site, dest: Path) -> None:
    said = failure(fetch(site, dest, "--level", "pages"))
    assert "iam: no level 'pages'; expected one of words, lines" in said
    assert not site.requests


def test_what_is_there_is_not_fetched_again(site: Site, dest: Path) -> None:
    fetch(site, dest)
    site.requests.clear()
    result = fetch(site, dest)
    assert_complete(result, dest)
    assert f"{dest / 'words'} is already there" in result.stderr
    assert not site.requests


def test_archives_that_the_user_put_there_are_extracted_without_a_login(
    site: Site, archives: dict[str, bytes], dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCRKIT_IAM_PASSWORD")
    dest.mkdir(parents=True)
    for name, content in archives.items():
        (dest / name).write_bytes(content)
    assert_complete(fetch(site, dest), dest)
    assert not site.requests


def test_a_wrong_password_is_one_line_and_is_not_tried_again(
    site: Site, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCRKIT_IAM_PASSWORD", "s3cret-but-wrong")
    assert "the site refuses this login (401); check user and password" in failure(
        fetch(site, dest)
    )
    assert len(site.requests) == 1


def test_without_a_login_and_without_a_terminal_it_says_what_to_set(
    site: Site, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCRKIT_IAM_USER")
    assert "set OCRKIT_IAM_USER (your e-mail address) and OCRKIT_IAM_PASSWORD" in failure(
        fetch(site, dest)
    )
    assert not site.requests


def test_logs_in_by_the_sites_form_where_it_has_one(site: Site, dest: Path) -> None:
    site.login = "form"
    assert_complete(fetch(site, dest), dest)
    assert [path for method, path, _ in site.requests if method == "POST"] == ["/login"]


def test_a_wrong_password_in_the_form_ends_in_one_line(
    site: Site, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.login = "form"
    monkeypatch.setenv("OCRKIT_IAM_PASSWORD", "s3cret-but-wrong")
    assert (
        "a web page instead of the archive: its login page, or a notice. Check your login"
        in failure(fetch(site, dest))
    )


def test_a_web_page_instead_of_an_archive_is_never_saved(site: Site, dest: Path) -> None:
    site.login = "page"
    assert "ascii.tgz: the site gave a web page instead of the archive" in failure(
        fetch(site, dest)
    )
    assert not (dest / "ascii.tgz").exists()
    assert not [path for path in dest.rglob("*") if path.is_file() and path.stat().st_size]


def test_a_cut_connection_is_continued(site: Site, dest: Path) -> None:
    site.cuts = [100, 50, 10]
    assert_complete(fetch(site, dest), dest)
    asked = site.asked("ascii.tgz")
    assert [headers.get("Range") for headers in asked] == [
        None,
        "bytes=100-",
        "bytes=150-",
        "bytes=160-",
    ]
    assert [headers.get("If-Range") for headers in asked] == [None, '"v1"', '"v1"', '"v1"']


def test_a_site_that_keeps_cutting_is_left_and_continued_later(site: Site, dest: Path) -> None:
    site.cuts = [40] * download.TRIES
    assert "given up after 5 tries" in failure(fetch(site, dest))
    assert not (dest / "ascii.tgz").exists()
    site.requests.clear()
    assert_complete(fetch(site, dest), dest)
    assert site.asked("ascii.tgz")[0]["Range"] == "bytes=200-"


def test_a_site_that_ignores_ranges_is_read_from_the_start(site: Site, dest: Path) -> None:
    site.cuts, site.ranges = [100], False
    assert_complete(fetch(site, dest), dest)
    assert len(site.asked("ascii.tgz")) == 2


@pytest.mark.parametrize("etag", ['"v2"', None])
def test_two_versions_of_a_file_are_never_mixed(site: Site, dest: Path, etag: str | None) -> None:
    site.cuts = [40] * download.TRIES
    failure(fetch(site, dest))
    site.files["ascii.tgz"] = archive(
        {"words.txt": b"a01-000u-00-00 ok 1 1 1 1 1 A new\n" * 9, "forms.txt": b""}
    )
    site.etag = etag
    assert fetch(site, dest).exit_code == 0
    assert "new" in (dest / "ascii" / "words.txt").read_text("utf-8")


def test_a_download_that_was_complete_before_it_was_checked_is_used(
    site: Site, archives: dict[str, bytes], dest: Path
) -> None:
    dest.mkdir(parents=True)
    (dest / "ascii.tgz.part").write_bytes(archives["ascii.tgz"])
    assert_complete(fetch(site, dest), dest)
    assert len(site.asked("ascii.tgz")) == 1


def test_more_than_the_site_has_is_thrown_away(
    site: Site, archives: dict[str, bytes], dest: Path
) -> None:
    dest.mkdir(parents=True)
    (dest / "ascii.tgz.part").write_bytes(archives["ascii.tgz"] + b"more")
    assert_complete(fetch(site, dest), dest)


def test_a_site_without_lengths_is_believed_only_after_the_check(site: Site, dest: Path) -> None:
    site.lengths = False
    assert_complete(fetch(site, dest), dest)


def test_a_busy_site_is_asked_again(site: Site, dest: Path) -> None:
    site.statuses = [503, 500]
    assert_complete(fetch(site, dest), dest)


def test_a_site_that_stays_busy_is_one_line(site: Site, dest: Path) -> None:
    site.statuses = [503] * download.TRIES
    assert "the site answers 503" in failure(fetch(site, dest))


def test_a_file_that_is_not_there_is_one_line(site: Site, dest: Path) -> None:
    del site.files["xml.tgz"]
    assert "/data/xml.tgz: the site answers 404" in failure(fetch(site, dest))


def test_a_site_that_cannot_be_reached_is_one_line(site: Site, dest: Path) -> None:
    with serve(Site({})) as gone:
        url = f"http://127.0.0.1:{gone.server_port}"
        gone.shutdown()
    site.url = url
    assert "cannot be reached" in failure(fetch(site, dest))


def test_the_login_is_not_passed_on_to_another_site(
    site: Site, archives: dict[str, bytes], dest: Path
) -> None:
    other = Site(archives, login="none")
    with serve(other) as server:
        site.redirect = other.url
        assert_complete(fetch(site, dest), dest)
        server.shutdown()
    assert len(other.requests) == 3
    assert not any("Authorization" in headers for _, _, headers in other.requests)


def test_a_redirect_on_the_same_site_keeps_the_login(site: Site, dest: Path) -> None:
    site.redirect = f"{site.url}/moved"
    original, count = site.redirect, 0

    class Once(Handler):
        def do_GET(self) -> None:
            nonlocal count
            count += 1
            self.site.redirect = None if self.path.startswith("/moved") else original
            super().do_GET()

    Once.site = site
    with ThreadingHTTPServer(("127.0.0.1", 0), Once) as server:
        site.url = f"http://127.0.0.1:{server.server_port}"
        original = f"{site.url}/moved"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert_complete(fetch(site, dest), dest)
        server.shutdown()
    assert count == 6


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://fki.example.org/data", "http would send your password unencrypted"),
        ("ftp://fki.example.org/data", "expected an address such as https://"),
        ("http://[::1/data", "expected an address such as https://"),
        ("file:///etc/passwd", "expected an address such as https://"),
        ("https://fki.example.org/é", "expected an address such as https://"),
        ("https://fki.example.org:99999/", "expected an address such as https://"),
        (f"https://ada:{PASSWORD}@fki.example.org/", "a login in the URL would end up in logs"),
    ],
)
def test_addresses_that_are_refused(dest: Path, url: str, message: str) -> None:
    result = CliRunner().invoke(main, ["data", "fetch", "iam", "--dest", str(dest), "--url", url])
    assert message in failure(result)
    assert PASSWORD not in result.output
    assert not dest.exists()


def test_no_address_is_not_the_sites_own(dest: Path) -> None:
    with pytest.raises(DataError, match="'': expected an address such as https://"):
        Iam.fetch(dest, "")
    assert not dest.exists()


def test_a_destination_that_cannot_be_made_is_one_line(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(
        main, ["data", "fetch", "iam", "--dest", str(tmp_path / "file" / "iam"), "--url", site.url]
    )
    assert "Not a directory" in failure(result)


# ----------------------------------------------------------------------------------------- archives

GOOD = {"words.txt": b"a01-000u-00-00 ok 154 408 768 27 51 AT A\n"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive({"../evil.txt": b"x", **GOOD}), "'../evil.txt' lies outside"),
        (archive({"/tmp/evil.txt": b"x", **GOOD}), "'/tmp/evil.txt' lies outside"),  # noqa: S108
        (archive({"a/../../evil.txt": b"x", **GOOD}), "lies outside"),
        (
            archive(GOOD, odd_member("evil.txt", tarfile.SYMTYPE, "/etc/passwd")),
            "'evil.txt' is a link or a device",
        ),
        (
            archive(GOOD, odd_member("evil.txt", tarfile.LNKTYPE, "words.txt")),
            "'evil.txt' is a link or a device",
        ),
        (
            archive(GOOD, odd_member("evil.txt", tarfile.CHRTYPE)),
            "'evil.txt' is a link or a device",
        ),
        (
            archive(GOOD, odd_member("evil.txt", tarfile.FIFOTYPE)),
            "'evil.txt' is a link or a device",
        ),
        (archive({"else.bin": b"x"}), "holds nothing of IAM's ascii.tgz"),
        (archive({}), "holds nothing of IAM's ascii.tgz"),
        (archive(GOOD)[:-30], "damaged or cut off"),
        (archive(GOOD)[:-4] + b"\x00\x00\x00\x00", "damaged or cut off"),
        (gzip.compress(b"hello"), "damaged or cut off"),
        (b"hello", "not a gzip archive"),
        # What raised errors of other types than those that were expected of archives, so that the
        # download stayed.
        *(
            (made(), words)
            for name, (words, made) in ARCHIVES.items()
            if "chain" in name or "a bad" in name
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,  # with no time
)
def test_bad_archives_are_refused_and_leave_nothing(
    site: Site, dest: Path, content: bytes, message: str
) -> None:
    site.files["ascii.tgz"] = content
    assert message in failure(fetch(site, dest))
    assert not [path for path in dest.parent.rglob("*") if path.is_file() and path.stat().st_size]
    assert not (dest / "ascii").exists()
    site.files["ascii.tgz"] = archive(GOOD)
    assert fetch(site, dest).exit_code == 0


def test_the_second_of_two_processes_is_refused_and_disturbs_nothing(
    site: Site, archives: dict[str, bytes], dest: Path
) -> None:
    dest.mkdir(parents=True)
    (dest / "ascii.tgz.part").write_bytes(archives["ascii.tgz"][:50])
    with locked(dest / ".lock"):
        assert (
            failure(fetch(site, dest))
            == f"ocrkit: {dest}: another ocrkit data fetch is at work here"
        )
    assert not site.requests
    assert (dest / "ascii.tgz.part").stat().st_size == 50
    assert_complete(fetch(site, dest), dest)


def test_a_bad_archive_of_the_users_own_is_left_there(site: Site, dest: Path) -> None:
    dest.mkdir(parents=True)
    (dest / "ascii.tgz").write_bytes(archive(GOOD)[:-30])
    assert "damaged or cut off" in failure(fetch(site, dest))
    assert (dest / "ascii.tgz").exists()
    assert not (dest / "ascii").exists()


@pytest.mark.parametrize(("limit", "value"), [("MAX_BYTES", 20_000), ("MAX_MEMBERS", 2)])
def test_an_archive_that_unpacks_to_too_much_is_refused(
    site: Site, dest: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(archiving, limit, value)
    site.files["ascii.tgz"] = archive(
        {"words.txt": bytes(50_000), "forms.txt": b"", "lines.txt": b""}
    )
    assert "unpacks to more than" in failure(fetch(site, dest))
    assert not (dest / "ascii").exists()


def test_a_download_without_end_is_stopped(
    site: Site, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MAX_BYTES", 100)
    assert "more than 100 bytes" in failure(fetch(site, dest))


def test_only_files_like_iams_are_extracted(
    site: Site, archives: dict[str, bytes], dest: Path
) -> None:
    site.files["ascii.tgz"] = archive(
        {"ascii/words.txt": GOOD["words.txt"], "./forms.txt": b"x", "a/b.txt": b"", "run.sh": b""}
    )
    assert fetch(site, dest).exit_code == 0
    assert sorted(path.name for path in (dest / "ascii").rglob("*")) == ["forms.txt", "words.txt"]
