"""What lies where a command is to write and is no ordinary file stays what it is; what killed
processes left does not stay."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ocrkit.cli import main
from ocrkit.support.files import scratch_folder, write_atomically

FILES = [
    "run --pipeline RUN --data DATA --output TO",
    "run --pipeline RUN --data DATA --report TO",
    "run --pipeline RUN --data DATA --grid TO",
    "run --pipeline RUN WORD --output TO",
    "score RESULTS --report TO",
    "export RUN --to TO.onnx",
    "new pipeline --from RUN --to TO.toml",
    "lm train --text TEXT --out TO",
    "data show iam DATA --output TO",
    "calibrate RUN --data DATA --write TO",
]
FOLDERS = [
    "train --pipeline RUN --data DATA --out TO",
    "plugins new my-metric --kind metric --to TO",
    "zoo import --params TEXT --pipeline RUN --importer params --to TO",
    "data fetch iam --url http://localhost:1/ --dest TO",
]


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture(scope="module")
def results(tiny_run: Path, words_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results") / "results.jsonl"
    assert (
        ocrkit("run", "--pipeline", tiny_run, "--data", words_root, "--output", path).exit_code == 0
    )
    return path


@pytest.fixture
def call(
    tiny_run: Path, words_root: Path, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, Path], Result]:
    """Runs a command that is to write ``TO``, to which it may add an ending."""
    monkeypatch.setenv("OCRKIT_IAM_USER", "ada")
    monkeypatch.setenv("OCRKIT_IAM_PASSWORD", "secret")
    text = tmp_path / "text"
    text.write_text("one hen\n")
    word = next(words_root.rglob("*.png"))
    places = {"RUN": tiny_run, "DATA": words_root, "RESULTS": results, "TEXT": text, "WORD": word}

    def invoke(command: str, to: Path) -> Result:
        return ocrkit(
            *(to if each.startswith("TO") else places.get(each, each) for each in command.split())
        )

    return invoke


def place(command: str, folder: Path) -> Path:
    ending = Path(command.rsplit(maxsplit=1)[-1]).suffix
    return folder / f"made{ending}"


def kind(path: Path) -> int:
    return stat.S_IFMT(path.lstat().st_mode)


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")


def link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/null")


def link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


@pytest.mark.parametrize("make", [device, os.mkfifo, link_to_a_device, link_to_a_pipe])
@pytest.mark.parametrize("command", FILES + FOLDERS)
def test_a_device_or_a_pipe_is_refused_and_stays(
    call: Callable[[str, Path], Result], command: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    path = place(command, tmp_path)
    make(path)
    before, there = kind(path), set(tmp_path.iterdir())
    refused = call(command, path)
    assert refused.exit_code in (1, 2), refused.output
    assert str(path) in refused.stderr.splitlines()[-1]
    assert kind(path) == before
    assert set(tmp_path.iterdir()) == there
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("command", FILES)
def test_what_a_link_leads_to_is_written_and_the_link_stays(
    call: Callable[[str, Path], Result], command: str, exists: bool, tmp_path: Path, results: Path
) -> None:
    path = place(command, tmp_path)
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / f"file{path.suffix}"
    if exists:
        target.write_text("old")
    path.symlink_to(target.relative_to(tmp_path))
    result = call(command, path)
    assert path.readlink() == target.relative_to(tmp_path)
    if result.exit_code == 0:
        assert target.read_bytes() not in (b"", b"old")
    else:  # as a pipeline that is there, or what is no manifest
        assert (target.read_text() if target.exists() else None) == ("old" if exists else None)
    assert (
        result.exit_code == 0
        or command.startswith("calibrate")
        or (exists and command.startswith("new"))
    )
    assert {file.name for file in tmp_path.iterdir()} == {path.name, "far", "text"}
    assert {file.name for file in (tmp_path / "far").iterdir()} <= {target.name}


@pytest.mark.parametrize("command", FOLDERS)
def test_a_link_to_nothing_is_no_folder_to_write(
    call: Callable[[str, Path], Result], command: str, tmp_path: Path
) -> None:
    path = tmp_path / "made"
    path.symlink_to("nowhere")
    call(command, path)
    assert path.readlink() == Path("nowhere")


def test_a_folder_that_a_link_leads_to_is_trained_into(
    call: Callable[[str, Path], Result], tmp_path: Path
) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "made").symlink_to("far")
    assert (
        call(
            "train --pipeline RUN --data DATA --set training.epochs=1 --out TO", tmp_path / "made"
        ).exit_code
        == 0
    )
    assert (tmp_path / "far" / "run.json").is_file()
    assert (tmp_path / "made").is_symlink()


@pytest.mark.parametrize("make", [device, os.mkfifo])
def test_what_stands_in_until_a_result_file_is_complete_may_be_no_device_either(
    call: Callable[[str, Path], Result], make: Callable[[Path], None], tmp_path: Path
) -> None:
    part = tmp_path / "made.part"
    make(part)
    before = kind(part)
    refused = call("run --pipeline RUN --data DATA --output TO", tmp_path / "made")
    assert (refused.exit_code, kind(part)) == (1, before)
    assert f"{part} is no ordinary file" in refused.stderr.splitlines()[-1]


# ------------------------------------------------------------------------------------- what is left

WRITER = """
import os, signal, sys
from pathlib import Path
from ocrkit.support.files import scratch_folder, write_atomically
with write_atomically(Path(sys.argv[1]), folder=sys.argv[2] == "folder") as temporary, scratch_folder() as scratch:
    for folder in (scratch, temporary):
        if folder.is_dir():
            (folder / "large").write_text("half of it")
    print("written", flush=True)
    sys.stdin.read()
