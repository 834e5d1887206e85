"""Discovery of plugins: those that are broken are named, and everything else works."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ocrkit.cli import main
from ocrkit.errors import PluginError
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.plugins import DISABLED, Plugin
from ocrkit.parts.registry import registry
from ocrkit.pipelines.file import load_spec

Install = Callable[[str, str], Path]

GOOD = """
from dataclasses import dataclass
from typing import ClassVar

import ocrkit

@dataclass(frozen=True)
class Length:
    per: float = ocrkit.option(1.0, "characters that count as one", minimum=0.5)
    higher_is_better: ClassVar[bool] = False

    def counts(self, reference, prediction):
        return abs(len(reference) - len(prediction)) / self.per, 1.0

@ocrkit.hookimpl
def ocrkit_metrics(register):
    register("length", "{module}:Length", summary="how far off the length is")
"""

BROKEN = {
    "a missing import": (
        "import nothing_of_this_name",
        "ModuleNotFoundError: No module named 'nothing_of_this_name'",
    ),
    "no Python": ("def (", "SyntaxError"),
    "an error while it is imported": (
        "raise RuntimeError('not\\ntoday')",
        "RuntimeError: not today",
    ),
    "an exit while it is imported": ("raise SystemExit(3)", "SystemExit: 3"),
    "no hook": (
        "def ocrkit_metrics(register): pass",
        "implements no hook; expected functions marked with @ocrkit.hookimpl",
    ),
    "a misspelt hook": (
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metric(register): pass",
        "unknown hook 'ocrkit_metric'",
    ),
    "a hook with a wrong argument": (
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(registry): pass",
        (
            "ocrkit_metrics(registry) Argument(s) {'registry'} are declared in the hookimpl but can "  # noqa: E501
            "not be found in the hookspec"
        ),
    ),
    "a hook without its argument": (
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(): pass",
        "TypeError",
    ),
    "an error in its second hook": (
        GOOD
        + "\n@ocrkit.hookimpl\ndef ocrkit_readers(register): register('x', 'x:X')\n    \n    \n"
        "@ocrkit.hookimpl\ndef ocrkit_decoders(register): register('half', 'x:X'); 1 / 0",
        "ZeroDivisionError: division by zero",
    ),
    "an exit in a hook": (
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): raise SystemExit",
        "SystemExit",
    ),
    "a part without a target": (
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): register('x')",
        "'target'",
    ),
    "a part whose name is no text": (
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): register(5, 'x:X')",
        "TypeError: register(5, 'x:X'): expected a name that is a text",
    ),
    "a part whose name is two words": (
        (
            "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): register('my metric', "
            "'x:X')"
        ),
        (
            "ValueError: register('my metric', 'x:X'): expected a name of letters, digits, hyphens, "  # noqa: E501
            "underscores and dots"
        ),
    ),
    "a part that is nowhere": (
        (
            "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): register('x', "
            "'package.module')"
        ),
        (
            "TypeError: register('x', 'package.module'): expected a class, or where it is: "
            "'package.module:Class'"
        ),
    ),
    "a part that is no class": (
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): register('x', 5)",
        "TypeError: register('x', 5): expected a class, or where it is: 'package.module:Class'",
    ),
    "a part that is registered twice": (
        (
            "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): register('x', 'x:X'); "
            "register('x', 'x:Y')"
        ),
        "ValueError: register('x', 'x:Y'): is registered a second time",
    ),
    "a metric with a backend": (
        (
            "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): register('x', 'x:X', "
            "backend='torch')"
        ),
        (
            "ValueError: register('x', 'x:X'): only preprocessors, augmentations, featurizers, "
            "encoders, models and objectives are registered with a backend"
        ),
    ),
    "a misspelt argument": (
        (
            "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): register('x', 'x:X', "
            "sumary='')"
        ),
        "TypeError: register() got an unexpected keyword argument 'sumary'",
    ),
    "no part": (
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): pass",
        "registers no part; expected its hooks to call register(name, target)",
    ),
}


def plugin(name: str) -> Plugin:
    (found,) = [each for each in registry().plugins if each.name == name]
    return found


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_named_with_its_reason_and_everything_else_works(
    kind: str, install: Install, tiny: Path
) -> None:
    source, reason = BROKEN[kind]
    install("broken", source)
    install("good", GOOD.format(module="good"))
    found = plugin("broken")
    assert (found.distribution, found.version) == ("broken-dist", "1.2.3")
    assert found.problem is not None
    assert reason in found.problem
    assert "\n" not in found.problem
    assert [each.name for each in registry().plugins if each.problem not in (None, DISABLED)] == [
        "broken"
    ]
    assert not [entry for entry in registry().entries() if entry.plugin.name == "broken"], (
        "nothing half-registered stays"
    )
    assert load_spec(tiny, ["metrics.cer.use=length"]).metrics["length"].use == "length"


def test_a_third_partys_plugin_works_as_the_built_in_ones(install: Install) -> None:
    install("good", GOOD.format(module="good"))
    assert plugin("good") == Plugin("good", "good", "good-dist", "1.2.3", problem=None)
    entry = registry().get("metric", "length")
    assert (entry.summary, entry.plugin.distribution) == ("how far off the length is", "good-dist")
    assert make_part(PartSpec("metric", "length", {"per": 2})).counts("abc", "abcdefg") == (
        2.0,
        1.0,
    )


def test_plugins_without_metadata_are_found_all_the_same(install: Install) -> None:
    site = install("bare", GOOD.format(module="bare"))
    (site / "bare_dist-1.2.3.dist-info" / "METADATA").unlink()
    assert plugin("bare").problem is None
    assert plugin("bare").distribution == "unknown"
    assert plugin("iam").problem is None


def test_a_plugin_that_is_installed_twice_counts_once(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an editable install over an older one, whose metadata may stay behind."""
    site = install("good", GOOD.format(module="good"))
    (site / "good_dist-1.2.3.dist-info").rename(tmp_path / "good_old_dist-1.2.2.dist-info")
    monkeypatch.syspath_prepend(tmp_path)
    install("good", GOOD.format(module="good"))
    assert plugin("good").problem is None
    assert registry().get("metric", "length").plugin.name == "good"


