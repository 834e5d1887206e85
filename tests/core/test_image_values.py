"""Images whose values mean something else than usual: 16 bits of which few are used, white as zero,
transparent ink."""

import contextlib
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ocrkit import ImageError, read_image

WORD = np.full((40, 120), 255, np.uint8)
cv2.putText(WORD, "word", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 2, cv2.LINE_AA)
SHORT, LONG = 3, 4
BITS, PHOTOMETRIC, MAX_SAMPLE = 258, 262, 281


def tiff(values, order="<", *, big=False, **changed):
    """An uncompressed TIFF of values (H, W) or (H, W, 3), with the tags of ``changed``."""
    samples = values.shape[2] if values.ndim == 3 else 1
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    tags = {
        256: (LONG, values.shape[1]),
        257: (LONG, values.shape[0]),
        BITS: (SHORT, 8 * values.itemsize),
        259: (SHORT, 1),
        PHOTOMETRIC: (SHORT, 2 if samples == 3 else 1),
        273: (LONG, None),
        277: (SHORT, samples),
        278: (LONG, values.shape[0]),
        279: (LONG, len(data)),
    }
    tags |= {int(tag[1:]): (SHORT, value) for tag, value in changed.items()}
    mark = b"II" if order == "<" else b"MM"
    if big:
        head = (
            mark + struct.pack(f"{order}HHHQ", 43, 8, 0, 16) + struct.pack(f"{order}Q", len(tags))
        )
        entry, width, end = "HHQ", 8, 8
    else:
        head = mark + struct.pack(f"{order}HIH", 42, 8, len(tags))
        entry, width, end = "HHI", 4, 4
    size = struct.calcsize(f"{order}{entry}") + width
    behind = len(head) + size * len(tags) + end
    directory, more = b"", b""
    for tag, (kind, value) in sorted(tags.items()):
        count = samples if tag == BITS else 1
        packed = struct.pack(
            f"{order}{count}{'H' if kind == SHORT else 'I'}", *[value or 0] * count
        )
        if len(packed) > width:
            packed, more = struct.pack(f"{order}{'Q' if big else 'I'}", behind), packed
        directory += struct.pack(f"{order}{entry}", tag, kind, count) + packed.ljust(width, b"\0")
    start = behind + len(more)
    place = struct.pack(f"{order}I", start)
    strip = struct.pack(f"{order}{entry}", 273, LONG, 1)
    directory = directory.replace(strip + bytes(4), strip + place)
    return head + directory + bytes(end) + more + data


def png(values, **chunks):
    """A PNG of values uint16 (H, W), or (H, W, 3), with these chunks before the pixels."""
    colour = 2 if values.ndim == 3 else 0
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour, 0, 0, 0)
    rows = values.astype(">u2").reshape(len(values), -1)
    idat = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = {"IHDR": header, **chunks, "IDAT": idat, "IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind.encode()
        + content
        + struct.pack(">I", zlib.crc32(kind.encode() + content))
        for kind, content in parts.items()
    )


