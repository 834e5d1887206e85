"""The weights of a pipeline: where they are, whether they apply to its network, and what is known
of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from ocrkit.errors import WeightsError
from ocrkit.networks import weights as weight_files
from ocrkit.networks.network_file import Exported
from ocrkit.networks.seen_forms import SeenForms, of_model, of_run
from ocrkit.parts.codec import Alphabet
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.protocols import Decoder
from ocrkit.parts.registry import registry
from ocrkit.parts.values import Arrays
from ocrkit.pipelines.assembly import Assembly, identity_of
from ocrkit.pipelines.spec import PipelineSpec, run_name
from ocrkit.support.checksums import sha256_of
from ocrkit.zoo.manifest import Manifest
from ocrkit.zoo.models import (
    MANIFEST,
    checked_folder,
    manifest_of,
    model,
    model_of,
    read_model_weights,
)


class FoundWeights(NamedTuple):
    """Weights, the folder of the model or the training run that they are of, and the manifest
    there, if there is one."""

    weights: weight_files.Weights
    folder: Path
    manifest: Manifest | None


def find_weights(reference: str, folder: Path) -> FoundWeights:
    """Weights by reference: ``zoo:NAME``, a training run's or a model's folder, or a file. Those of
    a zoo model are the model's wherever a copy lies; ``zoo:NAME`` in that model's own folder are
    those beside it.

    Raises WeightsError, for weights that are not their manifest's as well, or OcrkitError.
    """
    if reference.startswith("zoo:"):
        name = reference.removeprefix("zoo:")
        if own := _own_weights(name, folder):
            return own
        found = model(name)
        return FoundWeights(read_model_weights(found), found.folder, found.manifest)
    path = _weights_file(reference, folder)
    if not path.is_file():
        raise WeightsError(
            f"{path}: no such weights; expected zoo:NAME, a folder of a run or a model, or a "
            ".safetensors file"
        )
    manifest = manifest_of(path)
    weights = weight_files.read(path, sha256=_stated_sha256(manifest))
    if manifest is None and not run_name(path.parent) and (copied := model_of(weights.sha256)):
        return FoundWeights(weights, copied.folder, copied.manifest)
    return FoundWeights(weights, path.parent, manifest)


def _own_weights(name: str, folder: Path) -> FoundWeights | None:
    """Those in the folder itself, where it is a model's of this name: a copy, or one that was
    fetched, which works where no package brings it."""
    if not (folder / MANIFEST).is_file():
        return None
    stated = checked_folder(folder)
    if (
        stated.name != name
        or stated.weights is None
        or not (folder / stated.weights.file).is_file()
    ):
        return None
    weights = weight_files.read(folder / stated.weights.file, sha256=stated.weights.sha256)
    return FoundWeights(weights, folder, stated)


def _stated_sha256(manifest: Manifest | None) -> str | None:
    return manifest.weights.sha256 if manifest and manifest.weights else None


def _weights_file(reference: str, folder: Path) -> Path:
    path = folder / reference
    if path.is_dir():
        path = path / (
            "best.safetensors"
            if not (path / "weights.safetensors").is_file()
            else "weights.safetensors"
        )
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
    find_seen: Callable[[], SeenForms] = SeenForms
    """Finds what :attr:`seen` is."""
    reported: str = ""
    """The data that the manifest's scores are of: a reader and a split."""

    @cached_property
    def seen(self) -> SeenForms:
        """The forms that were used in making the weights, as far as they are listed; looked up when
        something is scored.

        Raises WeightsError for a model whose list is missing or damaged.
        """
        return self.find_seen()


def fitting_weights(assembly: Assembly) -> Trained:
    """The pipeline's weights where they apply to its network; raises WeightsError where they are
    damaged or missing."""
    reference = assembly.spec.weights
    if not reference:
        return Trained(None, "the pipeline names no weights", reference)
    found = find_weights(reference, assembly.spec.folder)
    weights = found.weights
    differences = assembly.differences(weights.about)
    if differences:
        return Trained(
            None, f"weights {reference!r} no longer apply: {'; '.join(differences)}", reference
        )
    arrays = weight_files.check_shapes(weights, assembly.plan.parameters())
    called = run_name(found.folder) or reference
    return Trained(arrays, "", called, weights.sha256, **vars(_known(found)))


