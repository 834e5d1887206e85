"""The service's addresses."""

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Annotated, Any

from fastapi import FastAPI, Form
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import ocrkit
from ocrkit import OcrkitError
from ocrkit_serve.answers import answer
from ocrkit_serve.asking import Asking, Name, Picture
from ocrkit_serve.changes import Unknown
from ocrkit_serve.guard import Guard
from ocrkit_serve.jobs import Asked, Jobs
from ocrkit_serve.kept import Kept, Outdated, Unwritten
from ocrkit_serve.limits import Limits
from ocrkit_serve.metrics import Metrics
from ocrkit_serve.pages import add_pages
from ocrkit_serve.teach import add_teaching
from ocrkit_serve.teaching import Teaching, Unfit
from ocrkit_serve.work import BusyError, ClosingError, Work

Wanted = Annotated[
    str,
    Form(alias="format", description="A format of files; JSON of all that was read unless given."),
]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What the system says where a disk takes no more."""


def make_app(
    work: Work,
    limits: Limits,
    key: str | None,
    metrics: Metrics,
    kept: Kept | None = None,
    *,
    teaching: Teaching | None = None,
) -> FastAPI:
    """The service around pipelines that are at ``work``, which ends with it. With a ``key`` every
    request needs it, else only this machine can ask. The page to correct what was read is there
    where pages are ``kept``; from them a model can be taught where there is ``teaching``, which
    ends with the service too."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        with work, teaching or nullcontext():
            yield

    app = FastAPI(
        title="ocrkit",
        version=ocrkit.__version__,
        lifespan=life,
        docs_url=None,  # their pages load scripts from other hosts
        redoc_url=None,
    )
    app.add_middleware(Guard, limits=limits, key=key, metrics=metrics)
    _say_errors(app)
    _add_status(app, work, metrics)
    asking = Asking(work, limits, metrics)
    _add_reading(app, asking)
    if kept:
        add_pages(app, asking, kept)
    if teaching:
        add_teaching(app, teaching, work)
    return app


def _say_errors(app: FastAPI) -> None:
    """Every error is an object with one line, ``error``."""

    def said(reason: str, status: int, **headers: str) -> JSONResponse:
        return JSONResponse({"error": reason}, status, headers)

    @app.exception_handler(OSError)
    async def full(_: Request, error: OSError) -> Response:
        if error.errno not in _FULL:
            raise error
        reason = f"the service's folder for temporary files takes no more ({error.strerror})"
        return said(reason, 507)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if isinstance(error.__cause__, OSError):  # FastAPI's, where a form cannot be put aside
            return await full(request, error.__cause__)
        return said(str(error.detail), error.status_code)

    @app.exception_handler(RequestValidationError)
    async def unfit(_: Request, error: RequestValidationError) -> Response:
        problems = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        return said("; ".join(problems), 422)

    @app.exception_handler(BusyError)
    async def busy(_: Request, error: BusyError) -> Response:
        return said(str(error), 429, **{"Retry-After": str(error.seconds)})

    @app.exception_handler(ClosingError)
    async def closing(_: Request, error: ClosingError) -> Response:
        return said(str(error), 503)

    @app.exception_handler(Unknown)
    async def unknown(_: Request, error: Unknown) -> Response:
        return said(str(error), 404)

    @app.exception_handler(Unfit)
    @app.exception_handler(Outdated)
    async def not_now(_: Request, error: OcrkitError) -> Response:
        return said(str(error), 409)

    @app.exception_handler(Unwritten)
    async def unwritten(_: Request, error: Unwritten) -> Response:
        return said(str(error), 507)

    @app.exception_handler(OcrkitError)
    async def wrong(_: Request, error: OcrkitError) -> Response:
        return said(str(error), 422)

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> Response:
        return said("something went wrong here; the service's log has more", 500)


def _add_status(app: FastAPI, work: Work, metrics: Metrics) -> None:
    @app.get("/health", summary="Whether the service is there.")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", summary="Whether it can read.")
    async def ready() -> dict[str, str]:
        if not work.is_ready:
            raise HTTPException(503, "it cannot read any more")
        return {"status": "ready"}

    @app.get("/version", summary="Versions of ocrkit and of the pipelines' frameworks.")
    async def version() -> dict[str, dict[str, str]]:
        return {name: pipeline.versions for name, pipeline in work.pipelines.items()}

    @app.get("/metrics", summary="What it counts, for Prometheus.")
    async def counted() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/v1/models", summary="The pipelines that can be named.")
    async def models() -> dict[str, list[dict[str, Any]]]:
        return {
            "models": [
                {
                    "name": name,
                    "reads": pipeline.spec.task,
                    "licences": sorted({each.licence for each in pipeline.used if each.licence}),
                }
                for name, pipeline in work.pipelines.items()
            ]
        }


def _add_reading(app: FastAPI, asking: Asking) -> None:
    jobs = Jobs()

    @app.post("/v1/read", summary="Read a picture, and wait for what is on it.")
    async def read(file: Picture, wanted: Wanted = "", pipeline: Name = "") -> Response:
        job = await asking.job(file, pipeline, wanted)
        return await run_in_threadpool(answer, job, await asking.read(job), wanted)

    @app.post(
        "/v1/read/async", status_code=202, summary="Have a picture read, to ask for it later."
    )
    async def read_later(file: Picture, wanted: Wanted = "", pipeline: Name = "") -> dict[str, str]:
        jobs.check_room()
        job = await asking.job(file, pipeline, wanted)
        asking.work.submit(job)
        return {"id": jobs.add(Asked(job, wanted, file.size or 0))}

    def asked(id_: str) -> Asked:
        found = jobs.get(id_)
        if found is None:
            raise HTTPException(404, "no such job; a result can be fetched once, within an hour")
        return found

    @app.get("/v1/jobs/{id_}", summary="How far a job is: waiting, reading, done or failed.")
    async def job_status(id_: str) -> dict[str, Any]:
        found = asked(id_)
        return {"id": id_, "status": found.status, "pages": len(found.job.pictures)}

    @app.get("/v1/jobs/{id_}/result", summary="What was read; once, then it is forgotten.")
    async def job_result(id_: str) -> Response:
        found = asked(id_)
        if not found.job.done.done():
            raise HTTPException(409, f"not read yet: {found.status}")
        jobs.remove(id_)
        return await run_in_threadpool(answer, found.job, found.job.done.result(), found.format)

    @app.delete("/v1/jobs/{id_}", status_code=204, summary="Forget a job, read or not.")
    async def job_removed(id_: str) -> None:
        asked(id_)
        jobs.remove(id_)
