"""What the page asks for that changes lines: texts, baselines, their order, and undoing it."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import Body, FastAPI
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ocrkit import Line, Page, page_to_json
from ocrkit.page_pipeline import PagePipeline
from ocrkit.parts.page import Points
from ocrkit_serve.asking import Asking
from ocrkit_serve.changes import (
    Change,
    added,
    corrected,
    drawn,
    line_of,
    moved,
    placed,
    removed,
    reread,
)
from ocrkit_serve.job import Job
from ocrkit_serve.kept import Kept

_LONGEST = 10_000
"""Characters of a line's text."""
_TEXTS = 6
"""Readings of a line that can be chosen from."""
_Number = Annotated[float, Field(allow_inf_nan=False, ge=0)]
Text = Annotated[str, Body(embed=True, max_length=_LONGEST, description="What is written there.")]
Baseline = Annotated[
    list[tuple[_Number, _Number]],
    Body(
        min_length=2,
        max_length=200,
        description="Points (x, y) that the letters stand on, in pixels of the picture.",
    ),
]
Pipeline = Annotated[str, Body(description="One that reads pages; the first of them unless given.")]


def add_lines(app: FastAPI, asking: Asking, kept: Kept) -> None:
    """Adds the addresses under /v1/pages/ID/lines, and /v1/pages/ID/undo."""
    reading = _Reading(asking, kept)
    _add_texts(app, kept, reading)
    _add_places(app, kept, reading)


def _answer(kept: Kept, id_: str, change: Change) -> dict[str, Any]:
    """Makes a change; the page, and the name of the change, by which it can be undone."""
    page, name = kept.change(id_, change)
    return page_to_json(page) | {"change": name}


def _add_texts(app: FastAPI, kept: Kept, reading: "_Reading") -> None:
    at = "/v1/pages/{id_}/lines/{line}"

    @app.put(at, summary="Say what is written in a line.")
    def says(id_: str, line: str, text: Text) -> dict[str, Any]:
        return _answer(kept, id_, lambda page: corrected(page, line, text))

    @app.get(f"{at}/alternatives", summary="What else may be written in a line, best first.")
    async def alternatives(id_: str, line: str, pipeline: str = "") -> dict[str, list[str]]:
        page = await run_in_threadpool(kept.page, id_)
        (read,) = await reading.lines(page, [line_of(page, line)], pipeline, _TEXTS)
        return {"texts": list(dict.fromkeys(each.text for each in read.alternatives))}

    @app.post("/v1/pages/{id_}/read", summary="Read all lines again that nobody has corrected.")
    async def read_again(
        id_: str, pipeline: Annotated[str, Body(embed=True)] = ""
    ) -> dict[str, Any]:
        page = await run_in_threadpool(kept.page, id_)
        old = [line for line in page.lines if not line.corrected]
        lines = await reading.lines(page, old, pipeline)

        def change(page: Page) -> Page:
            for line in lines:
                page = reread(page, line)
            return page

        return await run_in_threadpool(_answer, kept, id_, change)

    @app.post("/v1/pages/{id_}/undo", summary="Take back a change, if it is the page's last one.")
    def undone(id_: str, change: Annotated[str, Body(embed=True)]) -> dict[str, Any]:
        return page_to_json(kept.undo(id_, change))


def _add_places(app: FastAPI, kept: Kept, reading: "_Reading") -> None:
    at = "/v1/pages/{id_}/lines/{line}"

    @app.post("/v1/pages/{id_}/lines", status_code=201, summary="Add a line, cut out and read.")
    async def line_added(id_: str, baseline: Baseline, pipeline: Pipeline = "") -> dict[str, Any]:
        page = await run_in_threadpool(kept.page, id_)
        new = drawn(page, _on(page, baseline))
        (line,) = await reading.lines(page, [new], pipeline)
        return await run_in_threadpool(_answer, kept, id_, partial(added, line=line))

    @app.put(f"{at}/baseline", summary="Say what a line stands on; it is read again.")
    async def line_moved(
        id_: str, line: str, baseline: Baseline, pipeline: Pipeline = ""
    ) -> dict[str, Any]:
        page = await run_in_threadpool(kept.page, id_)
        new = moved(page, line, _on(page, baseline))
        (read,) = await reading.lines(page, [new], pipeline)
        return await run_in_threadpool(_answer, kept, id_, partial(reread, line=read))

    @app.put(f"{at}/place", summary="Put a line before another one in reading order, or last.")
    def line_placed(
        id_: str, line: str, before: Annotated[str | None, Body(embed=True)]
    ) -> dict[str, Any]:
        return _answer(kept, id_, lambda page: placed(page, line, before))

    @app.delete(at, summary="Remove a line.")
    def line_removed(id_: str, line: str) -> dict[str, Any]:
        return _answer(kept, id_, lambda page: removed(page, line))


def _on(page: Page, baseline: list[tuple[float, float]]) -> Points:
    """The points on the page, no two that follow each other the same. Raises HTTPException."""
    inside = [(min(x, page.width), min(y, page.height)) for x, y in baseline]
    points = [
        point for point, before in zip(inside, [None, *inside], strict=False) if point != before
    ]
    if len(points) < 2 or points[0] == points[-1]:
        raise HTTPException(422, "a baseline of no length; expected two points or more")
    return tuple(points)


class _Reading:
    """Reads lines of pages that are kept."""

    def __init__(self, asking: Asking, kept: Kept) -> None:
        self._asking, self._kept = asking, kept

    async def lines(
        self, page: Page, lines: list[Line], pipeline: str, alternatives: int = 1
    ) -> list[Line]:
        """The lines as they are read, with so many alternatives at most. Raises HTTPException."""
        if not lines:
            return []
        picture, _ = await run_in_threadpool(self._kept.picture, page.id)
        plain = [replace(line, corrected=False, text=None) for line in lines]
        job = Job(
            self._named(pipeline),
            (page.id,),
            (picture,),
            drawn=replace(page, lines=tuple(plain)),
            alternatives=alternatives,
        )
        (read,) = await self._asking.read(job)
        if read.page is None:
            raise HTTPException(422, f"{read.id}: {read.error}")
        return list(read.page.lines)

    def _named(self, pipeline: str) -> str:
        known = self._asking.work.pipelines
        pages = [name for name, each in known.items() if isinstance(each, PagePipeline)]
        if not pages:
            raise HTTPException(
                422, "no pipeline that reads pages is loaded; name one at the start"
            )
        if pipeline and pipeline not in pages:
            raise HTTPException(422, f"pipeline {pipeline!r}; expected: {', '.join(pages)}")
        return pipeline or pages[0]
