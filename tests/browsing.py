"""A real browser, and what people and tests do with a page in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

WITHIN = 120_000
"""Milliseconds within which everything that is waited for is there, on a busy machine."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's, without a window. Skips the test where it is not there."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium here; tools/system-packages.txt names what tests want")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser: Browser, address: str, **options) -> Page:
    """The page at an address; what the browser finds wrong with it gets into its ``wrong``."""
    tab = browser.new_page(**{"viewport": {"width": 1440, "height": 900}, **options})
    tab.set_default_timeout(WITHIN)
    tab.wrong = []
    tab.on("pageerror", lambda error: tab.wrong.append(str(error)))
    tab.on(
        "console",
        lambda said: said.type == "error" and tab.wrong.append(f"{said.text} {said.location}"),
    )
    tab.goto(address)
    return tab


def drop(tab: Page, name: str, data: bytes) -> None:
    """Drops a file on the page."""
    tab.evaluate(
        """([name, bytes]) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
            document.dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
        }""",
        [name, list(data)],
    )


def said(tab: Page, text: str) -> None:
    """Waits until the page says so, to everybody."""
    tab.wait_for_function(
        "text => document.getElementById('status').textContent.startsWith(text)", arg=text
    )


def complained(tab: Page, text: str) -> None:
    """Waits until the page says that something went wrong."""
    tab.wait_for_function(
        "text => document.getElementById('alert').textContent.includes(text)", arg=text
    )


def faults(tab: Page) -> list[str]:
    """What assistive technology would stumble over."""
    found = Axe().run(tab).response["violations"]
    return [f"{each['impact']}: {each['id']}: {each['nodes'][0]['html']}" for each in found]
