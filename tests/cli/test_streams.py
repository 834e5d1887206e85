"""``ocrkit`` as a process among others: its streams, how it ends, and what it leaves."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORD = min((ROOT / "plugins" / "ocrkit_iam" / "sample" / "words").rglob("*.png"))
OCRKIT = str(Path(sys.executable).with_name("ocrkit"))


def shell(command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """What a line of bash says in which ``ocrkit`` is this program and ``$WORD`` an image."""
    return subprocess.run(
        ["bash", "-c", f'ocrkit() {{ {OCRKIT} "$@"; }}; {command}'],
        cwd=cwd,
        env={**os.environ, "WORD": str(WORD), **environment},
        capture_output=True,
        check=False,
    )


def lines(output: bytes) -> list[str]:
    return output.decode().splitlines()


# ---------------------------------------------------------------------------------------------- end

PLUGIN = """
import sys, threading, time
from ocrkit.cli import console
_, logged, late = sys.argv
log = open(logged, "w")
log.write("what a plugin has logged\\n")
def finish():
    time.sleep(0.2)
    open(late, "w").write("done")
threading.Thread(target=finish).start()
sys.argv[1:] = ["--version"]
console()
"""


def test_what_plugins_have_buffered_is_written_and_their_threads_end(tmp_path: Path) -> None:
    log, late = tmp_path / "log", tmp_path / "late"
    subprocess.run([sys.executable, "-c", PLUGIN, log, late], capture_output=True, check=True)
    assert log.read_text() == "what a plugin has logged\n"
    assert late.read_text() == "done"


def test_ctrl_c_says_how_to_go_on_and_ends_with_130(tmp_path: Path) -> None:
    output = tmp_path / "results.jsonl"
    # a named model: a fitting one is chosen by the picture, before anything is written
    command = [OCRKIT, "run", "--pipeline", "iam-crnn", "-", "--output", str(output)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while process.poll() is None and not output.with_name("results.jsonl.part").exists():
            time.sleep(0.02)  # until it waits for standard input
        process.send_signal(signal.SIGINT)
        assert process.stderr
        said = process.stderr.read().decode()
    assert process.returncode == 130, said
    assert "stopped: the same command with --resume goes on with it" in said.splitlines()[-1]
    assert "Traceback" not in said


# ------------------------------------------------------------------------------------------ streams


def test_images_are_read_from_pipes(tmp_path: Path) -> None:
    found = shell('ocrkit run -q - /dev/stdin <(cat "$WORD") < "$WORD"', tmp_path)
    assert (found.returncode, found.stderr) == (0, b"")
    names, texts = zip(*(line.split("\t") for line in lines(found.stdout)), strict=True)
    assert names[:2] == ("-", "/dev/stdin")
    assert len(set(texts)) == 1
    empty = shell(
        'ocrkit run -q - < /dev/null; cat "$WORD" "$WORD" | head -c 50 | ocrkit run -q -', tmp_path
    )
    assert lines(empty.stderr)[0] == "ocrkit: -: empty file"
    assert lines(empty.stderr)[1].startswith("ocrkit: -: damaged, cut off")
    assert (empty.returncode, empty.stdout) == (1, b"")


def test_a_stream_that_is_closed_keeps_nothing_from_being_read(tmp_path: Path) -> None:
    silent = shell('ocrkit run "$WORD" --output results.jsonl >&-', tmp_path)
    assert (silent.returncode, silent.stdout) == (0, b"")
    assert "Traceback" not in silent.stderr.decode()
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 2
    assert shell('ocrkit run "$WORD" 2>&- <&-', tmp_path).stdout.decode().startswith(f"{WORD}\t")
    assert shell('ocrkit run "$WORD" 2>/dev/full', tmp_path).returncode == 0


@pytest.mark.parametrize(
    "command", ["--help", 'run "$WORD"', 'run "$WORD" --format csv', "zoo list --json"]
)
def test_a_full_disk_behind_standard_output_is_one_line(tmp_path: Path, command: str) -> None:
    found = shell(f"ocrkit {command} >/dev/full", tmp_path)
    said = [
        line
        for line in lines(found.stderr)
        if not line.startswith("ocrkit: looks like a word: read with ")
    ]
    assert found.returncode == 1
    assert len(said) == 1
    assert said[0].startswith("ocrkit: standard output")
    assert said[0].endswith("(No space left on device)")


def test_who_has_read_enough_ends_it_in_silence(tmp_path: Path) -> None:
    found = shell('ocrkit run -q "$WORD" "$WORD" | true', tmp_path)
    assert (found.returncode, found.stderr) == (0, b"")


def test_what_an_encoding_lacks_goes_out_as_escapes(tmp_path: Path) -> None:
    shutil.copy(WORD, tmp_path / "é手😀.png")
    texts = shell("ocrkit run -q é手😀.png", tmp_path, PYTHONIOENCODING="latin-1")
    assert (texts.returncode, texts.stderr) == (0, b"")
    assert texts.stdout.startswith(b"\xe9\\u624b\\U0001f600.png\t")
    found = shell("ocrkit run -q é手😀.png --json", tmp_path, PYTHONIOENCODING="ascii")
    assert json.loads(found.stdout)["items"][0]["id"] == "é手😀.png"


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    found = shell('rmdir ../gone; ocrkit run --limit 2; ocrkit run "$WORD"', gone)
    assert "Traceback" not in found.stderr.decode()
    assert "the current folder is no longer there" in found.stderr.decode()
    assert lines(found.stdout)[-1].startswith(f"{WORD}\t")
