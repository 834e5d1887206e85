"""A page pipeline in a folder that runs without the frameworks that its networks were trained with:
both networks in files of their own, and the recipe."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ocrkit.errors import ConfigError, OcrkitError
from ocrkit.pipelines.page_build import assemble_pages
from ocrkit.pipelines.page_spec import ROLES, PageSpec
from ocrkit.publishing.export import Export, export
from ocrkit.publishing.runs import OF_ONE_MACHINE
from ocrkit.support.files import write_atomically

RECIPE = "pipeline.toml"


@dataclass(frozen=True)
class PagesExport:
    """A folder that was written."""

    folder: Path
    networks: dict[str, Export]
    """By role: what finds the lines, and what reads them."""


def export_pages(
    spec: PageSpec, folder: Path, *, on_step: Callable[[str], None] = lambda _: None
) -> PagesExport:
    """Writes ``segment.onnx``, ``text.onnx`` and ``pipeline.toml``, which names both, into a new
    folder, whole or not at all.

    Each is compared with the network on every backend, as :func:`ocrkit.publishing.export.export`
    does. Raises OcrkitError where there is such a folder, and for what cannot be exported.
    """
    import tomli_w

    if folder.exists():
        raise OcrkitError(f"{folder}: is there already; expected the name of a new folder")
    assembly = assemble_pages(spec)
    named = {"segment": assembly.segment, "text": assembly.text}
    for role, parts in named.items():
        if not parts.has_network:
            raise ConfigError([f"{role}: {spec.table[role]!r} has no network to export"])
        if parts.around.spec.network and not getattr(spec, role).weights:
            raise ConfigError([f"{role}: {spec.table[role]!r} has been exported already"])
    table = {name: value for name, value in spec.table.items() if name not in ROLES}
    if isinstance(reader := table.get("reader"), dict):
        left = OF_ONE_MACHINE["reader"]
        table["reader"] = {name: value for name, value in reader.items() if name not in left}
    with write_atomically(folder, folder=True) as temporary:
        done = {
            role: export(
                getattr(spec, role),
                temporary / f"{role}.onnx",
                on_step=partial(_of_role, on_step, role),
            )
            for role in ROLES
        }
        recipe = {**table, **{role: f"{role}.onnx" for role in ROLES}}
        (temporary / RECIPE).write_text(tomli_w.dumps(recipe), encoding="utf-8")
    return PagesExport(folder, done)


def _of_role(on_step: Callable[[str], None], role: str, step: str) -> None:
    on_step(f"{role}: {step}")
