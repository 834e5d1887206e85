"""Preprocessed images on disk, so that a second start on the same data set reads one file instead of thousands.

A cache entry is a folder: all pixels in one flat array, read piece by piece, with the sizes and the samples that failed.
It is named by the sha256 of everything that the pixels depend on, is renamed into place when complete, and never changes.
"""

import hashlib
import json
import os
import re
import secrets
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

import ocrkit
from ocrkit.errors import ImageError
from ocrkit.interfaces import Image, Sample

_FORMAT = 1
_ENTRY = re.compile(r"[0-9a-f]{64}|\.[0-9a-f]{12}-.+")
"""Names of entries, and of those that are being written: nothing else in the folder is touched."""
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


def cache_key(samples: Sequence[Sample], preprocessing: str) -> str | None:
    """The entry's name: a digest of the preprocessing and of every image's file, time and size.

    None where a sample has no file, or its file is gone: then nothing can be known to be unchanged.
    """
    digest = hashlib.sha256(json.dumps([_FORMAT, ocrkit.__version__, preprocessing]).encode())
    here = Path.cwd()
    for sample in samples:
        if sample.path is None:
            return None
        try:
            status = os.stat(sample.path)  # noqa: PTH116  (pathlib would double what a cached start takes)
        except OSError:
            return None
        path = os.path.join(here, sample.path)  # noqa: PTH118
        digest.update(f"\n{sample.id}\t{path}\t{status.st_mtime_ns}\t{status.st_size}".encode(errors="surrogateescape"))
    return digest.hexdigest()


class CacheWriter:
    """Collects images in order; ``commit`` makes them an entry, leaving the ``with`` block without it drops them.

    Without a key it collects nothing, nor where the cache cannot be written, say on a full disk: a cache only saves time.
    """

    def __init__(self, key: str | None) -> None:
        self._sizes = array("i")  # heights and widths in turns
        self._failed: dict[int, str] = {}
        self._folder: Path | None = None
        if key is None:
            return
        self._final = cache_folder() / key
        with suppress(OSError):
            self._final.parent.mkdir(parents=True, exist_ok=True)
            folder = self._final.with_name(f".{key[:12]}-{secrets.token_hex(6)}")
            folder.mkdir(mode=0o700)
            self._pixels = (folder / "pixels").open("wb", buffering=_WRITTEN)
            self._folder = folder

    def __enter__(self) -> "CacheWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self._drop()

    def _drop(self) -> None:
        if self._folder:
            with suppress(OSError):
                self._pixels.close()
            _remove(self._folder)
            self._folder = None

    def add(self, image: Image | ImageError) -> None:
        if not self._folder:
            return
        if isinstance(image, ImageError):
            self._failed[len(self._sizes) // 2] = str(image)
            self._sizes.extend((0, 0))
            return
        self._sizes.extend(image.shape)
        try:
            self._pixels.write(np.ascontiguousarray(image).tobytes())
        except OSError:
            self._drop()

    def commit(self) -> None:
        """Puts the entry in place. Where another process was faster, its entry, which is the same, stays."""
        if not self._folder:
            return
        with suppress(OSError):
            self._pixels.flush()
            os.fsync(self._pixels.fileno())
            np.save(self._folder / "sizes.npy", np.frombuffer(self._sizes, np.int32).reshape(-1, 2))
            (self._folder / "failed.json").write_text(json.dumps(self._failed), encoding="utf-8")
            if cached_images(self._final.name) is None:
                _remove(self._final)  # damaged, where there is one at all
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


def cached_images(key: str) -> Iterator[Image | ImageError] | None:
    """The images of an entry in order, or None where there is no such entry."""
    folder = cache_folder() / key
    try:
        sizes = np.load(folder / "sizes.npy", mmap_mode="r", allow_pickle=False)
        failed = {int(index): reason for index, reason in json.loads((folder / "failed.json").read_text("utf-8")).items()}
        pixels = (folder / "pixels").open("rb")
        if os.fstat(pixels.fileno()).st_size != sizes.prod(axis=1, dtype=np.int64).sum():
            pixels.close()
            return None
        os.utime(folder)  # in use
    except (OSError, ValueError, EOFError):
        return None

    def images() -> Iterator[Image | ImageError]:
        with pixels:  # read, not mapped: what has been looked at would count as this process's memory
            for start in range(0, len(sizes), _READ):
                part = sizes[start : start + _READ]
                areas = part.prod(axis=1, dtype=np.int64)
                flat = np.frombuffer(pixels.read(int(areas.sum())), np.uint8)
                ends = areas.cumsum().tolist()
                for index, ((height, width), end) in enumerate(zip(part.tolist(), ends, strict=True), start):
                    if index in failed:
                        yield ImageError(failed[index])
                    else:
                        yield flat[end - height * width : end].reshape(height, width)

    return images()
