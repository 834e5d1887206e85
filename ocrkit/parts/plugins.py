"""Finds plugins and asks them for their parts. One broken plugin is reported and leaves all others
alone."""

import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import cast

import pluggy

from ocrkit.errors import PluginError, Stopped, warn
from ocrkit.parts.hooks import Hooks
from ocrkit.parts.kinds import KINDS

GROUP = "ocrkit"
DISABLED = "disabled by OCRKIT_DISABLE_PLUGINS"
"""The problem of plugins that this environment variable, a list of names with commas between, tells
not to load."""
SLOW = 2.0
"""Seconds that a plugin may take to be imported before that is said."""
_WITH_BACKENDS = {kind.hook: kind.words for kind in KINDS.values() if kind.by_backend}
"""What is registered with a backend, by hook."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that was found: its entry point's name, the distribution it came in, and why it
    could not be used, if so."""

    name: str
    module: str
    distribution: str
    version: str
    problem: str | None = None


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("ocrkit")
    manager.add_hookspecs(Hooks)
    return manager


def one_line(error: BaseException) -> str:
    """An error's type and message without line ends."""
    try:
        message = " ".join(str(error).split())
    except BaseException:  # noqa: BLE001  (what tells a plugin's error may be as broken as what raised it)
        message = "its message cannot be told"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def is_wish_to_stop(error: BaseException) -> bool:
    """Whether an error comes from somebody at the keyboard, or from a signal, and not from a plugin
    that raises the same.

    Where Python's own handler of Ctrl-C is at work, nobody can tell.
    """
    ours = (
        isinstance(error, KeyboardInterrupt)
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    return ours or isinstance(error, Stopped)


def _parts(
    point: EntryPoint, manager: pluggy.PluginManager
) -> tuple[list[tuple[str, dict[str, object]]], str | None]:
    """What the plugin registers, or the reason why it is not used. The manager is as before: one
    plugin's mistake must not half-register it among the others."""
    try:
        if not point.pattern.match(point.value):
            raise ValueError(
                f"its entry point is {point.value!r}; expected 'module' or 'module:object'"
            )
        manager.register(point.load(), name=point.name)
        manager.check_pending()
        implemented = any(caller.get_hookimpls() for caller in _callers(manager))
        parts = [part for caller in _callers(manager) for part in _collect(caller)]
    except BaseException as error:  # a plugin may raise anything
        if is_wish_to_stop(error):
            raise
        return [], one_line(error)
    finally:
        if manager.has_plugin(point.name):
            manager.unregister(name=point.name)
    if not implemented:
        return [], "implements no hook; expected functions marked with @ocrkit.hookimpl"
    return (
        parts,
        None if parts else "registers no part; expected its hooks to call register(name, target)",
    )


def _callers(manager: pluggy.PluginManager) -> Iterator[pluggy.HookCaller]:
    for kind in KINDS.values():
        yield getattr(manager.hook, kind.hook)


def unwanted_plugins() -> set[str]:
    """The names in ``OCRKIT_DISABLE_PLUGINS``."""
    return {name.strip() for name in os.environ.get("OCRKIT_DISABLE_PLUGINS", "").split(",")} - {""}


def discover() -> Iterator[tuple[Plugin, list[tuple[str, dict[str, object]]]]]:
    """Every installed plugin with the parts that it registers: (hook name, arguments of
    ``register``) in order."""
    unwanted, manager = unwanted_plugins(), _manager()
    for plugin, point in _entry_points().items():
        began = time.perf_counter()
        parts, problem = ([], DISABLED) if plugin.name in unwanted else _parts(point, manager)
        if (seconds := time.perf_counter() - began) > SLOW:
            warn(
                f"plugin {plugin.name!r} of {plugin.distribution} took {seconds:.1f} s to be "
                "imported, as it does for every "
                f"command; OCRKIT_DISABLE_PLUGINS={plugin.name} leaves it out"
            )
        yield replace(plugin, problem=problem), parts


def _entry_points() -> dict[Plugin, EntryPoint]:
    """By name and module. Of two distributions of one name the first on ``sys.path`` counts.

    Raises PluginError where some installed distribution's entry points are damaged.
    """
    try:
        points = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
        # The metadata of an older installation may stay behind under another folder's name.
        return {Plugin(point.name, point.value, *_owner(point)): point for point in points}
    except (
        Exception
    ) as error:  # importlib.metadata says in no type of its own that a file is damaged
        raise PluginError(
            f"the installed packages' entry points cannot be read: {one_line(error)}. One of them "
            "has a "
            "damaged entry_points.txt; install it anew"
        ) from error


def _owner(point: EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution that the entry point came in, as far as its metadata
    say."""
    unknown = ["unknown"]
    try:
        metadata = cast("Distribution", point.dist).metadata
        names, versions = metadata.get_all("Name", unknown), metadata.get_all("Version", unknown)
        return str(names[0]), str(versions[0])
    except Exception:  # noqa: BLE001  (a file that is damaged, or not there, raises what it likes)
        return "unknown", "unknown"


def _collect(caller: pluggy.HookCaller) -> list[tuple[str, dict[str, object]]]:
    parts: list[tuple[str, dict[str, object]]] = []

    def register(
        name: str,
        target: object,
        *,
        summary: str = "",
        backend: str | None = None,
        extra: str | None = None,
        default: bool = False,
        default_for: str = "",
    ) -> None:
        call = f"register({name!r}, {target!r})"
        if not isinstance(name, str):
            raise TypeError(f"{call}: expected a name that is a text")
        if not re.fullmatch(r"[\w.-]+", name):
            raise ValueError(
                f"{call}: expected a name of letters, digits, hyphens, underscores and dots"
            )
        if not (
            re.fullmatch(r"[\w.]+:.+", target) if isinstance(target, str) else callable(target)
        ):
            raise TypeError(f"{call}: expected a class, or where it is: 'package.module:Class'")
        if backend is not None and caller.name not in _WITH_BACKENDS:
            *most, last = (f"{words}s" for words in _WITH_BACKENDS.values())
            those = f"{', '.join(most)} and {last}"
            raise ValueError(f"{call}: only {those} are registered with a backend")
        if any((each["name"], each["backend"]) == (name, backend) for _, each in parts):
            raise ValueError(f"{call}: is registered a second time")
        parts.append(
            (
                caller.name,
                {
                    "name": name,
                    "target": target,
                    "summary": summary,
                    "backend": backend,
                    "extra": extra,
                    "default": default,
                    "default_for": default_for,
                },
            )
        )

    register.__qualname__ = (
        "register"  # as Python's own messages about its arguments are to call it
    )
    for implementation in caller.get_hookimpls():
        implementation.function(register)
    return parts
