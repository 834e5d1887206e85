"""What a file says of itself takes neither memory nor time beyond what is stated, and a file that
ends too early is refused."""

import contextlib
import io
import os
import struct
import subprocess
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import ocrkit.images
from forks import in_child
from hostile_images import BOMBS, CUT, PHOTO, SMOOTH, chunk, encoded, tiff_of
from ocrkit import ImageError, read_image
from ocrkit.images import gif, grey, jpeg, png, tiff
from ocrkit.images.contents import MAX_SCANS, MOST_PIECES
from ocrkit.images.memory import Budget


def error_of(data):
    with pytest.raises(ImageError) as caught:
        read_image(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ------------------------------------------------------------------------------------------- budget


def test_who_finds_too_little_left_waits_until_others_are_done():
    budget, inside, most = Budget(10_000_000), [], []
    lock = threading.Lock()

    def take(amount):
        with budget.hold(amount):
            with lock:
                inside.append(min(amount, 10_000_000))
                most.append(sum(inside))
            threading.Event().wait(0.002)
            with lock:
                inside.remove(min(amount, 10_000_000))

    amounts = [3_000_000, 7_000_000, 99_000_000, 1_000_000, 10_000_000] * 8
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, amounts))
    assert max(most) == 10_000_000
    assert not inside


def test_an_error_gives_back_what_was_held():
    budget = Budget(5_000_000)
    for _ in range(3):
        with pytest.raises(ValueError, match="odd"), budget.hold(5_000_000):
            raise ValueError("odd")


def test_a_forked_child_finds_all_of_it_whatever_its_parents_threads_hold():
    budget = Budget(5_000_000)

    def take():
        with budget.hold(5_000_000):
            pass

    with budget.hold(5_000_000):
        in_child(take)


def test_images_that_are_decoded_together_take_no_more_than_the_limit(monkeypatch):
    image = encoded(
        np.random.default_rng(0).integers(0, 256, (800, 1000, 4), np.uint8), "WEBP", lossless=True
    )
    taken = []

    class Watched(Budget):
        def _held(self, amount):
            held = super()._held(amount)
            taken.append(self._taken)
            return held

    budget = Watched(2 * 800 * 1000 * 24)
    monkeypatch.setattr(ocrkit.images, "_PIXELS", budget)
    with ThreadPoolExecutor(8) as pool:
        shapes = set(pool.map(lambda _: read_image(image).shape, range(16)))
    assert shapes == {(800, 1000)}
    assert len(taken) == 16
    assert max(taken) <= budget.most


PEAK = """
import sys
from pathlib import Path
from concurrent.futures import ThreadPoolExecutor
import cv2, PIL.TiffImagePlugin, PIL.WebPImagePlugin
from ocrkit import ImageError, read_image

def peak():
    return int(next(l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM")).split()[1])

def read(path):
    try:
        return read_image(path).shape
    except ImageError as error:
        return str(error)

before = peak()
with ThreadPoolExecutor(4) as pool:
    found = set(map(str, pool.map(read, [sys.argv[1]] * 4)))
print((peak() - before) // 1024)
print(*found)
"""  # noqa: E501


def peak_of(data, tmp_path):
    """Megabytes that four threads take to read an image, and what they say."""
    path = tmp_path / "image"
    path.write_bytes(data)
    child = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True
    )
    megabytes, said = child.stdout.splitlines()
    assert not child.stderr
    return int(megabytes), said


@pytest.mark.parametrize("name", BOMBS)
def test_little_files_take_little_memory_whatever_they_say(tmp_path, name):
    megabytes, said = peak_of(BOMBS[name], tmp_path)
    assert megabytes < 8 + 5 * len(BOMBS[name]) // 1_000_000, said


def test_large_images_with_alpha_take_no_more_for_being_read_together(tmp_path):
    """50 megapixels of WebP with alpha took 1.2 GB in every thread."""
    megabytes, said = peak_of(
        encoded(np.full((5000, 9000, 4), 99, np.uint8), "WEBP", lossless=True, quality=0), tmp_path
    )
    assert said == "(5000, 9000)"
    assert megabytes < 1600


def test_a_tag_of_a_million_numbers_is_refused():
    assert "a tag of more than 1,000,000 numbers" in error_of(tiff_of({273: (3, [8] * 1_000_001)}))


# --------------------------------------------------------------------------------------------- time


def scans_of(data):
    """The segments of a progressive JPEG before its scans, and its scans."""
    first, *scans = data.removesuffix(b"\xff\xd9").split(b"\xff\xda")
    return first, [b"\xff\xda" + scan for scan in scans]


def test_a_jpeg_of_many_scans_is_refused():
    """An idle core took 14 seconds for 500 of them over 41 megapixels."""
    first, scans = scans_of(encoded(SMOOTH, "JPEG", progressive=True))
    assert 5 < len(scans) < 20
    usual = first + b"".join(scans) + b"\xff\xd9"
    np.testing.assert_array_equal(
        read_image(usual), read_image(encoded(SMOOTH, "JPEG", progressive=True))
    )
    for count in (MAX_SCANS, 5000):
        many = first + b"".join(scans) + scans[-1] * (count + 1 - len(scans)) + b"\xff\xd9"
        assert f"more than {MAX_SCANS} scans" in error_of(many)


