"""Whether a page pipeline of the zoo finds the same lines and reads the same on every backend."""

from collections.abc import Callable, Sequence

import numpy as np

from ocrkit.page_pipeline import PagePipeline
from ocrkit.parts.page import Page
from ocrkit.parts.registry import registry
from ocrkit.pipeline import load
from ocrkit.pipelines.file import read_recipe
from ocrkit.pipelines.page_spec import PageSpec
from ocrkit.publishing.golden_pages import GoldenPage, farthest, other_models, read_pages, unlike
from ocrkit.publishing.named_models import common_backends, named_models
from ocrkit.publishing.stated import file_text
from ocrkit.publishing.verification import (
    STORED,
    Difference,
    Verification,
    checking,
    not_installed,
    places,
)
from ocrkit.zoo.manifest import StatedPages
from ocrkit.zoo.models import Model


def verify_pages(
    result: Verification,
    found: Model,
    stated: StatedPages,
    *,
    backend: str | None,
    device: str,
    on_images: Callable[[int, int], None],
) -> None:
    """Reads the golden pages of a page pipeline on every backend that runs both of its networks,
    and adds what was looked at to the result. Arguments are those of
    :func:`ocrkit.publishing.verify.verify`."""
    result.tolerance = stated.tolerance
    path = found.folder / stated.file
    items: list[GoldenPage] = []
    with checking(result, "golden pages", file_text(stated)) as problems:
        items = read_pages(path, sha256=stated.sha256)
        if len(items) != stated.items:
            problems.append(f"{path}: {len(items)} pages; the manifest says {stated.items}")
    names: list[str] = []
    with checking(result, "pipeline") as problems:
        spec = read_recipe(found.name)
        if not isinstance(spec, PageSpec):
            problems.append(f"{found.folder / 'pipeline.toml'}: task: {spec.task!r}; expected page")
        else:
            named = named_models(spec)
            result.fetched = all(each.weights_path.is_file() for each in named.values() if each.url)
            names = common_backends(spec, named)
    if result.problems or not result.fetched:
        return
    engines = _engines(result, [backend] if backend else names, device)
    for number, (label, (name, where)) in enumerate(engines.items()):
        versions = registry().get("backend", name).load()().versions()
        what = [f"{len(items)} pages", *(f"{each} {version}" for each, version in versions.items())]
        with checking(result, f"golden pages on {label}", ", ".join(what)) as problems:
            read: list[Page] = []
            with load(found.name, backend=name, device=where) as pipeline:
                assert isinstance(pipeline, PagePipeline)  # noqa: S101  (its spec says so)
                for item in items:
                    read.append(pipeline.read(item.image))
                    done = number * len(items) + len(read)
                    on_images(done, len(engines) * len(items))
            result.ran[label] = versions
            problems += _unlike(items, read, stated.tolerance)
            pairs = zip(items, read, strict=True)
            largest = max(farthest(item.page, page) for item, page in pairs)
            finite = largest if np.isfinite(largest) else None
            result.differences.append(Difference((label, STORED), finite))
    if not engines:
        with checking(result, "backends") as problems:
            problems += ["nothing here can read the golden pages", *result.left_out.values()]


def _engines(result: Verification, names: Sequence[str], device: str) -> dict[str, tuple[str, str]]:
    """Backends and devices to read on, by what they are called; why not on others goes to the
    result."""
    engines: dict[str, tuple[str, str]] = {}
    for name in names:
        if reason := not_installed(name):
            result.left_out[name] = reason
            continue
        seen = registry().get("backend", name).load()().devices()
        engines |= {label: (name, each) for label, each in places(result, name, seen, device)}
    return engines


def _unlike(items: Sequence[GoldenPage], read: Sequence[Page], tolerance: float) -> list[str]:
    """In what pages differ from the stored ones; where other models read them, which."""
    if other := other_models(items[0].page, read[0]):
        return other
    return [
        f"page {item.page.id}: {problem}"
        for item, page in zip(items, read, strict=True)
        for problem in unlike(item.page, page, tolerance)
    ]
