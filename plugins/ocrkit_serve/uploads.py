"""Pictures and documents as requests bring them."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import PurePosixPath

from ocrkit import ImageError
from ocrkit.data.inputs import InputPage, input_pages
from ocrkit.images import image_size
from ocrkit.support.files import scratch_folder, writing
from ocrkit_serve.kept import written
from ocrkit_serve.limits import Limits

_LONGEST = 200
"""Characters of a file's name."""
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_FIRST = 1024
"""Bytes among which a PDF document says that it is one."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent."""

    ids: tuple[str, ...]
    """Of its pages: the file's name, ``scan.pdf#3`` where there are several."""
    pictures: tuple[bytes | InputPage, ...]
    """An image file, or the pages of a document, which is in a temporary folder."""
    close: Callable[[], None]
    """Removes that."""


def opened(name: str, data: bytes, limits: Limits, *, documents: bool) -> Upload:
    """What a file holds, decoded no further than it takes to count its pages and pixels; those of a
    document's pages are counted when they are read. Raises ImageError, in one line, for what is no
    picture, is too large, or is a PDF document where no ``documents`` can be read.
    """
    ending = ".pdf" if b"%PDF-" in data[:_FIRST] else ".tif" if data.startswith(_TIFF) else ""
    if ending == ".pdf" and not documents:
        raise ImageError(
            "a PDF document; this pipeline reads pictures of words or lines; name one that reads "
            "pages"
        )
    if ending and documents:
        with ExitStack() as until_closed:
            with written():
                path = until_closed.enter_context(scratch_folder()) / f"document{ending}"
                with writing(path):
                    path.write_bytes(data)
            pages = input_pages(str(path))
            if pages[0].error:
                raise ImageError(pages[0].error.removeprefix(f"{path}: "))
            if len(pages) > limits.pages:
                raise ImageError(f"{len(pages):,} pages; the limit is {limits.pages:,}; split it")
            if pages[0].number is not None:
                ids = tuple(f"{name}#{page.number}" for page in pages)
                return Upload(ids, tuple(pages), until_closed.pop_all().close)
    check_picture(data, limits)
    return Upload((name,), (data,), lambda: None)


def name_of(sent: str | None) -> str:
    """A file's name without folders, which is what is read from it is called by; nothing is ever
    opened by it.

    >>> name_of("C:\\\\scans\\\\letter.png")
    'letter.png'
    """
    name = PurePosixPath((sent or "").replace("\\", "/")).name
    return name.encode("utf-8", "replace").decode()[:_LONGEST] or "picture"


def check_picture(data: bytes, limits: Limits) -> None:
    """Raises ImageError, in one line, for what is no picture or has too many pixels, by its header
    alone: none is decoded."""
    try:
        width, height = image_size(data)
    except ImageError as error:
        raise ImageError(str(error).removeprefix("<bytes>: ")) from None
    if width * height > limits.pixels:
        raise ImageError(
            f"{width:,} × {height:,} pixels; the limit is {limits.pixels:,} in all; scale it down"
        )