def encoded(image, fmt="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def test_the_builders_make_what_is_read_already():
    for data in (tiff(WORD), tiff(WORD, ">"), tiff(WORD, t262=0), png(WORD * np.uint16(257))):
        expected = 255 - WORD if data == tiff(WORD, t262=0) else WORD
        np.testing.assert_array_equal(read_image(data), expected)


# --------------------------------------------------------------------------------------------- TIFF


def test_bigtiff_is_read_as_far_as_pillow_reads_it():
    np.testing.assert_array_equal(read_image(tiff(WORD, big=True)), WORD)
    with pytest.raises(ImageError, match="a big-endian BigTIFF image; convert it to PNG or JPEG"):
        read_image(tiff(WORD, ">", big=True))


@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_as_zero_is_white(order, big, dtype):
    """Of 8 bits Pillow says so, of 16 it does not, or refuses."""
    values = (255 - WORD).astype(dtype) * dtype(257 if dtype == np.uint16 else 1)
    np.testing.assert_array_equal(read_image(tiff(values, order, big=big, t262=0)), WORD)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_white_as_zero_is_white_in_compressed_files_too(compression):
    image = Image.fromarray((255 - WORD) * np.uint16(257))
    data = encoded(image, "TIFF", compression=compression, tiffinfo={PHOTOMETRIC: 0})
    np.testing.assert_array_equal(read_image(data), WORD)


def test_an_empty_page_of_white_as_zero_stays_white():
    """Its small values are no sign of few bits: they are paper."""
    values = np.random.default_rng(0).integers(0, 500, (20, 30)).astype(np.uint16)
    assert read_image(tiff(values, t262=0)).min() >= 253


@given(st.binary(max_size=80), st.sampled_from([b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]))
def test_a_directory_of_rubbish_is_one_line(rubbish, magic):
    with pytest.raises(ImageError) as caught:
        read_image(magic + rubbish)
    assert "\n" not in str(caught.value)


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_wrong_byte_in_a_directory_is_no_crash(position, change):
    data = bytearray(tiff(WORD.astype(np.uint16) * np.uint16(257), ">", t262=0))
    data[position] ^= change
    with contextlib.suppress(ImageError):
        assert read_image(bytes(data)).dtype == np.uint8


# ----------------------------------------------------------------------------------------- few bits


def with_bits(bits, dtype=np.uint16):
    """The word in so many bits."""
    return np.rint(WORD / 255 * (2**bits - 1)).astype(dtype)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("encode", [tiff, png])
def test_few_bits_of_16_are_scaled_to_the_whole_range(encode, bits):
    """Cameras and scanners write them without a word: black paper with blacker ink."""
    np.testing.assert_allclose(read_image(encode(with_bits(bits))).astype(int), WORD, atol=1)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("encode", [tiff, png])
def test_few_bits_of_16_in_colour_are_scaled_to_the_whole_range(encode, bits):
    colour = np.repeat(with_bits(bits)[:, :, None], 3, axis=2)
    np.testing.assert_allclose(read_image(encode(colour)).astype(int), WORD, atol=1)


def test_compressed_colour_of_few_bits_too():
    colour = np.repeat(with_bits(12)[:, :, None], 3, axis=2)
    for data in (
        cv2.imencode(".png", colour)[1],
        cv2.imencode(".tif", colour, [cv2.IMWRITE_TIFF_COMPRESSION, 5])[1],
    ):
        np.testing.assert_allclose(read_image(data.tobytes()).astype(int), WORD, atol=1)


@pytest.mark.parametrize(
    "encode",
    [
        lambda values: png(values, sBIT=bytes([12])),
        lambda values: tiff(values, t281=4095),
        lambda values: tiff(values, ">", t281=4095),
    ],
)
def test_what_the_file_says_of_its_white_goes_before_what_it_looks_like(encode):
    """A dark picture of 12 bits stays dark."""
    dark = with_bits(12) // 8
    np.testing.assert_allclose(read_image(encode(dark)).astype(int), WORD // 8, atol=1)


def test_12_bits_packed_are_scaled():
    values = with_bits(12).reshape(-1, 2).astype(np.uint32)
    packed = np.stack(
        [values[:, 0] >> 4, (values[:, 0] & 15) << 4 | values[:, 1] >> 8, values[:, 1] & 255],
        axis=1,
    )
    data = tiff(packed.astype(np.uint8).reshape(40, 180), t258=12).replace(
        struct.pack("<I", 180), struct.pack("<I", 120), 1
    )
    np.testing.assert_allclose(read_image(data).astype(int), WORD, atol=1)


@pytest.mark.parametrize(
    "encode",
    [
        png,
        tiff,
        lambda values: png(
            values, sBIT=bytes([12])
        ),  # as the standard wants it: stretched over all 16 bits
        lambda values: tiff(values, t281=4095),
        lambda values: tiff(values, t281=50000),  # the largest that happens to be there
    ],
)
def test_usual_16_bits_stay_as_they_are(encode):
    values = np.linspace(0, 40000, 400).astype(np.uint16).reshape(20, 20)
    np.testing.assert_array_equal(
        read_image(encode(values)), np.rint(values / 257).astype(np.uint8)
    )


@pytest.mark.parametrize("top", [255, 4095, 65535])
@pytest.mark.parametrize("order", "<>")
def test_32_bits_that_hold_16_or_fewer_are_read(top, order):
    values = np.rint(WORD / 255 * top).astype(np.int32)
    np.testing.assert_allclose(read_image(tiff(values, order, t339=2)).astype(int), WORD, atol=1)


@pytest.mark.parametrize("values", [np.zeros((4, 5), np.uint16), np.full((4, 5), 3, np.uint16)])
def test_black_stays_black(values):
    assert read_image(png(values)).max() <= 3


# ------------------------------------------------------------------------------------- transparency


def test_a_grey_of_16_bits_may_be_the_transparent_one():
    """Its picture in 8 bits shows white paper; the same is expected in 16."""
    values = WORD * np.uint16(257)
    values[WORD == 255] = 0x1234
    values[0, 0] = 0x1235
    read = read_image(png(values, tRNS=struct.pack(">H", 0x1234)))
    assert read[0, 0] == 0x12
    read[0, 0] = 255
    np.testing.assert_array_equal(read, WORD)


def test_a_colour_of_16_bits_may_be_the_transparent_one():
    values = np.repeat(WORD[:, :, None] * np.uint16(257), 3, axis=2)
    values[WORD == 255] = 0x1234, 0x5678, 0x9ABC
    read = read_image(png(values, tRNS=struct.pack(">HHH", 0x1234, 0x5678, 0x9ABC)))
    np.testing.assert_array_equal(read, WORD)


def transparent(colour, opacity=255 - WORD):
    """The word in this colour on transparent ground."""
    pixels = np.zeros((*WORD.shape, 4), np.uint8)
    pixels[:, :, :3] = colour
    pixels[:, :, 3] = opacity
    return Image.fromarray(pixels)


@pytest.mark.parametrize("colour", [(255, 255, 255), (255, 255, 160), (0, 0, 0), (20, 30, 160)])
@pytest.mark.parametrize(
    ("fmt", "options"),
    [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("PNG", {"bits": 16})],
)
def test_ink_on_transparent_ground_is_dark_on_light(colour, fmt, options):
    """White ink, as drawing tablets and dark screens have it, would vanish on white paper."""
    image = transparent(colour)
    if options:
        data = cv2.imencode(
            ".png", cv2.cvtColor(np.array(image), cv2.COLOR_RGBA2BGRA) * np.uint16(257)
        )[1].tobytes()
        data = data if fmt == "PNG" else encoded(image, fmt, **options)
    else:
        data = encoded(image, fmt)
    read = read_image(data).astype(int)
    assert read[0, 0] == 255
    assert read[WORD == 0].max() <= 60
    assert np.corrcoef(read.ravel(), WORD.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("mode", ["LA", "P", "PA"])
def test_light_ink_in_grey_and_in_palettes_too(mode):
    image = transparent((255, 255, 255), np.where(WORD < 128, 255, 0).astype(np.uint8))
    data = (
        encoded(image.convert("LA"))
        if mode == "LA"
        else encoded(image.quantize(4))
        if mode == "P"
        else encoded(image, "GIF")
    )
    assert (read_image(data) < 128).tolist() == (WORD < 128).tolist()


def test_a_transparent_grey_with_light_ink():
    values = np.where(WORD < 128, 255, 0).astype(np.uint8)
    data = encoded(Image.fromarray(values), transparency=0)
    np.testing.assert_array_equal(read_image(data), 255 - values)


def test_faint_light_ink_is_ink():
    data = encoded(transparent((255, 255, 255), (255 - WORD) // 4))
    read = read_image(data).astype(int)
    assert read[WORD == 0].max() < 200 < read[0, 0]


def test_paper_with_transparent_corners_is_paper():
    """However light what is written on it: what covers most of an image is no ink."""
    scan = np.where(WORD < 128, 170, 250).astype(np.uint8)
    opacity = np.full_like(scan, 255)
    opacity[:10, :10] = 0
    read = read_image(encoded(transparent(np.repeat(scan[:, :, None], 3, axis=2), opacity)))
    assert read[0, 0] == 255
    np.testing.assert_array_equal(read[10:], scan[10:])


def test_nothing_but_transparency_is_white_paper():
    assert read_image(encoded(transparent((90, 90, 90), np.zeros_like(WORD)))).min() == 255
