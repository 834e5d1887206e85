"""``ocrkit run IMAGE …`` with a page pipeline: the text of every page, or a row a line."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from ocrkit.cli.run_output import Mark, Notes, Output, Rows, progress, result_file
from ocrkit.cli.streams import echo, echo_json, results, standard_input, warn
from ocrkit.data.inputs import InputFile, InputPage, input_files, input_pages
from ocrkit.errors import OcrkitError
from ocrkit.parts.formats import make_format
from ocrkit.parts.guests import guest
from ocrkit.support.parallel import ordered_map

if TYPE_CHECKING:
    from ocrkit.page_pipeline import PageItem, PagePipeline
    from ocrkit.parts.page import Page

LINE_COLUMNS = ("id", "line", "text", "confidence", "doubtful", "error")


def read_pages(
    pipeline: PagePipeline, images: tuple[str, ...], limit: int | None, output: Output
) -> None:
    """Reads pages and folders of them. Exits with status 1 where one that was named, or all of
    them, cannot be read."""
    files = input_files(images)
    named = {file.path for file in files if file.named}
    pages = list(chain.from_iterable(expand_pages(files)))[:limit]
    mark, notes, rows = Mark(output.min_confidence), Notes(), Rows(output.format, LINE_COLUMNS)
    ids = [page.id for page in pages]
    header = {**pipeline.header(), "images": ids, **mark.header} if output.file else {}
    listed: list[dict[str, Any]] = []
    read_any, failed = not pages, False
    with (
        result_file(output, header, pipeline.may_go_on_after) as file,
        progress(len(pages)) as advance,
    ):
        kept = file.kept if file else 0
        earlier = _earlier(file.rows()) if file else iter(())
        items = chain(earlier, pipeline.read_many(pages[kept:], after=kept))
        for index, (page, item) in enumerate(zip(pages, items, strict=True)):
            if item.page:
                doubtful = doubtful_lines(item.page, item.doubtful, mark)
                item = replace(item, doubtful=doubtful)
            notes.add(item.id, item.note)
            if file and index >= kept:
                file.write(_row(item))
            if item.error is not None:
                warn(item.error)
                failed |= page.path in named
                rows.add({"id": item.id, "error": item.error})
            read_any |= item.error is None
            for row in line_rows(item.id, item.page, item.doubtful) if item.page else ():
                rows.add(row)
            shown = _row(item) | {"error": item.error}
            rows.add_object(shown)
            if output.format == "json":
                listed.append(shown)
            elif output.format == "text" and item.page:
                _print(item, path_too=len(pages) > 1, first=index == 0)
            advance()
    notes.say()
    mark.say()
    if output.format == "json":
        echo_json({"items": listed})
    if failed or not read_any:
        sys.exit(1)


def print_page(pipeline: PagePipeline, images: tuple[str, ...], format_: str) -> None:
    """Reads one page and writes it to standard output in a format that has one a file. Exits with
    status 1 where it cannot be read."""
    files = input_files(images)
    pages = list(chain.from_iterable(expand_pages(files)))
    if len(pages) > 1:
        raise OcrkitError(
            f"{len(pages):,} pages; {format_} takes one on standard output, and all with --out DIR"
        )
    (item,) = pipeline.read_many(pages)
    if item.page is None:
        warn(item.error)
        sys.exit(1)
    part = make_format(format_)
    picture = pages[0].picture() if part.takes_pictures else None
    file = io.BytesIO()
    with guest("format", format_):
        part.write([(item.page, picture)], file)
    results().flush()
    results().buffer.write(file.getvalue())


def expand_pages(files: Sequence[InputFile]) -> Iterator[list[InputPage]]:
    """The pages of every file, which are counted in threads; standard input is read here, where
    Ctrl-C reaches it."""
    pages = ordered_map(lambda file: [] if file.path == "-" else input_pages(file.path), files)
    for found in pages:
        yield found or [InputPage("-", data=standard_input())]


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
