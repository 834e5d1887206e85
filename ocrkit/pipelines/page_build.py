"""Makes the parts of a page pipeline and checks that they fit together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ocrkit.errors import ConfigError
from ocrkit.parts.options import make_part
from ocrkit.parts.page_protocols import Cutter, Order
from ocrkit.parts.protocols import MapsToSource, Metric
from ocrkit.pipelines.opened import Parts, make_parts
from ocrkit.pipelines.page_spec import ROLES, PageSpec
from ocrkit.pipelines.spec import PipelineSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAssembly:
    """A page pipeline's parts, and those of the pipelines that it names, made and found to fit each
    other. No weights are loaded for it."""

    spec: PageSpec
    segment: Parts
    text: Parts
    cutter: Cutter
    order: Order
    metrics: dict[str, Metric]


def assemble_pages(spec: PageSpec, backend: str | None = None) -> PageAssembly:
    """Makes all parts and checks every seam between them.

    ``backend`` runs both networks, else each runs on the first of its pipeline's. Raises
    ConfigError with everything that does not fit, at once, behind the mistakes of the pipeline's
    file.
    """
    makers: dict[str, Callable[[], Any]] = {
        "segment": lambda: _segment(spec.segment, backend),
        "text": lambda: _text(spec.text, backend),
        "cutter": lambda: make_part(spec.text.cutter),
        "order": lambda: make_part(spec.order),
        "metrics": lambda: {name: make_part(part) for name, part in spec.metrics.items()},
    }
    if not spec.order.use:
        del makers["order"]
    problems, parts = list(spec.problems), {}
    for name, make in makers.items():
        try:
            parts[name] = make()
        except ConfigError as error:
            where = f"{name}: " if name in ROLES else ""
            problems += [f"{where}{each}" for each in error.problems]
    if problems:
        raise ConfigError(problems)
    return PageAssembly(spec=spec, **parts)


def _segment(spec: PipelineSpec, backend: str | None) -> Parts:
    parts = make_parts(spec, backend)
    chain = parts.around.preprocessor
    named = zip((*spec.before, spec.preprocessor), (*chain.before, chain.last), strict=True)
    problems = [
        f"preprocessor: {part.use!r} does not say where its pixels come from (to_source), so that "
        "lines are not found on the page"
        for part, each in named
        if not isinstance(each, MapsToSource)
    ]
    if parts.around.segmenter is None and spec.task == "segment":
        problems.append(f"no [segmenter] in {spec.title!r}, so that it finds no lines")
    if problems:
        raise ConfigError(problems)
    return parts


def _text(spec: PipelineSpec, backend: str | None) -> Parts:
    parts = make_parts(spec, backend)
    if parts.around.image.channels == 3:
        raise ConfigError([f"{spec.title!r} reads in colour; lines are cut out of pages in grey"])
    return parts
