"""Packages to begin with: plugins of one small part that works, with its test. ``templates/`` holds
what is written."""

import keyword
import re
import sys
from collections.abc import Iterable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from string import Template

from ocrkit.errors import OcrkitError
from ocrkit.parts.kinds import KINDS
from ocrkit.support.files import write_atomically, writing

TEMPLATES = Path(__file__).with_name("templates")
"""``package/`` is in every package, then ``KIND/`` and ``KIND-BACKEND/``, whose files take the
places of those before."""
SUFFIX = ".tmpl"

REQUIREMENTS = "requirements.txt"
"""Beside a template's files: what a package made of it needs, a line each."""


def kinds_to_begin_with() -> dict[str, list[str]]:
    """The kinds of part that there are templates of, and the backends among which those that have
    implementations choose."""
    return {
        kind: [
            folder.name.removeprefix(f"{kind}-") for folder in sorted(TEMPLATES.glob(f"{kind}-*"))
        ]
        for kind in sorted(KINDS)
        if (TEMPLATES / kind).is_dir()
    }


def write_package(
    name: str,
    kind: str,
    backend: str | None,
    folder: Path,
    *,
    run: Path | None = None,
    licence: str = "",
) -> None:
    """Writes the package ``name`` with one part of the same name into ``folder``, which must be
    new; whole or not at all.

    ``kind`` and ``backend`` are of :func:`kinds_to_begin_with`; ``backend`` is None where the kind
    has none. A package of kind ``zoo`` ships the model that was trained in the folder ``run``,
    under this ``licence``; others have neither. Raises OcrkitError for a name that is taken or
    cannot be a package's, for a run that cannot be packed, and where the folder is there already or
    cannot be written.
    """
    check_name(name)
    with writing(folder):  # its name may be too long even to ask
        if folder.exists():
            raise OcrkitError(f"{folder}: is there already; name another folder with --to")
    if not folder.parent.is_dir():
        raise OcrkitError(f"{folder}: cannot be written: there is no folder {folder.parent}")
    others: list[str] = []
    with write_atomically(folder, folder=True) as temporary:
        if run:
            from ocrkit.publishing.pack import distributions_of, pack_run

            pack_run(run, temporary / name.replace("-", "_") / "model", name=name, licence=licence)
            others = distributions_of(run)
        for path, text in package_files(name, kind, backend, others).items():
            file = temporary / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")


def package_files(
    name: str, kind: str, backend: str | None, others: Iterable[str] = ()
) -> dict[str, str]:
    """The files of a package: their texts by path. It needs ``others`` besides the packages that
    its template imports."""
    module, variant = name.replace("-", "_"), f"{kind}-{backend}" if backend else kind
    folders = [TEMPLATES / folder for folder in dict.fromkeys(("package", kind, variant))]
    requirements = [file for folder in folders if (file := folder / REQUIREMENTS).is_file()][-1]
    dependencies = sorted({*requirements.read_text(encoding="utf-8").split(), *others})
    values = {
        "name": name,
        "module": module,
        "kind": KINDS[kind].words,
        "backend": backend or "",
        "conformance": KINDS[kind].conformance.partition(":")[2],
        "dependencies": ", ".join(f'"{each}"' for each in dependencies),
    }
    files = {}
    for folder in folders:
        for source in sorted(folder.rglob(f"*{SUFFIX}")):
            path = source.relative_to(folder).as_posix().removesuffix(SUFFIX)
            files[path.replace("module", module)] = Template(
                source.read_text(encoding="utf-8")
            ).substitute(values)
    return files


def check_name(name: str) -> None:
    """Raises OcrkitError unless a plugin's part, package and distribution can all have this
    name."""
    from ocrkit.parts.registry import registry

    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name):
        raise OcrkitError(
            f"{name!r} cannot be a package's name; expected small letters, digits and hyphens, for "
            "example my-features"
        )
    if keyword.iskeyword(module):
        raise OcrkitError(f"{name!r} is a word of the Python language; take another name")
    if module in sys.stdlib_module_names or module == "tests":
        raise OcrkitError(
            f"{name!r} is the name of a module that comes with Python or with every package; take "
            "another name"
        )
    for kind in KINDS.values():
        if kind.is_taken(name):
            raise OcrkitError(f"{name!r} is the name of {kind} of ocrkit's own; take another name")
    for plugin in registry().plugins:
        if plugin.name == name:
            raise OcrkitError(
                f"{name!r} is the name of a plugin of {plugin.distribution}; take another name"
            )
    for entry in registry().entries():
        if entry.name == name:
            raise OcrkitError(
                f"{name!r} is the name of {KINDS[entry.kind]} of plugin {entry.plugin.name!r}; "
                "take "
                "another name"
            )
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
    else:
        raise OcrkitError(f"{name!r} is installed already, version {version}; take another name")
    if find_spec(module) is not None:
        raise OcrkitError(
            f"{name!r}: a Python module {module} is installed already; take another name"
        )
