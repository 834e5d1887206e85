"""What a result file says of the parts of a pipeline."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ocrkit.data.datasets import Dataset
from ocrkit.parts.fingerprint import stated
from ocrkit.parts.options import PartSpec
from ocrkit.parts.page_protocols import Cutter
from ocrkit.parts.registry import registry
from ocrkit.pipelines.assembly import Assembly, Surroundings
from ocrkit.pipelines.page_build import PageAssembly
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.support.checksums import sha256_of


def described_parts(around: Surroundings, *, scored: Dataset | None) -> dict[str, Any]:
    """All parts with their options, for JSON; those that only scoring has, where a data set is
    ``scored``."""
    spec = around.spec
    parts: dict[str, Any] = {}
    if scored is not None:
        parts["reader"] = _reader(spec.reader)
        if scored.cutter:
            parts["cutter"] = _cutter(spec, scored.cutter)
    parts |= _network_and_around(around)
    parts["decoder"] = _described(spec.decoder.use, around.decoder)
    if scored is not None:
        parts["metrics"] = _metrics(spec.metrics, around.metrics)
    return parts


def described_pages(assembly: PageAssembly, *, scored: Dataset | None) -> dict[str, Any]:
    """The same of a page pipeline: the parts of those that it names, and its own."""
    spec, segment, text = assembly.spec, assembly.segment.around, assembly.text.around
    parts: dict[str, Any] = {} if scored is None else {"reader": _reader(spec.reader)}
    parts["segment"] = _network_and_around(segment) | {
        "segmenter": _described(spec.segment.segmenter.use, segment.segmenter)
    }
    parts["text"] = {
        "cutter": _cutter(spec.text, assembly.cutter),
        **_network_and_around(text),
        "decoder": _described(spec.text.decoder.use, text.decoder),
    }
    parts["order"] = _described(spec.order.use, assembly.order)
    if scored is not None:
        parts["metrics"] = _metrics(spec.metrics, assembly.metrics)
    return parts


def _reader(part: PartSpec) -> dict[str, Any]:
    """A reader without where its data are, which are described by themselves."""
    options = {
        name: stated(value) for name, value in part.options.items() if name not in ("root", "split")
    }
    return {"use": part.use, **options}


def _cutter(spec: PipelineSpec, made: Cutter) -> dict[str, Any]:
    return _described(spec.cutter.use or registry().default("cutter"), made)


def _network_and_around(around: Surroundings) -> dict[str, Any]:
    """The preprocessors, and the network's parts or its file, if there is one."""
    spec = around.spec
    parts = {"preprocessor": _described(spec.preprocessor.use, around.preprocessor.last)}
    if spec.before:
        before = zip(spec.before, around.preprocessor.before, strict=True)
        parts["preprocessor"]["before"] = [_described(part.use, made) for part, made in before]
    if isinstance(around, Assembly):
        for kind, part in spec.network_parts.items():
            parts[kind] = _described(part.use, around.parts[kind])
    elif spec.network:
        parts["network"] = {"file": spec.network, "sha256": sha256_of(spec.folder / spec.network)}
    return parts


def _metrics(named: Mapping[str, PartSpec], made: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        _described(part.use, made[name]) | ({"name": name} if name != part.use else {})
        for name, part in named.items()
    ]


def _described(use: str, part: Any) -> dict[str, Any]:
    """A part with all its options."""
    options = {each.name: getattr(part, each.name) for each in fields(part) if each.init}
    if isinstance(source := options.get("language_model"), str):
        from ocrkit.language_model import find

        options["language_model"] = find(source)  # a name, too, stands for a file
    return {"use": use} | {name: stated(value) for name, value in options.items()}