def test_what_comes_behind_a_jpeg_is_no_scan():
    """As a film behind a photograph."""
    film = b"\xff\xda" * 1000 + b"\xff\xd9"
    data = encoded(SMOOTH, "JPEG")
    np.testing.assert_array_equal(read_image(data + film), read_image(data))


def test_scans_within_a_tiff_are_counted_too():
    data = encoded(SMOOTH, "TIFF", compression="jpeg")
    assert read_image(data).shape == SMOOTH.shape[:2]
    more = data + b"\xff\xda\0\2" * 101
    assert read_image(more).shape == SMOOTH.shape[:2], "of other pages, say"
    (place,), (length,) = (Image.open(io.BytesIO(data)).tag_v2[tag] for tag in (273, 279))
    longer = more.replace(
        struct.pack("<HHII", 279, 4, 1, length), struct.pack("<HHII", 279, 4, 1, len(more) - place)
    )
    assert longer != more
    assert f"more than {MAX_SCANS} scans" in error_of(longer)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff\xfe\0\2" * (MOST_PIECES + 1),
        b"\xff\xd8" + b"\xff\x01" * (MOST_PIECES + 1),
        b"GIF89a" + bytes(7) + b"\x21\xfe\x00" * (MOST_PIECES + 1),
        b"GIF89a" + bytes(7) + b"\x21\xfe" + b"\x01a" * (MOST_PIECES + 1),
        encoded(np.zeros((5, 7), np.uint8))[:33] + chunk(b"IDAT", b"") * (MOST_PIECES + 1),
    ],
)
def test_files_in_a_million_pieces_are_refused(data):
    assert f"more than {MOST_PIECES:,} " in error_of(data)


@pytest.mark.parametrize("fmt", ["JPEG", "GIF", "PNG"])
def test_notes_are_not_for_pillow(fmt):
    """It joined them one by one: 100 MB of comments in a GIF, or of EXIF in a JPEG, took hours."""
    data = encoded(SMOOTH, fmt)
    place = {"JPEG": 2, "GIF": 13 + 3 * 256, "PNG": 33}[fmt]
    notes = {
        "JPEG": (b"\xff\xe1\x01\x02Exif\0\0" + bytes(250) + b"\xff\xfe\0\x05abc") * 100,
        "GIF": (
            b"\x21\xfe\x03abc"
            + b"\x05abcde" * 50
            + b"\0"
            + b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
        )
        * 50,
        "PNG": (chunk(b"tEXt", b"a\0b") + chunk(b"prVt", bytes(100))) * 100,
    }[fmt]
    prepare = {"JPEG": jpeg.contents, "GIF": gif.contents, "PNG": png.contents}[fmt]
    assert len(prepare(data[:place] + notes + data[place:]).data) <= len(data)
    np.testing.assert_array_equal(read_image(data[:place] + notes + data[place:]), read_image(data))


def test_a_pipe_that_nobody_writes_into_is_not_waited_for(tmp_path):
    """A data set, or a folder, with one in it was read without end."""
    os.mkfifo(tmp_path / "a.png")
    assert error_of(str(tmp_path / "a.png")) == f"{tmp_path / 'a.png'}: empty file"


def test_a_pipe_that_is_written_into_slowly_is_read_to_its_end(tmp_path):
    path, data = tmp_path / "a.png", encoded(SMOOTH)
    os.mkfifo(path)
    ours = os.open(path, os.O_RDWR)  # so that somebody has it open to write
    reader = ThreadPoolExecutor(1)
    found = reader.submit(read_image, path)
    for start in range(0, len(data), 3000):
        os.write(ours, data[start : start + 3000])
        threading.Event().wait(0.01)
    os.close(ours)
    assert found.result().shape == SMOOTH.shape[:2]
    reader.shutdown()


# ----------------------------------------------------------------------------------- ends too early

GREY = cv2.cvtColor(SMOOTH, cv2.COLOR_RGB2GRAY)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("kind", CUT)
def test_a_jpeg_that_is_cut_off_and_closed_with_an_end_marker_is_refused(kind, share):
    """libjpeg fills the rest with grey and only mentions it."""
    data = CUT[kind]
    assert read_image(data).shape == PHOTO.shape[:2]
    start = data.index(b"\xff\xda") + 14
    end = start + int(share * (len(data) - start))
    assert "damaged, cut off" in error_of(data[:end].rstrip(b"\xff") + b"\xff\xd9")