"""  # noqa: E501


def writer(path: Path, what: str) -> subprocess.Popen[str]:
    """A process that has begun to write."""
    command = [sys.executable, "-c", WRITER, str(path), what]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "written\n"
    return process


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_a_killed_process_left_is_removed_by_the_next_and_what_a_living_one_writes_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    scratch, path = tmp_path / "scratch", tmp_path / "out" / "made"
    scratch.mkdir()
    path.parent.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    killed, other = writer(path, what), writer(path.with_name("other"), what)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    living = writer(path, what)
    assert len(list(path.parent.iterdir())) == 2, "the other's, and the living one's"
    assert len(list(scratch.iterdir())) == 2
    with write_atomically(path, folder=what == "folder"), scratch_folder():
        assert len(list(path.parent.iterdir())) == 3
    for process in (living, other):
        process.send_signal(signal.SIGKILL)
        process.communicate()
    if what == "file":
        with write_atomically(path), scratch_folder():
            pass
        assert [file.name for file in path.parent.iterdir() if ".other." not in file.name] == [
            "made"
        ]
        assert not list(scratch.iterdir())


def test_names_of_the_users_own_are_not_taken_for_what_is_left(tmp_path: Path) -> None:
    own = [
        ".made.part",
        ".made.notes.part",
        ".made.0123456789ab.party",
        "made.0123456789ab.part",
        ".other.0123456789ab.part",
    ]
    for name in own:
        (tmp_path / name).write_text("mine")
    with write_atomically(tmp_path / "made"):
        pass
    assert {file.name for file in tmp_path.iterdir()} == {"made", *own}


def test_a_run_that_is_resumed_removes_what_was_left_in_its_folder(
    call: Callable[[str, Path], Result], tmp_path: Path
) -> None:
    run = tmp_path / "made"
    assert (
        call("train --pipeline RUN --data DATA --set training.epochs=1 --out TO", run).exit_code
        == 0
    )
    left = run / ".best.safetensors.0123456789ab.part"
    left.write_bytes(bytes(1000))
    assert call("train --resume --out TO", run).exit_code == 0
    assert not left.exists()


@pytest.mark.parametrize(
    "names",
    [
        ["last.safetensors"],
        ["last.safetensors", "log.jsonl", "pipeline.toml"],
        ["last.safetensors", ".run.json.0123456789ab.part"],
    ],
)
def test_a_run_that_was_stopped_while_it_started_is_started_again(
    call: Callable[[str, Path], Result], tmp_path: Path, names: list[str]
) -> None:
    run = tmp_path / "made"
    run.mkdir()
    for name in names:
        (run / name).write_text("half")
    resumed = call("train --resume --out TO", run)
    assert resumed.exit_code == 1
    assert (
        "one was stopped while it started; start it again, without --resume"
        in resumed.stderr.splitlines()[-1]
    )
    assert (
        call("train --pipeline RUN --data DATA --set training.epochs=1 --out TO", run).exit_code
        == 0
    )
    assert not list(run.glob("*.part"))


@pytest.mark.parametrize("name", ["pipeline.toml", "notes.txt", "log.jsonl"])
def test_a_folder_with_something_of_the_users_own_is_not_trained_into(
    call: Callable[[str, Path], Result], tmp_path: Path, name: str
) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / name).write_text("mine")
    refused = call("train --pipeline RUN --data DATA --out TO", tmp_path / "made")
    assert refused.exit_code == 1
    assert "not empty" in refused.stderr
    assert (tmp_path / "made" / name).read_text() == "mine"
