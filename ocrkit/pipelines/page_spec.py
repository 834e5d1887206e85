"""A page pipeline as its file says: a pipeline that finds lines, one that reads them, and what puts
them in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ocrkit.parts.options import PartSpec
from ocrkit.parts.registry import nearest, registry
from ocrkit.pipelines.check import checked_metrics, checked_part, checked_schema, checked_text
from ocrkit.pipelines.relative_paths import absolute_reference
from ocrkit.pipelines.settings import Setting
from ocrkit.pipelines.spec import PipelineSpec

ROLES = {"segment": "segment", "text": "text"}
"""The keys of the pipelines that a page pipeline names, and their tasks."""
_KEYS = ("schema", "task", "name", "summary", *ROLES, "order", "reader", "metrics")


@dataclass(frozen=True, slots=True)
class PageSpec:
    """A page pipeline as its file says, checked as far as that is possible without building it."""

    name: str
    summary: str
    segment: PipelineSpec
    """What finds the lines."""
    text: PipelineSpec
    """What reads them. They are cut as its file says: ``[cutter]``."""
    order: PartSpec
    reader: PartSpec
    metrics: dict[str, PartSpec]
    table: dict[str, Any]
    """The whole file after ``--set``, as plain TOML values."""
    folder: Path
    """Where relative paths in the file start from."""
    problems: tuple[str, ...]
    """What is wrong with the file and the settings, a line each; what is wrong with the pipelines
    that it names stands in theirs."""

    task: ClassVar[str] = "page"

    @property
    def title(self) -> str:
        return self.name


def checked_page(
    table: dict[str, Any],
    folder: Path,
    problems: list[str],
    named: Mapping[str, PipelineSpec],
) -> PageSpec:
    """What the file says, where that is right; what is wrong is added to the problems.

    ``named`` are the pipelines that it names, by their keys.
    """
    checked_schema(table, list(_KEYS), problems)
    problems += [
        f"{role}: {each.title!r} has the task {each.task!r}; expected a pipeline with task = "
        f"{ROLES[role]!r}"
        for role, each in named.items()
        if each.task != ROLES[role]
    ]
    return PageSpec(
        name=checked_text(table, "name", folder.name, problems),
        summary=checked_text(table, "summary", "", problems),
        **named,
        order=checked_part(table.get("order"), "order", "order", problems),
        reader=checked_part(table.get("reader"), "reader", "reader", problems),
        metrics=checked_metrics(table.get("metrics", []), problems),
        table=table,
        folder=folder,
        problems=tuple(problems),
    )


def named_pipeline(table: Mapping[str, Any], role: str) -> tuple[str, str]:
    """The source of a pipeline that a page pipeline names, a zoo model's name or an absolute path,
    and what is wrong with it, which is empty where nothing is."""
    reference = table.get(role)
    if not isinstance(reference, str) or not reference:
        return "", f"{role}: {reference!r}; expected zoo:NAME, a pipeline's file or a training run"
    models = registry().names("zoo")
    name = reference.removeprefix("zoo:")
    if name != reference:
        known = "" if name in models else f"{role}: no zoo model {name!r}.{nearest(name, models)}"
        return name, known
    if not Path(reference).exists():
        hint = f"; the zoo model is zoo:{Path(reference).name}"
        return reference, (
            f"{role}: {reference}: no such file or folder; expected zoo:NAME, a pipeline's file or "
            f"a training run{hint if Path(reference).name in models else ''}"
        )
    return reference, ""


def make_roles_absolute(table: dict[str, Any], folder: Path) -> None:
    """Makes the paths of the named pipelines absolute, as they are seen from the folder."""
    for role in ROLES:
        if isinstance(table.get(role), str):
            table[role] = absolute_reference(table[role], folder)


def shared_out(changes: Sequence[Setting]) -> dict[str, list[Setting]]:
    """Settings by the pipeline that they change: those of the page pipeline itself, which has no
    name, and those of the named ones, ``text.decoder.use``, without the name."""
    shared: dict[str, list[Setting]] = {"": [], **{role: [] for role in ROLES}}
    for path, value in changes:
        if path[0] in ROLES and len(path) > 1:
            shared[path[0]].append((path[1:], value))
        else:
            shared[""].append((path, value))
    return shared
