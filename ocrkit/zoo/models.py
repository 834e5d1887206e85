"""Trained models: where they are, what their manifests say, and their weights, fetched and checked
before they are used."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ocrkit.errors import OcrkitError, PluginError, WeightsError
from ocrkit.networks import weights as weight_files
from ocrkit.networks.seen_forms import SeenForms, of_model
from ocrkit.parts.checked import CheckError
from ocrkit.parts.plugins import one_line
from ocrkit.parts.registry import registry
from ocrkit.support.checksums import sha256_of
from ocrkit.support.files import locked, read_text, write_atomically
from ocrkit.support.folders import cache_folder
from ocrkit.support.parsing import parse_toml
from ocrkit.zoo.manifest import Manifest, StatedWeights, checked_manifest

MANIFEST = "manifest.toml"


@dataclass(frozen=True, slots=True)
class Model:
    """A zoo model: its folder and its manifest (``docs/zoo.md`` lists the keys)."""

    name: str
    owner: str
    folder: Path
    manifest: Manifest
    table: dict[str, Any]
    """The manifest as it is in its file, with the author's own keys."""

    @property
    def weights(self) -> StatedWeights:
        """What its manifest says of its weights. Raises WeightsError for a page pipeline."""
        if self.manifest.weights is None:
            raise WeightsError(
                f"model {self.name!r}: a page pipeline, which has no weights of its own; "
                f"ocrkit zoo show {self.name} names the models that have"
            )
        return self.manifest.weights

    @property
    def url(self) -> str | None:
        """Where the weights are fetched from; None where they are in the model's folder, or where
        it has none of its own."""
        return self.manifest.weights.url if self.manifest.weights else None

    @property
    def weights_path(self) -> Path:
        """The weights' file: in the model's folder, or, where they have a URL, in the cache under
        the name of their sha256."""
        weights = self.weights
        if self.url:
            return cache_folder() / "weights" / f"{weights.sha256}.safetensors"
        return self.folder / weights.file

    @property
    def seen(self) -> SeenForms:
        """What the weights have seen. Raises WeightsError where a list is missing or damaged."""
        return of_model(self.folder, self.manifest.forms, self.manifest.images)


def model_folder(name: str) -> Path:
    """The folder of a zoo model. Raises PluginError for an unknown name, and for a package that
    cannot be imported."""
    entry = registry().get("zoo", name)
    package, _, folder = str(entry.target).partition(":")
    try:
        return Path(import_module(package).__path__[0]) / folder
    except Exception as error:  # a package may raise anything while it is imported
        raise PluginError(
            f"{entry} of plugin {entry.plugin.name!r} cannot be found in {package!r}: "
            f"{one_line(error)}"
        ) from error


def model(name: str) -> Model:
    """A model whose manifest has been checked. Raises WeightsError for one that is missing, cannot
    be read or is wrong."""
    folder, owner = model_folder(name), registry().get("zoo", name).plugin.name
    table = manifest_table(folder)
    return Model(name, owner, folder, _checked(folder / MANIFEST, table), table)


def manifest_table(folder: Path) -> dict[str, Any]:
    """The manifest in a folder as it is. Raises WeightsError where it is missing or is no TOML."""
    path = folder / MANIFEST
    try:
        return parse_toml(read_text(path))
    except (OcrkitError, ValueError) as error:
        raise WeightsError(
            f"{path}: no readable manifest ({error}); install or import the model anew"
        ) from error


def checked_folder(folder: Path) -> Manifest:
    """The manifest in a folder. Raises WeightsError where it is missing, no TOML or wrong."""
    return _checked(folder / MANIFEST, manifest_table(folder))


def _checked(path: Path, table: dict[str, Any]) -> Manifest:
    try:
        return checked_manifest(table)
    except CheckError as error:
        raise WeightsError(f"{path}: {error}") from error


def manifest_of(weights: Path) -> Manifest | None:
    """The manifest beside a file of weights, as ``zoo import`` writes it; None where there is none
    of that file.

    Raises WeightsError for one that cannot be read or is wrong.
    """
    path = weights.with_name(MANIFEST)
    if not path.is_file():
        return None
    manifest = _checked(path, manifest_table(path.parent))
    return manifest if manifest.weights and manifest.weights.file == weights.name else None


