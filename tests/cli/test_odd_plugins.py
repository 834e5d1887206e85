"""Whatever a plugin does, a command says which part of which plugin it was, in a line, and goes on
where it can."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from ocrkit.cli import main
from ocrkit.parts.registry import registry
from odd_parts import FAULTS, PARTS, PLACES, RAISED, RUN
from trials.guests import VALUES

Install = Callable[[str, str], Path]


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture
def call(
    install: Install, tiny_run: Path, words_root: Path, tmp_path: Path
) -> Callable[[str], Result]:
    site = install("odd", PARTS)
    (tmp_path / "text").write_text("text")
    places = {
        "RUN": tiny_run,
        "DATA": words_root,
        "SITE": site,
        "TEXT": tmp_path / "text",
        "TO": tmp_path / "to",
    }
    places |= {"WORD": next(words_root.rglob("*.png"))}
    return lambda command: ocrkit(*(places.get(word, word) for word in command.split()))


@pytest.mark.parametrize(
    ("where", "command", "named", "what", "words"),
    [
        pytest.param(
            where,
            command,
            named,
            what,
            words,
            id=f"{where}, {command.split(maxsplit=1)[0]}, {what}",
        )
        for where, command, named, value in PLACES
        for what, words in [*RAISED.items(), *([("gives", value)] if value else [])]
    ],
)
def test_whatever_a_part_does_is_told_in_a_line(
    call: Callable[[str], Result],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    command: str,
    named: str,
    what: str,
    words: str,
) -> None:
    monkeypatch.setenv("ODD", f"{where} {what}")
    result = call(command)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    line = result.stderr.splitlines()[-1]
    assert named in line
    if "no featurizer" not in named:
        assert words in line
        assert what == "gives" or "(line " in line, "and where"


@pytest.mark.parametrize("what", [*RAISED, "gives"])
@pytest.mark.parametrize("where", ["sample", "image"])
def test_a_run_goes_on_past_one_bad_sample_of_a_reader(
    call: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch, where: str, what: str
) -> None:
    monkeypatch.setenv("ODD", f"{where} {what}")
    result = call(f"{RUN} --set decoder.use=odd-decoder --json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    (skipped,) = found["dataset"]["skipped"]
    assert found["samples"] == 3
    assert "plugin 'odd'" in skipped["reason"] or what == "gives"
    assert what == "gives" or RAISED[what].replace("\\x1b", "\x1b") in skipped["reason"]


def test_an_image_of_a_reader_has_no_more_pixels_than_one_of_a_file(
    call: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pixels that are all one byte in memory may be as many as one says: they were copied."""
    vast = next(i for i, each in enumerate(VALUES) if getattr(each, "size", 0) == 1 << 40)
    monkeypatch.setenv("ODD", f"image {vast}")
    result = call("data show odd-reader SITE --output TO")
    assert result.exit_code == 0, result.output
    assert "it gave uint8 (1048576, 1048576); expected grey pixels" in result.stderr
    assert "3 of 4 samples" in result.stderr


def test_without_a_fault_the_odd_plugin_is_as_any_other(call: Callable[[str], Result]) -> None:
    result = call(
        f'{RUN} --set decoder.use=odd-decoder --set metrics=[{{use="odd-metric"}}] --json'
    )
    assert json.loads(result.stdout)["metrics"]["odd-metric"]["value"] == 1
    read = call("run --pipeline RUN WORD --set decoder.use=odd-decoder --json")
    assert json.loads(read.stdout)["items"][0]["confidence"] == 0.5


@pytest.mark.parametrize("what", [*RAISED, "gives"])
def test_result_files_are_scored_by_metrics_that_fail_in_a_line_too(
    call: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    command = f'{RUN} --set decoder.use=odd-decoder --set metrics=[{{use="odd-metric"}}]'
    assert call(f"{command} --output {tmp_path}/a.jsonl").exit_code == 0
    monkeypatch.setenv("ODD", f"metric {what}")
    for again in (f"score {tmp_path}/a.jsonl", f"compare {tmp_path}/a.jsonl {tmp_path}/a.jsonl"):
        result = call(again)
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1].startswith("ocrkit: metric 'odd-metric' failed")
        assert (
            RAISED.get(what, "it gave nan and '1'; expected two numbers")
            in result.stderr.splitlines()[-1]
        )


def test_a_part_that_stops_as_the_user_would_is_taken_for_the_user(
    call: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD", "decoder leaves")
    import odd

    monkeypatch.setattr(odd, "GeneratorExit", KeyboardInterrupt, raising=False)
    stopped = call("run --pipeline RUN WORD --set decoder.use=odd-decoder")
    assert (stopped.exit_code, stopped.stderr.splitlines()[-1]) == (130, "ocrkit: stopped")


# ---------------------------------------------------------------------------------------- at import

IMPORTS = {
    **{what: f"{FAULTS}\nos.environ['ODD'] = 'import {what}'\nat('import')" for what in RAISED},
    "interrupts": "raise KeyboardInterrupt",
    "cannot be parsed": "def :",
    "has no memory": "raise MemoryError",
    "recurses": "def f():\n    f()\nf()",
}


@pytest.mark.parametrize("what", IMPORTS)
def test_a_plugin_that_cannot_be_imported_ends_no_command(
    install: Install, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD", "")
    install("broken", IMPORTS[what])
    listed = ocrkit("plugins", "list")
    assert listed.exit_code == 0, listed.output
    (line,) = [line for line in listed.stdout.splitlines() if line.startswith("broken: ")]
    assert line.startswith("broken: plugin 'broken' (broken-dist 1.2.3, module broken): ")
    assert RAISED.get(what, "") in line
    assert ocrkit("zoo", "list").exit_code == 0
    tested = ocrkit("plugins", "test", "broken")
    assert (tested.exit_code, "FAILED: " in tested.stdout) == (1, True)


def test_a_part_that_cannot_be_imported_is_named(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
import ocrkit
@ocrkit.hookimpl
def ocrkit_decoders(register):
    register("late", "late_part:Late")
"""
    site = install("late", source)
    for what, words in {
        "KeyboardInterrupt": "KeyboardInterrupt",
        "GeneratorExit('x')": "GeneratorExit: x",
    }.items():
        (site / "late_part.py").write_text(f"raise {what}")
        for command in (
            ["plugins", "show", "late"],
            ["check", "iam-crnn", "--set", "decoder.use=late"],
        ):
            refused = ocrkit(*command)
            assert refused.exit_code == 1
            assert (
                f"decoder 'late' of plugin 'late' cannot be imported from 'late_part:Late': {words}"
                in refused.stderr
            )


def test_a_plugin_that_is_slow_to_import_is_named(
    install: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install("slow", "x = 1")
    ticks = iter(range(0, 10_000, 3))
    monkeypatch.setattr(
        "ocrkit.parts.plugins.time", SimpleNamespace(perf_counter=lambda: next(ticks))
    )
    assert ocrkit("plugins", "list").exit_code == 0
    (said,) = (message for message in caplog.messages if "'slow'" in message)
    assert said == (
        "ocrkit: WARNING: plugin 'slow' of slow-dist took 3.0 s to be imported, as it does for "
        "every command; "
        "OCRKIT_DISABLE_PLUGINS=slow leaves it out"
    )
    caplog.clear()
    monkeypatch.setattr("ocrkit.parts.plugins.time", SimpleNamespace(perf_counter=lambda: 1.0))
    registry.cache_clear()
    assert ocrkit("plugins", "list").exit_code == 0
    assert not caplog.messages
