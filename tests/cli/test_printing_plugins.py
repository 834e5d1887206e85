"""Standard output holds results and nothing else, whatever plugins print; what names and texts hold
is shown, not executed."""

import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ocrkit.cli import main
from ocrkit.errors import warn
from ocrkit.support.parsing import json_text, parse_json

Install = Callable[[str, str], Path]
OCRKIT = str(Path(sys.executable).with_name("ocrkit"))

LOUD = """
import os
from dataclasses import dataclass

import ocrkit
from ocrkit import Decoded

print("printed at import")
os.write(1, b"written at import\\n")
os.system("echo said by a child")


@dataclass(frozen=True)
class Loud:
    def __call__(self, log_probs, lengths, alphabet):
        print("printed in a call", flush=True)
        os.write(1, b"written in a call\\n")
        return [Decoded("text", 0.5) for _ in lengths]


@dataclass(frozen=True)
class Chatty:
    higher_is_better = True

    def counts(self, reference, prediction):
        print("printed by a metric")
        return 1.0, 1.0


@ocrkit.hookimpl
def ocrkit_decoders(register):
    print("printed by a hook")
    register("loud", Loud)


@ocrkit.hookimpl
def ocrkit_metrics(register):
    register("chatty", Chatty)
"""
USING = ["--set", "decoder.use=loud", "--set", 'metrics=[{ use = "chatty" }]', "--limit", "3"]


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def process(site: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [OCRKIT, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def test_what_plugins_print_goes_to_standard_error(install: Install) -> None:
    site = install("loud", LOUD)
    scored = process(site, "run", "--json", *USING)
    assert json.loads(scored.stdout)["metrics"]["chatty"]["value"] == 1.0
    for words in ("printed at import", "written at import", "said by a child", "printed by a hook"):
        assert words in scored.stderr
    for words in ("printed in a call", "written in a call", "printed by a metric"):
        assert scored.stderr.count(words)
    for dialect in ("csv", "tsv"):
        rows = list(
            csv.reader(
                process(site, "run", "--format", dialect, *USING).stdout.splitlines(),
                f"excel{'-tab' * (dialect == 'tsv')}",
            )
        )
        assert [row[2] for row in rows] == ["prediction", "text", "text", "text"]
    listed = json.loads(process(site, "plugins", "list", "--json").stdout)
    assert {"loud", "chatty"} <= {part["name"] for part in listed["parts"]}


def test_where_a_command_is_called_by_another_program_printing_is_kept_apart_too(
    install: Install,
) -> None:
    install("loud", LOUD)
    before = sys.stdout
    assert json.loads(ocrkit("run", "--json", *USING).stdout)["metrics"]["chatty"]["value"] == 1.0
    assert sys.stdout is before


def test_help_and_version_are_results() -> None:
    for option in ("--help", "--version"):
        said = subprocess.run([OCRKIT, option], capture_output=True, text=True, check=True)
        assert said.stdout
        assert not said.stderr


# -------------------------------------------------------------------------------- how it is stopped


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_its_status_and_nothing_half_is_left(
    tmp_path: Path, number: signal.Signals
) -> None:
    slow = f"""
import sys, time
from pathlib import Path
from ocrkit.zoo import models as zoo
from ocrkit.cli import console
from ocrkit.support.files import scratch_folder, write_atomically
def models():
    with scratch_folder(), write_atomically(Path("{tmp_path}/made")):
        print("waiting", file=sys.stderr, flush=True)
        time.sleep(60)
zoo.models = models
sys.argv[1:] = ["zoo", "list"]
console()
"""
    (tmp_path / "scratch").mkdir()
    environment = os.environ | {"TMPDIR": str(tmp_path / "scratch")}
    with subprocess.Popen(
        [sys.executable, "-c", slow], env=environment, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr
        while "waiting" not in child.stderr.readline():
            assert child.poll() is None
        assert list((tmp_path / "scratch").iterdir())
        child.send_signal(number)
        said = child.stderr.read()
    assert child.returncode == 128 + number
    assert said.splitlines()[-1] == "ocrkit: stopped"
    assert "Traceback" not in said
    assert list(tmp_path.rglob("*")) == [tmp_path / "scratch"]


def test_who_ignores_a_signal_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert ocrkit("zoo", "list").exit_code == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# ---------------------------------------------------------------------------------- names and texts

NAME = 'a\x1b[31m"\r\nb\t\x9b2J\u202e\udcff.png'
SHOWN = 'a\\x1b[31m"\\r\\nb\\t\\x9b2J\\u202e'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sample = Path(__file__).parents[2] / "plugins" / "ocrkit_iam" / "sample" / "words"
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / NAME).write_bytes(min(sample.rglob("*.png")).read_bytes())
    return tmp_path / "images"


def piped(*arguments: object) -> str:
    command = [OCRKIT, *map(str, arguments)]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    return output.decode(errors="surrogateescape")


def on_a_terminal(*arguments: object) -> str:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm"}
    command = subprocess.Popen(
        [OCRKIT, *map(str, arguments)], stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # so Linux says that it is all
            break
        if not piece:
            break
        said += piece
    os.close(ours)
    assert command.wait() == 0
    return said.decode(errors="surrogateescape")


@pytest.mark.parametrize(("dialect", "name"), [("excel", "csv"), ("excel-tab", "tsv")])
def test_rows_stay_whole_and_names_exact_where_a_program_reads_them(
    folder: Path, dialect: str, name: str
) -> None:
    header, row = csv.reader(
        io.StringIO(piped("run", folder, "--format", name), newline=""), dialect
    )
    assert (len(header), len(row)) == (4, 4)
    assert Path(row[0]).is_file()
    plain = piped("run", folder, "--format", name)
    assert plain.count("\r") == 1, "that of the name"


def test_json_is_exact_and_holds_nothing_that_a_terminal_takes_as_its_own(folder: Path) -> None:
    text = piped("run", folder, "--json")
    assert Path(json.loads(text)["items"][0]["id"]).is_file()
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("format_", ["text", "csv", "tsv", "json"])
def test_a_terminal_shows_names_and_does_not_execute_them(folder: Path, format_: str) -> None:
    said = on_a_terminal("run", folder, "--quiet", "--format", format_)
    assert "\x1b" not in said
    assert "\x9b" not in said
    assert "\u202e" not in said
    if format_ != "json":
        assert SHOWN.replace('"', '""' if format_ != "text" else '"') in said


@pytest.mark.parametrize("format_", ["text", "tsv", "csv"])
def test_rows_on_a_terminal_stand_above_the_progress_bar(tmp_path: Path, format_: str) -> None:
    """They began behind the bar, on its line, and the next one was drawn over what it hid."""
    sample = Path(__file__).parents[2] / "plugins" / "ocrkit_iam" / "sample" / "words"
    paths = [tmp_path / f"{'long ' * 50}{number}.png" for number in range(3)]
    for path in paths:
        path.write_bytes(min(sample.rglob("*.png")).read_bytes())
    paths.append(tmp_path / "none.png")
    paths[-1].write_bytes(b"no image")
    said = on_a_terminal("run", tmp_path, "--format", format_)
    assert "0/4" in said, "there is a bar"
    cleared = {line.rpartition("\x1b[2K")[2].strip() for line in said.splitlines()}
    for path in paths[:3]:
        [row] = [line for line in cleared if str(path) in line]
        assert row.startswith(str(path)), "on a line of its own"
    assert any(line.startswith(f"ocrkit: {paths[3]}: ") for line in cleared)


def test_names_in_what_is_wrong_with_the_command_line_are_shown_too(tmp_path: Path) -> None:
    evil = "a\x1b]0;mine\x07\nb"
    (tmp_path / evil).mkdir()
    for arguments in (
        ["score", tmp_path / evil],
        ["zoo", "list", evil],
        [evil],
        ["run", f"--{evil}"],
        ["zoo", "verify", evil],
    ):
        refused = ocrkit(*arguments)
        assert refused.exit_code in (1, 2)
        assert "a\\x1b]0;mine\\x07\\nb" in refused.stderr
        assert not set("\x1b\x07") & set(refused.stderr)


def test_warnings_of_the_library_stay_on_their_line(caplog: pytest.LogCaptureFixture) -> None:
    warn("a\x1b[2J\nb")
    assert caplog.messages == ["ocrkit: WARNING: a\\x1b[2J\\nb"]


def test_what_json_has_no_number_for_is_null() -> None:
    import numpy as np

    numbers = {
        "nan": float("nan"),
        "all": [1.5, float("inf"), np.float32(0.5), np.int64(3), np.float32("nan")],
    }
    assert json.loads(json_text(numbers)) == {"nan": None, "all": [1.5, None, 0.5, 3, None]}
    text = "é手\x7f\x9b\u2028\udcff\x00"
    assert json_text([text]) == '["é手\\u007f\\u009b\\u2028\\udcff\\u0000"]'
    assert parse_json(json_text([text])) == [text]
    with pytest.raises(TypeError, match="object has no place in JSON"):
        json_text(object())
