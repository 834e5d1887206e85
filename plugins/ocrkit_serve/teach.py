"""What the page asks for to teach a model from corrected lines."""

from typing import Any

from fastapi import FastAPI

from ocrkit_serve.teaching import Teaching
from ocrkit_serve.work import Work


def add_teaching(app: FastAPI, teaching: Teaching, work: Work) -> None:
    """Adds the addresses under /v1/teaching. What is taken is put to ``work``."""

    @app.get("/v1/teaching", summary="How far teaching a model is, and what came of it.")
    def state() -> dict[str, Any]:
        return teaching.state()

    @app.post(
        "/v1/teaching",
        status_code=202,
        summary="Teach a model from the corrected lines, or go on where it was stopped.",
    )
    def started() -> dict[str, Any]:
        teaching.start()
        return teaching.state()

    @app.delete("/v1/teaching", status_code=204, summary="Cancel it, or forget what came of it.")
    def cancelled() -> None:
        teaching.cancel()

    @app.post("/v1/teaching/model", summary="Read with the new model from now on.")
    def taken() -> dict[str, str]:
        pipeline = teaching.take()
        work.add(pipeline)
        return {"pipeline": pipeline.spec.title}
