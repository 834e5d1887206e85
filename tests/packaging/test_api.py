"""What others build on, held in ``api.txt``: public names, hooks, built-in parts with their
options, commands.

A change of any of it fails here until it is meant: ``python tests/packaging/test_api.py`` writes
the file anew, for its diff to be looked at. Signatures are taken from the source and no framework
is imported, so the file is the same on every Python.
"""

import ast
import difflib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, get_type_hints

import click
import pytest

import ocrkit
import ocrkit.interfaces
import ocrkit.testing
from ocrkit.cli import main
from ocrkit.cli.options import PartOption
from ocrkit.parts.checked import describe_type
from ocrkit.parts.hooks import Hooks, Register
from ocrkit.parts.kinds import KINDS
from ocrkit.parts.registry import registry
from ocrkit.pipelines.training_options import Training

SNAPSHOT = Path(__file__).with_name("api.txt")
RENEW = "python tests/packaging/test_api.py"


@pytest.mark.skipif(
    "gluon" not in {entry.extra for entry in registry().entries("backend")},
    reason=(
        "it holds the parts for MXNet, which is not for this Python, or whose plugin is disabled"
    ),
)
def test_the_api_is_what_the_snapshot_says() -> None:
    kept, found = SNAPSHOT.read_text(encoding="utf-8"), snapshot()
    diff = "\n".join(
        difflib.unified_diff(
            kept.splitlines(), found.splitlines(), "api.txt", "the code", n=1, lineterm=""
        )
    )
    assert not diff, (
        f"others build on this. If the change is meant: {RENEW}, and a line in CHANGELOG.md\n{diff}"
    )


def snapshot() -> str:
    sections = {
        "ocrkit": names_of(ocrkit, [name for name in ocrkit.__all__ if name != "__version__"]),
        "ocrkit.interfaces, besides": names_of(ocrkit.interfaces, interfaces()),
        "ocrkit.testing": names_of(ocrkit.testing, public(ocrkit.testing)),
        "hooks": hooks(),
        "built-in parts": parts(),
        "[training]": options_of(Training),
        "commands": commands("ocrkit", main),
    }
    text = "\n\n".join(
        "\n".join([f"# {heading}", "", *lines]) for heading, lines in sections.items()
    )
    return f"{text}\n"


# -------------------------------------------------------------------------------------------- names


def public(module: ModuleType) -> list[str]:
    values = vars(module).items()
    return sorted(
        name
        for name, value in values
        if not name.startswith("_") and not isinstance(value, ModuleType)
    )


def interfaces() -> list[str]:
    """What only authors of backends need is not among the names of ``ocrkit``."""
    return [
        name
        for name in ocrkit.interfaces.__all__
        if name not in ocrkit.__all__
        and isinstance(getattr(ocrkit.interfaces, name), type | FunctionType)
    ]


def names_of(module: ModuleType, names: list[str]) -> Iterator[str]:
    """Every name with its signature; classes with their members, and once with the classes of
    ocrkit that they inherit from."""
    classes: dict[type, str] = {}
    for name in sorted(names):
        value = getattr(module, name)
        if isinstance(value, type):
            classes |= {
                base: base.__name__
                for base in value.__mro__
                if base.__module__.startswith("ocrkit")
            }
        elif inspect.isfunction(value):
            yield signature(definition(value))
        else:
            yield f"{name}: {type(value).__name__}"
    for cls, _ in sorted(classes.items(), key=lambda item: item[1]):
        node = definition(cls)
        assert isinstance(node, ast.ClassDef)
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        yield (
            "".join(f"@{ast.unparse(decorator)} " for decorator in node.decorator_list)
            + f"class {node.name}({bases})"
        )
        yield from (f"    {member}" for member in members(node))


@cache
def source(module: str) -> ast.Module:
    return ast.parse(Path(str(sys.modules[module].__file__)).read_text(encoding="utf-8"))


