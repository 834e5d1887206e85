"""The documentation names what is there: every command with all its options and no others, every
hook, every public name."""

import inspect
import json
import re
import runpy
from collections.abc import Iterator
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path

import click
import pytest

import ocrkit
from ocrkit import hookspecs
from ocrkit.cli import main
from ocrkit.parts.hooks import Hooks
from ocrkit.parts.kinds import KINDS
from ocrkit.parts.registry import registry
from ocrkit.scaffold.packages import kinds_to_begin_with

ROOT = Path(__file__).parents[2]
SHARED = "Options that several commands share"


def sections(page: str) -> dict[str, str]:
    """The text below each heading of the second level, by heading."""
    parts = re.split(
        r"^## (.+)$", (ROOT / "docs" / page).read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def options(command: click.Command) -> Iterator[str]:
    """The long options of a command and of the commands below it, each with what it takes:
    ``--limit N``."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            choices = (
                "|".join(parameter.type.choices)
                if isinstance(parameter.type, click.Choice)
                else None
            )
            takes = "" if parameter.is_flag else f" {parameter.metavar or choices}"
            yield from (f"{name}{takes}" for name in parameter.opts if name.startswith("--"))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from options(below)


def documented(text: str) -> set[str]:
    """The options that a table describes."""
    return {
        option.replace("\\|", "|") for option in re.findall(r"^\| `(--[^`]+)`", text, re.MULTILINE)
    }


@pytest.mark.parametrize("name", main.list_commands(click.Context(main)))
def test_a_command_is_documented_with_all_its_options_and_no_others(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    pages = sections("command-line.md")
    has = set(options(command))
    tables = {heading: documented(text) for heading, text in pages.items()}
    own = tables[f"`ocrkit {name}`"]
    assert own <= has, f"documented, but not there: {own - has}"
    assert has <= own | tables[SHARED], f"there, but not documented: {has - own - tables[SHARED]}"
    if isinstance(command, click.Group):
        for below in command.list_commands(click.Context(command)):
            assert f"ocrkit {name} {below}" in pages[f"`ocrkit {name}`"]


def test_every_kind_of_part_is_documented_with_its_hook_and_its_interface() -> None:
    table = sections("plugins.md")["The hooks"]
    rows = dict(re.findall(r"^\| `(ocrkit_[a-z_]+)` \| (.+) \|$", table, re.MULTILINE))
    assert list(rows) == [kind.hook for kind in KINDS.values()]
    for kind in KINDS.values():
        named = kind.interface.replace(":", ".") or 'register("name", "package:'
        assert named in rows[kind.hook]
        assert ("backend=" in rows[kind.hook]) == kind.by_backend


def test_every_class_of_the_conformance_kit_is_documented() -> None:
    table = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+Conformance)` \|", table, re.MULTILINE)
    assert set(rows) == {kind.conformance.partition(":")[2] for kind in KINDS.values()}


def test_every_package_to_begin_with_is_documented() -> None:
    table = sections("plugins.md")["Begin with a package"]
    rows = re.findall(r"^\| `(\w+)` \|(.*?)\|", table, re.MULTILINE)
    listed = [
        (kind, backend) for kind, cell in rows for backend in re.findall(r"\w+", cell) or [""]
    ]
    has = kinds_to_begin_with().items()
    assert sorted(listed) == sorted(
        (kind, each) for kind, backends in has for each in backends or [""]
    )


def test_register_is_documented_with_its_signature() -> None:
    call = inspect.signature(hookspecs.Register.__call__)
    bare = [
        each.replace(annotation=inspect.Parameter.empty)
        for each in call.parameters.values()
        if each.name != "self"
    ]
    signature = str(inspect.Signature(bare)).replace("'", '"')
    assert f"`register{signature}`" in (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")


def test_every_hook_has_the_one_signature_that_is_documented() -> None:
    signatures = {
        str(inspect.signature(hook))
        for name, hook in vars(Hooks).items()
        if name.startswith("ocrkit_")
    }
    assert signatures == {"(register: ocrkit.parts.hooks.Register) -> None"}
    assert "`(register: ocrkit.Register) -> None`" in sections("plugins.md")["The hooks"]
    assert ocrkit.Register is hookspecs.Register


def test_every_part_is_in_the_reference_with_every_option_as_the_code_has_it() -> None:
    """Name, type with its range, and default, each taken from the class itself; and the backends of
    networks' parts."""
    page = runpy.run_path(str(ROOT / "docs" / "conf.py"))["parts_page"]()
    texts = re.split(r"^## ", page, flags=re.MULTILINE)
    by_heading = {text.partition("\n")[0]: text for text in texts}
    own = [entry for entry in registry().entries() if entry.plugin.distribution == "ocrkit"]
    assert by_heading.keys() >= {f"{entry.kind} `{entry.name}`" for entry in own}
    for entry in own:
        text = by_heading[f"{entry.kind} `{entry.name}`"]
        if entry.backend:
            assert entry.backend in text.rpartition("Backends: ")[2]
            continue
        if not KINDS[entry.kind].has_options:
            assert entry.summary in text
            continue
        table = [
            line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")
        ]
        rows = {cells[0].strip("`"): cells for cells in table}
        has = [each for each in fields(entry.load()) if each.init]
        assert rows.keys() == {each.name for each in has}
        for each in has:
            _, kind, default, meaning = rows[each.name]
            for word, bound in (
                ("least", each.metadata["minimum"]),
                ("most", each.metadata["maximum"]),
            ):
                assert bound is None or f"at {word} {bound:g}" in kind
            assert each.metadata["doc"] in meaning
            expected = "none" if each.default is None else f"`{json.dumps(plain(each.default))}`"
            assert default == ("required" if each.default is MISSING else expected)


def plain(default: object) -> object:
    """A default as TOML has it."""
    return str(default) if isinstance(default, Path) else default


def test_every_public_name_is_documented() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    modules = map(import_module, re.findall(r"automodule:: (\S+)", page))
    listed = {name for each in modules for name in getattr(each, "__all__", vars(each))}
    for name in set(ocrkit.__all__) - {"__version__"} - listed:
        assert f"ocrkit.{name}" in page, name


def test_readme_shows_the_same_plugin_as_the_example_package() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = (ROOT / "docs" / "examples" / "ocrkit-hello" / "ocrkit_hello" / "exact.py").read_text(
        encoding="utf-8"
    )
    shown = re.search(r"`ocrkit_hello/exact.py`:\n\n```python\n(.+?)```", readme, re.DOTALL)
    assert shown is not None
    squeezed = [line for line in example.partition("\n\n")[2].splitlines() if line]
    assert [line for line in shown.group(1).splitlines() if line] == squeezed


def test_every_file_that_the_walk_through_the_code_names_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    walk = page.partition("## A walk through the code")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([\w/]+\.py)`", walk))
    files = [
        path.relative_to(ROOT).as_posix()
        for folder in ("ocrkit", "plugins")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert len(named) > 40
    for name in named:
        assert any(file == name or file.endswith(f"/{name}") for file in files), name
