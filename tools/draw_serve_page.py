"""Draws the page of ``ocrkit serve`` as a browser shows it, with a page that is being corrected.

    python tools/draw_serve_page.py iam-pages plugins/ocrkit_pagexml/sample/letter.png \
        --second "morning . By seven the first loaves" --to docs/pictures/serve.png

It needs Chromium and playwright. The documentation shows a picture that this made, so that it stays true.
"""  # noqa: E501

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

from ocrkit.support.files import write_atomically

SIZE = ViewportSize(width=1200, height=720)
WITHIN = 120_000
"""Milliseconds within which the page is read, on a slow machine."""


@contextmanager
def served(pipeline: str) -> Iterator[str]:
    """The address of a service of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ocrkit", "serve", "--port", "0", "--folder", folder]
        with subprocess.Popen(  # noqa: S603  (ocrkit's own program)
            [*command, "--pipeline", pipeline], stderr=subprocess.PIPE, text=True
        ) as service:
            assert service.stderr  # noqa: S101  (a pipe was asked for)
            try:
                for line in service.stderr:
                    if found := re.search(r"http://\S+", line):
                        yield found[0]
                        return
                sys.exit("the service has not started")
            finally:
                service.terminate()


def shown(address: str, image: Path, second: str, program: str) -> bytes:
    """A picture, PNG, of the page when one line is taken as it is, the second is corrected, and the
    third is looked at."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE, color_scheme="light")
        tab.set_default_timeout(WITHIN)
        tab.goto(address)
        tab.set_input_files("#files", image)
        tab.locator("#lines textarea").first.focus()
        for count in (1, 2):
            if count == 2:
                tab.locator("#lines textarea").nth(1).fill(second)
            tab.keyboard.press("Enter")
            tab.wait_for_function(
                "count => document.querySelectorAll('li.kept').length === count", arg=count
            )
        tab.wait_for_selector("li.now .others button")
        picture = tab.screenshot()
        browser.close()
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pipeline", help="a page pipeline of the zoo, or a pipeline's file")
    parser.add_argument("image", type=Path)
    parser.add_argument("--second", required=True, metavar="TEXT", help="what its second line says")
    parser.add_argument("--to", required=True, type=Path, metavar="FILE.png")
    arguments = parser.parse_args()
    program = shutil.which("chromium") or sys.exit("there is no chromium here")
    with served(arguments.pipeline) as address:
        picture = Image.open(io.BytesIO(shown(address, arguments.image, arguments.second, program)))
    with write_atomically(arguments.to) as temporary:
        picture.convert("RGB").quantize(64).save(temporary, format="PNG")


if __name__ == "__main__":
    main()
