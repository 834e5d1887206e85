"""What a manifest says of its files, held against them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ocrkit.networks import weights as weight_files
from ocrkit.networks.seen_forms import SeenList
from ocrkit.publishing.golden_set import Item
from ocrkit.zoo.manifest import (
    StatedGolden,
    StatedGraph,
    StatedPages,
    StatedWeights,
    manifest_problems,
)
from ocrkit.zoo.models import Model, check_there


def manifest_unlike(name: str, owner: str, table: Mapping[str, Any]) -> list[str]:
    """What is wrong with the manifest of a model that the plugin ``owner`` registers by a name."""
    problems = manifest_problems(table, verifying=True)
    if (stated := table.get("name", name)) != name:
        problems.append(f"name: {stated!r}; plugin {owner!r} registers it as {name!r}")
    return problems


def file_text(stated: StatedWeights | StatedGolden | StatedGraph | StatedPages) -> str:
    return f"{stated.bytes:,} bytes, sha256 {stated.sha256[:12]}…"


def forms_text(stated: SeenList) -> str:
    return f"{stated.trained:,} trained on, {stated.chosen:,} chosen by"


def weights_unlike(found: Model) -> list[str]:
    stated, path = found.weights, check_there(found)
    arrays = weight_files.read(path).arrays.values()
    actual = {
        "bytes": path.stat().st_size,
        "parameters": sum(array.size for array in arrays),
        "dtype": ", ".join(sorted({str(array.dtype) for array in arrays})),
    }
    return _unlike(f"{path}: weights", stated, actual)


def golden_unlike(path: Path, stated: StatedGolden, items: Sequence[Item]) -> list[str]:
    margin, tolerance = stated.margin, stated.tolerance
    problems = _unlike(
        f"{path}: golden", stated, {"bytes": path.stat().st_size, "items": len(items)}
    )
    if margin <= 2 * tolerance:
        problems.append(
            f"{path}: golden.margin is {margin:g}; with a tolerance of {tolerance:g} texts can "
            f"differ below {2 * tolerance:g}"
        )
    return problems + [
        f"{path}: item {item.id} keeps a margin of {item.margin:.2g}, the manifest says {margin:g}"
        for item in items
        if item.margin < margin
    ]


def _unlike(
    where: str, stated: StatedWeights | StatedGolden, actual: Mapping[str, object]
) -> list[str]:
    """What is stated, and is another in the file."""
    return [
        f"{where}.{name}: {getattr(stated, name)!r} in the manifest, {value!r} in the file"
        for name, value in actual.items()
        if getattr(stated, name) not in (value, "", 0)
    ]
