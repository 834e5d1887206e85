"""pipeline.toml → a checked specification. Every mistake is found before any is reported."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ocrkit.errors import ConfigError, OcrkitError
from ocrkit.parts.registry import is_network_file, registry
from ocrkit.pipelines.check import checked_spec
from ocrkit.pipelines.page_spec import (
    ROLES,
    PageSpec,
    checked_page,
    make_roles_absolute,
    named_pipeline,
    shared_out,
)
from ocrkit.pipelines.relative_paths import absolute_reference, make_absolute
from ocrkit.pipelines.settings import Setting, apply_settings, parse_settings
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.pipelines.training_options import Training
from ocrkit.support.files import read_text
from ocrkit.support.parsing import parse_toml


def find_pipeline(source: str | Path) -> Path:
    """The pipeline's file: a name from the zoo, a path to the file, a folder (a training run) that
    holds one, or the address of a model's.

    The file is TOML, or a network that ``ocrkit export`` wrote, which holds its pipeline.

    A name of the zoo is the model's; a file or a folder of that name is ``./NAME``. Raises
    OcrkitError where there is none, or where it cannot be fetched.
    """
    from ocrkit.zoo.elsewhere import fetched, is_address

    if is_address(str(source)):
        return fetched(str(source))
    path = Path(source)
    if str(source) in registry().names("zoo"):
        return _model_folder(str(source)) / "pipeline.toml"
    if path.is_dir():
        path = path / "pipeline.toml"
        if not path.is_file():
            raise OcrkitError(
                f"{source}: no pipeline.toml in this folder; expected a training run, a TOML file "
                "or a zoo name"
            )
        return path
    if path.suffix == ".toml" or is_network_file(path) or path.is_file():
        if not path.is_file():
            raise OcrkitError(
                f"{source}: no such file; expected a pipeline's TOML file, an exported network, a "
                "training run or a zoo name"
            )
        return path
    return _model_folder(str(source)) / "pipeline.toml"


def _model_folder(name: str) -> Path:
    from ocrkit.zoo.models import model_folder

    return model_folder(name)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(read_text(path, expected="a pipeline in TOML"))
    except ValueError as error:
        raise ConfigError([f"{path}: not a TOML file: {error}"]) from error


def load_spec(source: str | Path, settings: Sequence[str] | Mapping[str, Any] = ()) -> PipelineSpec:
    """Reads and checks a pipeline. ``settings`` are ``a.b=c`` texts, or values by dotted name.

    Raises ConfigError with every mistake of the file and the settings at once, OcrkitError where
    there is no such file.
    """
    spec = read_spec(source, settings)
    if spec.problems:
        raise ConfigError(spec.problems)
    return spec


def read_spec(source: str | Path, settings: Sequence[str] | Mapping[str, Any] = ()) -> PipelineSpec:
    """A pipeline as far as it is right, and in ``problems`` every mistake of the file and the
    settings.

    It is for :func:`ocrkit.pipelines.build.assemble`, which tells these together with what does not
    fit. A part that is wrong has no name. Relative paths start at the file that names them, those
    of the settings at the current folder; all are absolute in what is returned. Raises OcrkitError
    where there is no such file, or where it is a page pipeline's.
    """
    spec = read_recipe(source, settings)
    if isinstance(spec, PageSpec):
        both = " and ".join(str(spec.table[role]) for role in ROLES)
        raise OcrkitError(
            f"{source}: a page pipeline, which has no network of its own; take one of those that "
            f"it is put together from: {both}"
        )
    return spec


def read_recipe(
    source: str | Path, settings: Sequence[str] | Mapping[str, Any] = ()
) -> PipelineSpec | PageSpec:
    """The same of a pipeline of any task. Settings of a page pipeline reach into those that it
    names: ``text.decoder.use=…``.

    Raises ConfigError where one that it names is not there, with the other mistakes of its file.
    """
    path = find_pipeline(source)
    table = _table(path)
    changes = parse_settings(settings)
    if table.get("task") == PageSpec.task:
        return _page_spec(table, path.resolve().parent, changes)
    return _spec(table, path.resolve().parent, changes)


def _table(path: Path) -> dict[str, Any]:
    if is_network_file(path):
        from ocrkit.networks.network_file import read_exported

        return read_exported(path).pipeline
    return _read_toml(path)


def _spec(table: dict[str, Any], folder: Path, changes: Sequence[Setting]) -> PipelineSpec:
    here = Path()
    make_absolute(table, folder, Training)
    problems = apply_settings(table, [_seen_from(here, change) for change in changes])
    make_absolute(table, here, Training)
    return checked_spec(table, folder, problems)


def _page_spec(table: dict[str, Any], folder: Path, changes: Sequence[Setting]) -> PageSpec:
    here, shared = Path(), shared_out(changes)
    make_roles_absolute(table, folder)
    make_absolute(table, folder, Training)
    problems = apply_settings(table, shared[""])
    make_roles_absolute(table, here)
    make_absolute(table, here, Training)
    named: dict[str, PipelineSpec] = {}
    for role in ROLES:
        source, problem = named_pipeline(table, role)
        try:
            if not problem:
                path = find_pipeline(source)
                named[role] = _spec(_table(path), path.resolve().parent, shared[role])
        except ConfigError as error:
            problems += [f"{role}: {each}" for each in error.problems]
        except OcrkitError as error:
            problem = f"{role}: {error}"
        problems += [problem] * bool(problem)
    if len(named) < len(ROLES):
        raise ConfigError(problems)
    return checked_page(table, folder, problems, named)


def _seen_from(here: Path, change: Setting) -> Setting:
    """A setting whose value, where it is a path of weights or a network, is absolute: it is no
    part's option."""
    path, value = change
    is_reference = path in (["weights"], ["network"]) and isinstance(value, str)
    return (path, absolute_reference(value, here)) if is_reference else change
