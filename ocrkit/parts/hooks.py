"""The hooks: one a kind of part, made from the table of kinds. A plugin implements those it needs,
and calls ``register`` once a part.

A plugin is a module named by an entry point in the group ``ocrkit``; ``@ocrkit.hookimpl`` marks its
hooks::

    import ocrkit

    @ocrkit.hookimpl
    def ocrkit_metrics(register: ocrkit.Register) -> None:
        register("my-metric", "my_package.metric:MyMetric", summary="…")

``register(name, target, *, summary, backend, extra, default, default_for)``: ``target`` is the
part's class, or better the dotted string ``"package.module:Class"``, which is imported when the
part is first used; of a kind that is files, ``"package:file"``. ``backend`` makes it an
implementation for that backend, ``build(definition, input_size) -> module``, of the definition that
has the same name and no backend. ``extra`` names the optional dependencies of the distribution that
the part needs, for the install hint (``"torch"`` for ``pip install 'my-package[torch]'``).
``default`` makes it the part that is taken where one of its kind is needed and nobody names one: a
zoo model, an importer, or a cutter. ``default_for`` makes a zoo model the one that pictures are
read with which show a ``word``, a ``line`` or a ``page``, where nobody names one.
"""

from typing import Any, Protocol

import pluggy

from ocrkit.parts.kinds import KINDS, Kind

hookspec = pluggy.HookspecMarker("ocrkit")
hookimpl = pluggy.HookimplMarker("ocrkit")


class Register(Protocol):
    """Adds a part to the registry."""

    def __call__(
        self,
        name: str,
        target: Any,
        *,
        summary: str = "",
        backend: str | None = None,
        extra: str | None = None,
        default: bool = False,
        default_for: str = "",
    ) -> None: ...


def _hook(kind: Kind) -> Any:
    def hook(register: Register) -> None: ...

    hook.__name__ = hook.__qualname__ = kind.hook
    hook.__doc__ = f"Registers {kind.words}s."
    return hookspec(hook)


Hooks = type("Hooks", (), {kind.hook: _hook(kind) for kind in KINDS.values()})
"""The hooks as pluggy takes them: functions of a class."""
