"""The weights of a pipeline: where they are, whether they apply to its network, and what is known of them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocrkit import weights as weight_files
from ocrkit.assembly import Assembly
from ocrkit.config import run_name
from ocrkit.errors import WeightsError
from ocrkit.interfaces import Arrays
from ocrkit.seen_forms import SeenForms, of_manifest, of_run, with_keys


def find_weights(reference: str, folder: Path) -> tuple[weight_files.Weights, dict[str, Any] | None]:
    """Weights by reference: ``zoo:NAME``, a training run's or a model's folder, or a file; and their manifest, if there is one.

    Raises WeightsError, for weights that are not their manifest's as well, or OcrkitError.
    """
    from ocrkit.zoo import manifest_of, model, read_model_weights

    if reference.startswith("zoo:"):
        found = model(reference.removeprefix("zoo:"))
        return read_model_weights(found), found.manifest
    path = _weights_file(reference, folder)
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights; expected zoo:NAME, a folder of a run or a model, or a .safetensors file")
    manifest = manifest_of(path)
    return weight_files.read(path, sha256=manifest["weights"]["sha256"] if manifest else None), manifest


def _weights_file(reference: str, folder: Path) -> Path:
    path = folder / reference
    if path.is_dir():
        path = path / ("best.safetensors" if not (path / "weights.safetensors").is_file() else "weights.safetensors")
    return path


@dataclass(frozen=True)
class Trained:
    """What became of a pipeline's weights: the arrays for its network, or why there are none."""

    arrays: Arrays | None
    reason: str
    reference: str
    """What they are called: as the pipeline names them; of a training run, by its folder."""
    sha256: str = ""
    licence: str = ""
    """What the weights may be used for, with its terms; empty where nobody has said."""
    temperature: float | None = None
    """What makes confidences fit, where somebody has found that out; see ``ocrkit calibrate``."""
    seen: SeenForms = field(default_factory=SeenForms)
    """The data that were used in making the weights, as far as they are listed."""
    reported: str = ""
    """The data that the manifest's scores are of: a reader and a split."""


def fitting_weights(assembly: Assembly) -> Trained:
    """The pipeline's weights where they apply to its network; raises WeightsError where they are damaged or missing."""
    reference = assembly.spec.weights
    if not reference:
        return Trained(None, "the pipeline names no weights", reference)
    weights, manifest = find_weights(reference, assembly.spec.folder)
    differences = assembly.differences(weights.about)
    if differences:
        return Trained(None, f"weights {reference!r} no longer apply: {'; '.join(differences)}", reference)
    arrays = weight_files.check_shapes(weights, assembly.plan.parameters())
    called = run_name(weights.path.parent) or reference
    return Trained(arrays, "", called, weights.sha256, **vars(_known(weights, manifest)))


def weights_to_read_with(assembly: Assembly) -> tuple[Arrays, Trained]:
    """The pipeline's weights, and what is known of them. Raises WeightsError where it has none for its network."""
    trained = fitting_weights(assembly)
    if trained.arrays is None:
        raise WeightsError(f"pipeline {assembly.spec.name!r} is untrained: {trained.reason}. Train it with ocrkit train.")
    return trained.arrays, trained


@dataclass(frozen=True)
class Provenance:
    """What is known of weights besides: see :class:`Trained`."""

    licence: str = ""
    temperature: float | None = None
    seen: SeenForms = field(default_factory=SeenForms)
    reported: str = ""


def _known(weights: weight_files.Weights, manifest: dict[str, Any] | None) -> Provenance:
    """What their manifest says, or the training run that made them, whose licence is that of the weights it began from."""
    folder = weights.path.parent
    if manifest is None:
        licence, temperature = weights.about.get("licence", ""), weights.about.get("temperature")
        return Provenance(
            licence if isinstance(licence, str) else "",
            temperature if isinstance(temperature, float) and temperature > 0 else None,
            of_run(folder),
        )
    return Provenance(
        f"{manifest.get('licence', 'no licence stated')}. {manifest.get('terms', '')}".strip(),
        manifest.get("confidence", {}).get("temperature"),
        with_keys(of_manifest(manifest), folder),
        manifest.get("results", {}).get("dataset", ""),
    )


def provenance_of(reference: str) -> Provenance:
    """What is known of weights: ``zoo:NAME``, a training run's or a model's folder, or a file."""
    return _known(*find_weights(reference, Path()))
