"""Pages of PDF documents as pictures.

PDFium opens them (pypdfium2, of the extra ``documents``), for every page anew and in a process of
its own, which may take a minute and 2 GB: a file that breaks it, or has it go round in circles,
costs a page. Nothing that a PDF contains is run.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ocrkit.errors import ImageError, install_hint
from ocrkit.images import pdf_child, read_image
from ocrkit.parts.values import Image
from ocrkit.support.files import open_regular
from ocrkit.support.parsing import parse_json

MAX_PAGES = pdf_child.MAX_PAGES
"""Of a document."""
MAX_PIXELS = 25_000_000
"""Of a page's picture: A3 at 300 dots an inch has 17 million. Larger pages are rendered with fewer
dots an inch, and so are those that show a larger scan."""
SECONDS = 60.0
"""That a page may take."""
_BROKEN = "PDFium breaks down over it, or needs more than 2 GB; print it into a new PDF"


def page_widths(path: str) -> list[float]:
    """How wide each page of a document is, in inches, as a viewer shows it; 0 for a damaged one.
    Raises ImageError, whose line begins with the path, also where there are too many pages."""
    about, _ = _asked(path, 0)
    if not 0 < about["pages"] <= MAX_PAGES:
        count = f"{about['pages']:,} pages; expected 1 to {MAX_PAGES:,}"
        raise ImageError(f"{path}: {count}; split it")
    return list(about["inches"])


def page_picture(path: str, number: int, *, colour: bool = False) -> bytes | Image:
    """The picture of a page, from 1, as it lies in a viewer: a JPEG file, or pixels, uint8 (H, W)
    or, where ``colour`` is asked for and there is any, RGB (H, W, 3).

    Where the page shows a scan from edge to edge and nothing else, that is its picture, as it is in
    the document: a text that cannot be seen, as programs that read scans put over them, does not
    count. Any other page is rendered, 300 dots an inch, or fewer where it would have more than
    :data:`MAX_PIXELS`. Raises ImageError, whose line begins with ``PATH#NUMBER``.
    """
    about, data = _asked(path, number, colour=colour)
    quarters = about["turned"] // 90
    if "shape" not in about:
        if not quarters:
            return data
        try:
            return np.ascontiguousarray(np.rot90(read_image(data), -quarters))
        except ImageError as error:
            raise ImageError(f"{path}#{number}: {error}") from None
    pixels = np.frombuffer(data, np.uint8).reshape(about["shape"])
    pixels = pixels[:, :, ::-1] if pixels.ndim == 3 else pixels  # blue, green, red: as PDFium
    return np.ascontiguousarray(np.rot90(pixels, -quarters))


def _asked(path: str, number: int, *, colour: bool = False) -> tuple[dict[str, Any], bytes]:
    """What the other process says of a page, or of the document. Raises ImageError."""
    name = f"{path}#{number}" if number else path
    if find_spec("pypdfium2") is None:
        hint = install_hint("documents")
        raise ImageError(f"{name}: reading PDF documents needs pypdfium2. {hint}")
    open_regular(Path(path), ImageError, "a PDF document").close()
    command = [sys.executable, "-P", pdf_child.__file__, path, str(number), str(MAX_PIXELS)]
    try:
        done = subprocess.run(  # noqa: S603  (ocrkit's own program)
            [*command, "colour" if colour else "grey"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        reason = f"PDFium has not been through with it after {SECONDS:g} seconds"
        raise ImageError(f"{name}: {reason}; print it into a new PDF") from None
    first, _, data = done.stdout.partition(b"\n")
    about = parse_json(first) if done.returncode == 0 and first else {}
    if about.get("error") or not about:
        raise ImageError(f"{name}: {about.get('error') or _BROKEN}")
    return about, data
