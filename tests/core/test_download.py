"""Downloads, against a real server on this machine and everything that goes wrong."""

import socket
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from disks import full_disk
from ocrkit.errors import DownloadError
from ocrkit.support import download as downloading
from ocrkit.support import web
from ocrkit.support.download import WebPageError, complete, discard, download, is_offline
from ocrkit.support.web import Redirects, is_safe

BODY = np.random.default_rng(0).bytes(300_000)
PAGE = b"<!DOCTYPE html><html>Please pay for the wireless network first</html>"


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "file.part"


def get(site: Any, part: Path, **options: Any) -> None:
    site.files.setdefault("file", BODY)
    download(f"{site.url}/file", part, max_bytes=1_000_000, **options)


def left(part: Path) -> list[str]:
    return sorted(path.name for path in part.parent.iterdir())


def test_a_file_arrives_and_its_progress_is_heard(site: Any, part: Path) -> None:
    heard: list[tuple[int, int | None]] = []
    get(site, part, on_bytes=lambda done, total: heard.append((done, total)))
    assert part.read_bytes() == BODY
    assert heard[0] == (0, len(BODY))
    assert heard[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    complete(part, part.with_name("file"))
    assert left(part) == ["file"]


def test_a_cut_download_asks_for_the_rest_of_the_same_version(site: Any, part: Path) -> None:
    site.cuts = [150_000, 50_000]
    get(site, part)
    assert part.read_bytes() == BODY
    assert site.headers("Range") == [None, "bytes=150000-", "bytes=200000-"]
    assert site.headers("If-Range") == [None, '"v1"', '"v1"']


def test_a_server_without_etags_is_asked_by_date(site: Any, part: Path) -> None:
    site.cuts, site.etag, site.modified = [1000], None, "Mon, 02 Nov 2020 10:00:00 GMT"
    get(site, part)
    assert part.read_bytes() == BODY
    assert site.headers("If-Range") == [None, site.modified]


def test_a_weak_etag_is_not_asked_for_since_it_does_not_tell_bytes_apart(
    site: Any, part: Path
) -> None:
    site.cuts, site.etag = [1000], 'W/"v1"'
    get(site, part)
    assert part.read_bytes() == BODY
    assert site.headers("If-Range") == [None, None]


def test_a_server_that_ignores_ranges_is_read_from_the_start(site: Any, part: Path) -> None:
    site.cuts, site.ranges = [1000], False
    get(site, part)
    assert part.read_bytes() == BODY
    assert len(site.asked) == 2


def test_a_server_that_keeps_cutting_is_left_and_gone_on_with_later(site: Any, part: Path) -> None:
    site.cuts = [1000] * downloading.TRIES
    with pytest.raises(
        DownloadError,
        match=r"given up after 5 tries \(5,000 of 300,000 bytes\); what has arrived is kept",
    ):
        get(site, part)
    assert part.read_bytes() == BODY[:5000]
    site.asked.clear()
    get(site, part)
    assert part.read_bytes() == BODY
    assert site.headers("Range") == ["bytes=5000-"]


@pytest.mark.parametrize("etag", ['"v2"', None])
def test_two_versions_of_a_file_are_never_mixed(site: Any, part: Path, etag: str | None) -> None:
    site.cuts = [1000] * downloading.TRIES
    with pytest.raises(DownloadError):
        get(site, part)
    site.files["file"], site.etag = b"the next version" * 1000, etag
    get(site, part)
    assert part.read_bytes() == b"the next version" * 1000


def test_a_part_that_is_longer_than_the_file_is_thrown_away(site: Any, part: Path) -> None:
    part.write_bytes(BODY + b"more")
    get(site, part)
    assert part.read_bytes() == BODY


def test_a_part_that_is_whole_is_not_downloaded_again(site: Any, part: Path) -> None:
    part.write_bytes(BODY)
    get(site, part)
    assert part.read_bytes() == BODY
    assert site.headers("Range") == [f"bytes={len(BODY)}-"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    cuts=st.lists(st.integers(0, 3000), max_size=downloading.TRIES - 1),
    ranges=st.booleans(), lengths=st.booleans(), etag=st.sampled_from(['"v1"', None]), size=st.integers(1, 3000),  # noqa: E501
)  # fmt: skip
def test_whatever_is_cut_the_bytes_are_the_files(
    site: Any, part: Path, cuts: list[int], size: int, **how: Any
) -> None:
    if not how["lengths"]:
        cuts = []  # nothing then tells a cut file from a whole one, but what the caller knows of it
    for name, value in how.items():
        setattr(site, name, value)
    site.cuts, site.files["file"] = [*cuts], BODY[:size]
    discard(part)
    get(site, part)
    assert part.read_bytes() == BODY[:size]


@pytest.mark.parametrize("statuses", [[500], [503, 502, 429]])
def test_a_busy_server_is_asked_again(site: Any, part: Path, statuses: list[int]) -> None:
    site.statuses = [*statuses]
    get(site, part)
    assert part.read_bytes() == BODY
    assert len(site.asked) == len(statuses) + 1


def test_every_attempt_waits_twice_as_long_as_the_last(
    site: Any, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(downloading.time, "sleep", waits.append)
    monkeypatch.setattr(downloading, "FIRST_WAIT", 3.0)
    site.statuses = [503] * downloading.TRIES
    with pytest.raises(DownloadError):
        get(site, part)
    assert waits == [3.0 * 2**attempt for attempt in range(downloading.TRIES - 1)]


def test_a_server_that_stays_busy_is_an_error_that_says_so(site: Any, part: Path) -> None:
    site.statuses = [503] * downloading.TRIES
    with pytest.raises(DownloadError, match="the site answers 503 Service Unavailable"):
        get(site, part)
    assert left(part) == []


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_file_that_is_not_there_is_asked_for_once(site: Any, part: Path, status: int) -> None:
    site.statuses = [status] * 2
    with pytest.raises(DownloadError, match=f"/file: the site answers {status}") as caught:
        get(site, part)
    assert caught.value.status == status
    assert len(site.asked) == 1
    assert left(part) == []


def test_a_server_that_is_not_there_is_one_line(site: Any, part: Path) -> None:
    with pytest.raises(
        DownloadError, match=r"http://127\.0\.0\.1:9/file: cannot be reached \(.*refused\)"
    ) as caught:
        download("http://127.0.0.1:9/file", part, max_bytes=10)
    assert "\n" not in str(caught.value)


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(
    site: Any, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    monkeypatch.setattr(web, "TIMEOUT", 0.05)
    site.stall = threading.Event()
    with pytest.raises(DownloadError, match=r"given up after 5 tries .*timed out"):
        get(site, part)
    site.stall.set()
    assert part.read_bytes() == BODY[: part.stat().st_size]


@pytest.mark.parametrize(
    ("kind", "page"), [("text/html; charset=utf-8", b"hello"), ("application/gzip", PAGE)]
)
def test_a_web_page_is_never_kept(site: Any, part: Path, kind: str, page: bytes) -> None:
    site.kind, site.files["file"] = kind, page
    with pytest.raises(WebPageError, match="/file: the site gave a web page instead of the file"):
        get(site, part)
    assert left(part) == []


@pytest.mark.parametrize("lengths", [True, False])
def test_more_bytes_than_the_file_may_have_are_not_kept(
    site: Any, part: Path, lengths: bool
) -> None:
    site.lengths, site.files["file"] = lengths, BODY * 4
    with pytest.raises(DownloadError, match="more than 1,000,000 bytes"):
        get(site, part)
    assert left(part) == []


def test_redirects_are_followed(site: Any, part: Path) -> None:
    site.redirect, site.files["moved"] = "/moved", BODY
    site.cuts = [1000]
    get(site, part)
    assert part.read_bytes() == BODY
    assert [path for path, _ in site.asked] == ["/file", "/moved", "/file"]


def test_headers_go_to_the_first_address_only(site: Any, part: Path) -> None:
    site.redirect, site.files["moved"] = "/moved", BODY
    get(site, part, headers={"Authorization": "Basic secret"})
    assert site.headers("Authorization") == ["Basic secret", None]


@pytest.mark.parametrize(
    "target",
    [
        "http://example.org/file",
        "ftp://127.0.0.1/file",
        "file:///etc/passwd",
        "http://a:b@127.0.0.1/file",
    ],
)
def test_redirects_to_where_nobody_should_follow_are_refused(
    site: Any, part: Path, target: str
) -> None:
    site.redirect = target
    with pytest.raises(DownloadError, match=r"(?i)redirect.*(refused|not allowed)"):
        get(site, part)
    assert left(part) == []


def test_no_redirect_leads_from_https_to_http(tmp_path: Path) -> None:
    request = urllib.request.Request("https://127.0.0.1/file")
    with (tmp_path / "body").open("wb") as body:
        follow = Redirects().redirect_request
        assert follow(request, body, 302, "Found", {}, "http://127.0.0.1/file") is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.org/a.safetensors", True),
        ("https://example.org:8443/a?b=c", True),
        ("http://127.0.0.1:8000/a", True),
        ("http://localhost/a", True),
        ("http://[::1]:80/a", True),
        ("http://example.org/a", False),
        ("http://127.0.0.1.example.org/a", False),
        ("https://ada:secret@example.org/a", False),
        ("https://ada@example.org/a", False),
        ("ftp://example.org/a", False),
        ("file:///etc/passwd", False),
        ("data:text/plain,a", False),
        ("https:///a", False),
        ("http://[::1/a", False),
        ("https://example.org:99999/a", False),
        ("https://example.org:port/a", False),
        (f"https://{'a' * 70}.org/a", False),
        ("https://example.org/é", False),
        ("https://example.org/a b", False),
        ("https://example.org/a\x1b[2J", False),
        ("a.safetensors", False),
        ("", False),
    ],
)
def test_which_addresses_are_safe(part: Path, url: str, safe: bool) -> None:
    assert is_safe(url) is safe
    if not safe:
        with pytest.raises(DownloadError, match="expected an address such as https://"):
            download(url, part, max_bytes=10)


def test_offline_nothing_is_asked_for(
    site: Any, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCRKIT_OFFLINE", "1")
    with pytest.raises(DownloadError, match="/file: not downloaded, since OCRKIT_OFFLINE is set"):
        get(site, part)
    assert not site.asked
    for value in ("", "0"):
        monkeypatch.setenv("OCRKIT_OFFLINE", value)
        assert not is_offline()


def test_a_disk_that_takes_no_more_is_no_cut_connection(site: Any, part: Path) -> None:
    with full_disk(100_000), pytest.raises(OSError, match="File too large"):
        get(site, part)
    assert len(site.asked) == 1
    get(site, part)
    assert part.read_bytes() == BODY


def test_a_server_that_drips_is_left(
    site: Any, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then is no life: the limit of time was for each byte, so such a download had
    no end."""
    monkeypatch.setattr(web, "TIMEOUT", 1.0)
    monkeypatch.setattr(web, "SLOWEST", 10 * len(BODY))
    monkeypatch.setattr(downloading, "TRIES", 2)
    site.pause = 0.1
    with pytest.raises(
        DownloadError,
        match=r"given up after 2 tries \(fewer than 3,000,000 bytes in 1 seconds\)",
    ):
        get(site, part)


def test_a_server_that_is_slow_but_steady_has_an_end_too(
    site: Any, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but a silence ended a download: at 600 bytes a second the data set's gigabyte took
    weeks."""
    monkeypatch.setattr(downloading, "GRACE", 0.2)
    monkeypatch.setattr(downloading, "MEAN", 10 * len(BODY))
    site.pause = 0.05
    slow = (
        r"/file: given up: [\d,]+ bytes in \d seconds, and fewer than 3,000,000 a second take "
        r"too long; what has arrived"
    )
    with pytest.raises(DownloadError, match=slow):
        get(site, part)
    assert len(site.asked) == 1, "it is not tried again at once"
    kept = part.stat().st_size
    assert part.read_bytes() == BODY[:kept]
    site.pause = 0.0
    get(site, part)
    assert part.read_bytes() == BODY
    assert site.headers("Range") == [None, f"bytes={kept}-"]


def test_what_arrives_in_time_may_take_longer_than_the_grace(
    site: Any, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "GRACE", 1.0)
    monkeypatch.setattr(downloading, "MEAN", 1000)
    site.pause = 0.02
    get(site, part)
    assert part.read_bytes() == BODY


def test_tries_that_bring_nothing_have_an_end_too(
    site: Any, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "GRACE", 0.05)
    monkeypatch.setattr(downloading, "FIRST_WAIT", 0.1)
    site.statuses = [503] * downloading.TRIES
    with pytest.raises(DownloadError, match=r"/file: given up: 0 bytes in \d seconds"):
        get(site, part)
    assert len(site.asked) == 1


def test_what_the_server_says_is_not_repeated(site: Any, part: Path) -> None:
    """A site could put a login that it was sent, or escapes for a terminal, into the reason of its
    status."""
    site.statuses, site.reason = [404], "Basic c2VjcmV0 \x1b[2J"
    with pytest.raises(DownloadError, match=r"/file: the site answers 404 Not Found$"):
        get(site, part)


def test_a_login_for_this_machine_does_not_pass_a_proxy(
    site: Any, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    get(site, part, headers={"Authorization": "Basic secret"})
    assert part.read_bytes() == BODY


def test_a_name_server_that_does_not_answer_is_asked_again(
    site: Any, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, asked = socket.getaddrinfo, []

    def getaddrinfo(*arguments: Any, **options: Any) -> Any:
        asked.append(arguments)
        if len(asked) < 3:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return found(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    get(site, part)
    assert part.read_bytes() == BODY
    assert len(asked) == 3


def test_a_version_that_cannot_be_asked_for_is_forgotten(site: Any, part: Path) -> None:
    part.write_bytes(b"something")
    part.with_name("file.part.version").write_bytes(b'"v1\xff\n"')
    get(site, part)
    assert part.read_bytes() == BODY
