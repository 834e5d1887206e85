"""Opens a PDF, in a process of its own: whatever a hostile file does to PDFium, it does there,
within bounds of memory and time. :mod:`ocrkit.images.pdf` starts it; it imports nothing of ocrkit.

Arguments: the path; the number of a page, from 1, or 0 to count pages; how many pixels a picture
may have; ``grey`` or ``colour``. Writes a JSON object in a line to standard output: ``error``; or
the number of ``pages`` and, unless there are too many, the ``inches`` that each is wide; or how far
the picture that follows has to be ``turned`` clockwise, in degrees, and its ``shape`` where that
are pixels and no JPEG file.
"""

import json
import sys
from contextlib import suppress
from typing import Any

MAX_PAGES = 10_000
"""Of a document."""
RESOLUTION = 300
"""Dots an inch of a page that is rendered; fewer where it would have too many pixels."""
_INCH = 72
"""Units of a page's size."""
_LONGEST = 200
"""Inches of a page's side that the format allows for (ISO 32000-1, C.2)."""
_MEMORY = 2 << 30
_SECONDS = 90
"""Of a processor's time, should nobody be there who ends the process."""
_EDGE = 0.02
"""How far the edges of a scan may be from the page's, in widths or heights of the page."""
_REASONS = {3: "not a PDF document, or a damaged one", 4: "encrypted; save it without a password"}
"""By PDFium's number of an error."""


def answer(path: str, number: int, most: int, *, colour: bool) -> tuple[dict[str, Any], bytes]:
    """What is written: the object, and a picture's bytes."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        return {"error": _REASONS.get(error.err_code, str(error))}, b""
    if not number:
        pages = len(document)
        inches = [_width(document, index) for index in range(pages)] if pages <= MAX_PAGES else []
        return {"pages": pages, "inches": inches}, b""
    try:
        page = document[number - 1]
    except (pypdfium2.PdfiumError, IndexError):
        return {"error": "the page is damaged, or not there"}, b""
    return _picture(page, most, colour=colour)


def _width(document: Any, index: int) -> float:
    """Inches that a page is wide, as a viewer shows it; 0 for a damaged one."""
    import pypdfium2

    try:
        width: float = document.get_page_size(index)[0]
    except pypdfium2.PdfiumError:
        return 0.0
    return width / _INCH


def _picture(page: Any, most: int, *, colour: bool) -> tuple[dict[str, Any], bytes]:
    """A page's picture: the scan that it shows, as it is, or what is rendered of the page."""
    scan = _scan(page)
    if scan is not None:
        width, height = scan.get_px_size()
        if 0 < width * height <= most:
            turned = {"turned": page.get_rotation()}
            if (data := _jpeg(scan)) is not None:
                return turned, data
            shape, data = _pixels(scan.get_bitmap())
            return turned | shape, data
    width, height = page.get_size()
    if max(width, height) > _LONGEST * _INCH:
        inches = f"{width / _INCH:,.0f} × {height / _INCH:,.0f} inches"
        return {"error": f"a page of {inches}; the limit is {_LONGEST} inches a side"}, b""
    resolution = min(RESOLUTION, _INCH * (most / max(width * height, 1.0)) ** 0.5)
    bitmap = page.render(scale=resolution / _INCH, grayscale=not colour)
    shape, data = _pixels(bitmap)
    return {"turned": 0} | shape, data


def _scan(page: Any) -> Any:
    """The only image of a page, where it shows nothing else that can be seen, upright and from edge
    to edge; else None. An invisible text, as programs that read scans put over them, is no more
    than that."""
    from pypdfium2 import raw

    images = []
    for each in page.get_objects():
        if each.type == raw.FPDF_PAGEOBJ_IMAGE and not each.level:
            images.append(each)
        elif each.type == raw.FPDF_PAGEOBJ_TEXT:
            if raw.FPDFTextObj_GetTextRenderMode(each) != raw.FPDF_TEXTRENDERMODE_INVISIBLE:
                return None
        elif each.type != raw.FPDF_PAGEOBJ_FORM:
            return None
        if len(images) > 1:
            return None
    if not images or raw.FPDFPageObj_HasTransparency(images[0]):
        return None
    left, bottom, right, top = page.get_cropbox()
    x, y = _EDGE * (right - left), _EDGE * (top - bottom)
    found = images[0].get_bounds()
    edges = zip(found, (left, bottom, right, top), (x, y, x, y), strict=True)
    if any(abs(one - other) > most for one, other, most in edges):
        return None
    a, b, c, d, *_ = images[0].get_matrix().get()
    is_upright = a > 0 and d > 0 and max(abs(b), abs(c)) < _EDGE * min(a, d)
    return images[0] if is_upright else None


def _jpeg(image: Any) -> bytes | None:
    """The JPEG file of an image which shows by itself what it shows on the page; else None."""
    from pypdfium2 import raw

    plain = (
        raw.FPDF_COLORSPACE_DEVICEGRAY,
        raw.FPDF_COLORSPACE_DEVICERGB,
        raw.FPDF_COLORSPACE_ICCBASED,
        raw.FPDF_COLORSPACE_CALGRAY,
        raw.FPDF_COLORSPACE_CALRGB,
    )
    about = image.get_metadata()
    if image.get_filters() != ["DCTDecode"] or about.colorspace not in plain:
        return None
    if about.bits_per_pixel not in (8, 24):  # 32: inks, which programs write inverted or not
        return None
    data = bytes(image.get_data())
    return None if b"Exif\0\0" in data[: 1 << 16] else data  # no viewer of a PDF turns it


def _pixels(bitmap: Any) -> tuple[dict[str, Any], bytes]:
    """Rows of pixels: grey ones, or blue, green, red."""
    import numpy as np

    pixels = bitmap.to_numpy()
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = pixels[:, :, :3]
    return {"shape": pixels.shape}, np.ascontiguousarray(pixels).tobytes()


def _limit() -> None:
    """Bounds memory and time, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))


def main() -> None:
    path, number, most, colours = sys.argv[1:]
    _limit()
    about, data = answer(path, int(number), int(most), colour=colours == "colour")
    sys.stdout.buffer.write(f"{json.dumps(about)}\n".encode())
    sys.stdout.buffer.write(data)


if __name__ == "__main__":
    main()
