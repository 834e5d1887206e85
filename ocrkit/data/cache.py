"""Preprocessed images on disk, so that a second start on the same data set reads two files instead
of thousands.

A cache entry is a folder: all pixels in one flat file, all heights and widths (int32) in another,
written and read piece by piece, the samples that failed, and checksums of all that. It is named by
the sha256 of everything that the pixels depend on, is renamed into place when complete, and never
changes.
"""

import hashlib
import json
import os
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

import ocrkit
from ocrkit import images
from ocrkit.errors import ImageError, OcrkitError, PluginError
from ocrkit.parts.fingerprint import code_of
from ocrkit.parts.values import Image, Sample
from ocrkit.support.files import open_regular, read_bytes, remove_left_behind, temporary_beside
from ocrkit.support.folders import cache_folder
from ocrkit.support.parsing import parse_json

_FORMAT = 3
_ENTRY = re.compile("[0-9a-f]{64}")
"""Names of entries: nothing else in the folder is touched."""
_NO_IMAGE = np.empty((0, 0), np.uint8)
"""Stands in an entry for one that could not be read."""
_READ = 256
"""Images that are read from an entry at once, and have a checksum together."""
_WRITTEN = 1 << 20
"""Bytes that are written to an entry at once: image by image it would hold up the network."""
_KEPT_SECONDS = 30 * 24 * 3600


def cache_key(samples: Sequence[Sample], *fingerprints: str | None) -> str | None:
    """The entry's name: a digest of all that the pixels depend on.

    Those are every image's file, times and size, the ``fingerprints`` of the parts that make pixels
    of it, and what decodes it. None where a fingerprint is None, a sample has no file, or its file
    is gone: then nobody can know that all is as it was.
    """
    import cv2  # these two only where something is scored
    import PIL

    decoding = [code_of(images.__name__), *(each.__version__ for each in (ocrkit, np, cv2, PIL))]
    if None in (*fingerprints, *decoding):
        return None
    digest = hashlib.sha256(json.dumps([_FORMAT, *decoding, *fingerprints]).encode())
    here = Path.cwd()
    for sample in samples:
        if sample.path is None:
            return None
        try:
            status = os.stat(sample.path)  # noqa: PTH116  (pathlib would double what a cached start takes)
        except OSError:
            return None
        path = os.path.join(here, sample.path)  # noqa: PTH118
        # Who copies a file over another may keep its time, but not the one at which the system saw
        # that.
        times = f"{status.st_mtime_ns}\t{status.st_ctime_ns}"
        about = f"\n{sample.id}\t{path}\t{times}\t{status.st_size}\t{sample.variant}"
        digest.update(about.encode(errors="surrogateescape"))
    return digest.hexdigest()


class CacheWriter:
    """Collects images in order; ``commit`` makes them an entry, leaving the ``with`` block without
    it drops them.

    Without a key it collects nothing, nor where the cache cannot be written, say on a full disk: a
    cache only saves time.
    """

    def __init__(self, key: str | None) -> None:
        self._images = 0
        self._failed: dict[int, str] = {}
        self._sums: list[tuple[int, int]] = []
        """Checksums of the sizes and the pixels of every piece, the last of which is still
        growing."""
        self._folder: Path | None = None
        self._stack = ExitStack()
        if key is None:
            return
        self._final = cache_folder() / key
        with suppress(OSError):
            self._final.parent.mkdir(parents=True, exist_ok=True)
            mode = (
                0o777 if os.environ.get("OCRKIT_CACHE") else 0o700
            )  # one that was chosen may be shared
            folder = self._stack.enter_context(
                temporary_beside(self._final, folder=True, mode=mode)
            )
            self._pixels = (folder / "pixels").open("wb", buffering=_WRITTEN)
            self._sizes = (folder / "sizes").open("wb")
            self._folder = folder

    def __enter__(self) -> "CacheWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self._drop()

    def _drop(self) -> None:
        if self._folder:
            with suppress(OSError):
                self._pixels.close()
            with suppress(OSError):
                self._sizes.close()
            self._folder = None
        self._stack.close()

    def add(self, image: Image | ImageError) -> None:
        if not self._folder:
            return
        if isinstance(image, ImageError):
            cause = image.__cause__
            if getattr(cause, "errno", None) or isinstance(cause, PluginError | MemoryError):
                # what the system refuses today, or a part trips over, it may allow tomorrow
                self._drop()
                return
            self._failed[self._images] = str(image)
            image = _NO_IMAGE
        size, pixels = (
            np.array(image.shape, np.int32).tobytes(),
            np.ascontiguousarray(image).tobytes(),
        )
        if self._images % _READ == 0:
            self._sums.append((0, 0))
        before = self._sums[-1]
        self._sums[-1] = zlib.crc32(size, before[0]), zlib.crc32(pixels, before[1])
        self._images += 1
        try:
            self._sizes.write(size)
            self._pixels.write(pixels)
        except OSError:
            self._drop()

    def commit(self) -> None:
        """Puts the entry in place. Where another process was faster, its entry, which is the same,
        stays."""
        if not self._folder:
            return
        with suppress(OSError):
            for file in (self._pixels, self._sizes):
                file.flush()
                os.fsync(file.fileno())
            failed = json.dumps(self._failed).encode()
            (self._folder / "failed.json").write_bytes(failed)
            sums = [(self._images, zlib.crc32(failed)), *self._sums]
            (self._folder / "sums").write_bytes(np.array(sums, np.uint32).tobytes())
            if (entry := cached_images(self._final.name)) is None:
                _remove(self._final)  # damaged, where there is one at all
            else:
                entry.close()
            self._folder.rename(self._final)
            _remove_unused(self._final.parent)


