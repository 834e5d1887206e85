"""What requests that bring a picture have in common."""

import asyncio
import weakref
from functools import partial
from typing import Annotated

from fastapi import File, Form, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ocrkit.page_pipeline import PagePipeline
from ocrkit_serve.answers import check_format
from ocrkit_serve.job import Job, Read
from ocrkit_serve.limits import Limits
from ocrkit_serve.metrics import Metrics
from ocrkit_serve.uploads import name_of, opened
from ocrkit_serve.work import Work

Picture = Annotated[UploadFile, File(description="An image file or a PDF document.")]
Name = Annotated[
    str, Form(description="One of /v1/models that is loaded; the first of them unless given.")
]


class Asking:
    """Makes jobs of requests, and waits for them."""

    def __init__(self, work: Work, limits: Limits, metrics: Metrics) -> None:
        self.work = work
        self._limits = limits
        self._metrics = metrics

    async def job(self, file: UploadFile, pipeline: str, wanted: str = "") -> Job:
        """What is asked for, checked but not decoded. Raises OcrkitError and HTTPException."""
        pipelines = self.work.pipelines
        name = pipeline or next(iter(pipelines))
        if name not in pipelines:
            known = ", ".join(pipelines)
            raise HTTPException(422, f"no pipeline {name!r} is loaded; expected one of: {known}")
        documents = isinstance(pipelines[name], PagePipeline)
        upload = await run_in_threadpool(
            partial(opened, name_of(file.filename), await file.read(), documents=documents),
            self._limits,
        )
        job = Job(name, upload.ids, upload.pictures)
        weakref.finalize(job, upload.close)
        check_format(wanted, len(job.pictures))
        return job

    async def read(self, job: Job) -> list[Read]:
        """What is read, once it is. Raises BusyError, and HTTPException where it takes too
        long."""
        with self._metrics.seconds.time():
            self.work.submit(job)
            try:
                return await asyncio.wait_for(asyncio.wrap_future(job.done), self._limits.seconds)
            except TimeoutError:
                reason = f"not read within {self._limits.seconds} seconds, the limit"
                raise HTTPException(504, reason) from None
