"""``ocrkit serve``: pipelines as a service."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ocrkit import OcrkitError
from ocrkit.cli.commands import Command
from ocrkit.cli.options import backend_option, device_option, set_option, threads_option
from ocrkit.cli.streams import say
from ocrkit.errors import PluginError, install_hint
from ocrkit.parts.registry import registry
from ocrkit.support.files import read_text
from ocrkit_serve.limits import Limits

if TYPE_CHECKING:
    from ocrkit_serve.work import Loaded

_Command = TypeVar("_Command", bound=Callable[..., Any])
_SHORTEST = 16
"""Characters of a key."""


def _limit(name: str, what: str) -> Callable[[_Command], _Command]:
    default = getattr(Limits(), name)
    return click.option(
        f"--max-{name}",
        name,
        type=click.IntRange(1),
        metavar="N",
        default=default,
        show_default=True,
        help=what,
    )


@click.command(cls=Command)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen; anywhere but on this machine a key is needed.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    default=8000,
    show_default=True,
    help="The port; 0 takes a free one.",
)
@click.option(
    "--pipeline",
    "pipelines",
    multiple=True,
    metavar="NAME|FILE.toml",
    help="What can be read with, the first unless a request names another; may be repeated.",
)
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The key that requests need, in a file; else OCRKIT_KEY.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep pages and their corrections there, and serve the page to correct them with.",
)
@_limit("megabytes", "Of a request.")
@_limit("megapixels", "Of a page.")
@_limit("pages", "Of a PDF document or a TIFF file.")
@_limit("seconds", "For sending a request, and for its answer.")
@_limit("waiting", "Pages that wait; requests beyond are told when to try again.")
@set_option
@backend_option
@device_option
@threads_option
def serve(
    *,
    host: str,
    port: int,
    pipelines: tuple[str, ...],
    key_file: Path | None,
    folder: Path | None,
    settings: tuple[str, ...],
    backend: str | None,
    device: str,
    threads: int,
    **limits: int,
) -> None:
    """Read pictures that programs send, as a REST service.

    It ends with Ctrl-C or SIGTERM, when what it has begun is read.
    """
    try:
        from ocrkit_serve.kept import Kept
        from ocrkit_serve.service import run
        from ocrkit_serve.teaching import Base, Teaching
    except ModuleNotFoundError as error:
        raise PluginError(
            f"ocrkit serve needs {error.name}, which is not installed. {install_hint('serve')}"
        ) from error
    from ocrkit import load

    key = _key(key_file)
    if key is None and not _is_local(host):
        raise OcrkitError(
            f"--host {host}: others could read with it; give it a key, with --key-file or "
            "OCRKIT_KEY, or leave out --host"
        )
    load_on = partial(load, backend=backend, device=device, threads=threads)
    sources = [*pipelines] or [registry().default("zoo")]
    loads: list[Callable[[], Loaded]] = [partial(load_on, each, settings) for each in sources]
    kept, teaching = Kept(folder) if folder else None, None
    if kept:
        base = Base(sources[0], settings)
        again = partial(load_on, settings=base.others)
        teaching = Teaching(kept, base, again, device=device, threads=threads)
        if taken := teaching.taken():
            loads.insert(0, partial(_taken, again, taken))
    with ExitStack() as until_stopped:
        listening = until_stopped.enter_context(_listening(host, port))
        loaded = _by_name(loads, until_stopped)
        host, port, *_ = listening.getsockname()
        named = f"[{host}]" if ":" in host else host
        say(f"{', '.join(loaded)} at http://{named}:{port}/{'v1/read' if kept is None else ''}")
        run(loaded, Limits(**limits), key, listening, kept, teaching=teaching)


def _by_name(loads: Iterable[Callable[[], Loaded]], until_stopped: ExitStack) -> dict[str, Loaded]:
    """Loads pipelines, and says on what terms they read. Raises OcrkitError where two have one
    name."""
    loaded: dict[str, Loaded] = {}
    for load in loads:
        made = load()
        until_stopped.enter_context(made)
        if made.spec.title in loaded:
            raise OcrkitError(
                f"two pipelines are called {made.spec.title!r}; name each once, and none that was "
                "taught in --folder: the newest of those is served unasked"
            )
        loaded[made.spec.title] = made
        for weights in made.used:
            say(f"weights {weights.reference}: {weights.licence or 'no licence stated'}")
    return loaded


def _taken(load: Callable[[Path], Loaded], at: Path) -> Loaded:
    """The model that was taught last. Raises OcrkitError where it is gone or damaged."""
    try:
        return load(at)
    except OcrkitError as error:
        raise OcrkitError(f"{error}; to serve without what was taught, remove {at}") from error


def _key(file: Path | None) -> str | None:
    """The key of the file, else of the environment. Raises OcrkitError for one that is short."""
    key = os.environ.get("OCRKIT_KEY") if file is None else read_text(file).strip()
    if key is not None and not (key.isascii() and key.isprintable()):
        raise OcrkitError("the key has characters that requests cannot send; expected ASCII ones")
    if key is not None and len(key) < _SHORTEST:
        raise OcrkitError(
            f"the key has {len(key)} characters; expected {_SHORTEST} or more; one is made by: "
            "openssl rand -hex 32"
        )
    return key


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises OcrkitError where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OcrkitError(f"{host}, port {port}: cannot be listened at ({reason})") from error
