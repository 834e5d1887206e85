"""Whole pages as samples: the picture, and its lines and texts in the picture's pixels."""

import unicodedata
from dataclasses import replace
from functools import partial
from pathlib import Path

from ocrkit import ImageError, Line, Page, PageImage, Sample, read_image
from ocrkit.data.fitting import fitted
from ocrkit.images import image_size
from ocrkit.interfaces import Image
from ocrkit_pagexml.contents import PageFile


def page_sample(root: Path, file: PageFile, page: Page) -> Sample:
    """A page with its texts in Unicode's form NFC, in the pixels of its picture.

    The sample's text is the page's; None where there are lines and nobody has said what any of them
    says. Raises ImageError for an image whose header cannot be read, and DataError for one that is
    not the page's.
    """
    width, height = image_size(root / file.image)
    page = fitted(page, width, height)
    lines = tuple(map(_nfc, page.lines))
    page = replace(page, id=file.id, image=PageImage(file.image), lines=lines)
    said = not lines or any(line.text is not None for line in lines)
    return Sample(
        file.id,
        page.text if said else None,
        None,
        partial(_load, root / file.image, (width, height)),
        file.document,
        root / file.image,
        page=page,
    )


def _nfc(line: Line) -> Line:
    words = (replace(word, text=unicodedata.normalize("NFC", word.text)) for word in line.words)
    text = None if line.text is None else unicodedata.normalize("NFC", line.text)
    return replace(line, text=text, words=tuple(words))


def _load(path: Path, size: tuple[int, int]) -> Image:
    pixels = read_image(path)
    if pixels.shape[::-1] != size:
        raise ImageError(f"{path}: it has another size than when it was opened")
    return pixels
