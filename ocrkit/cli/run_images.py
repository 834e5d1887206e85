"""``ocrkit run IMAGE …``: a line an image."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocrkit.cli.run_output import Mark, Notes, Output, Rows, progress, result_file
from ocrkit.cli.streams import echo_json, echo_row, say, standard_input, warn

if TYPE_CHECKING:
    from ocrkit.pipeline import Pipeline
    from ocrkit.reading.items import Item
    from ocrkit.reports.draft import Draft


def read_images(
    pipeline: Pipeline, images: tuple[str, ...], limit: int | None, output: Output
) -> None:
    """Reads images and folders of them. Exits with status 1 where one that was named, or all of
    them, cannot be read."""
    from ocrkit.reading.items import Item

    paths, named = expand(images)
    paths = paths[:limit]
    mark, notes = Mark(output.min_confidence), Notes()
    header = {**pipeline.header(), "images": paths, **mark.header} if output.file else {}
    listed: list[dict[str, Any]] = []
    read_any = not paths
    draft = None
    if output.draft:
        from ocrkit.reports.draft import Draft

        draft = Draft(output.draft, paths)
    rows = Rows(output.format, ("id", "text", "confidence", "error", *mark.columns))
    failed = False
    with (
        result_file(output, header, pipeline.may_go_on_after) as file,
        progress(len(paths)) as advance,
    ):
        kept, stored = (file.kept, file.rows()) if file else (0, ())
        earlier = (
            Item(row["id"], row.get("text"), row.get("confidence"), row.get("error"))
            for row in stored
        )
        # Read here and not in a thread, which Ctrl-C would not reach.
        sources = (standard_input() if path == "-" else path for path in paths[kept:])
        for index, (path, item) in enumerate(
            zip(paths, chain(earlier, pipeline.read_many(sources, after=kept)), strict=True)
        ):
            item = _as_standard_input(item) if path == "-" else item
            doubtful = mark(item.confidence)
            notes.add(item.id, item.note)
            if file and index >= kept:
                file.write({**_item_row(item), **doubtful})
            if item.error is not None:
                warn(item.error)
                failed |= item.id in named
            elif output.format == "text":
                echo_row(item.id, item.text or "", *["doubtful"] * bool(doubtful))
            row = {
                "id": item.id,
                "text": item.text,
                "confidence": item.confidence,
                "error": item.error,
                **mark.cells(doubtful),
            }
            if draft and item.text is not None:
                draft.add(item.id, item.text, item.confidence)
            rows.add(row)
            rows.add_object(row)
            if output.format == "json":
                listed.append(row)
            read_any |= item.error is None
            advance()
    notes.say()
    mark.say()
    if draft:
        _write(draft)
    if output.format == "json":
        echo_json({"items": listed})
    if failed or not read_any:
        sys.exit(1)


def _write(draft: Draft) -> None:
    for path, reason in draft.write():
        warn(f"{path}: {reason}; not in the draft")
    say(f"wrote {draft.file}: correct it, save it as {draft.folder / 'labels.tsv'}, then")
    say(f"ocrkit finetune {draft.folder}")


def expand(images: tuple[str, ...]) -> tuple[list[str], set[str]]:
    """All paths to read, folders replaced by the images in them; and those that the user named."""
    from ocrkit.errors import DataError
    from ocrkit.images import find_images

    paths: list[str] = []
    for image in images:
        if not Path(image).is_dir():
            paths.append(image)
            continue
        found = [str(path) for path in find_images(Path(image))]
        if not found:
            raise DataError(f"{image}: no images in this folder")
        paths += found
    return paths, {image for image in images if not Path(image).is_dir()}


def _as_standard_input(item: Item) -> Item:
    """For the library these are bytes without a name."""
    reason = (item.error or "").removeprefix(f"{item.id}: ").removeprefix("<bytes>: ")
    return replace(item, id="-", error=f"-: {reason}" if item.error else None)


def _item_row(item: Item) -> dict[str, Any]:
    """What a result file says of an image."""
    from ocrkit.scoring.result_rows import decoded_fields

    return {
        "id": item.id,
        **(
            {"text": item.text, **decoded_fields(item.decoded)}
            if item.decoded
            else {"error": item.error}
        ),
    }
