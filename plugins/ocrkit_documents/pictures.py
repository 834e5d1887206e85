"""Pictures as PDF has them: without loss, and a JPEG as it is."""

import io
from dataclasses import dataclass
from pathlib import Path

import img2pdf
import numpy as np
from PIL import Image as Pillow

from ocrkit import ImageError, read_image
from ocrkit.images import MAX_BYTES, orientation_of, resolution_of
from ocrkit.interfaces import Picture
from ocrkit.support.files import read_bytes


@dataclass(frozen=True, slots=True)
class PdfPicture:
    """A picture in a PDF of its own."""

    pdf: bytes
    orientation: int
    """How it is turned there, 1 to 8 as EXIF's tag of this name says."""
    dpi: float | None
    """Its resolution, where it says one."""


def pdf_picture(picture: Picture | None) -> PdfPicture:
    """The picture in a PDF. Raises ImageError where there is none, or it cannot be read."""
    if picture is None:
        raise ImageError("a page without its picture; expected one")
    name = "<bytes>"
    if isinstance(picture, np.ndarray):
        return PdfPicture(_converted(_png(Pillow.fromarray(picture))), 1, None)
    if isinstance(picture, Path):
        name = str(picture)
        picture = read_bytes(picture, ImageError, "an image", most=MAX_BYTES)
    try:
        turned = orientation_of(picture)
    except ImageError as error:
        raise ImageError(str(error).replace("<bytes>", name, 1)) from None
    dpi = resolution_of(picture)
    try:
        with Pillow.open(io.BytesIO(picture)) as opened:
            if opened.has_transparency_data:
                picture = _png(_on_white(opened))
        pdf = _converted(picture)
    except Exception:  # noqa: BLE001  (a kind without a place in PDF, 16 bits, or damaged: then
        # what ocrkit sees of it, or why it sees nothing)
        try:
            pdf = _converted(_png(Pillow.fromarray(read_image(picture))))
        except ImageError as error:
            raise ImageError(str(error).replace("<bytes>", name, 1)) from None
        return PdfPicture(pdf, 1, dpi)
    return PdfPicture(pdf, turned, dpi)


def _converted(data: bytes) -> bytes:
    any_size = img2pdf.get_layout_fun(pagesize=(100, 100))
    made: bytes = img2pdf.convert(
        data,
        layout_fun=any_size,
        rotation=img2pdf.Rotation.none,
        first_frame_only=True,
        nodate=True,
    )
    return made


def _on_white(image: Pillow.Image) -> Pillow.Image:
    coloured = image.convert("RGBA")
    paper = Pillow.new("RGBA", coloured.size, "white")
    return Pillow.alpha_composite(paper, coloured).convert("RGB")


def _png(image: Pillow.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
