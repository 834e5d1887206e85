"""Models at an address: the files of a model's folder, beside each other on a web server, as the
Hugging Face hub serves them. They are fetched once, checked, and kept."""

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import quote

from ocrkit.errors import WeightsError
from ocrkit.parts.checked import CheckError
from ocrkit.support.checksums import sha256_of
from ocrkit.support.files import locked, read_bytes, read_text
from ocrkit.support.folders import cache_folder
from ocrkit.support.parsing import parse_toml
from ocrkit.zoo.manifest import Manifest, checked_manifest

PIPELINE, MANIFEST = "pipeline.toml", "manifest.toml"
_MOST_TEXT = 16 << 20
"""Bytes of a pipeline's file, a manifest, a list of forms."""
_MOST_WEIGHTS = 4 << 30
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\.(safetensors|onnx|txt)")
_PIN = re.compile(r"sha256=([0-9a-f]{64})")


def is_address(source: str) -> bool:
    """Whether a pipeline is named by an address, and not by a path or a name."""
    return source.startswith(("https://", "http://"))


def fetched(address: str) -> Path:
    """The pipeline's file of the model at an address, ``https://…/pipeline.toml``, on this machine.

    What is there is never fetched again. Behind ``#sha256=`` the address may say what the
    pipeline's file and the manifest are, one behind the other; the manifest says what the weights
    are. Raises WeightsError for a model that is not what is said, or names files outside its
    folder, DownloadError where it cannot be had.
    """
    url, _, fragment = address.partition("#")
    pin = _PIN.fullmatch(fragment)
    if (fragment and not pin) or not url.endswith(".toml"):
        raise WeightsError(
            f"{address}: expected the address of a model's pipeline.toml, with #sha256= and 64 "
            "hexadecimal digits behind it, or without"
        )
    folder = cache_folder() / "models" / hashlib.sha256(url.encode()).hexdigest()[:32]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_suffix(".lock")):
            if not (folder / PIPELINE).is_file():
                _fetch(url, folder, pin[1] if pin else "")
    except OSError as error:
        raise WeightsError(
            f"{error.filename or folder}: cannot be written ({error.strerror or error})"
        ) from error
    found = _digest(folder / PIPELINE, folder / MANIFEST)
    if pin and pin[1] != found:
        raise WeightsError(
            f"{url}: its pipeline.toml and manifest.toml have the sha256 {found}, not {pin[1]}; "
            f"where the model has changed and is to be fetched anew, remove {folder}"
        )
    return folder / PIPELINE


def _fetch(url: str, folder: Path, pin: str) -> None:
    """Fetches all that reading needs; the pipeline's file, by which a folder is whole, last."""
    above = url.rpartition("/")[0]
    pipeline = _get(url, folder / f"{PIPELINE}.new", _MOST_TEXT)
    _get(f"{above}/{MANIFEST}", folder / MANIFEST, _MOST_TEXT)
    digest = _digest(pipeline, folder / MANIFEST)
    if pin and pin != digest:
        raise WeightsError(
            f"{url}: not the model that was asked for: its pipeline.toml and manifest.toml have "
            f"the sha256 {digest}, not {pin}"
        )
    manifest = _manifest(url, folder / MANIFEST)
    _check_names(url, parse_toml(read_text(pipeline)))
    for name, sha256, size in _files(manifest):
        if not _NAME.fullmatch(name) or size > _MOST_WEIGHTS:
            raise WeightsError(f"{url}: its manifest names {name!r} with {size:,} bytes; refused")
        path = folder / name
        _get(f"{above}/{quote(name)}", path, size)
        if sha256 and sha256_of(path) != sha256:
            path.unlink()
            raise WeightsError(f"{above}/{name}: not the file that the model's manifest names")
    pipeline.replace(folder / PIPELINE)
    if not pin:
        logging.getLogger(__name__).warning(
            "ocrkit: fetched a model that may be pinned: %s#sha256=%s", url, digest
        )


def _get(url: str, path: Path, most: int) -> Path:
    from ocrkit.support.download import complete, download

    part = path.with_name(f"{path.name}.part")
    download(url, part, max_bytes=most)
    complete(part, path)
    return path


def _manifest(url: str, path: Path) -> Manifest:
    try:
        return checked_manifest(parse_toml(read_text(path)))
    except CheckError as error:
        raise WeightsError(f"{url}: its manifest.toml: {error}") from error
    except ValueError as error:
        raise WeightsError(f"{url}: its manifest.toml is no TOML: {error}") from error


def _files(manifest: Manifest) -> Iterator[tuple[str, str, int]]:
    """Name, sha256 and size of what lies beside the manifest. A list's sha256 is not stated; what
    it may say is which forms were seen."""
    if (weights := manifest.weights) and not weights.url:
        yield weights.file, weights.sha256, weights.bytes or _MOST_WEIGHTS
    if manifest.graph:
        yield manifest.graph.file, manifest.graph.sha256, manifest.graph.bytes
    for each in (manifest.forms, manifest.images):
        if each:
            yield each.file, "", _MOST_TEXT


def _check_names(url: str, table: Mapping[str, Any]) -> None:
    """Raises WeightsError where a pipeline's file names what lies outside its folder."""
    for key, value in _texts(table):
        pure = PurePosixPath(value.replace("\\", "/"))
        if key != "alphabet" and (
            pure.is_absolute() or ".." in pure.parts or PureWindowsPath(value).drive
        ):
            raise WeightsError(f"{url}: {key} = {value!r} leads out of the model's folder; refused")


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _texts(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, key)


def _digest(*paths: Path) -> str:
    """Of files one behind the other."""
    return hashlib.sha256(b"".join(map(read_bytes, paths))).hexdigest()
