"""``ocrkit plugins``: the parts that are installed, and the plugins that are broken."""

from pathlib import Path
from typing import Any, NoReturn

import click

from ocrkit.cli.commands import Group
from ocrkit.cli.streams import echo, echo_json
from ocrkit.parts.kinds import KINDS
from ocrkit.scaffold.packages import kinds_to_begin_with

_WRITTEN_FOR_A_BACKEND = " or ".join(
    str(KINDS[kind]) for kind, backends in kinds_to_begin_with().items() if backends
)


@click.group(cls=Group)
def plugins() -> None:
    """The parts that are installed."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def list_(as_json: bool) -> None:
    """List every part with the plugin that it came in, and every broken plugin with the reason."""
    from dataclasses import asdict

    from ocrkit.parts.plugins import DISABLED, unwanted_plugins
    from ocrkit.parts.registry import nearest, registry

    found = registry()
    parts = [_about(entry) for entry in found.entries() if entry.backend is None]
    disabled = [plugin for plugin in found.plugins if plugin.problem == DISABLED]
    broken = [plugin for plugin in found.plugins if plugin.problem and plugin not in disabled]
    if as_json:
        unused = {
            "broken": [asdict(each) for each in broken],
            "disabled": [each.name for each in disabled],
        }
        echo_json({"parts": parts, **unused, "unusable": found.unusable()})
        return
    from ocrkit.cli.tables import print_table

    header = ("kind", "name", "backends", "plugin", "distribution", "summary")
    for part in parts:
        part["backends"] = ", ".join(part["backends"])
        part["distribution"] += f" {part['version']}"
    print_table(header, [[part[name] for name in header] for part in parts])
    for plugin in (*broken, *disabled):
        state = "disabled" if plugin in disabled else "broken"
        owner = f"{plugin.distribution} {plugin.version}, module {plugin.module}"
        echo(f"{state}: plugin {plugin.name!r} ({owner}): {plugin.problem}")
    for reason in found.unusable():
        echo(f"unusable: {reason}")
    names = [plugin.name for plugin in found.plugins]
    for name in sorted(unwanted_plugins() - set(names)):
        echo(f"OCRKIT_DISABLE_PLUGINS: there is no plugin {name!r}.{nearest(name, names)}")


def _about(entry: Any) -> dict[str, Any]:
    from ocrkit.parts.registry import registry

    return {
        "kind": entry.kind,
        "name": entry.name,
        "backends": registry().backends(entry.kind, entry.name),
        "plugin": entry.plugin.name,
        "distribution": entry.plugin.distribution,
        "version": entry.plugin.version,
        "summary": entry.summary,
    }


@plugins.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(name: str, as_json: bool) -> None:
    """Show the options of the part NAME, with types, defaults and meaning."""
    import json

    from ocrkit.parts.options import describe_options
    from ocrkit.parts.registry import registry

    entries = [
        entry for entry in registry().entries() if entry.name == name and entry.backend is None
    ]
    if not entries:
        _refuse(name)
    shown = []
    for entry in entries:
        options = describe_options(entry.load()) if KINDS[entry.kind].has_options else []
        shown.append({**_about(entry), "documentation": _documentation(entry), "options": options})
    if as_json:
        echo_json({"parts": shown})
        return
    for part in shown:
        backends = f" for {', '.join(part['backends'])}" if part["backends"] else ""
        echo(
            f"{part['kind']} {part['name']}{backends}, of plugin {part['plugin']} "
            f"({part['distribution']} {part['version']})"
        )
        for line in part["documentation"].splitlines():
            echo(f"    {line}".rstrip())
        for option in part["options"]:
            value = (
                "none"
                if option["default"] is None
                else json.dumps(option["default"], ensure_ascii=False)
            )
            default = "required" if option["required"] else f"default {value}"
            echo(f"  {option['name']} ({option['type']}; {default}): {option['documentation']}")


@plugins.command()
@click.argument("name")
@click.option(
    "--kind",
    required=True,
    type=click.Choice(list(kinds_to_begin_with())),
    help="What the package's part is.",
)
@click.option(
    "--backend",
    metavar="NAME",
    help=f"For {_WRITTEN_FOR_A_BACKEND}: the framework that it is written in.",
)
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder to make; it must not be there yet. Unless given: NAME.",
)
@click.option(
    "--from",
    "run",
    type=click.Path(path_type=Path),
    metavar="RUN_DIR",
    help="For a zoo: the training run whose model the package ships.",
)
@click.option(
    "--licence",
    default="",
    metavar="TEXT",
    help="For a zoo: the weights' licence, best as an SPDX expression.",
)
def new(
    *, name: str, kind: str, backend: str | None, to: Path | None, run: Path | None, licence: str
) -> None:
    """Write a package of your own with one small part that works, NAME, and its tests."""
    from ocrkit.scaffold.packages import write_package

    if kind == "zoo" and not (run and licence.strip()):
        raise click.UsageError(
            "a package of kind zoo ships a trained model: name the run with --from RUN_DIR, and "
            "what its weights may be used "
            "for with --licence TEXT; they carry the terms of the data that they were trained on."
        )
    if kind != "zoo" and (run or licence):
        raise click.UsageError(
            f"--from and --licence are for a package of kind zoo; one of kind {kind} ships no "
            "weights."
        )

    backends = kinds_to_begin_with()[kind]
    if backend not in backends and (backend or backends):
        expected = (
            f"expected {', '.join(backends)}" if backends else f"a package of kind {kind} has none"
        )
        raise click.BadParameter(
            f"{backend!r}; {expected}" if backend else expected, param_hint="'--backend'"
        )
    folder = to or Path(name)
    write_package(name, kind, backend, folder, run=run, licence=licence.strip())
    echo(f"wrote {folder}; how to go on: {folder / 'README.md'}")


def _documentation(entry: Any) -> str:
    import inspect

    if not KINDS[entry.kind].has_options:
        return str(entry.summary)
    part = entry.load()
    text = inspect.getdoc(part) or ""
    return (
        entry.summary if text.startswith(f"{part.__name__}(") else text or entry.summary
    )  # dataclass writes such a text


def _refuse(name: str) -> NoReturn:
    """Says why there is no part of this name: a plugin of the name may have others, or none because
    it is broken."""
    from ocrkit.errors import PluginError
    from ocrkit.parts.registry import nearest, registry

    found = registry()
    for entry in found.entries():
        if entry.name == name:
            found.get(entry.kind, name)  # says that its definition is missing
    problem = next((plugin.problem for plugin in found.plugins if plugin.name == name), None)
    if problem:
        raise PluginError(f"the plugin {name!r} is not used: {problem}")
    parts = sorted(
        {
            entry.name
            for entry in found.entries()
            if entry.plugin.name == name and entry.backend is None
        }
    )
    if parts:
        raise PluginError(f"no part, but a plugin is named {name!r}; its parts: {', '.join(parts)}")
    names = sorted({entry.name for entry in found.entries() if entry.backend is None})
    raise PluginError(
        f"no part named {name!r}.{nearest(name, names)} ocrkit plugins list names them all."
    )


@plugins.command()
@click.argument("name", metavar="PACKAGE|PLUGIN")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="ROOT",
    help="The data set that its readers are tested on; else the sample that they ship.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def test(name: str, data: Path | None, as_json: bool) -> None:
    """Check that all parts of an installed plugin do what their interfaces say, with their default
    options.

    PACKAGE|PLUGIN is the plugin's name, or its distribution's. Exit status 1 where a check fails.
    """
    import sys
    from collections import Counter
    from dataclasses import asdict

    from ocrkit.cli.tables import print_table
    from ocrkit.testing import examine_plugin

    parts = list(examine_plugin(name, data=data))
    counts = Counter(finding.result for part in parts for finding in part.findings)
    if as_json:
        about = {
            "name": name,
            "passed": not counts["failed"],
            "parts": [asdict(part) for part in parts],
        }
        echo_json(about)
    else:
        rows = []
        for part in parts:
            subject = f"{part.kind} {part.name}" + (f" for {part.backend}" if part.backend else "")
            for finding in part.findings:
                check = finding.check.removeprefix("test_").replace("_", " ")
                result = "FAILED" if finding.result == "failed" else finding.result
                rows.append(
                    (subject, check, f"{result}: {finding.reason}" if finding.reason else result)
                )
        print_table(("part", "check", "result"), rows)
        echo(", ".join(f"{count} {result}" for result, count in counts.items()))
    if counts["failed"]:
        sys.exit(1)
