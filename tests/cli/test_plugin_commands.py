"""Commands of plugins: listed, called, and whatever may be wrong with them a line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ocrkit.cli import main
from ocrkit.parts.registry import registry

Install = Callable[[str, str], Path]

REGISTERS = """
import ocrkit

@ocrkit.hookimpl
def ocrkit_commands(register):
    register({name!r}, {target!r}, summary="Greet somebody.")
"""
GREET = """
import click

import ocrkit
from ocrkit.cli.commands import Command
from ocrkit.cli.streams import echo, say


@click.command(cls=Command)
@click.argument("name")
@click.option("--loud", is_flag=True, help="In capitals.")
def greet(*, name, loud):
    \"\"\"Say hello to NAME.\"\"\"
    say("about to greet")
    if name == "nobody":
        raise ocrkit.OcrkitError("nobody: cannot be greeted; name somebody")
    if name == "zero":
        1 / 0
    echo(f"Hello {name}".upper() if loud else f"Hello {name}")
"""


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)), prog_name="ocrkit")
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture
def greet(install: Install) -> None:
    site = install("polite", REGISTERS.format(name="greet", target="polite_words:greet"))
    (site / "polite_words.py").write_text(GREET)


@pytest.mark.usefixtures("greet")
def test_help_lists_a_command_by_its_summary_and_does_not_import_it() -> None:
    result = ocrkit("--help")
    assert result.exit_code == 0
    assert "  greet      Greet somebody.\n" in result.stdout
    assert main.shell_complete(click.Context(main), "gre")[0].help == "Greet somebody."
    assert "polite_words" not in sys.modules


@pytest.mark.usefixtures("greet")
def test_a_command_is_called_as_ocrkits_own_are() -> None:
    result = ocrkit("greet", "Ada", "--loud")
    assert (result.stdout, result.stderr) == ("HELLO ADA\n", "ocrkit: about to greet\n")
    assert ocrkit("greet", "Ada", "--quiet").stderr == ""
    shown = ocrkit("greet", "--help").stdout
    assert shown.startswith("Usage: ocrkit greet [OPTIONS] NAME\n\n  Say hello to NAME.\n")
    assert "Did you mean 'greet'?" in ocrkit("gret", "Ada").stderr


def test_what_a_command_cannot_do_is_one_line(install: Install) -> None:
    install("polite", REGISTERS.format(name="greet", target="polite:greet") + GREET)
    refused = ocrkit("greet", "nobody", "--quiet")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "ocrkit: nobody: cannot be greeted; name somebody\n"
    broken = ocrkit("greet", "zero", "--quiet")
    assert (broken.exit_code, broken.stdout) == (1, "")
    assert broken.stderr.startswith("ocrkit: plugin 'polite' failed: ZeroDivisionError: division")


@pytest.mark.usefixtures("greet")
def test_a_command_passes_the_conformance_kit_and_is_shown() -> None:
    tested = ocrkit("plugins", "test", "polite")
    assert (tested.exit_code, tested.stdout.splitlines()[-1]) == (0, "2 ok")
    (part,) = json.loads(ocrkit("plugins", "show", "greet", "--json").stdout)["parts"]
    assert (part["kind"], part["documentation"], part["options"]) == (
        "command",
        "Greet somebody.",
        [],
    )


def test_ocrkits_own_commands_keep_their_names(install: Install) -> None:
    install("bold", REGISTERS.format(name="run", target="json:loads"))
    listed = ocrkit("--help").stdout
    assert "  run        Read images, or score" in listed
    assert "Greet" not in listed
    assert ocrkit("run", "--help").stdout.startswith("Usage: ocrkit run [OPTIONS]")
    reason = (
        "command 'run' of plugin 'bold' has the name of one of ocrkit's own, which is used in its "
        "place"
    )
    assert f"unusable: {reason}" in ocrkit("plugins", "list").stdout.splitlines()
    tested = ocrkit("plugins", "test", "bold")
    assert (tested.exit_code, f"FAILED: {reason}" in tested.stdout) == (1, True)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("import package_that_is_missing", "needs package_that_is_missing, which is not installed"),
        ("raise ValueError('odd\\nmood')", "ValueError: odd mood"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def (", "SyntaxError"),
        ("other = 1", "has no attribute 'greet'"),
        ("greet = dict", "is type; expected a click command or group"),
        ("print('ready')\nraise ValueError", "ValueError"),
    ],
)
def test_a_broken_command_is_one_line_and_breaks_no_help(
    install: Install, module: str, message: str
) -> None:
    site = install("sad", REGISTERS.format(name="greet", target="sad_words:greet"))
    (site / "sad_words.py").write_text(module)
    shown = ocrkit("--help")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "Greet somebody." in shown.stdout
    for arguments in (["greet"], ["greet", "--help"]):
        called = ocrkit(*arguments)
        assert (called.exit_code, called.stdout) == (1, "")
        assert called.stderr.splitlines()[-1].startswith("ocrkit: command 'greet' ")
        assert message in called.stderr.splitlines()[-1]
    assert ocrkit("plugins", "test", "sad").exit_code == 1


def test_a_plugin_that_cannot_be_imported_breaks_no_help(install: Install) -> None:
    install("ill", "print('hello')\nraise RuntimeError('ill')")
    shown = ocrkit("--help")
    assert (shown.exit_code, shown.stdout.splitlines()[0]) == (
        0,
        "Usage: ocrkit [OPTIONS] COMMAND [ARGS]...",
    )
    assert "  lm " in shown.stdout


def test_damaged_metadata_break_no_help(install: Install) -> None:
    site = install("dented", "")
    (site / "dented_dist-1.2.3.dist-info" / "entry_points.txt").write_text("[ocrkit]\nno point\n")
    registry.cache_clear()
    shown = ocrkit("--help")
    assert shown.exit_code == 0
    assert "  run  " in shown.stdout
    assert "entry points cannot be read" in shown.stderr


def test_a_command_that_two_plugins_claim_is_used_by_neither(install: Install) -> None:
    for name in ("one", "two"):
        install(name, REGISTERS.format(name="greet", target="json:loads"))
    assert ocrkit("--help").exit_code == 0
    called = ocrkit("greet")
    assert called.exit_code == 1
    assert called.stderr == (
        "ocrkit: command 'greet' is claimed by the plugins 'one' (one-dist) and 'two' (two-dist). "
        "Uninstall one of them.\n"
    )


def test_without_the_plugin_there_is_no_such_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCRKIT_DISABLE_PLUGINS", "ngrams")
    registry.cache_clear()
    try:
        assert "  lm " not in ocrkit("--help").stdout
        refused = ocrkit("lm", "train")
        assert (refused.exit_code, "No such command 'lm'" in refused.stderr) == (2, True)
    finally:
        monkeypatch.undo()
        registry.cache_clear()
