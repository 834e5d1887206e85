"""``ocrkit run IMAGE …`` with a page pipeline: the text of every page, or a row a line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from ocrkit.cli.run_images import expand
from ocrkit.cli.run_output import Mark, Notes, Output, Rows, progress, result_file
from ocrkit.cli.streams import echo, echo_json, warn

if TYPE_CHECKING:
    from ocrkit.page_pipeline import PageItem, PagePipeline
    from ocrkit.parts.page import Page

LINE_COLUMNS = ("id", "line", "text", "confidence", "doubtful", "error")


def read_pages(
    pipeline: PagePipeline, images: tuple[str, ...], limit: int | None, output: Output
) -> None:
    """Reads pages and folders of them. Exits with status 1 where one that was named, or all of
    them, cannot be read."""
    paths, named = expand(images)
    paths = paths[:limit]
    mark, notes, rows = Mark(output.min_confidence), Notes(), Rows(output.format, LINE_COLUMNS)
    header = {**pipeline.header(), "images": paths, **mark.header} if output.file else {}
    listed: list[dict[str, Any]] = []
    read_any, failed = not paths, False
    with (
        result_file(output, header, pipeline.may_go_on_after) as file,
        progress(len(paths)) as advance,
    ):
        kept = file.kept if file else 0
        earlier = _earlier(file.rows()) if file else iter(())
        # Read here and not in a thread, which Ctrl-C would not reach.
        sources = (sys.stdin.buffer.read() if path == "-" else path for path in paths[kept:])
        items = chain(earlier, pipeline.read_many(sources, after=kept))
        for index, (path, item) in enumerate(zip(paths, items, strict=True)):
            item = _as_standard_input(item) if path == "-" else item
            if item.page:
                doubtful = doubtful_lines(item.page, item.doubtful, mark)
                item = replace(item, doubtful=doubtful)
            notes.add(item.id, item.note)
            if file and index >= kept:
                file.write(_row(item))
            if item.error is not None:
                warn(item.error)
                failed |= item.id in named
                rows.add({"id": item.id, "error": item.error})
            read_any |= item.error is None
            for row in line_rows(item.id, item.page, item.doubtful) if item.page else ():
                rows.add(row)
            if output.format == "json":
                listed.append(_row(item) | {"error": item.error})
            elif output.format == "text" and item.page:
                _print(item, path_too=len(paths) > 1, first=index == 0)
            advance()
    notes.say()
    mark.say()
    if output.format == "json":
        echo_json({"items": listed})
    if failed or not read_any:
        sys.exit(1)


def _print(item: PageItem, *, path_too: bool, first: bool) -> None:
    """A page's text; where there are several pages, beneath the name of each."""
    if path_too:
        if not first:
            echo("")
        echo(f"==> {item.id} <==")
    for line in (item.text or "").splitlines():
        echo(line)


def line_rows(id_: str, page: Page, doubtful: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """A row of a table for every line of a page: :data:`LINE_COLUMNS`."""
    for line in page.lines:
        yield {
            "id": id_,
            "line": line.id,
            "text": line.text,
            "confidence": line.confidence,
            "doubtful": line.id in doubtful,
        }


def doubtful_lines(page: Page, doubtful: tuple[str, ...], mark: Mark) -> tuple[str, ...]:
    """The lines that are doubtful already, and those less sure than was asked for."""
    unsure = {line.id for line in page.lines if mark(line.confidence)}
    return tuple(line.id for line in page.lines if line.id in unsure or line.id in doubtful)


def _row(item: PageItem) -> dict[str, Any]:
    """What a result file, and --json, say of a page."""
    from ocrkit.parts.page_json import page_to_json

    if item.page is None:
        return {"id": item.id, "error": item.error}
    return {
        "id": item.id,
        "text": item.text,
        "confidence": item.page.confidence,
        "page": page_to_json(item.page),
        **({"doubtful": list(item.doubtful)} if item.doubtful else {}),
        **({"note": item.note} if item.note else {}),
    }


def _earlier(rows: Iterable[dict[str, Any]]) -> Iterator[PageItem]:
    """The pages of a run that was interrupted."""
    from ocrkit.page_pipeline import PageItem
    from ocrkit.parts.page_json import page_from_json

    for row in rows:
        page = page_from_json(row["page"]) if "page" in row else None
        doubtful = tuple(row.get("doubtful", ()))
        yield PageItem(row["id"], page, row.get("error"), doubtful, row.get("note", ""))


def _as_standard_input(item: PageItem) -> PageItem:
    """For the library these are bytes without a name."""
    reason = (item.error or "").removeprefix(f"{item.id}: ").removeprefix("<bytes>: ")
    page = replace(item.page, id="-") if item.page else None
    return replace(item, id="-", page=page, error=f"-: {reason}" if item.error else None)
