"""How large the sheet is that an image shows."""

import io
from pathlib import Path
from typing import BinaryIO

from ocrkit.errors import ImageError
from ocrkit.support.files import open_regular

_BELIEVED = (36.0, 4800.0)
"""Pixels per inch; what says less or more does not know."""


def resolution_of(picture: Path | bytes) -> float | None:
    """Pixels per inch that an image file says that it has, by its path or its bytes, of an image
    that has been read; no pixel is decoded. None where it says nothing that can be believed."""
    from PIL import Image as Pillow

    try:
        with _opened(picture) as file, Pillow.open(file) as image:
            said = float(image.info.get("dpi", (0,))[0])
    except Exception:  # noqa: BLE001  (a format's parser raises whatever it trips over)
        return None
    low, high = _BELIEVED
    return said if low <= said <= high else None


def _opened(picture: Path | bytes) -> BinaryIO:
    if isinstance(picture, bytes):
        return io.BytesIO(picture)
    return open_regular(picture, ImageError, "an image")