def weights_to_read_with(assembly: Assembly) -> tuple[Arrays, Trained]:
    """The pipeline's weights, and what is known of them. Raises WeightsError where it has none for
    its network."""
    trained = fitting_weights(assembly)
    if trained.arrays is None:
        raise WeightsError(
            f"pipeline {assembly.spec.name!r} is untrained: {trained.reason}. Train it with ocrkit "
            "train."
        )
    return trained.arrays, trained


def with_graph(spec: PipelineSpec, backend: str | None) -> PipelineSpec | None:
    """The pipeline with the exported network that lies beside its model's weights, and runs without
    the framework that it was trained with.

    None where there is none, where another backend is asked for, and where the network's options
    are no longer those of the weights. Raises WeightsError for a file that is not the manifest's.
    """
    if not spec.weights or not lacking(spec):
        return None
    weights, folder, manifest = find_weights(spec.weights, spec.folder)
    if manifest is None or manifest.graph is None:
        return None
    path = folder / manifest.graph.file
    if backend not in (None, path.suffix[1:]):
        return None
    parts = spec.network_parts
    made_for: dict[str, Any] = {
        kind: identity_of(part.use, make_part(part)) for kind, part in parts.items()
    }
    if spec.alphabet:
        made_for["alphabet"] = Alphabet(spec.alphabet).characters
    if any(weights.about.get(name) != each for name, each in made_for.items()):
        return None
    if not path.is_file() or sha256_of(path) != manifest.graph.sha256:
        raise WeightsError(f"{path}: not the file that the model's manifest names; install it anew")
    none = {kind: PartSpec(kind, "", {}) for kind in parts}
    return replace(spec, network=str(path.absolute()), weights="", **none)  # type: ignore[arg-type]


def lacking(spec: PipelineSpec) -> list[str]:
    """The backends that lack an implementation of a part of the network."""
    return [
        name
        for name in registry().names("backend")
        if any(
            name not in registry().backends(kind, part.use)
            for kind, part in spec.network_parts.items()
        )
    ]


@dataclass(frozen=True)
class Provenance:
    """What is known of weights besides: see :class:`Trained`."""

    licence: str = ""
    temperature: float | None = None
    find_seen: Callable[[], SeenForms] = SeenForms
    reported: str = ""


def _known(found: FoundWeights) -> Provenance:
    """What their manifest says, or the training run that made them, whose licence is that of the
    weights it began from."""
    about, folder, manifest = found.weights.about, found.folder, found.manifest
    if manifest is None:
        licence, temperature = about.get("licence", ""), about.get("temperature")
        return Provenance(
            licence if isinstance(licence, str) else "",
            temperature if isinstance(temperature, float) and temperature > 0 else None,
            partial(of_run, folder),
        )
    return Provenance(
        f"{manifest.licence or 'no licence stated'}. {manifest.terms}".strip(),
        manifest.confidence.temperature if manifest.confidence else None,
        partial(of_model, folder, manifest.forms, manifest.images),
        manifest.results.dataset if manifest.results else "",
    )


def provenance_of(reference: str) -> Provenance:
    """What is known of weights: ``zoo:NAME``, a training run's or a model's folder, or a file."""
    return _known(find_weights(reference, Path()))


def trained_in(path: Path, exported: Exported) -> Trained:
    """What is known of the weights in an exported network's file; what they have seen, where the
    zoo has the very same."""

    def seen() -> SeenForms:
        known = model_of(exported.sha256)
        return known.seen if known else SeenForms()

    return Trained({}, "", str(path), exported.sha256, exported.licence, exported.temperature, seen)


def calibrated(decoder: Decoder, temperature: float | None) -> Decoder:
    """The decoder with the temperature of the weights, where it has this option and nobody has set
    it."""
    if temperature is None or getattr(decoder, "temperature", temperature) is not None:
        return decoder
    changed: Decoder = replace(decoder, temperature=temperature)  # type: ignore[type-var]
    return changed