def test_two_plugins_with_one_name_are_an_error_only_when_it_is_used(
    install: Install, tiny: Path
) -> None:
    install("first", GOOD.format(module="first"))
    install(
        "second",
        GOOD.format(module="second")
        + "\n@ocrkit.hookimpl\ndef ocrkit_decoders(register): register('own', Length)",
    )
    assert {each.problem for each in registry().plugins} <= {None, DISABLED}
    assert load_spec(tiny).name == "tiny"
    assert registry().get("decoder", "own").load().__name__ == "Length"
    with pytest.raises(PluginError) as caught:
        registry().get("metric", "length")
    assert str(caught.value) == (
        "metric 'length' is claimed by the plugins 'first' (first-dist) and 'second' "
        "(second-dist). Uninstall one of them."
    )


def test_a_built_in_name_is_claimed_like_any_other(install: Install) -> None:
    install("rival", GOOD.format(module="rival").replace('"length"', '"cer"'))
    with pytest.raises(PluginError, match=r"'levenshtein' \(ocrkit\) and 'rival' \(rival-dist\)"):
        registry().get("metric", "cer")
    assert registry().get("metric", "wer").plugin.name == "levenshtein"


def test_the_command_line_lists_broken_plugins_and_goes_on(install: Install) -> None:
    for index, kind in enumerate(
        [
            "a missing import",
            "a misspelt hook",
            "a hook with a wrong argument",
            "an exit while it is imported",
        ]
    ):
        site = install(f"broken{index}", BROKEN[kind][0])
    install("good", GOOD.format(module="good"))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(
        [sys.executable, "-m", "ocrkit", "plugins", "list"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    output = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 0, output
    for expected in [
        "broken0",
        "nothing_of_this_name",
        "broken1",
        "ocrkit_metric",
        "broken2",
        "broken3",
        "length",
        "bilstm",
    ]:
        assert expected in output
    assert "Traceback" not in output


def test_a_plugin_that_the_user_disables_is_not_loaded_and_said_to_be_disabled(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("fatal", "raise SystemExit('loaded')")
    install(
        "fine",
        "import ocrkit\n\n@ocrkit.hookimpl\ndef ocrkit_metrics(register):\n    register('mine', "
        "'x:X')\n",
    )
    monkeypatch.setenv("OCRKIT_DISABLE_PLUGINS", "fatal, torch")
    registry.cache_clear()
    assert {"cer", "mine"} <= set(registry().names("metric"))
    assert "torch" not in registry().names("backend")
    listed = CliRunner().invoke(main, ["plugins", "list"]).stdout
    assert (
        "disabled: plugin 'fatal' (fatal-dist 1.2.3, module fatal): disabled by "
        "OCRKIT_DISABLE_PLUGINS" in listed
    )
    assert "broken" not in listed
    with pytest.raises(
        PluginError, match=r"no backend named 'torch'.+Plugins that are not used: fatal, torch"
    ):
        registry().get("backend", "torch")


# -------------------------------------------------------------------------- where plugins are found

METRIC = (
    "import ocrkit\n\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): register({!r}, '{}:Metric')\n"
)


def installed_in(place: Path, folder: str, points: str | None, metadata: str | None = None) -> None:
    """Leaves in the folder of a distribution's metadata what an installer would, for a module
    ``found`` beside it."""
    about = place / folder
    about.mkdir(parents=True)
    for name, text in (("entry_points.txt", points), ("METADATA", metadata)):
        if text is not None:
            (about / name).write_text(text, encoding="utf-8")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Two folders on ``sys.path``, the first before the second."""
    places = [tmp_path / "first", tmp_path / "second"]
    for place in places:
        place.mkdir()
    monkeypatch.setattr("sys.path", [*map(str, places), *sys.path])
    registry.cache_clear()
    yield places
    monkeypatch.undo()
    registry.cache_clear()


def found(name: str) -> list[Plugin]:
    return [plugin for plugin in registry().plugins if plugin.name == name]


def test_a_plugin_in_a_zip_file_is_found(
    places: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pex, shiv and Spark's --py-files bring them."""
    with zipfile.ZipFile(tmp_path / "zipped-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(
            "zipped_plugin.py", METRIC.format("zipped", "zipped_plugin") + "class Metric: pass\n"
        )
        archive.writestr(
            "zipped-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: zipped\nVersion: 1.0\n"
        )
        archive.writestr(
            "zipped-1.0.dist-info/entry_points.txt", "[ocrkit]\nzipped = zipped_plugin\n"
        )
    monkeypatch.syspath_prepend(tmp_path / "zipped-1.0-py3-none-any.whl")
    assert found("zipped") == [Plugin("zipped", "zipped_plugin", "zipped", "1.0")]
    assert registry().get("metric", "zipped").load().__name__ == "Metric"


def test_of_two_distributions_of_one_name_the_first_on_the_path_counts(places: list[Path]) -> None:
    metadata = "Metadata-Version: 2.1\nName: big-hands\nVersion: {}\n"
    for place, module, version in zip(places, ("hands_new", "hands_old"), (2, 1), strict=True):
        (place / f"{module}.py").write_text(METRIC.format("big", module))
        installed_in(
            place,
            f"big_hands-{version}.dist-info",
            f"[ocrkit]\nbig = {module}\n",
            metadata.format(version),
        )
    assert found("big") == [Plugin("big", "hands_new", "big-hands", "2")]


def test_one_without_entry_points_hides_an_older_one(places: list[Path]) -> None:
    installed_in(places[0], "big_hands-2.dist-info", None, "Name: big-hands\nVersion: 2\n")
    installed_in(
        places[1], "big_hands-1.dist-info", "[ocrkit]\nbig = old\n", "Name: big-hands\nVersion: 1\n"
    )
    assert found("big") == []


def test_a_distribution_that_does_not_say_what_it_is_called_is_used_all_the_same(
    places: list[Path],
) -> None:
    (places[0] / "shy_hands.py").write_text(METRIC.format("shy", "shy_hands"))
    installed_in(places[0], "shy_hands-1.dist-info", "[ocrkit]\nshy = shy_hands\n")
    assert found("shy") == [Plugin("shy", "shy_hands", "unknown", "unknown")]


@pytest.mark.parametrize("value", ["", "os.path:", "os path", "os:path:join", "-"])
def test_an_entry_point_that_names_nothing_is_said(places: list[Path], value: str) -> None:
    installed_in(
        places[0], "odd-1.dist-info", f"[ocrkit]\nodd = {value}\n", "Name: odd\nVersion: 1\n"
    )
    (plugin,) = found("odd")
    assert (
        plugin.problem
        == f"ValueError: its entry point is {value!r}; expected 'module' or 'module:object'"
    )


def test_damaged_entry_points_of_any_package_are_told_in_one_line(places: list[Path]) -> None:
    installed_in(
        places[0], "odd-1.dist-info", "[ocrkit]\nno equals sign\n", "Name: odd\nVersion: 1\n"
    )
    with pytest.raises(PluginError, match=r"entry points cannot be read: .* install it anew"):
        registry()


@pytest.mark.parametrize("command", [["-m", "ocrkit"], ["-P", "-m", "ocrkit"]])
def test_what_lies_in_the_current_folder_is_no_plugin(
    command: list[str], install: Callable[[str, str], Path]
) -> None:
    """Images come in folders of other people's: a plugin in one would run code as soon as somebody
    stands there."""
    site = install("lurking", "raise SystemExit('lurked')")
    done = subprocess.run(
        [sys.executable, *command, "plugins", "list"],
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "levenshtein" in done.stdout
    assert "lurking" not in done.stdout + done.stderr
