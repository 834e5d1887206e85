"""Within a plugin, too, modules import only downwards, those that a function imports counted: a
newcomer who begins at the bottom can read a plugin file by file."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = {
    init.parent.name: init.parent
    for source in ("plugins", "zoo")
    for init in (ROOT / source).glob("*/__init__.py")
}


def module_name(path: Path, package: Path) -> str:
    """``ocrkit_x`` for ocrkit_x/__init__.py, ``ocrkit_x.y`` for ocrkit_x/y.py."""
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_within(package: Path) -> dict[str, set[str]]:
    """A package's modules, and which of them each imports, wherever in its file."""
    files = {module_name(path, package): path for path in package.rglob("*.py")}
    graph: dict[str, set[str]] = {}
    for module, path in files.items():
        named: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: relative import; say the module's full name"
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    named.add(full if full in files else str(node.module))
        graph[module] = named & files.keys()
    return graph


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one circle of imports, in order; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("plugin", sorted(PLUGINS))
def test_the_modules_of_a_plugin_import_in_no_circle(plugin: str) -> None:
    circle = circle_in(imports_within(PLUGINS[plugin]))
    assert not circle, f"these import each other in a circle: {' ← '.join(circle)}"


@pytest.mark.parametrize(
    "back",
    [
        "import ocrkit_x.reader",
        "from ocrkit_x import reader",
        "from ocrkit_x.reader import X",
        "def f():\n    from ocrkit_x.reader import X",
        "if TYPE_CHECKING:\n    from ocrkit_x.reader import X",
    ],
)
def test_an_import_back_is_found_wherever_it_stands(tmp_path: Path, back: str) -> None:
    package = tmp_path / "ocrkit_x"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "reader.py").write_text("from ocrkit_x.doctor import examine")
    (package / "doctor.py").write_text(back)
    assert set(circle_in(imports_within(package))) == {"ocrkit_x.reader", "ocrkit_x.doctor"}
