"""What a result file says of the parts of a pipeline."""

from dataclasses import fields
from typing import Any

from ocrkit.data.datasets import Dataset
from ocrkit.parts.fingerprint import stated
from ocrkit.parts.registry import registry
from ocrkit.pipelines.assembly import Assembly, Surroundings
from ocrkit.support.checksums import sha256_of


def described_parts(around: Surroundings, *, scored: Dataset | None) -> dict[str, Any]:
    """All parts with their options, for JSON; those that only scoring has, where a data set is
    ``scored``."""
    spec = around.spec
    parts: dict[str, Any] = {}
    if scored is not None:
        reader = {
            name: value
            for name, value in spec.reader.options.items()
            if name not in ("root", "split")
        }
        parts["reader"] = {
            "use": spec.reader.use,
            **{name: stated(value) for name, value in reader.items()},
        }
        if scored.cutter:
            use = spec.cutter.use or registry().default("cutter")
            parts["cutter"] = _described(use, scored.cutter)
    parts["preprocessor"] = _described(spec.preprocessor.use, around.preprocessor.last)
    if spec.before:
        before = zip(spec.before, around.preprocessor.before, strict=True)
        parts["preprocessor"]["before"] = [_described(part.use, made) for part, made in before]
    if isinstance(around, Assembly):
        for kind, part in spec.network_parts.items():
            parts[kind] = _described(part.use, around.parts[kind])
    else:
        parts["network"] = {"file": spec.network, "sha256": sha256_of(spec.folder / spec.network)}
    parts["decoder"] = _described(spec.decoder.use, around.decoder)
    if scored is not None:
        parts["metrics"] = [
            _described(part.use, around.metrics[name])
            | ({"name": name} if name != part.use else {})
            for name, part in spec.metrics.items()
        ]
    return parts


def _described(use: str, part: Any) -> dict[str, Any]:
    """A part with all its options."""
    options = {each.name: getattr(part, each.name) for each in fields(part) if each.init}
    if isinstance(source := options.get("language_model"), str):
        from ocrkit.language_model import find

        options["language_model"] = find(source)  # a name, too, stands for a file
    return {"use": use} | {name: stated(value) for name, value in options.items()}
