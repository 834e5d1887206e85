"""Pages as JSON, with all that is known of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, ClassVar

from ocrkit import DataError, Page, page_from_json, page_to_json
from ocrkit.interfaces import Picture
from ocrkit.support.parsing import json_text, parse_json


@dataclass(frozen=True)
class PageJson:
    """A JSON object of the fields of :class:`ocrkit.Page`; nothing is lost."""

    ending: ClassVar[str] = ".json"
    takes_several: ClassVar[bool] = False
    takes_pictures: ClassVar[bool] = False

    def write(self, pages: Iterable[tuple[Page, Picture | None]], file: BinaryIO, /) -> None:
        ((page, _),) = pages
        file.write(f"{json_text(page_to_json(page), indent=1)}\n".encode())

    def claims(self, data: bytes, /) -> bool:
        return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"

    def parse(self, data: bytes, /) -> Page:
        try:
            value = parse_json(data)
        except ValueError as error:
            raise DataError(f"no whole JSON: {error}") from None
        return page_from_json(value)
