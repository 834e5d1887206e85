"""Preprocessed images on disk, so that a second start on the same data set reads two files instead of thousands.

A cache entry is a folder: all pixels in one flat file, all heights and widths (int32) in another, written and read piece by
piece, and the samples that failed. It is named by the sha256 of everything that the pixels depend on, is renamed into place
when complete, and never changes.
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

import ocrkit
from ocrkit import images
from ocrkit.errors import ImageError
from ocrkit.fingerprint import code_of
from ocrkit.interfaces import Image, Sample
from ocrkit.parsing import parse_json

_FORMAT = 2
_ENTRY = re.compile(r"[0-9a-f]{64}|\.[0-9a-f]{12}-.+")
"""Names of entries, and of those that are being written: nothing else in the folder is touched."""
_NO_IMAGE = np.empty((0, 0), np.uint8)
"""Stands in an entry for one that could not be read."""
_READ = 256
"""Images that are read from an entry at once."""
_WRITTEN = 1 << 20
"""Bytes that are written to an entry at once: image by image it would hold up the network."""
_KEPT_SECONDS = 30 * 24 * 3600


def cache_folder() -> Path:
    """``OCRKIT_CACHE``, else ``ocrkit`` in the user's cache folder."""
    if chosen := os.environ.get("OCRKIT_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ocrkit"


def cache_key(samples: Sequence[Sample], *fingerprints: str | None) -> str | None:
    """The entry's name: a digest of all that the pixels depend on.

    Those are every image's file, time and size, the ``fingerprints`` of the parts that make pixels of it, and what decodes
    it. None where a fingerprint is None, a sample has no file, or its file is gone: then nobody can know that all is as it was.
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
        about = f"\n{sample.id}\t{path}\t{status.st_mtime_ns}\t{status.st_size}\t{sample.variant}"
        digest.update(about.encode(errors="surrogateescape"))
    return digest.hexdigest()


class CacheWriter:
    """Collects images in order; ``commit`` makes them an entry, leaving the ``with`` block without it drops them.

    Without a key it collects nothing, nor where the cache cannot be written, say on a full disk: a cache only saves time.
    """

    def __init__(self, key: str | None) -> None:
        self._images = 0
        self._failed: dict[int, str] = {}
        self._folder: Path | None = None
        if key is None:
            return
        self._final = cache_folder() / key
        with suppress(OSError):
            self._final.parent.mkdir(parents=True, exist_ok=True)
            folder = self._final.with_name(f".{key[:12]}-{os.urandom(6).hex()}")
            folder.mkdir(mode=0o777 if os.environ.get("OCRKIT_CACHE") else 0o700)  # one that was chosen may be shared
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
            _remove(self._folder)
            self._folder = None

    def add(self, image: Image | ImageError) -> None:
        if not self._folder:
            return
        if isinstance(image, ImageError):
            if getattr(image.__cause__, "errno", None):
                self._drop()  # what the system refuses today it may allow tomorrow
                return
            self._failed[self._images] = str(image)
            image = _NO_IMAGE
        self._images += 1
        try:
            self._sizes.write(np.array(image.shape, np.int32).tobytes())
            self._pixels.write(np.ascontiguousarray(image).tobytes())
        except OSError:
            self._drop()

    def commit(self) -> None:
        """Puts the entry in place. Where another process was faster, its entry, which is the same, stays."""
        if not self._folder:
            return
        with suppress(OSError):
            for file in (self._pixels, self._sizes):
                file.flush()
                os.fsync(file.fileno())
            (self._folder / "failed.json").write_text(json.dumps(self._failed), encoding="utf-8")
            if (entry := cached_images(self._final.name)) is None:
                _remove(self._final)  # damaged, where there is one at all
            else:
                entry.close()
            self._folder.rename(self._final)
            _remove_unused(self._final.parent)


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _remove_unused(cache: Path) -> None:
    """Removes entries that nobody has read for a month, and what killed writers have left."""
    for entry in cache.iterdir():
        if _ENTRY.fullmatch(entry.name) and time.time() - entry.stat().st_mtime > _KEPT_SECONDS:
            _remove(entry)


class CachedImages:
    """The images of an entry, in order. Its files stay open until it is closed, or left as a ``with`` block."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError where there is no such entry, ValueError where it is damaged."""
        failed = parse_json((folder / "failed.json").read_text("utf-8"))
        self._failed = {int(index): str(reason) for index, reason in failed.items()}
        with ExitStack() as files:
            self._sizes = files.enter_context((folder / "sizes").open("rb"))
            self._pixels = files.enter_context((folder / "pixels").open("rb"))
            expected = sum(int(_areas(piece).sum()) for piece in _pieces(self._sizes))
            if os.fstat(self._pixels.fileno()).st_size != expected:
                raise ValueError("damaged")
            self._files = files.pop_all()
        with suppress(OSError):  # another user's entry serves as well
            os.utime(folder)  # in use

    def __iter__(self) -> Iterator[Image | ImageError]:
        index = 0
        for piece in _pieces(self._sizes):
            areas = _areas(piece)
            flat = np.frombuffer(self._pixels.read(int(areas.sum())), np.uint8)
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
    """The images of an entry, or None where there is no such entry that is whole."""
    try:
        return CachedImages(cache_folder() / key)
    except (OSError, ValueError, AttributeError):  # AttributeError: a list for the failed ones
        return None


def _pieces(sizes: BinaryIO) -> Iterator[npt.NDArray[np.int32]]:
    """The heights and widths (N, 2) of an entry's images, some at a time. They are read, not mapped: what has been looked at
    would count as this process's memory. Raises ValueError for half a size."""
    sizes.seek(0)
    while data := sizes.read(8 * _READ):
        yield np.frombuffer(data, np.int32).reshape(-1, 2)


def _areas(sizes: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    return sizes[:, 0].astype(np.int64) * sizes[:, 1]
