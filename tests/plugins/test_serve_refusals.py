"""What the REST service refuses, on a real server: nothing gets through, nothing hangs it."""

import gzip
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest

import hostile_images
import ocrkit

for needed in ("fastapi", "httpx", "multipart", "prometheus_client", "uvicorn"):
    pytest.importorskip(needed)

import httpx  # noqa: E402  (these need what may be missing)

from ocrkit_serve.kept import Kept  # noqa: E402
from ocrkit_serve.limits import Limits  # noqa: E402
from ocrkit_serve.teaching import Base, Teaching  # noqa: E402
from processes import wait_for  # noqa: E402
from services import metric, png, read, sent, served, text  # noqa: E402

KEY = "0123456789abcdef"


PNG = png(np.full((8, 8), 255, np.uint8))
FORM = "multipart/form-data; boundary=x"


def part(name='name="file"; filename="a.png"', data=PNG, end=b"--x--\r\n"):
    return f"--x\r\nContent-Disposition: form-data; {name}\r\n\r\n".encode() + data + b"\r\n" + end


# ------------------------------------------------------------------------------------------- limits


def test_too_many_bytes_are_refused_however_they_come(word_client):
    large = part(data=bytes(2_100_000))
    for body in (large, (large[at : at + 100_000] for at in range(0, len(large), 100_000))):
        with suppress(httpx.WriteError):  # it may hang up before it has seen all
            answer = word_client.post("/v1/read", content=body, headers={"content-type": FORM})
            assert answer.status_code == 413
            assert answer.json()["error"] == "more than 2 MB, the limit"


@pytest.mark.parametrize("name", hostile_images.BOMBS)
def test_bombs_do_no_harm(word_client, name):
    answer = read(word_client, hostile_images.BOMBS[name])
    assert answer.status_code in (200, 413, 422)
    assert answer.elapsed.total_seconds() < 20


def test_too_many_pixels_are_refused_by_the_header(word_client):
    answer = read(word_client, png(np.zeros((1001, 1000), np.uint8)))
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("1,000 × 1,001 pixels; the limit is 1,000,000")


def test_half_an_upload_is_not_waited_for_for_ever(crnn):
    head = (
        b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    with served({"iam-crnn": crnn}, Limits(seconds=1)) as client:
        answer = sent(client, head)
        assert b" 408 " in answer.splitlines()[0]
        assert b"not sent within 1 seconds" in answer


def test_a_slow_client_holds_up_nobody_and_not_for_ever(crnn, word_files):
    """A byte now and then, as slowloris sends them."""

    def trickled(client):
        head = b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
        form = b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        return sent(client, head + form + part()[:80], *[b"a"] * 100, pause=0.1)

    with served({"iam-crnn": crnn}, Limits(seconds=3)) as client, ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(trickled, client) for _ in range(8)]
        assert text(read(client, word_files[0])) == crnn.read(word_files[0]).text
        for each in slow:
            assert b" 408 " in each.result().splitlines()[0]


