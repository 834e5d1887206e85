"""A data set of Ray's with the paths of pages, read."""

from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray.data

from ocrkit import page_to_json
from ocrkit.page_pipeline import PageItem, PageRecipe
from ocrkit.support.parsing import json_text
from ocrkit_ray.apart import NONE, Apart, Begun, Deadly, ProcessEndedError, Reads, read_pages
from ocrkit_ray.cluster import share_of
from ocrkit_ray.listing import FEWEST
from ocrkit_ray.reader import enter
from ocrkit_ray.storage import pages_of

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("path", "id", "text")]
    + [("confidence", pa.float64())]
    + [(name, pa.string()) for name in ("page", "error", "note")]
)


def map_pages(dataset: ray.data.Dataset, recipe: PageRecipe) -> ray.data.Dataset:
    """Reads the pages of a data set of Ray's, whose column ``path`` (string) has their files: local
    paths, which every machine has to have, or addresses such as ``s3://bucket/scan.png``.

    Gives a data set with a row a page, in any order: ``path``; ``id``, such as ``scan.pdf#3``;
    ``text``, ``confidence`` (0 to 1) and ``page``, the page as JSON, null where it could not be
    read; ``error``, why not, else null; ``note``, what is odd about it. Nothing is read before rows
    are asked for. The actors have the recipe's device and as many processors each as it has
    threads, one where it says 0. The recipe is that of a pipeline that is loaded,
    ``ocrkit.load("iam-pages", threads=1).recipe``; docs/many-machines.md has an example.
    """
    share = share_of(recipe)
    return dataset.map_batches(
        MappedPages,
        batch_size=FEWEST,
        batch_format="pyarrow",
        fn_constructor_args=(recipe, str(Path.cwd())),
        compute=ray.data.ActorPoolStrategy(size=share.fit()),
        **share.options,
    )


class MappedPages:
    """Reads the pages of files; where an actor has died before, in a process of its own, so that
    the page at which it died is known."""

    def __init__(self, recipe: PageRecipe, folder: str) -> None:
        make = partial(_reads, recipe, folder)
        died = ray.get_runtime_context().was_current_actor_reconstructed
        self._read = Apart(make).read if died else make()

    def __call__(self, batch: pa.Table) -> pa.Table:
        rows = [row for path in batch["path"].to_pylist() for row in self._rows(path)]
        return pa.Table.from_pylist(rows, schema=SCHEMA)

    def _rows(self, path: str) -> list[dict[str, Any]]:
        try:
            return list(self._read(path))
        except ProcessEndedError as error:
            return [_row(path, PageItem(path, None, f"{path}: {error}"))]


def _reads(recipe: PageRecipe, folder: str, begun: Begun | None = None) -> Reads:
    enter(folder)
    pipeline = recipe.load()

    def rows(path: str, deadly: Deadly = NONE) -> list[dict[str, Any]]:
        with pages_of(path) as pages:
            return [_row(path, item) for item in read_pages(pipeline, pages, deadly, begun)]

    return rows


def _row(path: str, item: PageItem) -> dict[str, Any]:
    page = item.page
    return {
        "path": path,
        "id": item.id,
        "text": item.text,
        "confidence": page.confidence if page else None,
        "page": json_text(page_to_json(page)) if page else None,
        "error": item.error,
        "note": item.note,
    }
