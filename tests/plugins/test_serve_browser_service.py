"""The page in a real browser: pasted pictures and documents, a key, a path of another site, and
what it says where the service cannot do what it is asked for."""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
from PIL import Image

import ocrkit
from drawn_pages import PLUGIN, column, page, written

for needed in ("fastapi", "httpx", "multipart", "prometheus_client", "uvicorn"):
    pytest.importorskip(needed)
pytest.importorskip("playwright.sync_api")
pytest.importorskip("axe_playwright_python.sync_playwright")

from playwright.sync_api import expect  # noqa: E402

from browsing import chromium, complained, drop, faults, opened, said  # noqa: E402  (these need what may be missing)
from ocrkit_serve.kept import Kept  # noqa: E402
from ocrkit_serve.teaching import Base, Teaching  # noqa: E402
from services import png, served  # noqa: E402

KEY = "0123456789abcdef"
TEXTS = [["clocks", "leaves", "number"], ["number", "clocks", "leaves"]]
SCANS = [page(column(texts)) for texts in TEXTS]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def kept(tmp_path):
    (tmp_path / "kept").mkdir()
    return Kept(tmp_path / "kept")


@pytest.fixture
def pages(install, tmp_path):
    install("rows", PLUGIN)
    with ocrkit.load(written(tmp_path)) as pages:
        yield pages


@pytest.fixture
def address(pages, kept):
    with running(pages, kept) as address:
        yield address


@contextmanager
def running(pages, kept, key=None):
    """The address of a service."""
    teaching = Teaching(kept, Base("iam-crnn", ()), ocrkit.load)
    with served({"pages": pages}, key=key, kept=kept, teaching=teaching) as client:
        yield str(client.base_url)


@contextmanager
def proxy(upstream: str) -> Iterator[str]:
    """The address of a server that has another one below its path /ocr/, as docs/serving.md says;
    it answers as proxies do where that one is gone."""
    place = urlsplit(upstream).netloc

    class Passing(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            if not self.path.startswith("/ocr/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            upstream = HTTPConnection(place, timeout=120)
            try:
                upstream.request(
                    self.command, self.path.removeprefix("/ocr"), body, dict(self.headers)
                )
                answer = upstream.getresponse()
                content = answer.read()
            except ConnectionError:
                self.send_error(502)
                return
            finally:
                upstream.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = pass_on  # noqa: N815  (as the server calls them)

        def log_message(self, *_) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Passing) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/ocr/"
        server.shutdown()
        thread.join()


def texts(kept):
    return [kept.page(id_).text.split() for id_ in kept.ids()]


def test_a_picture_is_pasted(browser, address, kept):
    tab = opened(browser, address)
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.evaluate(
        """async bytes => {
            const picture = new Blob([new Uint8Array(bytes)], { type: "image/png" });
            await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
        }""",
        list(png(SCANS[0])),
    )
    tab.keyboard.press("Control+v")
    tab.wait_for_selector("#lines textarea")
    assert texts(kept) == TEXTS[:1]
    tab.locator("#lines textarea").first.fill("a word")
    tab.evaluate("navigator.clipboard.writeText('pasted ')")
    tab.keyboard.press("Home")
    tab.keyboard.press("Control+v")  # what is no picture goes where one writes
    tab.keyboard.press("Enter")
    said(tab, "Kept")
    assert kept.page(kept.ids()[0]).lines[0].text == "pasted a word"
    assert tab.wrong == []
    tab.close()


def test_a_document_is_dropped(browser, address, kept):
    pytest.importorskip("pypdfium2")
    file = io.BytesIO()
    first, second = map(Image.fromarray, SCANS)
    first.save(file, "PDF", save_all=True, append_images=[second])
    tab = opened(browser, address)
    drop(tab, "letters.pdf", file.getvalue())
    tab.wait_for_selector("#lines textarea")
    assert tab.locator("#pages option").all_inner_texts() == ["letters (0/3)", "letters-2 (0/3)"]
    assert texts(kept) == TEXTS
    tab.select_option("#pages", "letters-2")
    tab.wait_for_function("() => document.querySelector('textarea').value === 'number'")
    drop(tab, "broken.pdf", file.getvalue()[:200])
    complained(tab, "broken.pdf: ")
    assert texts(kept) == TEXTS
    assert all("422" in each for each in tab.wrong)
    tab.close()


def test_the_key_is_asked_for_once_and_again_where_it_is_wrong(browser, pages, kept):
    kept.add("letter.png", png(SCANS[0]), pages.read(png(SCANS[0])))
    with running(pages, kept, KEY) as address:
        tab = opened(browser, address)
        tab.wait_for_selector("#locked[open]")
        assert tab.evaluate("document.activeElement.id") == "key"
        assert faults(tab) == []
        tab.keyboard.type("not the key at all")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("#refused:visible")
        tab.keyboard.press("Escape")
        complained(tab, "the service wants its key; load this page again to give it")
        tab.reload()
        tab.wait_for_selector("#locked[open]")
        tab.keyboard.type(KEY)
        tab.keyboard.press("Enter")
        tab.wait_for_selector("#lines textarea")
        assert not tab.is_visible("#locked")
        tab.reload()
        tab.wait_for_selector("#lines textarea")
        assert all("401" in each for each in tab.wrong)
        tab.close()


def test_below_a_path_of_another_site(browser, pages, kept):
    with running(pages, kept) as address, proxy(address) as below:
        tab = opened(browser, below)
        drop(tab, "letter.png", png(SCANS[0]))
        tab.wait_for_selector("#lines textarea")
        assert tab.locator("#sheet image").evaluate("each => each.getBBox().width") == 1200
        tab.locator("#lines textarea").first.fill("corrected")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("li.kept")
        assert kept.page("letter").lines[0].text == "corrected"
        tab.locator("details:has(#save) summary").click()
        with tab.expect_download() as download:
            tab.click("#save")
        assert download.value.suggested_filename == "letter.xml"
        assert tab.wrong == []
        tab.close()


def test_what_is_typed_stays_where_the_service_is_gone(browser, pages, kept):
    for name, scan in zip(("first", "second"), SCANS, strict=True):
        kept.add(name, png(scan), pages.read(png(scan)))
    service = ExitStack()
    address = service.enter_context(running(pages, kept))
    with service, proxy(address) as below:
        tabs = {
            opened(browser, address): "the service does not answer",
            opened(browser, below, viewport={"width": 360, "height": 500}): (
                "the service is not running"
            ),
        }
        for tab in tabs:
            tab.wait_for_selector("#lines textarea")
        service.close()
        for tab, reason in tabs.items():
            tab.locator("#lines textarea").last.focus()
            tab.keyboard.type("not lost")
            tab.keyboard.press("Enter")
            complained(tab, f"Not done: {reason}")
            expect(tab.locator("#alert")).to_be_in_viewport(ratio=1)  # wherever one writes
            tab.select_option("#pages", "second")
            complained(tab, "what was typed in line 3 is not kept yet")
            assert tab.input_value("#pages") == "first"
            assert "not lost" in tab.locator("#lines textarea").last.input_value()
            drop(tab, "letter.png", png(SCANS[0]))
            complained(tab, f"letter.png: {reason}")
            asked = []
            tab.on(
                "dialog", lambda dialog, asked=asked: (asked.append(dialog.type), dialog.accept())
            )
            tab.goto("about:blank")
            assert asked == ["beforeunload"]
            tab.close()
    assert texts(kept) == TEXTS
