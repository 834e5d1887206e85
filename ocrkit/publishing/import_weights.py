"""Weights that another program trained, made into a folder with pipeline, manifest and canonical
weights."""

from pathlib import Path

import numpy as np
import tomli_w

from ocrkit.errors import OcrkitError, WeightsError
from ocrkit.networks import weights as weight_files
from ocrkit.parts.guests import guest
from ocrkit.parts.networks import Importer
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.pipelines.assembly import Assembly
from ocrkit.support.checksums import sha256_of
from ocrkit.support.files import write_atomically
from ocrkit.zoo.manifest import SCHEMA, write_manifest
from ocrkit.zoo.models import MANIFEST

WEIGHTS = "weights.safetensors"
UNKNOWN = {"licence": "unknown", "terms": "Nobody has said what these weights may be used for."}


def import_weights(
    assembly: Assembly, source: Path, folder: Path, *, importer: str, licence: str = ""
) -> None:
    """Makes ``folder``, which must be new or empty, of weights for the assembly's network in
    another program's file.

    ``pipeline.toml`` is the assembly's, named like the folder and with these weights;
    ``weights.safetensors`` holds them in float32; ``manifest.toml`` says what they are, their
    ``licence`` if it is known, and which file they came from. The folder appears whole or not at
    all.

    Raises WeightsError where the file is missing, damaged or of another network, PluginError for an
    importer that is not there, and OcrkitError where the folder is in use or cannot be written.
    """
    if not source.is_file():
        raise WeightsError(f"{source}: no such file to import")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise OcrkitError(f"{folder}: not empty; name a new folder")
        weights = _read(assembly, source, importer)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(folder, folder=True) as temporary:
            _write(
                assembly,
                weights,
                temporary,
                name=folder.resolve().name,
                importer=importer,
                licence=licence,
            )
    except OSError as error:
        raise OcrkitError(
            f"{error.filename or folder}: cannot be used to import weights ({error.strerror})"
        ) from error


def _read(assembly: Assembly, source: Path, importer: str) -> weight_files.Weights:
    """The file's weights, float32, of the network's shapes."""
    read: Importer = make_part(PartSpec("importer", importer, {}))
    with guest("importer", importer):
        found = read(source, assembly.plan)
        if not isinstance(found, dict) or not all(
            isinstance(array, np.ndarray) for array in found.values()
        ):
            raise TypeError(
                f"it gave {type(found).__name__}; expected a dictionary of NumPy's arrays"
            )
    weights = weight_files.Weights(found, {}, source, sha256_of(source))
    with np.errstate(
        over="ignore"
    ):  # what float32 cannot hold becomes infinite, and is named below
        arrays = weight_files.check_shapes(weights, assembly.plan.parameters())
    broken = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if broken:
        raise WeightsError(
            f"{source}: {broken[0]} has infinite numbers or NaN; its training had diverged"
        )
    return weight_files.Weights(arrays, {}, source, weights.sha256)


def _write(
    assembly: Assembly,
    weights: weight_files.Weights,
    folder: Path,
    *,
    name: str,
    importer: str,
    licence: str,
) -> None:
    path = folder / WEIGHTS
    weight_files.write(path, weights.arrays, assembly.identity())
    about = {
        "name": name,
        "summary": f"{assembly.spec.name}, with weights imported from {weights.path.name}",
    }
    manifest = {
        "schema": SCHEMA,
        **about,
        **({"licence": licence} if licence else UNKNOWN),
        "weights": {
            "file": WEIGHTS,
            "sha256": sha256_of(path),
            "bytes": path.stat().st_size,
            "dtype": "float32",
            "parameters": sum(array.size for array in weights.arrays.values()),
        },
        "network": assembly.identity(),
        "source": {"file": weights.path.name, "sha256": weights.sha256, "importer": importer},
    }
    write_manifest(folder / MANIFEST, manifest)
    pipeline = tomli_w.dumps(assembly.spec.table | about | {"weights": WEIGHTS})
    (folder / "pipeline.toml").write_text(pipeline, encoding="utf-8")
