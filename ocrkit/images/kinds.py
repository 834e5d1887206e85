"""What kind of file some bytes are: an image that ocrkit reads, or one whose kind it can name."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

EXTENSIONS = (
    ".png",
    ".apng",
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jif",
    ".jfif",
    ".jfi",
    ".pjpeg",
    ".pjp",
    ".tif",
    ".tiff",
    ".bmp",
    ".dib",
    ".webp",
    ".gif",
)
"""What the names of image files that ocrkit reads end with, in small letters."""
FOREIGN_EXTENSIONS = (
    ".heic",
    ".heif",
    ".hif",
    ".avif",
    ".jp2",
    ".j2k",
    ".jpx",
    ".jpf",
    ".jxl",
    ".jxr",
    ".pgm",
    ".pbm",
    ".ppm",
    ".pnm",
    ".pam",
    ".pfm",
    ".tga",
    ".svg",
    ".svgz",
    ".pdf",
    ".ps",
    ".eps",
    ".djvu",
    ".djv",
    ".psd",
    ".xcf",
    ".ico",
    ".pcx",
    ".xbm",
    ".xpm",
    ".exr",
    ".hdr",
    ".dcm",
    ".jbig2",
    ".jb2",
    ".qoi",
    ".cr2",
    ".cr3",
    ".nef",
    ".arw",
    ".dng",
    ".orf",
    ".rw2",
    ".raf",
)
"""Those of images, and of documents with images in them, that it does not read."""

# The formats' own classes, not Image.open: no other parser sees untrusted bytes, and the limit on
# the size is ours alone. Each is imported when the first file of its kind comes.
FORMATS = {
    b"\x89PNG\r\n\x1a\n": "Png",
    b"\xff\xd8\xff": "Jpeg",
    b"II*\x00": "Tiff",
    b"MM\x00*": "Tiff",
    b"II+\x00\x08\x00\x00\x00": "Tiff",  # BigTIFF
    b"BM": "Bmp",
    b"RIFF": "WebP",
    b"GIF8": "Gif",
}

_IMAGE, _DOCUMENT = "convert it to PNG or JPEG", "save its pages as PNG"
_FOREIGN = (
    (
        rb"II\*\x00.{4}CR|IIR[OS]|IIU\x00|FUJIFILMCCD-RAW|.{4}ftypcrx ",
        "a camera's raw image",
        _IMAGE,
    ),
    (rb".{4}ftypavi[fs]|.{4}ftyp.{8,60}avif", "an AVIF image", _IMAGE),
    (rb".{4}ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", "a HEIC image", _IMAGE),
    (rb".{4}ftyp", "a video", "save a picture of it as PNG or JPEG"),
    (rb"\x00{3}\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 image", _IMAGE),
    (rb"\x00{3}\x0cJXL |\xff\x0a", "a JPEG XL image", _IMAGE),
    (rb"MM\x00\+", "a big-endian BigTIFF image", _IMAGE),
    (rb"II\xbc\x01", "a JPEG XR image", _IMAGE),
    (rb"P[14]\s+[#\d]", "a PBM image", _IMAGE),
    (rb"P[25]\s+[#\d]", "a PGM image", _IMAGE),
    (rb"P[36]\s+[#\d]", "a PPM image", _IMAGE),
    (rb"P7\s+[#A-Z]", "a PAM image", _IMAGE),
    (rb"P[fF]\s+\d", "a PFM image", _IMAGE),
    (rb".{0,1000}%PDF-\d", "a PDF document", _DOCUMENT),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript document", _DOCUMENT),
    (rb"AT&TFORM", "a DjVu document", _DOCUMENT),
    (rb"8BPS", "a Photoshop image", _IMAGE),
    (rb"gimp xcf", "a GIMP image", _IMAGE),
    (rb"\x00\x00[\x01\x02]\x00[^\x00]\x00|icns", "an icon", _IMAGE),
    (rb"\x0a[\x00\x02-\x05]\x01[\x01\x02\x04\x08]", "a PCX image", _IMAGE),
    (rb"v/1\x01", "an OpenEXR image", _IMAGE),
    (rb"#\?(RADIANCE|RGBE)", "a Radiance image", _IMAGE),
    (rb".{128}DICM", "a DICOM image", _IMAGE),
    (rb"\x97JB2", "a JBIG2 image", _IMAGE),
    (rb"qoif", "a QOI image", _IMAGE),
    (rb"/\* XPM \*/", "an XPM image", _IMAGE),
    (rb"\s*#define \w+_width\s+\d", "an XBM image", _IMAGE),
    (
        rb"(\xef\xbb\xbf)?\s*<(svg|\?xml.{0,4000}<svg|!DOCTYPE svg)",
        "an SVG drawing",
        "save it as PNG",
    ),
    (
        rb"(\xef\xbb\xbf)?\s*(?i:<!doctype html|<html|<head|<body)",
        "a web page, not an image",
        "download the image itself",
    ),
    (
        rb"version https://git-lfs",
        "a Git LFS pointer, not an image",
        "get the image itself with git lfs pull",
    ),
    # TGA has no mark at its beginning: kinds, an empty colour map or one, the size, the bits of a
    # pixel, flags.
    (
        rb".(\x00[\x02\x03\x0a\x0b]\x00{5}|\x01[\x01\x09].{5}).{4}(?!\x00\x00)..(?!\x00\x00)..[\x08\x0f\x10\x18\x20][\x00-\x3f]",
        "a TGA image",
        _IMAGE,
    ),
)


def pillow_class(data: bytes) -> str | None:
    """``Png``, ``Jpeg``, …: whose class of Pillow's reads a file; None for one that ocrkit does not
    read."""
    is_raw = data.startswith(b"II*") and data[8:10] == b"CR"
    is_film = data.startswith(b"RIFF") and data[8:12] != b"WEBP"
    if is_raw or is_film:  # which begin like TIFF and like WebP
        return None
    return next((kind for magic, kind in FORMATS.items() if data.startswith(magic)), None)


def foreign(data: bytes) -> str:
    """What a file is that ocrkit does not read, and what to do: ``a HEIC image; convert it to PNG
    or JPEG``. Or nothing."""
    start = data[:5000]
    for pattern, kind, remedy in _FOREIGN:
        if re.match(pattern, start, re.DOTALL):
            return f"{kind}; {remedy}"
    return ""


def passed_over(names: Iterable[str]) -> list[str]:
    """``2 .heic files are of no format that ocrkit reads; convert them to PNG or JPEG``, for each
    ending there is of those."""
    endings = (PurePath(name).suffix.lower() for name in names)
    counts = Counter(ending for ending in endings if ending in FOREIGN_EXTENSIONS)
    return [
        f"{count:,} {ending} file{'s are' if count > 1 else ' is'} of no format that ocrkit reads; "
        f"convert {'them' if count > 1 else 'it'} to PNG or JPEG"
        for ending, count in sorted(counts.items())
    ]
