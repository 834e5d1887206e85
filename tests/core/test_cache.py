"""Preprocessed images on disk: found again only where nothing has changed, and never half of
them."""

import gc
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ocrkit
from ocrkit import ImageError, Sample, read_image
from ocrkit.data.cache import CachedImages, CacheWriter, cache_key, cached_images, remove_entry
from ocrkit.support.folders import cache_folder

KEY = "0" * 64

WRITER = """
import os, signal, sys, time
import numpy as np
from ocrkit.data.cache import CacheWriter

key, start, end = sys.argv[1], float(sys.argv[2]), sys.argv[3]
time.sleep(max(0, start - time.time()))
with CacheWriter(key) as writer:
    for index in range(300):
        writer.add(np.full((20, 10 + index), index % 256, np.uint8))
    if end == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    writer.commit()
"""


@pytest.fixture
def samples(words_copy: Path) -> list[Sample]:
    paths = sorted(words_copy.glob("words/a01/*/*.png"))
    return [Sample(path.stem, "x", None, partial(read_image, path), path=path) for path in paths]


def stored(images: Sequence[np.ndarray | ImageError], key: str = KEY) -> None:
    with CacheWriter(key) as writer:
        for image in images:
            writer.add(image)
        writer.commit()


def found(key: str = KEY) -> list[np.ndarray | ImageError]:
    images = cached_images(key)
    assert images is not None
    with images:
        return list(images)


def entries() -> list[str]:
    return sorted(path.name for path in cache_folder().iterdir())


IMAGES = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 300), st.integers(0, 255)).map(
        lambda size: np.full(size[:2], size[2], np.uint8)
    )
    | st.text(st.characters(exclude_categories=["Cs"])).map(ImageError),
    max_size=8,
)


