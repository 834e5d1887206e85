"""Pages as plain text."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, ClassVar

from ocrkit.interfaces import Picture
from ocrkit.parts.page import Page


@dataclass(frozen=True)
class PlainText:
    """What is written, in UTF-8: a row for every line, in reading order, and a blank one wherever
    another region begins. A page without text gives an empty file."""

    ending: ClassVar[str] = ".txt"
    takes_several: ClassVar[bool] = False
    takes_pictures: ClassVar[bool] = False

    def write(self, pages: Iterable[tuple[Page, Picture | None]], file: BinaryIO, /) -> None:
        ((page, _),) = pages
        if text := page.text:
            file.write(f"{text}\n".encode(errors="replace"))
