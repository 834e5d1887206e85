"""The page in the browser, and what it asks for: pages that are kept, and their corrections."""

from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ocrkit import page_to_json
from ocrkit_serve.asking import Asking, Name, Picture
from ocrkit_serve.exports import add_exports
from ocrkit_serve.job import picture_of
from ocrkit_serve.kept import Kept
from ocrkit_serve.lines import add_lines
from ocrkit_serve.page_files import PAGE_FILES
from ocrkit_serve.progress import add_progress


def add_pages(app: FastAPI, asking: Asking, kept: Kept) -> None:
    """Adds the page, and the addresses under /v1/pages."""

    def file(request: Request) -> Response:
        return FileResponse(PAGE_FILES[request.url.path])

    for address in PAGE_FILES:
        app.add_api_route(address, file, include_in_schema=False)

    @app.get("/v1/pages", summary="The pages that are kept.")
    def listed() -> dict[str, list[str]]:
        return {"pages": kept.ids()}

    @app.post(
        "/v1/pages", status_code=201, summary="Read a page, or those of a document, and keep them."
    )
    async def added(file: Picture, pipeline: Name = "") -> dict[str, Any]:
        job = await asking.job(file, pipeline)
        ids: list[str] = []
        errors: list[str] = []
        for read, picture in zip(await asking.read(job), job.pictures, strict=True):
            if read.page is None:
                errors.append(f"{read.id}: {read.error}")
            else:
                shown = await run_in_threadpool(picture_of, picture)
                ids.append(await run_in_threadpool(kept.add, read.id, shown, read.page))
        if not ids:
            raise HTTPException(422, errors[0])
        return {"id": ids[0], "ids": ids, "errors": errors}

    @app.get("/v1/pages/{id_}", summary="A page, as JSON.")
    def page(id_: str) -> dict[str, Any]:
        return page_to_json(kept.page(id_))

    @app.get("/v1/pages/{id_}/picture", summary="The picture of a page.")
    def picture(id_: str) -> Response:
        data, kind = kept.picture(id_)
        return Response(data, media_type=kind)

    add_lines(app, asking, kept)
    add_progress(app, kept)
    add_exports(app, kept)