def test_pixels_are_on_the_disk_before_the_entry_has_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a machine that loses power may find an entry of the right size full of zeros."""
    on_disk: list[str] = []
    named: list[list[str]] = []
    fsync, rename = os.fsync, Path.rename

    def watched_fsync(file: int) -> None:
        fsync(file)
        path = Path(f"/proc/self/fd/{file}").readlink()
        assert path.stat().st_size == os.fstat(file).st_size
        on_disk.append(path.name)

    def watched_rename(path: Path, target: Path) -> Path:
        named.append([*on_disk])
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "rename", watched_rename)
    stored([np.full((3, 5), 7, np.uint8)])
    assert len(named) == 1
    assert {"pixels", "sizes"} <= set(named[0])
    assert np.array_equal(found()[0], np.full((3, 5), 7, np.uint8))


@given(IMAGES)
def test_images_and_failures_come_back_as_they_were_in_order(
    images: list[np.ndarray | ImageError],
) -> None:
    key = uuid4().hex
    stored(images, key)
    back = found(key)
    assert len(back) == len(images)
    for image, again in zip(images, back, strict=True):
        if isinstance(image, ImageError):
            assert isinstance(again, ImageError)
            assert str(again) == str(image)
        else:
            np.testing.assert_array_equal(again, image)
            assert again.dtype == np.uint8


def test_an_image_that_is_no_contiguous_array_is_stored_as_it_looks() -> None:
    image = np.arange(60, dtype=np.uint8).reshape(6, 10)[::2, ::-3]
    stored([image])
    np.testing.assert_array_equal(found()[0], image)


def change_time(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def change_size(path: Path) -> None:
    time = path.stat().st_mtime_ns
    path.write_bytes(path.read_bytes() + b"\0")
    os.utime(path, ns=(time, time))


@pytest.mark.parametrize("change", [change_time, change_size])
def test_the_key_changes_with_every_images_file(
    samples: list[Sample], change: Callable[[Path], None]
) -> None:
    key = cache_key(samples, "fit")
    assert key == cache_key(list(samples), "fit")
    path = samples[-1].path
    assert path is not None
    change(Path(path))
    assert cache_key(samples, "fit") != key


def test_the_key_changes_with_what_is_done_to_the_images_and_with_which_they_are(
    samples: list[Sample],
) -> None:
    keys = [
        cache_key(samples, "fit"),
        cache_key(samples, "fit 2"),
        cache_key(samples[:-1], "fit"),
        cache_key(samples[::-1], "fit"),
    ]
    crops = [
        replace(sample, variant=box) for sample in samples for box in ("0 0 10 10", "0 0 10 12")
    ]
    keys += [cache_key(crops[::2], "fit"), cache_key(crops[1::2], "fit")]
    assert len(set(keys)) == len(keys)


def test_samples_that_may_change_unseen_have_no_key(samples: list[Sample]) -> None:
    assert cache_key(samples, "fit", None) is None, "nobody knows the code of a part"
    assert (
        cache_key(
            [*samples, Sample("pixels", "x", None, lambda: np.zeros((1, 1), np.uint8))], "fit"
        )
        is None
    )
    Path(samples[0].path or "").unlink()
    assert cache_key(samples, "fit") is None


def test_an_entry_that_another_user_made_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time may not be set, which is no reason to read all images again."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    stored([np.zeros((2, 2), np.uint8)])
    monkeypatch.setattr(os, "utime", refuse)
    assert len(found()) == 1


@pytest.mark.parametrize("chosen", [True, False])
def test_a_folder_that_was_chosen_may_be_shared_and_the_users_own_is_private(
    chosen: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not chosen:
        monkeypatch.delenv("OCRKIT_CACHE")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = os.umask(0o022)
    try:
        stored([np.zeros((2, 2), np.uint8)])
    finally:
        os.umask(before)
    assert (cache_folder() / KEY).stat().st_mode & 0o777 == (0o755 if chosen else 0o700)


def test_what_the_system_refuses_is_not_remembered(tmp_path: Path) -> None:
    """A file without the right to read it, say, may get it later, and looks unchanged then."""
    with pytest.raises(ImageError) as refused:
        read_image(tmp_path / "gone.png")
    stored([np.zeros((2, 2), np.uint8), refused.value, np.zeros((2, 2), np.uint8)])
    assert cached_images(KEY) is None
    assert entries() == []


def test_writing_an_entry_that_is_there_already_leaves_no_file_open() -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(2):
            stored([np.zeros((2, 2), np.uint8)])
        gc.collect()
    assert [str(each.message) for each in warned] == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_was_not_finished_is_dropped(error: type[BaseException]) -> None:
    def stop_halfway() -> None:
        with CacheWriter(KEY) as writer:
            writer.add(np.zeros((2, 2), np.uint8))
            raise error

    with pytest.raises(error):
        stop_halfway()
    assert entries() == []
    assert cached_images(KEY) is None


def test_a_writer_that_is_killed_leaves_nothing_usable_and_is_in_nobodys_way() -> None:
    killed = subprocess.run([sys.executable, "-c", WRITER, KEY, "0", "killed"], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert cached_images(KEY) is None
    assert len(entries()) == 1, "what it left behind"
    stored([np.zeros((2, 2), np.uint8)], "1" * 64)
    assert entries() == ["1" * 64]
    stored([np.zeros((2, 2), np.uint8)])
    assert len(found()) == 1


def test_two_processes_may_write_the_same_entry_at_once() -> None:
    start = str(time.time() + 1.5)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, KEY, start, "done"]) for _ in range(2)
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert entries() == [KEY]
    for index, image in enumerate(found()):
        np.testing.assert_array_equal(image, np.full((20, 10 + index), index % 256))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("name", ["pixels", "sizes", "failed.json", "sums"])
@pytest.mark.parametrize("damage", [truncate, empty, Path.unlink])
def test_a_damaged_entry_counts_as_none_and_is_made_anew(
    name: str, damage: Callable[[Path], None]
) -> None:
    image = np.full((3, 4), 7, np.uint8)
    stored([image])
    damage(cache_folder() / KEY / name)
    assert cached_images(KEY) is None
    stored([image])
    np.testing.assert_array_equal(found()[0], image)


def flip(path: Path, position: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 16
    path.write_bytes(data)


@pytest.mark.parametrize(
    "text", ["null", "[]", "7", '"a"', "{}", '{"a": "b"}', '{"0": "another"}', "{", "[" * 5000]
)
def test_failures_that_are_not_those_that_were_stored_make_no_entry(text: str) -> None:
    stored([ImageError("broken"), np.full((3, 4), 7, np.uint8)])
    (cache_folder() / KEY / "failed.json").write_text(text)
    assert cached_images(KEY) is None


@pytest.mark.parametrize("name", ["sizes", "failed.json", "sums"])
def test_one_bit_of_what_describes_the_pixels_makes_no_entry(name: str) -> None:
    images = [ImageError("broken"), np.full((3, 4), 7, np.uint8), np.full((4, 3), 7, np.uint8)]
    stored(images)
    before = (cache_folder() / KEY / name).read_bytes()
    for position in range(len(before)):
        flip(cache_folder() / KEY / name, position)
        with closing_at_once(cached_images(KEY)) as entry:
            assert entry is None or not list(entry)
        stored(images)
        (cache_folder() / KEY / name).write_bytes(before)


@contextmanager
def closing_at_once(entry: CachedImages | None) -> Iterator[CachedImages | None]:
    try:
        yield entry
    finally:
        if entry:
            entry.close()


def test_wrong_pixels_are_never_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the file zeroed had scored as other pixels, without a word."""
    monkeypatch.setattr("ocrkit.data.cache._READ", 2)
    images = [np.full((2, 3), number, np.uint8) for number in range(7)]
    for position in range(6 * 7):
        remove_entry(KEY)
        stored(images)
        flip(cache_folder() / KEY / "pixels", position)
        whole = found()
        assert len(whole) == position // 12 * 2, "up to the piece that is damaged"
        np.testing.assert_array_equal(whole, images[: len(whole)])


