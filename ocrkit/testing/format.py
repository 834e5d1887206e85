"""Whether a format does what its interface says."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from ocrkit.errors import DataError, ImageError
from ocrkit.parts.page import Alternative, Line, Maker, Page, PageImage, Region, Word
from ocrkit.parts.page_protocols import Format, Parses, Picture
from ocrkit.testing.base import PartConformance

_FULL = Page(
    "note",
    300,
    200,
    PageImage("scans/note & more.png"),
    regions=(Region("r1", "paragraph", ((5, 5), (295, 5), (295, 90), (5, 90))), Region("r2")),
    lines=(
        Line(
            "l1",
            ((10, 50), (290, 52)),
            ((10, 20), (290, 22), (290, 60), (10, 58)),
            30,
            8,
            "r1",
            "Dear Ann,",
            0.93,
            (
                Word("Dear", ((10, 20), (150, 20), (150, 58), (10, 58)), 0.9),
                Word("Ann,", ((170, 20), (290, 22), (290, 60), (170, 58)), 0.96),
            ),
            (Alternative("Dear Ann,", -0.1), Alternative("Deer Ann,", -4.2)),
            corrected=True,
        ),
        Line("l2", ((10, 90), (290, 92)), region="r1", text="a < b & “c”", confidence=0.5),
        Line(
            "l3", (), ((10, 120), (290, 120), (290, 160)), region="r2", text="\U0001d4d0 ét\u0301é"
        ),
        Line("l4", ((10, 180), (290, 180)), region="r2", kind="heading"),
    ),
    made_by=(Maker("text", "reader", "1.0"),),
)
PAGES = {
    "a page without lines": Page("empty", 300, 200),
    "a page with all there is": _FULL,
    "a page that lies on its side": replace(_FULL, turned=90),
    "a page without regions": replace(
        _FULL, regions=(), lines=tuple(replace(line, region=None) for line in _FULL.lines)
    ),
    "lines that reach over the edge": Page(
        "edge",
        300,
        200,
        lines=(
            Line("up", ((-20.5, -3), (320, 2.25)), text="over"),
            Line("out", ((500, 500), (600, 500)), ((500, 480), (600, 480), (600, 510)), text="off"),
            Line("dot", ((7, 7), (7, 7)), text="."),
        ),
    ),
    "texts that files cannot hold": Page(
        "\x00 \x1b",
        300,
        200,
        PageImage("../\udcff\x07.png"),
        lines=(
            Line("\x01\udc81", ((10, 50), (290, 52)), text="a\x00b\x1b[2J\ufffe\udc80\r\nc\td"),
            Line("]]> -->", ((10, 90), (290, 92)), text="]]> <!-- --> &amp; ", kind="\x02"),
        ),
    ),
}
_FOREIGN = {
    "nothing": b"",
    "zeros": bytes(4096),
    "a text": b"these words are no page\n" * 40,
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
    "a list": b"[1, 2]",
    "XML of something else": b"<?xml version='1.0'?><svg><g/></svg>",
}
"""Files that are no page."""


class FormatConformance(PartConformance):
    """Checks of a format, on pages with all there is, and with nothing."""

    kind = "format"

    def written(self, named: str, *pages: Page, picture: Picture | None = None) -> bytes:
        """The bytes of a file of these pages, with a picture where the format takes them."""
        part, file = self.part(), _OneWay()
        if part.takes_pictures and picture is None:
            picture = np.full((200, 300), 240, np.uint8)
        shown = picture if part.takes_pictures else None
        with self.works(f"to write {named}"), _today("1234567890"):
            part.write(iter([(page, shown) for page in pages]), file)
        self.check(not file.closed, f"closes the file when it has written {named}")
        return file.getvalue()

    def test_it_says_what_its_files_are(self) -> None:
        """Their ending, whether they hold several pages, whether they show the picture."""
        part = self.part()
        self.check(isinstance(part, Format), "lacks write, ending, takes_several or takes_pictures")
        ending = part.ending
        right = isinstance(ending, str) and ending.startswith(".") and ending[1:].isalnum()
        self.check(right, f"has the ending {ending!r}; expected one such as '.xml'")
        for name in ("takes_several", "takes_pictures"):
            self.check(isinstance(getattr(part, name), bool), f"has a {name} that is no bool")

    def test_it_writes_every_page(self) -> None:
        """Whatever is on it, and the same bytes when it is written again."""
        for named, page in PAGES.items():
            once, again = self.written(named, page), self.written(named, page)
            self.check(once == again, f"writes other bytes when it writes {named} again")
        self.check(
            self.written("a page with all there is", _FULL)
            != self.written("a page without lines", PAGES["a page without lines"]),
            "writes the same for a page without lines as for one with some",
        )

    def test_it_writes_several_pages(self) -> None:
        """Where it takes them: more of them than one, as they come."""
        if not self.part().takes_several:
            return
        pages = [replace(_FULL, id=str(number)) for number in range(5)]
        several = self.written("several pages", *pages)
        self.check(len(several) > len(self.written("a page", _FULL)), "writes one page of several")

    def test_pictures_are_files_bytes_or_pixels(self) -> None:
        """And one that cannot be read is an ImageError."""
        if not self.part().takes_pictures:
            return
        for pixels in (np.full((200, 300), 240, np.uint8), np.full((200, 300, 3), 240, np.uint8)):
            self.written("grey or coloured pixels", _FULL, picture=pixels)
        self.written("a picture's bytes", _FULL, picture=_PNG)
        with _today("0"), self.works("on damaged pictures; expected ImageError", ImageError):
            try:
                self.part().write(iter([(_FULL, _PNG[:40])]), io.BytesIO())
            except ImageError as error:
                self.check(len(str(error).splitlines()) == 1, f"says {error}; expected one line")
            else:
                self.check(False, "takes damaged pictures; expected ImageError")

    def test_what_it_writes_it_reads(self) -> None:
        """Where it reads: the lines' texts in their order, and where they are, within a pixel."""
        part = self.part()
        if not isinstance(part, Parses):
            return
        for named, page in PAGES.items():
            data = self.written(named, page)
            with self.works(f"to read {named} back"):
                claimed, read = part.claims(data), part.parse(data)
            self.check(claimed, f"does not claim {named}, as it wrote it")
            size = (read.width, read.height)
            self.check(size == (300, 200), f"reads {named} as one of {size[0]} × {size[1]} pixels")
            self.check(len(read.lines) == len(page.lines), f"reads {len(read.lines)} of its lines")
        read = part.parse(self.written("a page", _FULL))
        texts = [line.text or "" for line in read.lines]
        self.check(texts == [line.text or "" for line in _FULL.lines], f"reads back {texts}")
        for line, other in zip(_FULL.lines, read.lines, strict=True):
            for points in ("baseline", "boundary"):
                given, found = getattr(line, points), getattr(other, points)
                near = not given or (
                    len(given) == len(found) and np.abs(np.subtract(given, found)).max() <= 1
                )
                self.check(near, f"reads back {points} {found} of {line.id!r} for {given}")

    def test_what_is_no_page_is_refused(self) -> None:
        """Other files, by a line; and its own that are cut short."""
        part = self.part()
        if not isinstance(part, Parses):
            return
        whole = self.written("a page", _FULL)
        cut = {
            f"half of a page, {share:.0%}": whole[: int(share * len(whole))] for share in _SHARES
        }
        for named, data in {**_FOREIGN, **cut}.items():
            with self.works(f"on {named}; expected DataError", DataError):
                claimed = part.claims(data)
                self.check(not (claimed and named in _FOREIGN), f"claims {named}")
                try:
                    part.parse(data)
                except DataError as error:
                    right = len(str(error).splitlines()) == 1
                    self.check(right, f"refuses {named} with {str(error)!r}; expected one line")
                else:
                    self.check(False, f"reads {named}; expected DataError")


_SHARES = (0.02, 0.3, 0.6, 0.9)
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000003000000020800000000b81f39"
    "c60000001049444154789c63fcc0c0c0c4c0c0000006a800f40b3e9f86000000"
    "0049454e44ae426082"
)
"""Grey, 3 × 2 pixels."""


class _OneWay(io.BytesIO):
    """A file as a pipe is: it cannot be sought in."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")


@contextmanager
def _today(seconds: str) -> Iterator[None]:
    """Fixes the date for formats that write one."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = seconds
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before
