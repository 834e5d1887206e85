"""What is said of a picture that shows more than a pipeline reads: which model reads it."""

from dataclasses import is_dataclass
from functools import cache

from ocrkit.errors import OcrkitError
from ocrkit.images.layout import SHOWN, Shown
from ocrkit.parts.checked import init_fields
from ocrkit.parts.registry import registry
from ocrkit.pipelines.file import read_recipe
from ocrkit.pipelines.page_spec import PageSpec
from ocrkit.pipelines.spec import PipelineSpec


def note(shows: Shown | None, spec: PipelineSpec) -> str:
    """A line on a picture that plainly shows a line or a page, for a pipeline that reads less at a
    time; empty for others, and where nobody says what the pipeline reads."""
    reads = reads_at_a_time(spec)
    if shows is None or reads is None or SHOWN.index(shows) <= SHOWN.index(reads):
        return ""
    models = models_that_read(shows)
    advice = f"read it with --pipeline {' or '.join(models)}" if models else "cut it up"
    return f"looks like a {shows}, and this pipeline reads a {reads} at a time: {advice}"


def reads_at_a_time(spec: PipelineSpec | PageSpec) -> Shown | None:
    """What a pipeline reads at a time, by its task and the ``level`` of its reader, words, lines or
    pages; None for a reader without."""
    if isinstance(spec, PageSpec):
        return "page"
    level = spec.reader.options.get("level") or _default_level(spec.reader.use)
    return next((shown for shown in SHOWN if level == f"{shown}s"), None)


def _default_level(reader: str) -> object:
    cls = registry().get("reader", reader).load() if reader else None
    option = init_fields(cls).get("level") if is_dataclass(cls) else None
    return option.default if option else None


@cache
def models_that_read(shown: Shown) -> tuple[str, ...]:
    """The zoo's models that read such pictures, by name; without those that cannot be opened."""
    found = []
    for name in registry().names("zoo"):
        try:
            spec = read_recipe(name)
            if spec.task != "segment" and reads_at_a_time(spec) == shown:
                found.append(name)
        except OcrkitError:
            continue
    return tuple(found)
