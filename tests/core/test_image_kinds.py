"""Files that ocrkit does not read are called by what they are, and folders of images are read
whole, links and all."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrkit import ImageError, read_image
from ocrkit.images import find_images
from ocrkit.images.kinds import EXTENSIONS, FOREIGN_EXTENSIONS, passed_over

GREY = Image.fromarray(np.full((6, 8), 90, np.uint8))


def encoded(image, fmt, **options):
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def media(major, *brands):
    """The box that files of HEIC, AVIF, CR3 and MP4 begin with."""
    content = major + b"\0\0\0\0" + b"".join(brands)
    return struct.pack(">I", 8 + len(content)) + b"ftyp" + content + bytes(40)


KINDS = {
    "a HEIC image; convert it to PNG or JPEG": [
        media(b"heic", b"mif1", b"heic"),
        media(b"mif1", b"mif1", b"heic"),
        media(b"heix", b"heix"),
    ],
    "an AVIF image; convert": [
        media(b"avif", b"mif1", b"avif"),
        media(b"mif1", b"mif1", b"miaf", b"avif"),
    ],
    "a camera's raw image; convert": [
        media(b"crx ", b"crx "),
        b"II*\0\x10\0\0\0CR\2\0" + bytes(99),
        b"FUJIFILMCCD-RAW 0201",
    ],
    "a video;": [media(b"isom", b"mp41"), media(b"qt  ")],
    "a JPEG 2000 image; convert": [encoded(GREY, "JPEG2000"), b"\xff\x4f\xff\x51" + bytes(20)],
    "a JPEG XL image; convert": [b"\xff\x0a" + bytes(20), b"\0\0\0\x0cJXL \r\n\x87\n"],
    "a PBM image; convert": [encoded(GREY.convert("1"), "PPM"), b"P1\n# by hand\n2 2\n0 1 1 0\n"],
    "a PGM image; convert": [encoded(GREY, "PPM"), b"P2 2 2 255 0 1 2 3"],
    "a PPM image; convert": [encoded(GREY.convert("RGB"), "PPM")],
    "a TGA image; convert": [
        encoded(GREY, "TGA"),
        encoded(GREY.convert("RGB").resize((256, 256)), "TGA", compression="tga_rle"),
        encoded(GREY.convert("P"), "TGA"),
        encoded(GREY.convert("RGBA"), "TGA")[:-26],
    ],
    "a PDF document; save its pages as PNG": [
        encoded(GREY, "PDF"),
        b"\n\njunk" + encoded(GREY, "PDF"),
    ],
    "a PostScript document;": [encoded(GREY, "EPS")],
    "a DjVu document;": [b"AT&TFORM\0\0\1\0DJVUINFO"],
    "an SVG drawing; save it as PNG": [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn -->\n<svg/>",
    ],
    "an icon; convert": [
        encoded(GREY, "ICO"),
        encoded(GREY.convert("RGBA").resize((64, 64)), "ICNS"),
    ],
    "a PCX image; convert": [encoded(GREY, "PCX")],
    "an XBM image; convert": [encoded(GREY.convert("1"), "XBM")],
    "a Photoshop image; convert": [b"8BPS\0\1" + bytes(20)],
    "a DICOM image; convert": [bytes(128) + b"DICM" + bytes(20)],
    "a web page, not an image; download": [
        b"<html>Please log in</html>",
        b"\r\n <!DOCTYPE HTML>\n<title>",
        b"<!doctype html>",
    ],
    "a Git LFS pointer, not an image; get": [
        b"version https://git-lfs.github.com/spec/v1\noid sha256:1234\n"
    ],
    "not an image; expected PNG, JPEG, TIFF, BMP, WebP or GIF": [
        b"text",
        b"P. S. I love you",
        b"P5 is my favourite",
        b"RIFF\0\0\0\0AVI LIST",
        b"PK\3\4",
        bytes(100),
        bytes(range(256)),
        b"\x7fELF" + bytes(90),
        "Ünïcode".encode("utf-16"),
    ],
}


@pytest.mark.parametrize(
    ("said", "data"), [(said, data) for said, files in KINDS.items() for data in files]
)
@pytest.mark.parametrize("ending", [".jpg", ""])
def test_the_content_says_what_a_file_is_whatever_it_is_called(tmp_path, said, data, ending):
    path = tmp_path / f"word{ending}"
    path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read_image(path)
    assert str(caught.value).startswith(f"{path}: {said}")


# ------------------------------------------------------------------------------------------ folders


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "letters"


def put(path, data=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(GREY, "PNG") if data is None else data)


def found(folder):
    return [path.relative_to(folder).as_posix() for path in find_images(folder)]


@pytest.mark.parametrize("ending", ["JPG", "jfif", "jpe", "jif", "Tiff", "dib", "apng", "webp"])
def test_every_usual_ending_is_an_images(folder, ending):
    put(folder / f"word.{ending}")
    assert found(folder) == [f"word.{ending}"]


def test_images_of_other_formats_are_counted_and_named(folder, caplog):
    for name in ("a.heic", "b/c.HEIC", "d.pdf", "e.png", "notes.txt", "f.gt.txt", ".hidden.heic"):
        put(folder / name)
    assert found(folder) == ["e.png"]
    assert caplog.messages == [
        (
            f"ocrkit: WARNING: {folder}: 2 .heic files are of no format that ocrkit reads; convert "
            "them to PNG or JPEG"
        ),
        (
            f"ocrkit: WARNING: {folder}: 1 .pdf file is of no format that ocrkit reads; convert it to "  # noqa: E501
            "PNG or JPEG"
        ),
    ]


def test_no_ending_is_read_and_not_read():
    assert not set(EXTENSIONS) & set(FOREIGN_EXTENSIONS)
    assert (
        passed_over(f"x{ending}" for ending in EXTENSIONS)
        == passed_over(["heic", "", ".", "x.txt"])
        == []
    )


def test_links_to_folders_are_followed(folder, tmp_path):
    put(folder / "a.png")
    put(tmp_path / "elsewhere" / "b.png")
    put(tmp_path / "elsewhere" / "deep" / "c.png")
    (folder / "train").symlink_to(tmp_path / "elsewhere")
    (folder / "val").symlink_to(Path("train"))
    assert found(folder) == [
        "a.png",
        "train/b.png",
        "train/deep/c.png",
        "val/b.png",
        "val/deep/c.png",
    ]


def test_links_that_lead_back_end_there(folder):
    put(folder / "a" / "x.png")
    (folder / "a" / "up").symlink_to(folder)
    (folder / "a" / "here").symlink_to(folder / "a")
    (folder / "itself").symlink_to(folder / "itself")
    (folder / "b").symlink_to(folder / "a")
    assert found(folder) == ["a/x.png", "b/x.png"]


def test_a_link_to_nothing_is_an_image_that_is_missing(folder):
    put(folder / "a.png")
    (folder / "b.png").symlink_to(folder / "gone.png")
    assert found(folder) == ["a.png", "b.png"]


def test_a_folder_that_is_named_like_an_image_is_a_folder(folder):
    put(folder / "a.png" / "b.png")
    assert found(folder) == ["a.png/b.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_is_named(folder, caplog):
    put(folder / "a.png")
    (folder / "locked").mkdir(mode=0)
    assert found(folder) == ["a.png"]
    assert caplog.messages == [f"ocrkit: WARNING: {folder / 'locked'}: Permission denied"]
