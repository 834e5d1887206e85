"""Pages that are kept, as files of every format."""

import mimetypes
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from fastapi import FastAPI
from starlette.responses import StreamingResponse

from ocrkit import OcrkitError, PluginError
from ocrkit.interfaces import Format
from ocrkit.parts.formats import make_format
from ocrkit.parts.registry import registry
from ocrkit_serve.kept import Kept

_HELD = 8_000_000
"""Bytes of a file that are held; more are put on disk, in a file without a name."""


def add_exports(app: FastAPI, kept: Kept) -> None:
    """Adds the addresses of formats and files."""

    @app.get("/v1/formats", summary="The formats in which pages can be had.")
    def formats() -> dict[str, list[dict[str, Any]]]:
        return {
            "formats": [
                {"name": name, "ending": made.ending, "takes_several": made.takes_several}
                for name, made in _formats()
            ]
        }

    @app.get("/v1/pages/{id_}/file", summary="A page as a file of a format.")
    def one(id_: str, format: str) -> StreamingResponse:
        made = make_format(format)
        with _to_be_sent() as file:
            _write(made, kept, [id_], file)
            return _sent(file, f"{id_}{made.ending}")

    @app.get(
        "/v1/file", summary="All pages: as one file, or a ZIP of files where a file holds one page."
    )
    def all_of_them(format: str) -> StreamingResponse:
        made, ids = make_format(format), kept.ids()
        if not ids:
            raise OcrkitError("no pages are kept")
        with _to_be_sent() as file:
            if made.takes_several:
                _write(made, kept, ids, file)
                return _sent(file, f"pages{made.ending}")
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for id_ in ids:
                    with archive.open(f"{id_}{made.ending}", "w", force_zip64=True) as member:
                        _write(made, kept, [id_], member)
            return _sent(file, "pages.zip")


@contextmanager
def _to_be_sent() -> Iterator[Any]:
    """A file that is closed when it has been sent, or where the block raises something."""
    file = SpooledTemporaryFile(_HELD)  # noqa: SIM115
    try:
        yield file
    except BaseException:
        file.close()
        raise


def _formats() -> Iterator[tuple[str, Format]]:
    """Those whose libraries are there."""
    for name in registry().names("format"):
        with suppress(PluginError):
            yield name, make_format(name)


def _write(made: Format, kept: Kept, ids: list[str], file: Any) -> None:
    pages = ((kept.page(id_), kept.picture(id_)[0] if made.takes_pictures else None) for id_ in ids)
    made.write(pages, cast(BinaryIO, file))


def _sent(file: Any, name: str) -> StreamingResponse:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    length = file.tell()
    file.seek(0)
    return StreamingResponse(
        _pieces(file),
        media_type=kind,
        headers={"content-disposition": "attachment", "content-length": str(length)},
    )


def _pieces(file: Any) -> Iterator[bytes]:
    with file:
        while piece := file.read(65_536):
            yield piece
