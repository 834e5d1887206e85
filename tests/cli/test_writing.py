"""Files that commands write: what cannot be written is one line, and two runs do not write one
file."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from disks import full_disk
from ocrkit.cli import main
from ocrkit.cli.training_bar import TrainingBar
from ocrkit.scoring.result_writer import ResultFile

READ_ONLY = "/sys"
"""A folder in which nobody may make files, not even root."""


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture(scope="module")
def result_file(tiny_run: Path, words_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results") / "results.jsonl"
    assert (
        ocrkit("run", "--pipeline", tiny_run, "--data", words_root, "--output", path).exit_code == 0
    )
    return path


WRITERS = [
    "run --pipeline RUN --data DATA --output TO.jsonl",
    "run --pipeline RUN --data DATA --report TO.html",
    "run --pipeline RUN --data DATA --grid TO.png",
    "score RESULTS --report TO.html",
    "export RUN --to TO.onnx",
    "new pipeline --from RUN --to TO.toml",
    "lm train --text TEXT --out TO",
    "data show iam DATA --output TO.png",
    "plugins new my-metric --kind metric --to TO",
    "train --pipeline RUN --data DATA --out TO",
]


@pytest.fixture
def writer(
    tiny_run: Path, words_root: Path, result_file: Path, tmp_path: Path
) -> Callable[[str, str], Result]:
    (tmp_path / "text").write_text("one hen\n")
    places = {
        "RUN": tiny_run,
        "DATA": words_root,
        "RESULTS": result_file,
        "TEXT": tmp_path / "text",
    }

    def call(command: str, folder: str) -> Result:
        words = [str(places.get(word, word)) for word in command.split()]
        return ocrkit(
            *(
                word.replace("TO", f"{folder}/made", 1) if word.startswith("TO") else word
                for word in words
            )
        )

    return call


@pytest.mark.parametrize("command", WRITERS)
def test_a_folder_that_is_read_only_is_one_line(
    writer: Callable[[str, str], Result], command: str
) -> None:
    result = writer(command, READ_ONLY)
    assert result.exit_code == 1, result.output
    assert f"ocrkit: {READ_ONLY}/made" in result.stderr.splitlines()[-1]
    assert "cannot be" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("command", WRITERS)
def test_a_full_disk_is_one_line_and_leaves_nothing_half(
    writer: Callable[[str, str], Result], command: str, tmp_path: Path
) -> None:
    with full_disk():
        result = writer(command, str(tmp_path))
    assert result.exit_code == 1, result.output
    assert re.match(
        r"ocrkit: /\S+: cannot be written \(File too large\)", result.stderr.splitlines()[-1]
    )
    assert not [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and path.stat().st_size and path.name != "text"
    ]


def test_a_device_is_not_replaced_by_a_file(result_file: Path) -> None:
    refused = ocrkit("score", result_file, "--report", "/dev/null")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "ocrkit: /dev/null: cannot be written: it is no ordinary file\n",
    )
    assert Path("/dev/null").is_char_device()


def test_standard_output_is_no_file_to_write(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        result = ocrkit("run", "--pipeline", tiny_run, "--data", words_root, "--output", "-")
    assert result.exit_code == 2
    assert "--format" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_result_file_is_written_by_one_run_at_a_time(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    path = tmp_path / "results.jsonl"
    command = ("run", "--pipeline", tiny_run, "--data", words_root, "--output", path)
    with ResultFile(path, {"by": "the first"}, resume=False, may_go_on_after=bool) as first:
        first.write({"id": "a"})
        for refused in (ocrkit(*command), ocrkit(*command, "--resume")):
            assert refused.exit_code == 1
            assert f"{path}: in use by another run" in refused.stderr.splitlines()[-1]
        first.write({"id": "b"})
    assert path.read_text() == '{"header": {"by": "the first"}}\n{"id": "a"}\n{"id": "b"}\n'
    assert [file.name for file in tmp_path.iterdir()] == ["results.jsonl"]
    assert ocrkit(*command).exit_code == 0


def test_a_folder_is_trained_into_by_one_run_at_a_time(
    tiny: Path, words_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ("train", "--pipeline", tiny, "--data", words_root, "--out", tmp_path / "run")
    refused: list[Result] = []
    monkeypatch.setattr(
        TrainingBar,
        "_epoch",
        lambda _bar, _event: refused.append(ocrkit("train", "--resume", *run[-2:])),
    )
    assert ocrkit(*run).exit_code == 0
    assert [each.exit_code for each in refused] == [1, 1]
    assert f"{tmp_path / 'run'}: in use by another run" in refused[0].stderr.splitlines()[-1]


def test_a_training_that_is_stopped_says_how_to_go_on(
    tiny: Path, words_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_bar: TrainingBar, _event: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TrainingBar, "_epoch", stop)
        stopped = ocrkit(
            "train", "--pipeline", tiny, "--data", words_root, "--out", tmp_path / "my run"
        )
    assert stopped.exit_code == 130
    hint = stopped.stderr.splitlines()[-1]
    assert (
        hint
        == f"ocrkit: stopped: ocrkit train --resume --out '{tmp_path / 'my run'}' goes on with it"
    )
    assert ocrkit("train", "--resume", "--out", tmp_path / "my run").exit_code == 0
    assert not os.path.lexists(tmp_path / "my run" / "lock")


def test_a_run_that_cannot_go_on_promises_nothing(
    tiny_run: Path, words_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(words_copy / "words" / "c04")
    monkeypatch.setattr(
        "ocrkit.pipeline.Pipeline.evaluate",
        lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt),
    )
    stopped = ocrkit("run", "--pipeline", tiny_run, "--data", words_copy)
    assert (stopped.exit_code, stopped.stderr.splitlines()[-1]) == (130, "ocrkit: stopped")