def test_a_jpeg_whose_header_says_more_than_it_holds_is_refused():
    data = bytearray(CUT["grey"])
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 700, 700)
    assert "it ends too early" in error_of(bytes(data))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_whole_jpeg_that_is_grey_where_a_cut_one_would_be_is_read(progressive):
    pixels = np.full((64, 64), 128, np.uint8)
    for image in (pixels, np.where(np.arange(64) < 30, 200, pixels).astype(np.uint8)):
        data = encoded(image, "JPEG", quality=95, progressive=progressive)
        np.testing.assert_allclose(read_image(data).astype(int), image, atol=3)
        assert (read_image(data)[-8:, -8:] == 128).all()
        np.testing.assert_array_equal(read_image(data + b"\xff\xd9 more"), read_image(data))


def test_libtiff_writes_nothing_of_what_it_finds_wrong(capfd):
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        data = encoded(SMOOTH, "TIFF", compression=compression)
        for start in range(20, len(data), len(data) // 20):
            damaged = data[:start] + bytes(40) + data[start + 40 :]
            with contextlib.suppress(ImageError):
                read_image(damaged)
    assert capfd.readouterr() == ("", "")


# -------------------------------------------------------------------------------- in bands, upright

KINDS = {
    "colour": encoded(SMOOTH),
    "palette with transparency": encoded(Image.fromarray(SMOOTH).quantize(50), transparency=3),
    "transparency": encoded(np.dstack([SMOOTH, SMOOTH[:, :, 0]])),
    "light ink": encoded(np.dstack([SMOOTH // 4 + 190, (SMOOTH[:, :, 0] > 150) * np.uint8(255)])),
    "16 bits": encoded(GREY.astype(np.uint16) * 257),
    "few of 16 bits": encoded(GREY.astype(np.uint16) * 9),
    "dark colour of 16 bits": cv2.imencode(".png", SMOOTH.astype(np.uint16) * 9)[1].tobytes(),
    "colour of 16 bits": cv2.imencode(".tif", SMOOTH.astype(np.uint16) * 257)[1].tobytes(),
    "CMYK": CUT["CMYK"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_is_made_grey_in_bands_is_the_same_as_in_one_piece(kind, monkeypatch):
    whole = read_image(KINDS[kind])
    for pixels in (1, 83, 200, 83 * 17):
        monkeypatch.setattr(grey, "_BAND", pixels)
        np.testing.assert_array_equal(read_image(KINDS[kind]), whole)


def turned_by_pillow(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes().removeprefix(b"Exif\0\0")


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'


@pytest.mark.parametrize("orientation", range(1, 9))
def test_notes_of_how_an_image_is_turned_are_found_wherever_programs_write_them(orientation):
    exif, xmp = turned_by_pillow(orientation), XMP % orientation
    upright = grey.turned(GREY, orientation)
    profile = b"\nexif\n%8d\n" % len(exif) + exif.hex().encode()
    for note in (
        chunk(b"eXIf", exif),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile)),
    ):
        data = encoded(GREY)
        np.testing.assert_array_equal(read_image(data[:33] + note + data[33:]), upright)
        np.testing.assert_array_equal(read_image(data[:-12] + note + data[-12:]), upright)
    data = CUT["grey"]
    for note in (b"Exif\0\0" + exif, b"http://ns.adobe.com/xap/1.0/\0" + xmp):
        segment = b"\xff\xe1" + struct.pack(">H", 2 + len(note)) + note
        found = read_image(data[:2] + b"\xff\xe2\0\x06ICC_" + segment + data[2:])
        np.testing.assert_array_equal(found, grey.turned(read_image(data), orientation))
    webp = encoded(GREY, "WEBP", lossless=True, xmp=xmp)
    np.testing.assert_array_equal(
        read_image(webp), grey.turned(read_image(encoded(GREY, "WEBP", lossless=True)), orientation)
    )


@pytest.mark.parametrize(
    "broken",
    [b"", b"II*\0", b"MM\0*\0\0\0\x08\0\x05", bytes(50), b"II*\0\xff\xff\xff\xff" + bytes(9)],
)
def test_broken_notes_say_nothing(broken):
    assert tiff.orientation_of_exif(broken) == 1
    data = encoded(GREY)
    for note in (chunk(b"eXIf", broken), chunk(b"zTXt", b"Raw profile type exif\0\0" + broken)):
        np.testing.assert_array_equal(read_image(data[:33] + note + data[33:]), GREY)


def test_of_a_film_of_png_the_first_picture_is_read():
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    data = encoded(frames[0], save_all=True, append_images=frames[1:])
    assert b"acTL" in data
    np.testing.assert_array_equal(read_image(data), GREY)


@pytest.mark.parametrize("where", [34665, 34853, 40965])
def test_cameras_notes_in_a_tiff_are_not_read(where, tmp_path):
    """Each of them may say that it is as long as the file, thousands of times."""
    image = Image.fromarray(GREY)
    data = encoded(image, "TIFF", tiffinfo={274: 6})
    np.testing.assert_array_equal(read_image(data), grey.turned(GREY, 6))
    entry = struct.pack("<HHI", 274, 3, 1)
    assert entry in data
    noted = tiff.contents(data.replace(entry, struct.pack("<HHI", where, 3, 1))).data
    assert struct.pack("<HHI", where, 3, 1) not in noted
    assert Path(tmp_path).is_dir()
