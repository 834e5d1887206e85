"""What else a network is made of while one of its parts is tested: the smallest that there is."""

from collections.abc import Iterator, Mapping
from math import inf, prod
from typing import Any
from unittest import SkipTest

from ocrkit.errors import PluginError
from ocrkit.parts.checked import init_fields
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.registry import registry
from ocrkit.parts.values import ImageSize, SequenceSize

_INPUTS = {"featurizer": ImageSize(32, 64), "encoder": SequenceSize(12, 10)}
"""For which parameters are counted."""
_LARGE, _SHARE = 16, 16
"""Larger whole numbers among the options become so much smaller: 200 units 12."""


def simplest(kind: str, *backends: str) -> PartSpec:
    """The featurizer or encoder of fewest parameters that has an implementation for all these
    backends. Skips where there is none.

    Those of the first backend's own plugin come before others, of which one may be under test.
    """
    found = [
        part
        for name in registry().names(kind)
        if set(backends) <= set(registry().backends(kind, name))
        for part in _variants(kind, name)
    ]
    if not found:
        raise SkipTest(
            f"no {kind} for {' and '.join(map(repr, backends))} is there to make a network of"
        )
    return min(found, key=lambda part: (not _is_own(part, backends[0]), _count(part), part.use))


def _variants(kind: str, name: str) -> Iterator[PartSpec]:
    """The part with small options, and with its own; nothing where it cannot be imported, which
    its own test says."""
    try:
        cls = registry().get(kind, name).load()
        options = init_fields(cls).values()
    except (PluginError, TypeError):
        return
    small: dict[str, Any] = {}
    for each in options:
        low = each.metadata.get("minimum")
        if isinstance(each.default, float) and low is not None:
            small[each.name] = low  # no dropout, for one
        elif isinstance(each.default, int) and each.default > _LARGE:
            small[each.name] = max(low or 1, each.default // _SHARE)
    yield PartSpec(kind, name, small)
    yield PartSpec(kind, name, {})


def _is_own(part: PartSpec, backend: str) -> bool:
    """Whether the backend's plugin has the implementation."""
    owner = registry().get("backend", backend).plugin
    return registry().get(part.kind, part.use, backend).plugin == owner


def _count(part: PartSpec) -> float:
    """The number of the part's parameters; inf where it cannot be made so, or says none."""
    try:
        shapes: Mapping[str, tuple[int, ...]] = make_part(part).parameters(_INPUTS[part.kind])
        return sum(prod(shape) for shape in shapes.values())
    except Exception:  # noqa: BLE001  (what is wrong with it, its own test says)
        return inf
