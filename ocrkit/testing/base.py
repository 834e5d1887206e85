"""What all conformance classes share: a part by name, checks that say what is wrong in a sentence,
expected failures."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from importlib import import_module
from typing import Any, ClassVar, Literal
from unittest import SkipTest

from ocrkit.errors import OcrkitError, PluginError
from ocrkit.parts.options import PartSpec, check_options, describe_options, make_part
from ocrkit.parts.plugins import one_line
from ocrkit.parts.registry import Entry, nearest, registry


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a check."""

    check: str
    result: Literal["ok", "failed", "skipped", "expected failure"]
    reason: str = ""


class FaultError(AssertionError):
    """A part does not do what its interface says."""


class Conformance:
    """The checks of one part. Subclasses for each kind of part are the public side; see
    ``docs/conformance.md``.

    Every method ``test_…`` is a check: it raises FaultError that says what is wrong, or
    ``unittest.SkipTest`` that says why it cannot be run here. pytest collects subclasses named
    ``Test…``; :func:`examine` runs one without pytest.
    """

    kind: ClassVar[str]
    name: str
    """The part's name, as it is registered."""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    """What the part cannot do, by check, with the reason. Such a check must fail; it is reported as
    an expected failure."""
    where = ""
    """What is being looked at, for messages."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        checks = checks_of(cls)
        for check, reason in cls.expected_failures.items():
            if not reason:
                raise TypeError(f"{cls.__name__}.expected_failures: say why {check!r} fails")
            if check not in checks:
                raise TypeError(
                    f"{cls.__name__}.expected_failures: no check named "
                    f"{check!r}.{nearest(check, checks)}"
                )
            setattr(cls, check, _expected_to_fail(_plain(cls, check)))

    @property
    def entry(self) -> Entry:
        """The part in the registry."""
        return registry().get(self.kind, self.name)

    def check(self, right: object, fault: str) -> None:
        """Raises FaultError, which names the part, unless it is right."""
        __tracebackhide__ = True
        if not right:
            raise FaultError(
                " ".join(filter(None, [self.kind, repr(self.name), self.where, fault]))
            )

    @contextmanager
    def works(self, doing: str, expected: type[Exception] = FaultError) -> Iterator[None]:
        """Names whatever is raised within as the part's fault in ``doing`` something; but not the
        error that is expected."""
        __tracebackhide__ = True
        try:
            yield
        except (FaultError, SkipTest, expected):
            raise
        except Exception as error:
            message = " ".join(
                filter(
                    None,
                    [self.kind, repr(self.name), self.where, f"fails {doing}: {one_line(error)}"],
                )
            )
            raise FaultError(message) from error


@contextmanager
def skipped_where_missing(entry: Entry) -> Iterator[None]:
    """A part that names an ``extra`` may need what is not installed; then nothing can be said of it
    here."""
    try:
        yield
    except PluginError as error:
        if entry.extra and isinstance(error.__cause__, ModuleNotFoundError):
            raise SkipTest(str(error)) from error
        raise


def checks_of(cls: type[Conformance]) -> list[str]:
    """The names of a class's checks, those that all kinds share first."""
    names = (
        name for base in reversed(cls.__mro__) for name in vars(base) if name.startswith("test_")
    )
    return list(dict.fromkeys(names))


def examine(conformance: Conformance) -> list[Finding]:
    """Runs all checks of a part."""
    return [judge(conformance, check) for check in checks_of(type(conformance))]


def judge(conformance: Conformance, check: str) -> Finding:
    """Runs one check."""
    reason = conformance.expected_failures.get(check)
    try:
        _plain(type(conformance), check)(conformance)
    except SkipTest as skip:
        return Finding(check, "skipped", str(skip))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  (a part may raise anything)
        fault = (
            " ".join(str(error).split())
            if isinstance(error, FaultError | OcrkitError)
            else one_line(error)
        )
        return (
            Finding(check, "expected failure", f"{reason} ({fault})")
            if reason
            else Finding(check, "failed", fault)
        )
    if reason:
        return Finding(
            check,
            "failed",
            f"was expected to fail ({reason}), but does not; take it out of expected_failures",
        )
    return Finding(check, "ok")


def _plain(cls: type[Conformance], check: str) -> Callable[[Any], None]:
    """A check as it was before it was expected to fail."""
    method = getattr(cls, check)
    plain: Callable[[Any], None] = getattr(method, "__wrapped__", method)
    return plain


def _expected_to_fail(check: Callable[[Any], None]) -> Callable[[Any], None]:
    """The check as pytest is to see it: a strict xfail."""

    @wraps(check)
    def test(self: Conformance) -> None:
        __tracebackhide__ = True
        finding = judge(self, check.__name__)
        if finding.result == "expected failure":
            import_module("pytest").xfail(
                finding.reason
            )  # nobody else calls a check that is expected to fail
        if finding.result == "skipped":
            raise SkipTest(finding.reason)
        raise FaultError(finding.reason)

    return test


class PartConformance(Conformance):
    """What all parts that have options share."""

    options: Mapping[str, Any] = {}
    """The part's options, as a pipeline's file has them."""

    def part(self, **more: Any) -> Any:
        """The part with its options, and ``more`` of them. Skips where an optional dependency is
        missing."""
        with self.works("when it is made", OcrkitError):
            return self._made(**more)

    def _made(self, **more: Any) -> Any:
        """The same, but whatever the part raises passes."""
        with skipped_where_missing(self.entry):
            return make_part(PartSpec(self.kind, self.name, dict(self.options)), **more)

    def test_its_options_are_documented_fields_of_a_dataclass(self) -> None:
        """Made by ``option(default, doc)``, so that pipelines can set them, and people can read
        what they mean."""
        cls = type(self.part())
        self.check(is_dataclass(cls), "is no dataclass; its fields would be its options")
        bare = [each.name for each in fields(cls) if each.init and not each.metadata.get("doc")]
        self.check(
            not bare,
            f"does not document its options {', '.join(bare)}; make them with "
            "ocrkit.option(default, doc)",
        )
        defaults = {
            each["name"]: each["default"] for each in describe_options(cls) if not each["required"]
        }
        _, problems = check_options(cls, defaults, "default")
        self.check(
            not problems,
            f"has defaults that a pipeline's file could not say: {'; '.join(problems)}",
        )
