"""A page pipeline made into an entry of the zoo: pages with what it reads on them, and a manifest
with the terms of the models that it names."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ocrkit.errors import DataError
from ocrkit.images.grey import as_grey
from ocrkit.page_pipeline import PageRecipe
from ocrkit.pipelines.file import read_recipe
from ocrkit.pipelines.page_spec import PageSpec
from ocrkit.publishing.golden_pages import GoldenPage, write_pages
from ocrkit.publishing.named_models import licence_of, named_models, terms_of
from ocrkit.publishing.pack import file_facts, sample_of
from ocrkit.reading.engine import BATCH_SIZE
from ocrkit.zoo.manifest import SCHEMA, Manifest, write_manifest
from ocrkit.zoo.models import MANIFEST

TOLERANCE = 3.0
"""Pixels of the page by which a baseline may be off on another backend: numbers that differ in
their last digits can move a ridge by a pixel of the network's map, which is four of its image."""


def pack_pages(folder: Path, about: Mapping[str, Any]) -> Manifest:
    """Makes an entry of the zoo of the page pipeline in ``folder``, which has its
    ``pipeline.toml``; returns the manifest.

    ``pages.safetensors``, the pages of the sample that its reader ships with what is read on them,
    and ``manifest.toml`` are written. ``about`` is put into the manifest, table by table. Raises
    WeightsError where the pipeline names anything but models of the zoo, DataError where there are
    no pages or nothing is found on one.
    """
    spec = read_recipe(folder / "pipeline.toml")
    if not isinstance(spec, PageSpec):
        raise DataError(f"{folder / 'pipeline.toml'}: task: {spec.task!r}; expected page")
    named = named_models(spec)
    sample = sample_of(spec.reader)
    items = []
    with PageRecipe(spec, None, "cpu", 0, BATCH_SIZE).load() as pipeline:
        for each in sample:
            image = as_grey(each.load())
            page = replace(pipeline.read(image), id=each.id)
            if not page.text:
                raise DataError(f"{spec.title!r} reads nothing on the page {each.id}")
            items.append(GoldenPage(image, page))
        versions, backend = pipeline.versions, pipeline.backend
    path = folder / "pages.safetensors"
    write_pages(path, items)
    table = {
        "schema": SCHEMA,
        "name": spec.name,
        "summary": spec.summary,
        "licence": licence_of(named),
        "terms": " ".join(f"{line.rstrip('.')}." for line in terms_of(named)),
        **about,
        "pages": {
            **file_facts(path),
            "items": len(items),
            "tolerance": TOLERANCE,
            "source": f"the sample that ships with reader {sample.name}",
            "backend": backend,
            "versions": versions,
        },
    }
    return write_manifest(folder / MANIFEST, table)