def definition(value: Any) -> ast.stmt:
    """Where a class or a function is defined, at the top level of its module."""
    nodes = (
        node
        for node in source(value.__module__).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    )
    (found,) = (node for node in nodes if node.name == value.__name__)
    return found


def signature(node: ast.AST) -> str:
    assert isinstance(node, ast.FunctionDef)
    decorators = "".join(f"@{ast.unparse(decorator)} " for decorator in node.decorator_list)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{decorators}def {node.name}({ast.unparse(node.args)}){returns}"


def members(cls: ast.ClassDef) -> Iterator[str]:
    """Methods and attributes, in their order; those that begin with an underscore only where Python
    itself calls them."""
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and (
            not node.name.startswith("_") or node.name.startswith("__")
        ):
            yield signature(node)
        elif isinstance(node, ast.AnnAssign | ast.Assign) and not ast.unparse(node).startswith("_"):
            yield ast.unparse(node)


# ---------------------------------------------------------------------------------- hooks and parts


def hooks() -> Iterator[str]:
    for name, hook in sorted(vars(Hooks).items()):
        if name.startswith("ocrkit_"):
            assert get_type_hints(hook) == {"register": Register, "return": type(None)}
            yield f"def {name}(register: Register) -> None"


def parts() -> Iterator[str]:
    """Every part that ocrkit itself registers; those that have options with them."""
    for entry in registry().entries():
        if entry.plugin.distribution != "ocrkit":
            continue
        extra = f", extra {entry.extra}" if entry.extra else ""
        yield f"{entry.kind} {entry.name}{f' for {entry.backend}' if entry.backend else ''}, plugin {entry.plugin.name}{extra}"  # noqa: E501
        if entry.backend is None and KINDS[entry.kind].has_options:
            yield from (f"    {line}" for line in options_of(entry.load()))


def options_of(part: type) -> Iterator[str]:
    """Name, type, range and default of every option."""
    assert is_dataclass(part)
    hints = get_type_hints(part)
    for each in fields(part):
        if each.init:
            bounds = {name: each.metadata.get(name) for name in ("minimum", "maximum")}
            limits = "".join(
                f", {name} {bound:g}" for name, bound in bounds.items() if bound is not None
            )
            plain = str(each.default) if isinstance(each.default, Path) else each.default
            default = "" if each.default is MISSING else f" = {plain!r}"
            yield f"{each.name}: {describe_type(hints[each.name])}{limits}{default}"


# ----------------------------------------------------------------------------------------- commands


def commands(path: str, command: click.Command) -> Iterator[str]:
    yield " ".join(
        [path, *(argument(each) for each in command.params if isinstance(each, click.Argument))]
    )
    for each in command.params:
        if isinstance(each, click.Option):
            yield f"    {option(each)}"
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(f"{path} {name}", below)


def argument(each: click.Argument) -> str:
    name = str(each.name).upper()
    return f"{name}..." if each.nargs == -1 else name


def option(each: click.Option) -> str:
    names = ", ".join(each.opts)
    if each.is_flag:
        return names
    value = (
        "|".join(each.type.choices)
        if isinstance(each.type, click.Choice)
        else each.metavar or each.type.name.upper()
    )
    limits = "".join(
        f", {name} {bound}"
        for name in ("min", "max")
        if (bound := getattr(each.type, name, None)) is not None
    )
    value_unless_given = (
        registry().default(each.part) if isinstance(each, PartOption) else each.default
    )
    default = (
        f", default {value_unless_given!r}"
        if isinstance(value_unless_given, str | int | float)
        else ""
    )
    return (
        f"{names} "
        f"{value}{limits}{default}{', required' * each.required}{', repeatable' * each.multiple}"
    )


if __name__ == "__main__":
    SNAPSHOT.write_text(snapshot(), encoding="utf-8")
    print(f"wrote {SNAPSHOT}; look at it with: git diff {SNAPSHOT}")  # noqa: T201  (a script's result)