def test_a_damaged_entry_is_read_on_from_the_images_and_made_anew(
    tiny_run: Path, words_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocrkit.data.cache._READ", 4)
    pipeline = ocrkit.load(tiny_run)
    first = pipeline.evaluate("all", data=words_copy)
    (entry,) = cache_folder().iterdir()
    pixels = entry / "pixels"
    size = pixels.stat().st_size
    pixels.write_bytes(pixels.read_bytes()[: size // 2] + bytes(size - size // 2))
    for read in (True, True, False):
        again = pipeline.evaluate("all", data=words_copy)
        assert again.metrics == first.metrics
        assert (again.seconds.read > 0) == read
    assert [each.name for each in cache_folder().iterdir()] == [entry.name]


def test_an_image_that_was_replaced_with_its_time_kept_is_read_anew(samples: list[Sample]) -> None:
    before, path = cache_key(samples), Path(str(samples[3].path))
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(bytes(status.st_size))
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (status.st_mtime_ns, status.st_size)
    assert cache_key(samples) != before


def test_what_a_part_trips_over_is_not_remembered(
    install: Callable[[str, str], Path], tiny_run: Path, words_copy: Path
) -> None:
    source = """
from dataclasses import dataclass
import os
import ocrkit
@dataclass(frozen=True)
class Odd:
    def __call__(self, image):
        if os.environ.get("ODD") and image.shape[1] > 60:
            raise MemoryError
        return image
@ocrkit.hookimpl
def ocrkit_preprocessors(register):
    register("odd", Odd)
"""
    install("odd", source)
    pipeline = ocrkit.load(tiny_run, {"preprocessor.before": [{"use": "odd"}]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ODD", "1")
        assert pipeline.evaluate("all", data=words_copy).samples < 31
    assert pipeline.evaluate("all", data=words_copy).samples == 31


# In a process of its own: the limit is the whole process's, and the tests' own output may go to a
# file.
SMALL_DISK = """
import resource, sys
import numpy as np
from ocrkit.data.cache import CacheWriter

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with CacheWriter(sys.argv[1]) as writer:
    writer.add(np.zeros((30, int(sys.argv[2])), np.uint8))
    writer.commit()
print("went on")
"""


@pytest.mark.parametrize("width", [50, 100_000])
def test_a_full_disk_is_no_error(width: int) -> None:
    """No file may become larger than 1,000 bytes: 1,500 wait in a buffer for the commit, 3,000,000
    do not."""
    command = [sys.executable, "-c", SMALL_DISK, KEY, str(width)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "went on\n"
    assert cached_images(KEY) is None
    assert entries() == []


def test_a_cache_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OCRKIT_CACHE", str(tmp_path / "file" / "cache"))
    stored([np.zeros((2, 2), np.uint8)])
    assert cached_images(KEY) is None


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() != tmp_path / "xdg" / "ocrkit", "OCRKIT_CACHE goes first"
    monkeypatch.delenv("OCRKIT_CACHE")
    assert cache_folder() == tmp_path / "xdg" / "ocrkit"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "ocrkit"


def test_a_second_start_reads_no_image_and_says_the_same(tiny_run: Path, words_copy: Path) -> None:
    broken = next(words_copy.glob("words/a01/a01-003/*-03.png"))
    broken.write_bytes(b"no image")
    pipeline = ocrkit.load(tiny_run)
    first, second = (pipeline.evaluate("all", data=words_copy) for _ in range(2))
    assert first.seconds.read > 0
    assert second.seconds.read == second.seconds.preprocess == 0
    assert second.metrics == first.metrics
    assert second.dataset == first.dataset
    assert [item["id"] for item in second.dataset["skipped"]] == ["a01-003-00-03"]
    assert "not an image" in second.dataset["skipped"][0]["reason"]

    assert pipeline.evaluate("all", data=words_copy).seconds.read == 0
    more = ocrkit.load(tiny_run, {"reader.include_err": True}).evaluate("all", data=words_copy)
    assert more.seconds.read > 0, "an option of the reader may change pixels"

    other = ocrkit.load(tiny_run, {"preprocessor.width": 52}).evaluate("all", data=words_copy)
    assert other.seconds.read > 0, "other options, other pixels"
    change_time(next(words_copy.glob("words/a01/a01-003/*-02.png")))
    assert pipeline.evaluate("all", data=words_copy).seconds.read > 0, "an image has changed"


def test_what_nobody_has_read_for_a_month_goes_and_nothing_else_does() -> None:
    long_ago = time.time() - 31 * 24 * 3600
    for key in ("1" * 64, "2" * 64):
        stored([np.zeros((2, 2), np.uint8)], key)
    foreign = cache_folder() / "holiday pictures"
    foreign.mkdir()
    for folder in (foreign, *(cache_folder() / key for key in ("1" * 64, "2" * 64))):
        os.utime(folder, (long_ago, long_ago))
    found("2" * 64)
    stored([np.zeros((2, 2), np.uint8)])
    assert entries() == [KEY, "2" * 64, "holiday pictures"]
