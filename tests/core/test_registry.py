"""Names and the parts behind them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name

import pytest

from networks import INSTALLED
from ocrkit.errors import PluginError
from ocrkit.parts.kinds import KINDS
from ocrkit.parts.registry import Entry, registry

Install = Callable[[str, str], Path]

PARTS = """
import ocrkit

@ocrkit.hookimpl
def ocrkit_decoders(register):
    register("lacks-a-package", "parts_of_lazy:Part", extra="heavy")
    register("lacks-a-package-and-a-hint", "parts_of_lazy:Part")
    register("misspelt", "ocrkit_ctc.greedy:Greeedy")
    register("nowhere", "lazy.nowhere:Part")
    register("raises", "raises:Part")
    register("exits", "exits:Part")
    register("no-python", "no_python:Part")
    register("class", dict)
"""


@pytest.fixture
def lazy(install: Install) -> None:
    site = install("lazy", PARTS)
    (site / "parts_of_lazy.py").write_text("import package_that_is_missing")
    (site / "raises.py").write_text("raise RuntimeError('no\\nway')")
    (site / "exits.py").write_text("raise SystemExit('bye')")
    (site / "no_python.py").write_text("def (")


def error_of(call: Callable[[], object]) -> str:
    with pytest.raises(PluginError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.usefixtures("lazy")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "lacks-a-package",
            (
                "needs package_that_is_missing, which is not installed. Try: pip install "
                "'lazy-dist[heavy]'"
            ),
        ),
        ("lacks-a-package-and-a-hint", "needs package_that_is_missing, which is not installed."),
        ("nowhere", "needs lazy.nowhere, which is not installed."),
        (
            "misspelt",
            (
                "'ocrkit_ctc.greedy:Greeedy': AttributeError: module 'ocrkit_ctc.greedy' has no "
                "attribute 'Greeedy'"
            ),
        ),
        ("raises", "'raises:Part': RuntimeError: no way"),
        ("exits", "'exits:Part': SystemExit: bye"),
        ("no-python", "'no_python:Part': SyntaxError: "),
    ],
)
def test_a_part_that_cannot_be_imported_says_why_in_one_line(name: str, message: str) -> None:
    start = f"decoder '{name}' " + (
        "" if message.startswith("needs") else "of plugin 'lazy' cannot be imported from "
    )
    assert error_of(registry().get("decoder", name).load).startswith(start + message)


@pytest.mark.usefixtures("lazy")
def test_a_class_may_stand_for_itself() -> None:
    assert registry().get("decoder", "class").load() is dict


def test_the_part_is_imported_when_it_is_first_used() -> None:
    code = """
import sys
from ocrkit.parts.registry import registry
names = registry().names("decoder")
assert "ctc-greedy" in names
assert not {"numpy", "cv2", "mxnet", "rapidfuzz", "ocrkit_ctc.greedy"} & set(sys.modules), "nothing heavy yet"
registry().get("decoder", "ctc-greedy").load()
assert "ocrkit_ctc.greedy" in sys.modules
"""  # noqa: E501
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


@pytest.mark.parametrize(
    ("kind", "name", "backend", "message"),
    [
        (
            "featurizer",
            "cn",
            "torch",
            "no featurizer named 'cn' for backend 'torch'. Did you mean 'cnn'? Available: cnn, ",
        ),
        ("backend", "tourch", None, "no backend named 'tourch'. Did you mean 'torch'? Available: "),
        (
            "featurizer",
            "cnn",
            "none-such",
            "no featurizer named 'cnn' for backend 'none-such'. Available: none.",
        ),
        ("metric", "zzz", None, "no metric named 'zzz'. Available: bag-of-words-f1, cer, "),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_and_with_all(
    kind: str, name: str, backend: str | None, message: str
) -> None:
    assert error_of(lambda: registry().get(kind, name, backend)).startswith(message)


def test_an_unknown_name_may_be_a_broken_plugins(install: Install) -> None:
    install("sorry", "raise ValueError")
    message = error_of(lambda: registry().get("metric", "sorrow"))
    assert re.search(
        r"Plugins that are not used: .*\bsorry \(see ocrkit plugins list\)\.$", message
    )


def test_what_cannot_be_used_is_known_without_using_it(install: Install) -> None:
    """A name that two plugins claim, and an implementation whose definition is missing."""
    assert registry().unusable() == []
    hooks = "import ocrkit\n\n@ocrkit.hookimpl\ndef ocrkit_{}s(register):\n    register({})\n"
    install("sly", hooks.format("metric", "'cer', 'x:X'"))
    install("half", hooks.format("featurizer", "'half', 'x:X', backend='torch'"))
    claimed, half = registry().unusable()[1], registry().unusable()[0]
    assert half == (
        "featurizer 'half' has an implementation for torch, but no definition; "
        "register that too, under the same name and without a backend"
    )
    assert claimed.startswith(
        "metric 'cer' is claimed by the plugins 'levenshtein' (ocrkit) and 'sly' (sly-dist)."
    )
    assert error_of(lambda: registry().get("featurizer", "half")) == half


def test_every_built_in_part_can_be_imported_and_has_an_owner() -> None:
    built_in = [entry for entry in registry().entries() if entry.plugin.distribution == "ocrkit"]
    entries = [entry for entry in built_in if entry.plugin.name != "gluon" or "gluon" in INSTALLED]
    none_ships = set() if "gluon" in INSTALLED else {"importer"}
    assert {entry.kind for entry in entries} == set(KINDS) - none_ships
    for entry in entries:
        assert entry.plugin.problem is None
        assert entry.backend or entry.summary, f"{entry} has no summary"
        if not KINDS[entry.kind].is_file:
            assert callable(entry.load())


def test_every_built_in_part_has_the_methods_of_its_kinds_interface() -> None:
    for entry in registry().entries():
        if entry.backend or KINDS[entry.kind].is_file:
            continue
        if entry.plugin.name == "gluon" and "gluon" not in INSTALLED:
            continue
        interface, part = resolve_name(KINDS[entry.kind].interface), entry.load()
        for name, value in vars(interface).items():
            if callable(value) and (name == "__call__" or not name.startswith("_")):
                assert hasattr(part, name), f"{entry} lacks {name}"


@pytest.mark.parametrize(("kind", "name"), [("zoo", "iam-crnn"), ("importer", "params")])
def test_the_part_that_is_taken_where_none_is_named_is_registered_as_such(
    kind: str, name: str
) -> None:
    assert registry().default(kind) == name


def test_two_defaults_of_a_kind_are_none_and_a_kind_without_one_says_so(install: Install) -> None:
    code = (
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_zoos(register): register({!r}, 'x:y', "
        "default=True)\n"
    )
    install("mine", code.format("my-model"))
    assert error_of(lambda: registry().default("zoo")).startswith(
        "iam-crnn and my-model are each registered as the default zoo model; name one. Available: "
    )
    assert error_of(lambda: registry().default("decoder")) == (
        "no decoder is registered as the default; name one. Available: ctc-beam, ctc-greedy."
    )


def test_definitions_come_before_their_implementations() -> None:
    entries = [
        (entry.backend, str(entry))
        for entry in registry().entries("featurizer")
        if entry.name == "cnn"
    ]
    assert entries[0] == (None, "featurizer 'cnn'")
    assert ("torch", "featurizer 'cnn' for backend 'torch'") in entries
    assert "torch" in registry().backends("featurizer", "cnn")
    assert "cnn" in registry().names("featurizer", "torch")
    assert all(isinstance(entry, Entry) for entry in registry().entries())
