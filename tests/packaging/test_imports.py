"""Who may import whom, read from the source: the core knows no plugin and no framework, plugins
know the core's public side."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT / "plugins", ROOT / "zoo")
PLUGINS = {
    init.parent.name: init.parent for source in SOURCES for init in source.glob("*/__init__.py")
}
FRAMEWORKS = {"mxnet", "torch", "onnxruntime", "tensorflow", "jax"}

# The core's packages, and the modules that lie beside them. Each imports from those above it in
# this list, wherever in a file the import stands.
ORDER = [
    "printable",
    "errors",
    "support",
    "parts",
    "hookspecs",
    "interfaces",
    "language_model",
    "images",
    "data",
    "networks",
    "zoo",
    "pipelines",
    "reading",
    "writing",
    "scoring",
    "loaded",
    "page_pipeline",
    "page_jobs",
    "pipeline",
    "training",
    "choosing",
    "publishing",
    "actions",
    "reports",
    "scaffold",
    "testing",
    "cli",
    "__main__",
]
# What plugins import, those that ship with ocrkit and anybody's.
PUBLIC = {
    "ocrkit",
    "ocrkit.choosing.own_data",
    "ocrkit.cli.commands",
    "ocrkit.cli.options",
    "ocrkit.cli.streams",
    "ocrkit.cli.tables",
    "ocrkit.data.datasets",
    "ocrkit.data.findings",
    "ocrkit.data.inputs",
    "ocrkit.data.fitting",
    "ocrkit.data.lines",
    "ocrkit.data.words",
    "ocrkit.errors",
    "ocrkit.hookspecs",
    "ocrkit.images",
    "ocrkit.interfaces",
    "ocrkit.language_model",
    "ocrkit.networks.weights",
    "ocrkit.page_jobs",
    "ocrkit.page_pipeline",
    "ocrkit.parts.characters",
    "ocrkit.parts.codec",
    "ocrkit.parts.formats",
    "ocrkit.parts.options",
    "ocrkit.parts.page",
    "ocrkit.parts.registry",
    "ocrkit.pipeline",
    "ocrkit.pipelines.file",
    "ocrkit.scoring.contamination",
    "ocrkit.support.bars",
    "ocrkit.support.download",
    "ocrkit.support.files",
    "ocrkit.support.machine",
    "ocrkit.support.markup",
    "ocrkit.support.parallel",
    "ocrkit.support.parsing",
    "ocrkit.support.web",
    "ocrkit.writing.folder",
    "ocrkit.writing.names",
    "ocrkit.writing.plan",
}


def imported(path: Path) -> Iterator[str]:
    """Full names of what a file imports, wherever in it: ``a.b`` for ``from a import b`` too, where
    that is a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; say the module's full name"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                as_module = ROOT.joinpath(*full.split("."))
                yield (
                    full
                    if as_module.is_dir() or as_module.with_suffix(".py").is_file()
                    else str(node.module)
                )


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def core_module(path: Path) -> str:
    """``pipeline`` for ocrkit/pipeline.py, ``cli`` for everything under ocrkit/cli."""
    return path.relative_to(ROOT / "ocrkit").parts[0].removesuffix(".py")


def core_imports() -> dict[str, set[str]]:
    """The core's modules, and which of them each imports. The package itself, which imports lazily,
    is left out."""
    graph: dict[str, set[str]] = {}
    for path in files_of(ROOT / "ocrkit"):
        names = (name.split(".") for name in imported(path))
        used = {name[1] for name in names if name[0] == "ocrkit" and len(name) > 1}
        graph.setdefault(core_module(path), set()).update(used - {core_module(path)})
    del graph["__init__"]
    return graph


CORE = core_imports()


@pytest.mark.parametrize("module", sorted(CORE))
def test_a_package_of_the_core_imports_only_from_those_before_it(module: str) -> None:
    assert module in ORDER, f"ocrkit.{module} is new: say in ORDER where it belongs"
    later = CORE[module] - set(ORDER[: ORDER.index(module)])
    assert not later, f"ocrkit.{module} imports what comes after it: {sorted(later)}"


def test_modules_of_one_package_import_each_other_in_no_circle() -> None:
    modules: dict[str, set[str]] = {}
    for path in files_of(ROOT / "ocrkit"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        modules[name] = set(imported(path)) - {name, "ocrkit"}
    TopologicalSorter(modules).prepare()  # raises CycleError


def test_importing_the_package_imports_nothing_of_its_own() -> None:
    tree = ast.parse((ROOT / "ocrkit" / "__init__.py").read_text(encoding="utf-8"))
    at_import = {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    at_import |= {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }
    assert at_import <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    "path", files_of(ROOT / "ocrkit"), ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_core_imports_no_plugin_and_no_framework(path: Path) -> None:
    packages = {name.split(".")[0] for name in imported(path)}
    assert not packages & (PLUGINS.keys() | FRAMEWORKS)


@pytest.mark.parametrize("plugin", sorted(PLUGINS))
def test_a_plugin_imports_the_public_side_of_the_core_and_no_other_plugin(plugin: str) -> None:
    # A backend implements definitions, so it may know the package that holds them.
    is_backend = "def ocrkit_backends(" in (PLUGINS[plugin] / "__init__.py").read_text(
        encoding="utf-8"
    )
    allowed = {plugin, "ocrkit_crnn"} if is_backend else {plugin}
    for path in files_of(PLUGINS[plugin]):
        for name in imported(path):
            package = name.split(".")[0]
            if package == "ocrkit":
                assert name in PUBLIC, (
                    f"{path.relative_to(ROOT)} imports {name}, which is no public module"
                )
            elif package in PLUGINS:
                assert package in allowed, (
                    f"{path.relative_to(ROOT)} imports {name}, another plugin"
                )


@pytest.mark.parametrize("plugin", sorted(PLUGINS))
def test_asking_a_plugin_for_its_parts_imports_only_the_hooks(plugin: str) -> None:
    names = set(imported(PLUGINS[plugin] / "__init__.py"))
    # platform and sys tell where MXNet has builds; importlib hands out what imports Ray
    assert names - {"importlib", "platform", "sys"} == {"ocrkit.hookspecs"}


def test_every_import_is_of_a_declared_dependency() -> None:
    """What is imported at run time is the standard library, ocrkit, or a distribution that
    pyproject.toml names."""
    import tomllib

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = [
        *project["dependencies"],
        *(line for extra, lines in extras.items() if extra != "dev" for line in lines),
    ]
    declared = {canonicalize_name(Requirement(line).name) for line in named}
    distributions = packages_distributions()
    for path in (
        path for folder in (ROOT / "ocrkit", *PLUGINS.values()) for path in files_of(folder)
    ):
        packages = (
            {name.split(".")[0] for name in imported(path)}
            - PLUGINS.keys()
            - {"ocrkit"}
            - set(sys.stdlib_module_names)
        )
        for package in packages:
            owners = {canonicalize_name(name) for name in distributions.get(package, [package])}
            assert owners & declared, (
                f"{path.relative_to(ROOT)} imports {package}, which pyproject.toml does not name"
            )
