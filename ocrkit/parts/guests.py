"""Code of others: whatever a plugin's part raises, one line says which part it was, of which
plugin, and where in its code."""

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb

from ocrkit.errors import OcrkitError, PluginError
from ocrkit.parts.plugins import Plugin, one_line
from ocrkit.parts.registry import registry


@contextmanager
def guest(kind: str, name: str, backend: str | None = None) -> Iterator[None]:
    """Whatever the part raises within becomes a PluginError, also where it would end the process.

    ocrkit's own errors, which say enough, and somebody's wish to stop, KeyboardInterrupt, come
    through.
    """
    try:
        yield
    except (OcrkitError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise PluginError(failure(part_text(kind, name, backend), error)) from error


def part_text(kind: str, name: str, backend: str | None = None) -> str:
    """``decoder 'x' (plugin 'y')``"""
    entry = registry().get(kind, name, backend)
    return (
        f"{kind} {name!r}"
        + (f" for {backend}" if backend else "")
        + f" (plugin {entry.plugin.name!r})"
    )


def failure(what: str, error: BaseException) -> str:
    """One line that says that something failed, with what, and in which line of a plugin's code;
    ocrkit's own errors say enough by themselves."""
    if isinstance(error, OcrkitError):
        return str(error)
    found = place(error)
    if found is None:
        return f"{what} failed: {one_line(error)}"
    plugin, where = found
    named = "" if f"plugin {plugin.name!r}" in what else f" in plugin {plugin.name!r}"
    return f"{what} failed{named}: {one_line(error)} ({where})"


def place(error: BaseException) -> tuple[Plugin, str] | None:
    """The plugin that an error was raised in, or beneath, and where in its code; None where no
    plugin was at work."""
    owners = {
        plugin.module.partition(":")[0].partition(".")[0]: plugin for plugin in registry().plugins
    }
    for frame, line in reversed(list(walk_tb(error.__traceback__))):
        module = str(frame.f_globals.get("__name__"))
        if plugin := owners.get(module.partition(".")[0]):
            return plugin, f"line {line} of {module}"
    return None