def test_clients_that_hang_up_are_forgotten(word_client, crnn, word_files):
    request = word_client.build_request("POST", "/v1/read", files={"file": ("a", word_files[0])})
    whole = (
        b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n" % len(request.read())
        + b"Content-Type: %s\r\n\r\n" % request.headers["content-type"].encode()
    )
    for count in (0, 10, len(request.content) // 2, len(request.content)):
        sent(word_client, whole + request.content[:count], hang_up=True)
    assert text(read(word_client, word_files[0])) == crnn.read(word_files[0]).text
    wait_for(lambda: metric(word_client, "ocrkit_waiting_pages") == 0)


# -------------------------------------------------------------------------------------------- guard


def test_without_a_key_only_this_machine_asks_by_its_own_name(word_client, word_files):
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", ""):
        answer = word_client.get("/v1/models", headers={"host": host})
        assert answer.status_code in (400, 403), host
    assert word_client.get("/v1/models", headers={"host": "localhost:1"}).status_code == 200


def test_with_a_key_nothing_goes_without_it(crnn, word_files):
    with served({"iam-crnn": crnn}, key=KEY) as client:
        assert client.get("/health").status_code == client.get("/ready").status_code == 200
        for headers in ({}, {"x-api-key": ""}, {"x-api-key": KEY[:-1]}, {"x-api-key": KEY + "é"}):
            encoded = {name: value.encode() for name, value in headers.items()}
            for path in ("/v1/models", "/metrics", "/version", "/openapi.json", "/nowhere"):
                assert client.get(path, headers=encoded).status_code == 401
        client.headers["x-api-key"] = KEY
        assert client.get("/v1/models", headers={"host": "ocr.example"}).status_code == 200
        assert text(read(client, word_files[0])) == crnn.read(word_files[0]).text


def test_other_sites_can_neither_ask_nor_read(word_client, word_files):
    file = {"file": ("a.png", word_files[0])}
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        answer = word_client.post("/v1/read", files=file, headers={"origin": origin})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    ours = str(word_client.base_url).rstrip("/")
    own = word_client.post("/v1/read", files=file, headers={"origin": ours})
    assert own.status_code == 200
    preflight = word_client.options("/v1/read", headers={"access-control-request-method": "POST"})
    assert preflight.status_code == 405


def test_every_answer_has_the_headers_that_keep_browsers_safe(word_client):
    for path in ("/health", "/nowhere", "/openapi.json"):
        headers = word_client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


BAD = {
    "no body": (FORM, b""),
    "no form": ("application/octet-stream", PNG),
    "JSON": ("application/json", b'{"file": "a.png"}'),
    "an address in JSON": ("application/json", b'{"url": "http://127.0.0.1:1/a.png"}'),
    "an address as file": (FORM, part(data=b"http://127.0.0.1:1/a.png")),
    "an address as field": (FORM, part('name="file"', b"http://127.0.0.1:1/a.png")),
    "a path as file": (FORM, part(data=b"/etc/passwd")),
    "a path as field": (FORM, part('name="file"', b"/etc/passwd")),
    "no boundary": ("multipart/form-data", part()),
    "another boundary": ("multipart/form-data; boundary=y", part()),
    "an endless boundary": (f"multipart/form-data; boundary={'x' * 9000}", part()),
    "cut within a part": (FORM, part()[:60]),
    "no end": (FORM, part(end=b"")[:-9]),
    "another field": (FORM, part('name="image"; filename="a.png"')),
    "no name": (FORM, part('filename="a.png"')),
    "an empty file": (FORM, part(data=b"")),
    "text": (FORM, part(data=b"hello")),
    "HTML": (FORM, part(data=b"<script>alert(1)</script>")),
    "SVG with entities": (
        FORM,
        part(data=b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'),
    ),
    "a zip archive": (FORM, part(data=b"PK\x03\x04" + bytes(60))),
    "a PNG's first bytes": (FORM, part(data=PNG[:12])),
    "a JPEG's first bytes": (FORM, part(data=b"\xff\xd8\xff\xe0")),
    "a TIFF that leads into itself": (FORM, part(data=b"II*\0\x08\0\0\0\0\0\x08\0\0\0")),
    "thousands of fields": (
        FORM,
        b"".join(part(f'name="f{n}"', b"1", b"") for n in range(1500)) + b"--x--\r\n",
    ),
    "thousands of files": (
        FORM,
        b"".join(part(f'name="f{n}"; filename="a"', b"1", b"") for n in range(1500)) + b"--x--\r\n",
    ),
    "a huge field": (FORM, part('name="format"', b"a" * 1_500_000)),
    "a huge header of a part": (FORM, part(f'name="file"; filename="{"a" * 200_000}"')),
    "a pipeline that is a path": (FORM, part('name="pipeline"', b"/etc/passwd", b"") + part()),
    "a pipeline that is not there": (FORM, part('name="pipeline"', b"../x", b"") + part()),
    "a format that is a path": (FORM, part('name="format"', b"../../x", b"") + part()),
    "a format of null characters": (FORM, part('name="format"', b"\0\0", b"") + part()),
    "a file that is named twice": (FORM, part(end=b"") + part(data=b"hello")),
    "a part within a part": (FORM, part(data=part())),
    "lone line feeds": (FORM, part().replace(b"\r\n", b"\n")),
    "another charset": (
        FORM,
        part('name="format"', "page".encode("utf-16"), b"") + part(),
    ),
    "a compressed body": ("application/gzip", gzip.compress(part())),
    "XML": (
        "application/xml",
        b"<?xml version='1.0'?><!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>",
    ),
    "a form of the web": ("application/x-www-form-urlencoded", b"file=a.png&format=json"),
}


# Starlette leaves the temporary file of a part without an end to Python, which closes it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", BAD)
def test_bad_bodies_are_refused_in_a_line(word_client, kind):
    content_type, body = BAD[kind]
    answer = word_client.post("/v1/read", content=body, headers={"content-type": content_type})
    assert 400 <= answer.status_code < 500
    assert set(answer.json()) == {"error"}
    assert "\n" not in answer.json()["error"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/read"),
        ("PUT", "/v1/read"),
        ("DELETE", "/v1/models"),
        ("PATCH", "/v1/jobs/x"),
        ("TRACE", "/v1/read"),
        ("GET", "/"),
        ("GET", "/../../etc/passwd"),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd"),
        ("GET", "/v1/jobs/..%2f..%2fetc"),
        ("GET", "/v1/jobs/%00"),
        ("GET", f"/v1/jobs/{'x' * 5000}"),
        ("GET", "/v1/jobs/x/result"),
        ("GET", "//evil.example/v1/models"),
        ("GET", "/docs"),
    ],
)
def test_addresses_that_are_not_there_are_said_to_be_so(word_client, method, path):
    answer = word_client.request(method, f"{str(word_client.base_url).rstrip('/')}{path}")
    assert answer.status_code in (404, 405)
    assert set(answer.json()) == {"error"}


RAW = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "a header without end": b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000,
    "two lengths": b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
    b"Content-Length: 5\r\n\r\nabc",
    "a negative length": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "a length of letters": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    "a huge length": b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Length: 99999999999999999999\r\n\r\n",
    "broken chunks": b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no host": b"GET /v1/models HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("kind", RAW)
def test_what_is_no_request_is_answered_or_hung_up_on(word_client, kind):
    first = sent(word_client, RAW[kind]).split(b"\r\n")[0]
    assert first == b"" or re.match(rb"HTTP/1.1 4\d\d ", first), first


KEPT = {
    "HTML in a text": ("PUT", "/v1/pages/<b>/lines/<img src=x onerror=alert(1)>", b'{"text": "a"}'),
    "no text": ("PUT", "/v1/pages/a/lines/l1", b"{}"),
    "a text of numbers": ("PUT", "/v1/pages/a/lines/l1", b'{"text": 1}'),
    "a text without an end": ("PUT", "/v1/pages/a/lines/l1", b'{"text": "'),
    "lists within lists": ("PUT", "/v1/pages/a/lines/l1", b"[" * 100_000),
    "half a character": ("PUT", "/v1/pages/a/lines/l1", b'{"text": "\\ud800"}'),
    "a huge number": ("PUT", "/v1/pages/a/lines/l1", b'{"text": ' + b"9" * 5000 + b"}"),
    "no picture": ("POST", "/v1/pages", b"hello"),
    "a page that is a path": ("GET", "/v1/pages/..%2f..%2fetc%2fpasswd", b""),
    "a picture that is a path": ("GET", "/v1/pages/%2e%2e/picture", b""),
    "no new model": ("POST", "/v1/teaching/model", b""),
    "nothing to cancel": ("DELETE", "/v1/teaching", b""),
    "nothing to learn from": ("POST", "/v1/teaching", b""),
}


@pytest.fixture(scope="module")
def kept_client(crnn, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    kept = Kept(folder)
    teaching = Teaching(kept, Base("iam-crnn", []), ocrkit.load)
    with served({"iam-crnn": crnn}, kept=kept, teaching=teaching) as client:
        yield client
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", KEPT)
def test_nothing_bad_gets_among_the_pages_that_are_kept(kept_client, kind):
    method, path, body = KEPT[kind]
    answer = kept_client.request(
        method, path, content=body, headers={"content-type": "application/json"}
    )
    assert 400 <= answer.status_code < 500
    assert set(answer.json()) == {"error"}
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("method", "path"), [(each[0], each[1]) for each in KEPT.values()])
def test_other_sites_change_no_page(kept_client, method, path):
    answer = kept_client.request(method, path, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


def test_after_all_that_it_reads_as_before(word_client, crnn, word_files):
    assert text(read(word_client, word_files[5])) == crnn.read(word_files[5]).text
    assert word_client.get("/ready").json() == {"status": "ready"}
    assert metric(word_client, "ocrkit_waiting_pages") == 0
    described = word_client.get("/openapi.json").json()["paths"]
    assert {"/v1/read", "/v1/read/async", "/v1/jobs/{id_}"} <= described.keys()
    assert word_client.get("/version").json()["iam-crnn"]["ocrkit"] == ocrkit.__version__
