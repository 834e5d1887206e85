"""``ocrkit plugins``: the parts that are installed, and the plugins that are broken."""

from typing import Any

import click


@click.group()
def plugins() -> None:
    """The parts that are installed."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def list_(as_json: bool) -> None:
    """List every part with the plugin that it came in, and every broken plugin with the reason."""
    import json

    from ocrkit.registry import registry

    found = registry()
    parts = [_about(entry) for entry in found.entries() if entry.backend is None]
    broken = [plugin for plugin in found.plugins if plugin.problem]
    if as_json:
        named = [
            {"name": each.name, "module": each.module, "distribution": each.distribution, "problem": each.problem}
            for each in broken
        ]
        click.echo(json.dumps({"parts": parts, "broken": named}, ensure_ascii=False, indent=2))
        return
    from ocrkit.cli.tables import print_table

    header = ("kind", "name", "backends", "plugin", "distribution", "summary")
    for part in parts:
        part["backends"] = ", ".join(part["backends"])
        part["distribution"] += f" {part['version']}"
    print_table(header, [[part[name] for name in header] for part in parts])
    for plugin in broken:
        click.echo(
            f"broken: plugin {plugin.name!r} ({plugin.distribution} {plugin.version}, module {plugin.module}): {plugin.problem}"
        )


def _about(entry: Any) -> dict[str, Any]:
    from ocrkit.registry import registry

    return {
        "kind": entry.kind, "name": entry.name, "backends": registry().backends(entry.kind, entry.name),
        "plugin": entry.plugin.name, "distribution": entry.plugin.distribution, "version": entry.plugin.version,
        "summary": entry.summary,
    }  # fmt: skip


@plugins.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(name: str, as_json: bool) -> None:
    """Show the options of the part NAME, with types, defaults and meaning."""
    import json

    from ocrkit.errors import PluginError
    from ocrkit.registry import nearest, registry

    entries = [entry for entry in registry().entries() if entry.name == name and entry.backend is None]
    if not entries:
        names = sorted({entry.name for entry in registry().entries()})
        raise PluginError(f"no part named {name!r}.{nearest(name, names)} ocrkit plugins list names them all.")
    shown = [{**_about(entry), "documentation": _documentation(entry), "options": _options(entry)} for entry in entries]
    if as_json:
        click.echo(json.dumps({"parts": shown}, ensure_ascii=False, indent=2))
        return
    for part in shown:
        backends = f" for {', '.join(part['backends'])}" if part["backends"] else ""
        click.echo(
            f"{part['kind']} {part['name']}{backends}, of plugin {part['plugin']} ({part['distribution']} {part['version']})"
        )
        for line in part["documentation"].splitlines():
            click.echo(f"    {line}".rstrip())
        for option in part["options"]:
            default = "required" if option["default"] is None else f"default {option['default']}"
            click.echo(f"  {option['name']} ({option['type']}; {default}): {option['documentation']}")


def _documentation(entry: Any) -> str:
    import inspect

    return entry.summary if entry.kind == "zoo" else inspect.getdoc(entry.load()) or entry.summary


def _options(entry: Any) -> list[dict[str, Any]]:
    from dataclasses import MISSING, fields, is_dataclass
    from typing import get_type_hints

    from ocrkit.config import describe_type

    cls = None if entry.kind == "zoo" else entry.load()
    if not is_dataclass(cls):
        return []
    hints = get_type_hints(cls)
    return [
        {
            "name": each.name, "type": describe_type(hints[each.name]), "documentation": each.metadata.get("doc", ""),
            "default": None if each.default is MISSING else str(each.default) if each.default != "" else '""',
        }
        for each in fields(cls)
        if each.init
    ]  # fmt: skip
