"""The page in the browser, and what it asks for: pages that are kept, and their corrections."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ocrkit import page_to_json
from ocrkit_serve.asking import Asking, Name, Picture
from ocrkit_serve.job import picture_of
from ocrkit_serve.kept import Kept

_FOLDER = Path(__file__).parent / "page"
_LONGEST = 10_000
"""Characters of a line's text."""

Text = Annotated[str, Body(embed=True, max_length=_LONGEST, description="What is written there.")]


def add_pages(app: FastAPI, asking: Asking, kept: Kept) -> None:
    """Adds the page, and the addresses under /v1/pages."""

    @app.get("/", include_in_schema=False)
    @app.get("/icon.svg", include_in_schema=False)
    @app.get("/page.css", include_in_schema=False)
    @app.get("/page.js", include_in_schema=False)
    def file(request: Request) -> Response:
        return FileResponse(_FOLDER / (request.url.path[1:] or "index.html"))

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

    @app.put("/v1/pages/{id_}/lines/{line}", summary="Say what is written in a line.")
    def corrected(id_: str, line: str, text: Text) -> dict[str, Any]:
        return page_to_json(kept.correct(id_, line, text))
