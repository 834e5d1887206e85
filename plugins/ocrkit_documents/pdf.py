"""Pages as PDF: their pictures as they are, and over them what is written, for searching and
copying."""

import io
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf

import ocrkit
from ocrkit import Line, Page, option
from ocrkit.interfaces import Picture
from ocrkit.support.files import scratch_folder
from ocrkit_documents.glyphless import BELOW, WIDTH, Glyphless
from ocrkit_documents.pictures import PdfPicture, pdf_picture
from ocrkit_documents.placing import Place, as_one, placed_words

_HELD = 32_000_000
"""Bytes of pictures that are held; more are put on disk until the file is whole."""
_LARGEST = 14_400
"""Points that a page may be long."""
_FINEST = 4_800
"""Pixels per inch; a page of more is not that small."""
_LEANING = 0.4
"""By how much of a word's height the words of a line may differ in theirs; programs draw the line
at a half."""
_TURNED = {
    1: (1, 0, 0, 1, 0, 0),
    2: (-1, 0, 0, 1, 1, 0),
    3: (-1, 0, 0, -1, 1, 1),
    4: (1, 0, 0, -1, 0, 1),
    5: (0, -1, -1, 0, 1, 1),
    6: (0, -1, 1, 0, 0, 1),
    7: (0, 1, 1, 0, 0, 0),
    8: (0, 1, -1, 0, 1, 0),
}
"""By EXIF's orientation, what sets a picture upright on a page of width and height 1."""


@dataclass(frozen=True)
class SearchablePdf:
    """A PDF page for each page: its picture, untouched (a JPEG is there byte by byte), and over it
    each word in letters that nobody sees, so that it can be searched, selected and copied, in
    reading order, along lines that slope too.

    A page is as large as its sheet was: by its own ``dpi``, else by what the picture says, else by
    the option.
    Transparent pictures lie on white. Any number of pages are written in the memory of some.
    """

    dpi: float = option(
        300.0, "pixels per inch of pictures that do not say", minimum=36.0, maximum=4800.0
    )

    ending: ClassVar[str] = ".pdf"
    takes_several: ClassVar[bool] = True
    takes_pictures: ClassVar[bool] = True

    def write(self, pages: Iterable[tuple[Page, Picture | None]], file: BinaryIO, /) -> None:
        with scratch_folder() as folder:
            parts = list(self._parts(pages, folder))
            whole = parts[0] if len(parts) == 1 else _joined(parts, folder / "whole.pdf")
            with whole.open("rb") as made:
                shutil.copyfileobj(made, file)

    def _parts(self, pages: Iterable[tuple[Page, Picture | None]], folder: Path) -> Iterator[Path]:
        """Files of some pages each."""
        part, count = _Part(), 0
        for page, picture in pages:
            part.add(page, pdf_picture(picture), self.dpi)
            if part.held >= _HELD:
                yield part.save(folder / f"{count}.pdf")
                part, count = _Part(), count + 1
        yield part.save(folder / f"{count}.pdf")


class _Part:
    """Some pages, with a font that they share."""

    def __init__(self) -> None:
        self.held = 0
        """Bytes of their pictures."""
        self._pdf = Pdf.new()
        self._letters = Glyphless()
        self._font = self._pdf.make_indirect(Dictionary())

    def add(self, page: Page, picture: PdfPicture, dpi: float) -> None:
        said = min(page.dpi or picture.dpi or dpi, _FINEST)
        points = min(72 / said, _LARGEST / max(page.width, page.height))
        width, height = page.width * points, page.height * points
        with Pdf.open(io.BytesIO(picture.pdf)) as source:
            (image,) = source.pages[0].Resources.XObject.values()
            image = self._pdf.copy_foreign(image)
        a, b, c, d, e, f = _TURNED[picture.orientation]
        matrix = (a * width, b * height, c * width, d * height, e * width, f * height)
        pieces = [f"q {_numbers(*matrix)} cm /Picture Do Q"]
        for line in page.lines:
            pieces += self._text(line, points, height)
        resources = Dictionary(
            XObject=Dictionary(Picture=image), Font=Dictionary(Letters=self._font)
        )
        shown = Dictionary(
            Type=Name.Page,
            MediaBox=Array([0, 0, width, height]),
            Resources=resources,
            Contents=self._pdf.make_stream("\n".join(pieces).encode("ascii")),
        )
        self._pdf.pages.append(pikepdf.Page(self._pdf.make_indirect(shown)))
        self.held += len(picture.pdf)

    def _text(self, line: Line, points: float, height: float) -> Iterator[str]:
        """A line's operators: each word stretched over its place, with a space behind it; or, of a
        line that leans, all of it in one."""
        words = list(placed_words(line))
        if not words:
            return
        yield "BT 3 Tr /Letters 1 Tf"
        leans = _leans([place for _, place in words])
        if leans:
            words = [as_one(line, [word for word, _ in words])]
            exact = words[0][0].text.encode("utf-16-be", "replace").hex()
            yield f"/Span << /ActualText <feff{exact}> >> BDC"
        for number, (word, place) in enumerate(words, start=1):
            along, rise = place.along[0] * points, -place.along[1] * points
            wide = place.length / (len(word.text) * WIDTH)
            x = place.start[0] * points - rise * BELOW * place.height
            y = height - place.start[1] * points + along * BELOW * place.height
            matrix = (wide * along, wide * rise, -place.height * rise, place.height * along, x, y)
            space = f" {self._letters.encode(' ')} Tj" if number < len(words) else ""
            yield f"{_numbers(*matrix)} Tm {self._letters.encode(word.text)} Tj{space}"
        yield "EMC ET" if leans else "ET"

    def save(self, path: Path) -> Path:
        """Pictures stay as they are; the same pages give the same bytes."""
        self._letters.write(self._pdf, self._font)
        about = Dictionary(Producer=f"ocrkit {ocrkit.__version__}")
        self._pdf.docinfo = self._pdf.make_indirect(about)
        self._pdf.save(
            path,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            deterministic_id=True,
        )
        self._pdf.close()
        return path


def _leans(places: list[Place]) -> bool:
    """Whether a line does not run to the right, or its words are so much higher or lower than
    others that programs take them for lines of their own."""
    if any(each.along != (1, 0) for each in places):
        return True
    bottoms = [each.start[1] for each in places]
    return max(bottoms) - min(bottoms) > _LEANING * min(each.height for each in places)


def _joined(parts: list[Path], path: Path) -> Path:
    """All pages in one file, by qpdf's program, which copies pictures from file to file."""
    pikepdf.Job(
        {
            "inputFile": str(parts[0]),
            "pages": [{"file": str(part)} for part in parts],
            "outputFile": str(path),
            "decodeLevel": "none",
            "objectStreams": "generate",
            "deterministicId": "",
        }
    ).run()
    return path


def _numbers(*values: float) -> str:
    return " ".join(f"{value:.4f}".rstrip("0").rstrip(".") for value in values)
