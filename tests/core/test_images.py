"""Reading images: every kind of photograph comes out grey and upright, every bad file as one clear
line."""

import io
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

import ocrkit.images
from ocrkit import ImageError, read_image
from ocrkit.images import image_size, png
from ocrkit.images.kinds import FORMATS

EXIF_ORIENTATION = 0x0112
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encoded(pixels, fmt="PNG", **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def noise(*shape, seed=0, dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def opencv(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png_of(width, height, idat):
    """A PNG whose checksums are right, whatever its contents."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


GREY_PNG = encoded(noise(23, 40))
SMOOTH = cv2.GaussianBlur(noise(61, 83, 3), (9, 9), 3)
COLOUR_JPEG = encoded(SMOOTH, "JPEG")


def error_of(source):
    with pytest.raises(ImageError) as caught:
        read_image(source)
    message = str(caught.value)
    assert "\n" not in message
    return message


# --------------------------------------------------------------------------------------------- grey


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_grey_png_is_read_exactly(pixels):
    read = read_image(encoded(pixels))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, pixels)


def test_a_path_a_string_and_bytes_read_the_same_and_as_opencv_does(tmp_path):
    path = tmp_path / "word.png"
    path.write_bytes(GREY_PNG)
    expected = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    for source in (path, str(path), GREY_PNG):
        np.testing.assert_array_equal(read_image(source), expected)


def test_a_palette_of_greys_is_read_exactly():
    pixels = noise(20, 30) // 16 * 17
    palette = Image.fromarray(pixels).quantize(16)
    assert palette.mode == "P"
    np.testing.assert_array_equal(read_image(encoded(palette)), pixels)


def test_one_bit_becomes_black_and_white():
    bits = noise(9, 21) > 100
    for fmt, options in (("PNG", {}), ("TIFF", {"compression": "group4"}), ("BMP", {})):
        np.testing.assert_array_equal(
            read_image(encoded(Image.fromarray(bits), fmt, **options)), np.where(bits, 255, 0)
        )


# ------------------------------------------------------------------------------------------- colour


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("L", {}),
        ("1", {}),
        ("RGB", {}),
        ("P", {}),
        ("P", {"bits": 4}),
        ("P", {"bits": 2}),
        ("P", {"bits": 1}),
    ],
)
def test_a_plain_png_is_read_as_the_same_with_a_comment(mode, options):
    """OpenCV decodes it, as Pillow does, which decodes all others."""
    colours = 2 ** options.get("bits", 8)
    image = Image.fromarray(SMOOTH)
    image = image.quantize(colours) if mode == "P" else image.convert(mode)
    plain = encoded(image, **options)
    assert png.contents(plain).plain_size() == image.size
    commented = plain[:-12] + chunk(b"tEXt", b"Comment\0none") + plain[-12:]
    assert png.contents(commented).data == plain
    by_pillow = np.array(Image.open(io.BytesIO(plain)).convert("RGB"))
    np.testing.assert_array_equal(read_image(plain), cv2.cvtColor(by_pillow, cv2.COLOR_RGB2GRAY))
    np.testing.assert_array_equal(read_image(plain), read_image(commented))


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_plain_grey_of_every_depth_is_scaled_to_8_bits(depth):
    values = noise(7, 16) >> (8 - depth)
    bits = np.unpackbits(values[..., None], axis=2)[:, :, 8 - depth :]
    rows = np.packbits(bits.reshape(7, -1), axis=1)
    header = struct.pack(">IIBBBBB", 16, 7, depth, 0, 0, 0, 0)
    idat = zlib.compress(np.insert(rows, 0, 0, axis=1).tobytes())
    data = PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", idat) + chunk(b"IEND", b"")
    assert png.contents(data).plain_size() == (16, 7)
    np.testing.assert_array_equal(read_image(data), values * (255 // (2**depth - 1)))


@pytest.mark.parametrize(
    ("fmt", "options"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True})]
)
def test_colour_becomes_luma(fmt, options):
    pixels = noise(31, 17, 3)
    data = encoded(pixels, fmt, **options)
    np.testing.assert_allclose(read_image(data), pixels @ [0.299, 0.587, 0.114], atol=0.51)
    np.testing.assert_allclose(read_image(data).astype(int), opencv(data), atol=1)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "quality": 95}])
def test_colour_jpeg_is_read_as_opencv_does(options):
    data = encoded(noise(61, 83, 3), "JPEG", **options)
    np.testing.assert_array_equal(read_image(data), opencv(data))


@pytest.mark.parametrize("fmt", ["JPEG", "TIFF"])
def test_cmyk(fmt):
    luma = SMOOTH @ [0.299, 0.587, 0.114]
    difference = read_image(encoded(Image.fromarray(SMOOTH).convert("CMYK"), fmt)) - luma
    assert np.abs(difference).mean() < 3


# -------------------------------------------------------------------------------------------- alpha


@pytest.mark.parametrize(("opacity", "expected"), [(0, 255), (255, 40), (128, 147)])
@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_pixels_show_white_paper(channels, opacity, expected):
    pixels = np.full((5, 7, channels + 1), 40, np.uint8)
    pixels[:, :, -1] = opacity
    np.testing.assert_array_equal(read_image(encoded(pixels)), np.full((5, 7), expected))


def test_a_transparent_palette_entry_and_a_transparent_grey_show_white_paper():
    indices = np.array([[0, 1, 2]], np.uint8)
    palette = Image.frombytes("P", (3, 1), indices.tobytes())
    palette.putpalette([0, 0, 0, 10, 10, 10, 20, 20, 20])
    assert read_image(encoded(palette, transparency=1)).tolist() == [[0, 255, 20]]
    assert read_image(encoded(np.array([[0, 10, 20]], np.uint8), transparency=10)).tolist() == [
        [0, 255, 20]
    ]


# ------------------------------------------------------------------------------------------ 16 bits


@pytest.mark.parametrize("fmt", ["PNG", "TIFF"])
def test_16_bits_are_scaled_to_8(fmt):
    values = np.concatenate(
        [noise(200, dtype=np.uint16), [0, 65535, 128, 129, 65406, 65407]]
    ).astype(np.uint16)[None]
    read = read_image(encoded(values, fmt))
    np.testing.assert_array_equal(read, np.rint(values / 257).astype(np.uint8))


def test_16_bits_of_colour_are_scaled_to_8():
    values = noise(8, 9, 3, dtype=np.uint16)
    data = cv2.imencode(".png", values)[1].tobytes()
    np.testing.assert_allclose(
        read_image(data), values[:, :, ::-1] / 257 @ [0.299, 0.587, 0.114], atol=1.6
    )


@pytest.mark.parametrize(
    "pixels", [np.full((3, 3), 0.5, np.float32), np.full((3, 3), 70_000, np.int32)]
)
def test_more_than_16_bits_are_refused(pixels):
    assert "more than 16 bits" in error_of(encoded(pixels, "TIFF"))


# ----------------------------------------------------------------------------------- EXIF and pages

UPRIGHT = {  # from where EXIF says that the stored first row and column belong
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    ("fmt", "options"),
    [("PNG", {}), ("TIFF", {}), ("JPEG", {"quality": 100}), ("WEBP", {"lossless": True})],
)
def test_exif_turns_the_image_upright(tmp_path, fmt, options, orientation):
    stored = cv2.resize(noise(3, 5), (40, 24), interpolation=cv2.INTER_NEAREST)
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    path = tmp_path / "picture"
    path.write_bytes(encoded(stored, fmt, exif=exif, **options))
    read = read_image(path)
    expected = UPRIGHT[orientation](stored)
    assert read.shape == expected.shape
    assert image_size(path) == read.shape[::-1]
    np.testing.assert_allclose(read, expected, atol=4 if fmt == "JPEG" else 0)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0no EXIF at all", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12"]
)
@pytest.mark.parametrize("fmt", ["PNG", "WEBP"])
def test_broken_exif_is_passed_over(fmt, exif):
    pixels = noise(4, 6)
    data = encoded(pixels, fmt, exif=exif, **({"lossless": True} if fmt == "WEBP" else {}))
    np.testing.assert_array_equal(read_image(data), pixels)


@pytest.mark.parametrize("fmt", ["GIF", "TIFF", "PNG"])
def test_of_several_pages_the_first_is_read(fmt):
    pages = [Image.fromarray(np.full((6, 8), level, np.uint8)) for level in (51, 255)]
    np.testing.assert_array_equal(
        read_image(encoded(pages[0], fmt, save_all=True, append_images=pages[1:])),
        np.full((6, 8), 51),
    )


@pytest.mark.parametrize("fmt", ["GIF", "BMP", "TIFF", "PNG", "JPEG", "WEBP"])
def test_a_size_is_told_of_a_header_alone(tmp_path, fmt):
    path = tmp_path / "picture"
    path.write_bytes(encoded(noise(60, 80), fmt))
    assert image_size(path) == (80, 60)
    for data, message in ((b"", "empty file"), (b"no image", "not an image")):
        path.write_bytes(data)
        with pytest.raises(ImageError, match=message):
            image_size(path)


# ------------------------------------------------------------------------------------------- errors


def test_messages_say_which_file_and_what_is_wrong(tmp_path):
    text, empty = tmp_path / "text.png", tmp_path / "empty.png"
    text.write_text("<html>Please log in</html>")
    empty.touch()
    missing = tmp_path / "missing.png"
    assert error_of(missing) == f"{missing}: No such file or directory"
    assert error_of(tmp_path) == f"{tmp_path}: not a file; expected an image"
    assert error_of(empty) == f"{empty}: empty file"
    assert error_of(text) == f"{text}: a web page, not an image; download the image itself"
    assert error_of(b"") == "<bytes>: empty file"
    assert error_of("a\0b").endswith("embedded null byte")


def test_a_pipe_is_read_where_somebody_writes_to_it_and_is_not_waited_for(tmp_path, monkeypatch):
    """In a folder of images it would be the end of the batch."""
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    assert error_of(pipe) == f"{pipe}: empty file"
    image = noise(6, 8)
    writer, set_blocking = os.open(pipe, os.O_RDWR), os.set_blocking
    os.write(writer, encoded(image))
    # The writer leaves as soon as the pipe is open for reading.
    monkeypatch.setattr(os, "set_blocking", lambda *how: (set_blocking(*how), os.close(writer)))
    np.testing.assert_array_equal(read_image(pipe), image)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "locked.png"
    path.write_bytes(GREY_PNG)
    path.chmod(0)
    assert error_of(path) == f"{path}: Permission denied"


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "large.png"
    path.write_bytes(GREY_PNG)
    monkeypatch.setattr(ocrkit.images, "MAX_BYTES", len(GREY_PNG) - 1)
    assert error_of(path).startswith(f"{path}: {len(GREY_PNG):,} bytes; the limit is ")


@given(st.integers(0, len(GREY_PNG) - 1))
def test_a_png_cut_off_anywhere_is_refused(end):
    assert error_of(GREY_PNG[:end])


@given(st.integers(0, len(GREY_PNG) - 1), st.integers(1, 255))
def test_a_png_with_one_wrong_byte_is_refused(position, change):
    damaged = bytearray(GREY_PNG)
    damaged[position] ^= change
    assert error_of(bytes(damaged))


@given(st.integers(0, len(COLOUR_JPEG) - 1))
def test_a_jpeg_cut_off_anywhere_is_refused(end):
    assert error_of(COLOUR_JPEG[:end])


@pytest.mark.parametrize("fmt", ["TIFF", "BMP", "WEBP", "GIF"])
def test_other_formats_cut_off_in_the_middle_are_refused(fmt):
    data = encoded(SMOOTH, fmt)
    assert "damaged" in error_of(data[: len(data) // 2])


@given(st.sampled_from(list(FORMATS)), st.binary(max_size=200))
def test_rubbish_behind_a_signature_is_one_line(magic, rubbish):
    error_of(magic + rubbish)


@pytest.mark.parametrize(
    "idat",
    [
        zlib.compress(bytes(50)),
        b"not deflated",
        zlib.compress(b"\x07" * 110),
        zlib.compress(bytes(110))[:-8],
    ],
    ids=["too little", "not deflated", "unknown filter", "cut off"],
)
def test_a_png_of_right_checksums_and_wrong_contents_is_refused(idat):
    assert "damaged" in error_of(png_of(10, 10, idat))


@pytest.mark.parametrize(
    ("width", "height"), [(30_000, 30_000), (10_000, 10_000), (2**31 - 1, 2**31 - 1)]
)
def test_a_tiny_file_of_a_huge_image_is_refused_by_its_header(tmp_path, width, height):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of(width, height, zlib.compress(bytes(1000))))
    assert (
        error_of(path)
        == f"{path}: {width:,} × {height:,} pixels; the limit is 50,000,000 pixels in all; scale it down"  # noqa: E501
    )


@pytest.mark.parametrize("fmt", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF"])
def test_the_limit_holds_for_every_format(monkeypatch, fmt):
    monkeypatch.setattr(ocrkit.images, "MAX_PIXELS", 100)
    assert read_image(encoded(noise(10, 10), fmt)).shape == (10, 10)
    assert "11 × 10 pixels" in error_of(encoded(noise(10, 11), fmt))


def test_nothing_is_written_to_standard_error(capfd):
    bad = [
        b"text",
        GREY_PNG[:-30],
        COLOUR_JPEG[:-30],
        png_of(10, 10, b"x"),
        png_of(30_000, 30_000, b"x"),
        png_of(
            10, 10, zlib.compress(bytes(99) + b"\x05" + bytes(10))
        ),  # a filter that there is not, in the last row
        encoded(SMOOTH, "TIFF")[:-9],
    ]
    for data in bad:
        error_of(data)
    captured = capfd.readouterr()
    assert captured.err == captured.out == ""


# ------------------------------------------------------------------------------------------ threads


def test_several_threads_read_what_one_reads():
    sources = [
        encoded(noise(20 + seed, 30, seed=seed), "PNG" if seed % 2 else "TIFF")
        for seed in range(40)
    ]
    with ThreadPoolExecutor(8) as threads:
        for seed, read in enumerate(threads.map(read_image, sources * 3)):
            np.testing.assert_array_equal(read, noise(20 + seed % 40, 30, seed=seed % 40))


def test_iam_words_are_read_as_by_the_seed_notebook(real_iam):
    paths = [
        path for path in sorted(real_iam.glob("words/*/*/*.png"))[::200] if path.stat().st_size
    ]
    assert paths
    for path in paths:
        np.testing.assert_array_equal(
            read_image(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), err_msg=path.name
        )
