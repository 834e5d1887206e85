"""The models that a page pipeline of the zoo is put together from."""

from pathlib import Path

from ocrkit.errors import WeightsError
from ocrkit.pipelines.page_spec import ROLES, PageSpec
from ocrkit.zoo.models import Model, model


def named_models(spec: PageSpec) -> dict[str, Model]:
    """The zoo models that a page pipeline names, by role: ``segment`` and ``text``.

    Raises WeightsError where it names anything else, which could not be passed on with it.
    """
    others = [
        f"{role} = {spec.table[role]!r}"
        for role in ROLES
        if not str(spec.table[role]).startswith("zoo:")
    ]
    if others:
        raise WeightsError(
            f"page pipeline {spec.title!r}: {', '.join(others)}; one in the zoo "
            "names models of the zoo, zoo:NAME"
        )
    return {role: model(str(spec.table[role]).removeprefix("zoo:")) for role in ROLES}


def common_backends(spec: PageSpec, models: dict[str, Model]) -> list[str]:
    """The backends that run both networks: those that their pipelines name, and those of the graphs
    beside their weights."""
    able = {role: [*getattr(spec, role).backends, *_by_graph(models[role])] for role in ROLES}
    return [name for name in dict.fromkeys(able["text"]) if name in able["segment"]]


def _by_graph(found: Model) -> list[str]:
    graph = found.manifest.graph
    return [Path(graph.file).suffix[1:]] if graph else []


def licence_of(models: dict[str, Model]) -> str:
    """The licences of all models together, as an SPDX expression where each is one."""
    return " AND ".join(dict.fromkeys(each.manifest.licence for each in models.values()))


def terms_of(models: dict[str, Model]) -> list[str]:
    """What each of the models may be used for, a line each."""
    return [
        f"{role} by {each.name}: {each.manifest.licence or 'no licence stated'}. "
        f"{each.manifest.terms}".strip()
        for role, each in models.items()
    ]
