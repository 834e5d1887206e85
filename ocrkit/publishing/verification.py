"""What a verification looked at and found."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ocrkit.errors import OcrkitError, PluginError
from ocrkit.parts.plugins import one_line
from ocrkit.parts.registry import registry

STORED = "stored"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was found, and what is wrong, a line each."""

    name: str
    found: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The largest difference in outputs, with CTC in nats, between two, of which one may be
    ``stored``.

    None where they cannot be compared: other lengths, or NaN.
    """

    between: tuple[str, str]
    largest: float | None


@dataclass
class Verification:
    """What became of a model's verification."""

    model: str
    fetched: bool = True
    """False where the weights have a URL and are not on this machine; then only the manifest was
    looked at."""
    tolerance: float | None = None
    checks: list[Check] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    ran: dict[str, dict[str, str]] = field(default_factory=dict)
    """What computed the golden set, with the framework's versions: ``torch``, ``torch cuda``, …"""
    left_out: dict[str, str] = field(default_factory=dict)
    """What did not, and why: backends that the pipeline names and that are not installed, or that
    see no GPU."""

    @property
    def problems(self) -> list[str]:
        """All that is wrong, a line each."""
        return [problem for check in self.checks for problem in check.problems]

    @property
    def passed(self) -> bool:
        return self.fetched and not self.problems


@contextmanager
def checking(result: Verification, name: str, found: str = "") -> Iterator[list[str]]:
    """Collects what is wrong; an error is a problem like others."""
    problems: list[str] = []
    try:
        yield problems
    except OcrkitError as error:
        problems += str(error).splitlines()
    except Exception as error:  # noqa: BLE001  (a plugin may raise anything)
        problems.append(one_line(error))
    result.checks.append(Check(name, found, tuple(problems)))


def not_installed(backend: str) -> str | None:
    """Why a backend is not installed; None where it is, be it broken."""
    try:
        registry().get("backend", backend).load()
    except PluginError as error:
        if backend not in registry().names("backend") or isinstance(
            error.__cause__, ModuleNotFoundError
        ):
            return str(error)
    return None


def places(
    result: Verification, backend: str, seen: Sequence[str], device: str
) -> Iterator[tuple[str, str]]:
    """The devices of those that a backend sees on which something is to be computed, each with what
    it is called; why not goes to the result. ``device`` is one, or ``auto`` for all."""
    for each in seen if device == "auto" else [device]:
        label = backend if each == "cpu" else f"{backend} {each}"
        if each in seen:
            yield label, each
        else:
            result.left_out[label] = f"backend {backend!r} sees {', '.join(seen)} here"
