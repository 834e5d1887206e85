"""Trained models: where they are, what their manifests say, and their weights, checked before they are used."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ocrkit import weights as weight_files
from ocrkit.errors import OcrkitError, PluginError, WeightsError
from ocrkit.plugins import one_line
from ocrkit.registry import registry

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Model:
    """A zoo model: its folder and its manifest, a table of plain TOML values (``docs/zoo.md`` lists the keys)."""

    name: str
    owner: str
    folder: Path
    manifest: dict[str, Any]

    @property
    def weights_path(self) -> Path:
        """The weights' file; a manifest cannot name one outside its folder."""
        return self.folder / Path(str(self.manifest["weights"]["file"])).name


def model_folder(name: str) -> Path:
    """The folder of a zoo model. Raises PluginError for an unknown name, and for a package that cannot be imported."""
    entry = registry().get("zoo", name)
    package, _, folder = str(entry.target).partition(":")
    try:
        return Path(str(files(package))) / folder
    except Exception as error:  # a package may raise anything while it is imported
        raise PluginError(
            f"{entry} of plugin {entry.plugin.name!r} cannot be found in {package!r}: {one_line(error)}"
        ) from error


def model(name: str) -> Model:
    """A model with its manifest. Raises WeightsError for a manifest that is missing or cannot be read."""
    folder = model_folder(name)
    path = folder / "manifest.toml"
    try:
        manifest = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WeightsError(f"{path}: no readable manifest ({error}); install the model's plugin anew") from error
    weights = manifest.get("weights")
    if manifest.get("schema") != SCHEMA or not isinstance(weights, dict) or not {"file", "sha256"} <= weights.keys():
        raise WeightsError(
            f"{path}: expected schema = {SCHEMA} and a [weights] table with file and sha256; "
            "it was made for another version of ocrkit"
        )
    return Model(name, registry().get("zoo", name).plugin.name, folder, manifest)


def models() -> tuple[list[Model], list[str]]:
    """All models, by name, and what is wrong with those that cannot be used, a line each."""
    found, problems = [], []
    for name in registry().names("zoo"):
        try:
            found.append(model(name))
        except OcrkitError as error:
            problems.append(str(error))
    return found, problems


def read_model_weights(name: str) -> weight_files.Weights:
    """A model's weights. Raises WeightsError where their sha256 is not the manifest's."""
    found = model(name)
    return weight_files.read(found.weights_path, sha256=str(found.manifest["weights"]["sha256"]))