def models() -> tuple[list[Model], list[str]]:
    """All models, by name, and what is wrong with those that cannot be used, a line each."""
    found, problems = [], []
    for name in registry().names("zoo"):
        try:
            found.append(model(name))
        except OcrkitError as error:
            problems.append(str(error))
    return found, problems


def model_of(sha256: str) -> Model | None:
    """The model whose weights have this sha256, wherever a copy of them lies; None where no model's
    have."""
    having = (each for each in models()[0] if each.manifest.weights)
    return next((each for each in having if each.weights.sha256 == sha256), None)


def read_model_weights(found: Model) -> weight_files.Weights:
    """A model's weights, fetched where they are not on this machine yet.

    Raises WeightsError where their sha256 is not the manifest's, and as :func:`fetch` does.
    """
    path = found.weights_path
    if found.url and not path.is_file():
        import logging

        from ocrkit.support.download import is_offline

        if not is_offline():
            # A library prints nothing; where nobody has set up logging, Python shows this as one
            # line on standard error.
            message = "ocrkit: fetching the weights of %r (%s) from %s"
            logging.getLogger(__name__).warning(message, found.name, size_text(found), found.url)
        fetch(found)
    try:
        return weight_files.read(path, sha256=found.weights.sha256)
    except WeightsError as error:
        if not found.url:
            raise
        raise WeightsError(f"{error}: ocrkit zoo fetch {found.name}") from error


def size_text(found: Model) -> str:
    """The size of the weights' file in words, as the manifest states it."""
    return f"{found.weights.bytes / 1e6:.1f} MB"


# ----------------------------------------------------------------------------------------- fetching


def is_there(found: Model) -> bool:
    """Whether a model's weights are on this machine, and are what the manifest says."""
    path = found.weights_path
    return path.is_file() and sha256_of(path) == found.weights.sha256


def fetch(
    found: Model, on_bytes: Callable[[int, int | None], None] = lambda _done, _total: None
) -> Path:
    """Downloads a model's weights into the cache, unless they are there, and returns their path.

    ``on_bytes`` hears how many bytes have come, of how many. Several processes may fetch at once:
    one does, the others wait for it. Raises DownloadError where the file cannot be had,
    WeightsError where it is not the manifest's, and when offline.
    """
    path = found.weights_path
    if not found.url:
        raise WeightsError(_not_fetched(found))
    from ocrkit.support.download import complete, discard, download, is_offline

    if is_offline():
        return check_there(found)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_suffix(".lock")):
            if is_there(found):
                return path
            part = path.with_suffix(".part")
            download(found.url, part, max_bytes=found.weights.bytes, on_bytes=on_bytes)
            try:
                _check(found, part, found.url)
            except WeightsError:
                discard(part)
                raise
            complete(part, path)
    except OSError as error:
        raise WeightsError(
            f"{error.filename or path}: cannot be written ({error.strerror or error})"
        ) from error
    return path


def adopt(found: Model, source: Path) -> Path:
    """Copies a file that somebody fetched by hand to where the model's weights belong. Raises
    WeightsError."""
    path = found.weights_path
    if not found.url:
        raise WeightsError(_not_fetched(found))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as temporary:
            import shutil

            shutil.copyfile(source, temporary)
            _check(found, temporary, str(source))
    except OSError as error:
        raise WeightsError(f"{error.filename or path}: {error.strerror or error}") from error
    return path


def check_there(found: Model) -> Path:
    """The path of weights that are on this machine. Raises WeightsError where they are not, or are
    damaged."""
    path = found.weights_path
    if not path.is_file():
        if not found.url:
            raise WeightsError(f"{path}: no such weights; install plugin {found.owner!r} anew")
        raise WeightsError(
            f"model {found.name!r}: its weights ({found.weights.file}, "
            f"{size_text(found)}) are not on this "
            "machine, and are not fetched offline. Without OCRKIT_OFFLINE run: ocrkit zoo fetch "
            f"{found.name}; or get "
            f"{found.url} elsewhere and run: ocrkit zoo fetch {found.name} --from FILE"
        )
    _check(found, path, str(path))
    return path


def _not_fetched(found: Model) -> str:
    return (
        f"model {found.name!r}: its weights come with plugin {found.owner!r}; there is nothing "
        "to fetch"
    )


def _check(found: Model, file: Path, origin: str) -> None:
    expected, digest = found.weights.sha256, sha256_of(file)
    if digest != expected:
        raise WeightsError(
            f"{origin}: not the weights of {found.name!r}: expected sha256 {expected}, got {digest}"
        )
