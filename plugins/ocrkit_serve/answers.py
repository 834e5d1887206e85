"""What was read, as requests want it."""

import io
import mimetypes
from typing import Any

from starlette.responses import JSONResponse, Response

from ocrkit import DataError, page_to_json
from ocrkit.interfaces import Format
from ocrkit.parts.formats import make_format
from ocrkit_serve.job import Job, Read, picture_of


def items(reads: list[Read]) -> dict[str, Any]:
    """The same as ``ocrkit run --json`` has them, with all that is known of a page."""
    return {
        "items": [
            {
                "id": each.id,
                "text": each.page.text if each.page else None,
                "confidence": each.page.confidence if each.page else None,
                "error": each.error,
                "page": page_to_json(each.page) if each.page else None,
            }
            for each in reads
        ]
    }


def check_format(name: str, pages: int) -> None:
    """Raises PluginError for a format that is not there, and DataError for one that does not take
    so many pages."""
    if name:
        _takes(make_format(name), name, pages)


def _takes(format_: Format, name: str, pages: int) -> None:
    if pages > 1 and not format_.takes_several:
        raise DataError(
            f"{pages} pages; a file of format {name!r} holds one; send them one by one, or leave "
            "out the format for JSON of all"
        )


def answer(job: Job, reads: list[Read], name: str) -> Response:
    """The answer to a request: JSON of all pages, or a file of a format, ``name``. Raises
    DataError where a page could not be read that should be in a file."""
    if not name:
        return JSONResponse(items(reads))
    for read in reads:
        if read.page is None:
            raise DataError(f"{read.id}: {read.error}")
    format_ = make_format(name)
    pages = (
        (read.page, picture_of(picture) if format_.takes_pictures else None)
        for picture, read in zip(job.pictures, reads, strict=True)
        if read.page
    )
    file = io.BytesIO()
    format_.write(pages, file)
    kind = mimetypes.guess_type(f"a{format_.ending}")[0] or "application/octet-stream"
    disposition = f'attachment; filename="read{format_.ending}"'
    return Response(file.getvalue(), media_type=kind, headers={"content-disposition": disposition})
