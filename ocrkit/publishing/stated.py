"""What a manifest says of its files, held against them."""

from collections.abc import Mapping, Sequence
from typing import Any

from ocrkit.networks import weights as weight_files
from ocrkit.publishing.golden_set import Item
from ocrkit.zoo.manifest import manifest_problems
from ocrkit.zoo.models import Model, check_there


def manifest_unlike(found: Model) -> list[str]:
    path, stated = found.folder / "manifest.toml", found.manifest.get("name", found.name)
    problems = manifest_problems(found.manifest, verifying=True)
    if stated != found.name:
        problems.append(f"name: {stated!r}; plugin {found.owner!r} registers it as {found.name!r}")
    return [f"{path}: {problem}" for problem in problems]


def file_text(about: Mapping[str, Any]) -> str:
    return f"{about['bytes']:,} bytes, sha256 {str(about['sha256'])[:12]}…"


def forms_text(about: Mapping[str, Any]) -> str:
    return f"{about['trained']:,} trained on, {about['chosen']:,} chosen by"


def weights_unlike(found: Model) -> list[str]:
    stated, path = found.manifest["weights"], check_there(found)
    arrays = weight_files.read(path).arrays.values()
    actual = {
        "bytes": path.stat().st_size,
        "parameters": sum(array.size for array in arrays),
        "dtype": ", ".join(sorted({str(array.dtype) for array in arrays})),
    }
    return _unlike(f"{path}: weights", stated, actual)


def golden_unlike(found: Model, items: Sequence[Item]) -> list[str]:
    stated = found.manifest["golden"]
    path, margin, tolerance = found.folder / stated["file"], stated["margin"], stated["tolerance"]
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


def _unlike(where: str, stated: Mapping[str, Any], actual: Mapping[str, Any]) -> list[str]:
    return [
        f"{where}.{key}: {stated[key]!r} in the manifest, {value!r} in the file"
        for key, value in actual.items()
        if key in stated and stated[key] != value
    ]
