"""Names → parts. Entries are lazy: a part's module is imported when the part is first used."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ocrkit.errors import PluginError, install_hint
from ocrkit.parts.kinds import KINDS
from ocrkit.parts.plugins import Plugin, discover, is_wish_to_stop, one_line


def nearest(name: str, available: list[str]) -> str:
    """`` Did you mean 'x'?`` with the name that is most like ``name``, or nothing."""
    from difflib import get_close_matches

    found = get_close_matches(name, available, n=1)
    return f" Did you mean {found[0]!r}?" if found else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered part: what it is, whose it is, and where its class or function is."""

    kind: str
    name: str
    target: Any
    summary: str
    backend: str | None
    extra: str | None
    default: bool
    plugin: Plugin
    default_for: str = ""
    """What pictures show that a zoo model is the default for: ``word``, ``line``, ``page``."""

    def __str__(self) -> str:
        return f"{KINDS[self.kind].words} {self.name!r}" + (
            f" for backend {self.backend!r}" if self.backend else ""
        )

    def load(self) -> Any:
        """The part's class or function, imported. Raises PluginError with an install hint where a
        module is missing."""
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            hint = f" {install_hint(self.extra, self.plugin.distribution)}" if self.extra else ""
            raise PluginError(
                f"{self} needs {error.name}, which is not installed.{hint}"
            ) from error
        except BaseException as error:  # a module may raise anything while it is imported
            if is_wish_to_stop(error):
                raise
            raise PluginError(
                f"{self} of plugin {self.plugin.name!r} cannot be imported from {self.target!r}: "
                f"{one_line(error)}"
            ) from error


@dataclass
class Registry:
    """All parts of all plugins."""

    plugins: list[Plugin] = field(default_factory=list)
    _entries: dict[tuple[str, str, str | None], list[Entry]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, entry: Entry) -> None:
        self._entries[entry.kind, entry.name, entry.backend].append(entry)

    def entries(self, kind: str | None = None) -> list[Entry]:
        """All entries, or those of a kind, by name; definitions before implementations."""
        chosen = (
            entry for same in self._entries.values() for entry in same if kind in (None, entry.kind)
        )
        order = list(KINDS)
        return sorted(
            chosen, key=lambda entry: (order.index(entry.kind), entry.name, entry.backend or "")
        )

    def names(self, kind: str, backend: str | None = None) -> list[str]:
        return sorted({entry.name for entry in self.entries(kind) if entry.backend == backend})

    def backends(self, kind: str, name: str) -> list[str]:
        """The backends for which a part has an implementation."""
        return sorted(
            {entry.backend for entry in self.entries(kind) if entry.name == name and entry.backend}
        )

    def get(self, kind: str, name: str, backend: str | None = None) -> Entry:
        """The one entry of that name. Raises PluginError where there is none, two plugins claim the
        name, or it is ocrkit's own."""
        same = self._entries.get((kind, name, backend), [])
        if same and KINDS[kind].is_taken(name):
            raise PluginError(
                f"{same[0]} of plugin {same[0].plugin.name!r} has the name of one of ocrkit's own, "
                "which is used in its place"
            )
        if len(same) == 1:
            return same[0]
        if same:
            owners = " and ".join(
                f"{entry.plugin.name!r} ({entry.plugin.distribution})" for entry in same
            )
            raise PluginError(
                f"{same[0]} is claimed by the plugins {owners}. Uninstall one of them."
            )
        if backend is None and (having := self.backends(kind, name)):
            raise PluginError(
                f"{kind} {name!r} has an implementation for {', '.join(having)}, but no "
                "definition; "
                "register that too, under the same name and without a backend"
            )
        available = self.names(kind, backend)
        wanted = f"no {KINDS[kind].words} named {name!r}" + (
            f" for backend {backend!r}" if backend else ""
        )
        unused = [plugin.name for plugin in self.plugins if plugin.problem]
        hint = (
            f" Plugins that are not used: {', '.join(unused)} (see ocrkit plugins list)."
            if unused
            else ""
        )
        listed = ", ".join(available) or "none"
        other = self._of_another_kind(name, kind)
        raise PluginError(
            f"{wanted}{other or '.' + nearest(name, available)} Available: {listed}.{hint}"
        )

    def default(self, kind: str) -> str:
        """The name of the part that is taken where nobody names one: it is registered as such.

        Raises PluginError where there is none, or there are several.
        """
        names = [entry.name for entry in self.entries(kind) if entry.default]
        if len(names) == 1:
            return names[0]
        words, available = KINDS[kind].words, ", ".join(self.names(kind)) or "none"
        claimed = f"{' and '.join(names)} are each registered as the default {words}"
        problem = claimed if names else f"no {words} is registered as the default"
        raise PluginError(f"{problem}; name one. Available: {available}.")

    def default_for(self, shows: str) -> str | None:
        """The zoo model that is registered as the default for pictures that show a ``word``, a
        ``line`` or a ``page``; None where there is none.

        Raises PluginError where there are several.
        """
        names = [each.name for each in self.entries("zoo") if each.default_for == shows]
        if len(names) > 1:
            raise PluginError(
                f"{' and '.join(names)} are each registered as the default for a {shows}; name one"
            )
        return names[0] if names else None

    def _of_another_kind(self, name: str, kind: str) -> str:
        """What else has the name, and where that belongs; empty where nothing has."""
        others = [
            KINDS[entry.kind]
            for entry in self.entries()
            if entry.name == name and entry.kind != kind
        ]
        if not others:
            return ""
        place = f", which belongs into {others[0].places[0]}" if others[0].places else ""
        return f": it is {others[0]}{place}."

    def unusable(self) -> list[str]:
        """Why names cannot be used that are registered: two plugins claim them, they are ocrkit's
        own, or their definition is missing."""
        reasons: dict[str, None] = {}
        for kind, name, backend in self._entries:
            try:
                self.get(kind, name, backend)
                self.get(kind, name)
            except PluginError as error:
                reasons[str(error)] = None
        return sorted(reasons)


@cache
def registry() -> Registry:
    """The registry of this process, filled when it is first asked for."""
    result = Registry()
    kind_of = {kind.hook: name for name, kind in KINDS.items()}
    for plugin, parts in discover():
        result.plugins.append(plugin)
        for hook, arguments in parts:
            result.add(Entry(kind=kind_of[hook], plugin=plugin, **arguments))  # type: ignore[arg-type]  # as register() took them
    return result


def is_network_file(path: Path) -> bool:
    """Whether the file's ending names a backend, which then may run it."""
    return path.suffix[1:] in registry().names("backend")
