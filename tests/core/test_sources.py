"""Images as programs have them: read like the file that they are from, or refused in one short
line."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

import ocrkit
from ocrkit import ImageError
from ocrkit.images.sources import pixels_of

GREY = np.random.default_rng(0).integers(0, 256, (5, 7), np.uint8)
RGB = np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8)
OPACITY = np.random.default_rng(2).integers(0, 256, (5, 7, 1), np.uint8)
RGBA = np.concatenate([RGB // 2, OPACITY], axis=2)


def png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(array).save(file, "png")
    return file.getvalue()


def turned(array: np.ndarray) -> bytes:
    """A file of the image that lies on its side, and says so."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Pillow.fromarray(np.rot90(array)).save(file, "png", exif=exif)
    return file.getvalue()


def written(folder: Path, content: bytes) -> Path:
    path = folder / "image.png"
    path.write_bytes(content)
    return path


FORMS: dict[str, Callable[[Path, bytes], Any]] = {
    "path": written,
    "text": lambda folder, content: str(written(folder, content)),
    "bytes": lambda _, content: content,
    "bytearray": lambda _, content: bytearray(content),
    "memoryview": lambda _, content: memoryview(content),
    "file in memory": lambda _, content: io.BytesIO(content),
    "open file": lambda folder, content: written(folder, content).open("rb"),
    "PIL image that is not decoded yet": lambda _, content: Pillow.open(io.BytesIO(content)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "content", [png(GREY), png(RGB), png(RGBA), png(GREY > 100), turned(GREY)],
    ids=["grey", "colour", "transparent", "one bit", "turned"],
)  # fmt: skip
def test_an_image_is_the_same_in_every_form(form: str, content: bytes, tmp_path: Path) -> None:
    source = FORMS[form](tmp_path, content)
    expected = ocrkit.read_image(content)
    assert expected.shape == (5, 7)
    assert pixels_of(source).tolist() == expected.tolist()
    assert pixels_of(source).tolist() == expected.tolist(), "the first time has changed it"
    if hasattr(source, "close"):
        source.close()


def test_pixels_are_those_of_a_file_of_them() -> None:
    for array in (GREY, RGB, RGBA, GREY > 100):
        expected = ocrkit.read_image(png(array)).tolist()
        before = array.copy()
        assert pixels_of(array).tolist() == expected
        assert pixels_of(np.asfortranarray(array)).tolist() == expected
        assert pixels_of(np.repeat(array, 2, axis=1)[:, ::2]).tolist() == expected
        assert pixels_of(array[::-1])[::-1].tolist() == expected
        frozen = array.copy()
        frozen.setflags(write=False)
        assert pixels_of(frozen).tolist() == expected
        assert np.array_equal(array, before)
    assert pixels_of(GREY[:, :, None]).tolist() == GREY.tolist()
    assert pixels_of(cv2.cvtColor(GREY, cv2.COLOR_GRAY2RGB)).tolist() == GREY.tolist()


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I;16", "I"]
)
def test_pil_images_of_every_mode_are_read_and_stay_as_they_are(mode: str) -> None:
    image = Pillow.fromarray(RGB).convert(
        "L" if mode.startswith("I") else "RGB" if mode == "PA" else mode
    )
    image = image.convert("P").convert(mode) if mode == "PA" else image.convert(mode)
    before = image.tobytes(), image.mode, dict(image.info)
    assert pixels_of(image).shape == (5, 7)
    assert (image.tobytes(), image.mode, dict(image.info)) == before


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.png", r"nowhere\.png: No such file"),
        (b"text", "<bytes>: not an image"),
        (bytearray(9), "<bytes>: not an image"),
        (
            np.zeros((4, 4), np.float32),
            r"an array float32 \(4, 4\); expected pixels uint8: grey \(height, width\), RGB",
        ),
        (np.zeros((4, 4), np.uint16), r"an array uint16 \(4, 4\); expected pixels uint8"),
        (np.zeros((4, 4, 2), np.uint8), r"an array uint8 \(4, 4, 2\)"),
        (np.zeros((3, 40, 40), np.uint8), r"an array uint8 \(3, 40, 40\)"),
        (np.zeros((4, 4, 3), np.bool_), r"an array bool \(4, 4, 3\)"),
        (np.zeros((0, 4), np.uint8), r"an array uint8 \(0, 4\)"),
        (np.zeros(4, np.uint8), r"an array uint8 \(4,\)"),
        (None, "None, which OpenCV's imread gives for a file that it cannot read; expected a path"),
        (
            [[1, 2], [3, 4]],
            r"^list; expected a path, an image file's bytes, an open file, a PIL image, or pixels",
        ),
        (7, r"^int; expected a path"),
        (io.StringIO("text"), "a file that is open as text; open it with mode 'rb'"),
        (io.BytesIO(b""), "<bytes>: empty file"),
        (Pillow.new("L", (0, 3)), "a PIL image of 0 × 3 pixels"),
        (
            Pillow.new("L", (60_000, 1_000)),
            "a PIL image of 60,000 × 1,000 pixels; the limit is 50,000,000",
        ),
        (Pillow.open(io.BytesIO(png(RGB)[:-30])), "a PIL image that cannot be read"),
        (
            Pillow.fromarray(np.full((4, 4), 0.5, np.float32)),
            "a PIL image that cannot be read: more than 16 bits",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_image_is_one_short_line(source: Any, message: str) -> None:
    with pytest.raises(ImageError, match=message) as caught:
        pixels_of(source)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_closed_file_is_one_short_line(tmp_path: Path) -> None:
    with written(tmp_path, png(GREY)).open("rb") as file:
        pass
    with pytest.raises(ImageError, match="an open file that cannot be read: "):
        pixels_of(file)


def test_reading_pixels_imports_no_pillow() -> None:
    script = (
        "import sys, numpy as np; from ocrkit.images.sources import pixels_of\n"
        "pixels_of(np.zeros((3, 3, 3), np.uint8)); assert not [name for name in sys.modules if "
        "name.startswith('PIL')]"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