def remove_entry(key: str) -> None:
    """Removes an entry that was found to be damaged."""
    _remove(cache_folder() / key)


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _remove_unused(cache: Path) -> None:
    """Removes entries that nobody has read for a month, and what killed writers have left."""
    remove_left_behind(cache)
    for entry in cache.iterdir():
        if _ENTRY.fullmatch(entry.name) and time.time() - entry.stat().st_mtime > _KEPT_SECONDS:
            _remove(entry)


class CachedImages:
    """The images of an entry, in order. Its files stay open until it is closed, or left as a
    ``with`` block.

    Pixels that are no longer those that were stored are never given: before them the images end.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OSError where there is no such entry, ValueError where it is seen to be
        damaged."""
        stored = read_bytes(folder / "failed.json")
        (count, of_failed), *sums = (
            np.frombuffer(read_bytes(folder / "sums"), np.uint32).reshape(-1, 2).tolist()
        )
        self._sums = [of_pixels for _, of_pixels in sums]
        failed = parse_json(stored)
        if zlib.crc32(stored) != of_failed or not isinstance(failed, dict):
            raise ValueError("damaged")
        self._failed = {int(index): str(reason) for index, reason in failed.items()}
        with ExitStack() as files:
            self._sizes = files.enter_context(open_regular(folder / "sizes"))
            self._pixels = files.enter_context(open_regular(folder / "pixels"))
            if os.fstat(self._sizes.fileno()).st_size != 8 * count:  # it may be of any size
                raise ValueError("damaged")
            pieces = list(_pieces(self._sizes))
            expected = sum(int(_areas(piece).sum()) for piece in pieces)
            if [zlib.crc32(piece.tobytes()) for piece in pieces] != [
                of_sizes for of_sizes, _ in sums
            ]:
                raise ValueError("damaged")
            if os.fstat(self._pixels.fileno()).st_size != expected:
                raise ValueError("damaged")
            self._files = files.pop_all()
        with suppress(OSError):  # another user's entry serves as well
            os.utime(folder)  # in use

    def __iter__(self) -> Iterator[Image | ImageError]:
        index = 0
        for piece, expected in zip(_pieces(self._sizes), self._sums, strict=True):
            areas = _areas(piece)
            data = self._pixels.read(int(areas.sum()))
            if zlib.crc32(data) != expected:
                return
            flat = np.frombuffer(data, np.uint8)
            for (height, width), end in zip(piece.tolist(), areas.cumsum().tolist(), strict=True):
                if index in self._failed:
                    yield ImageError(self._failed[index])
                else:
                    yield flat[end - height * width : end].reshape(height, width)
                index += 1

    def close(self) -> None:
        self._files.close()

    def __enter__(self) -> "CachedImages":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def cached_images(key: str) -> CachedImages | None:
    """The images of an entry, or None where there is no such entry that is whole, as far as can be
    seen without its pixels."""
    try:
        return CachedImages(cache_folder() / key)
    except (OSError, OcrkitError, ValueError):
        return None


def _pieces(sizes: BinaryIO) -> Iterator[npt.NDArray[np.int32]]:
    """The heights and widths (N, 2) of an entry's images, some at a time. They are read, not
    mapped: what has been looked at would count as this process's memory. Raises ValueError for half
    a size."""
    sizes.seek(0)
    while data := sizes.read(8 * _READ):
        yield np.frombuffer(data, np.int32).reshape(-1, 2)


def _areas(sizes: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    return sizes[:, 0].astype(np.int64) * sizes[:, 1]
