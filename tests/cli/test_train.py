"""``ocrkit train``: what it says, and going on with a run."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from ocrkit.cli import main, training_bar


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def test_a_run_says_what_it_does_goes_on_and_can_be_read_with(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    started = ocrkit(
        "train", "--pipeline", tiny, "--data", words_root, "--out", run, "--set", "training.seed=7"
    )
    assert (started.exit_code, started.stdout) == (0, "")
    said = started.stderr
    assert "seed 7, cpu, 24 samples of aachen/train" in said
    assert "validation: 7 samples of aachen/validation" in said
    assert "epoch 1/2  loss " in said
    assert f"ocrkit run --pipeline {run}" in said
    about = json.loads((run / "run.json").read_text())
    assert (about["seed"], about["samples"], about["forms"]) == (
        7,
        24,
        ["a01-000u", "a01-003", "a01-007"],
    )
    assert set(about["versions"]) == {"ocrkit", "python", "numpy", "torch"}

    resumed = ocrkit("train", "--out", run, "--resume")
    assert resumed.exit_code == 0
    assert "going on after epoch 2" in resumed.stderr

    read = ocrkit("run", "--pipeline", run, "--data", words_root, "--json")
    assert (read.exit_code, json.loads(read.stdout)["samples"]) == (0, 31)


def test_what_cannot_be_learnt_is_named_and_counted(
    tiny: Path, words_copy: Path, tmp_path: Path
) -> None:
    texts = words_copy / "ascii" / "words.txt"
    texts.write_text(
        texts.read_text().replace("NN then", "NN THEN").replace("NN teen", "NN teeeeeeeenn")
    )
    (words_copy / "words/a01/a01-003/a01-003-00-00.png").write_bytes(b"")
    (words_copy / "words/a01/a01-003/a01-003-00-01.png").write_text("no image")
    result = ocrkit(
        "train",
        "--pipeline",
        tiny,
        "--data",
        words_copy,
        "--out",
        tmp_path / "run",
        "--set",
        "training.epochs=1",
    )
    assert result.exit_code == 0
    assert "skipped a01-003-00-00: " in result.stderr
    assert "'THEN' has T, H, E, N, which the alphabet lacks" in result.stderr
    assert (
        "2 texts have characters that the alphabet lacks: T (2), H (2), E (2), N (2)\n"
        in result.stderr
    )
    assert "'teeeeeeeenn' needs 19 steps, the network has 12" in result.stderr
    assert result.stderr.count("a01-003-00-01") >= 1
    assert "not an image" in result.stderr
    skipped = json.loads((tmp_path / "run" / "run.json").read_text())["skipped"]
    assert [item["id"] for item in skipped] == [
        "a01-003-00-00",
        "a01-000u-00-05",
        "a01-003-00-04",
        "a01-007-00-05",
    ]


def test_mistakes_are_one_clear_line(tiny: Path, words_root: Path, tmp_path: Path) -> None:
    used = tmp_path / "used"
    used.mkdir()
    (used / "notes.txt").touch()
    refused = ocrkit("train", "--pipeline", tiny, "--data", words_root, "--out", used)
    assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (
        1,
        f"ocrkit: {used}: not empty; name a new folder, or go on with the run in it: --resume",
    )
    nothing = ocrkit("train", "--out", tmp_path / "nothing", "--resume")
    assert (nothing.exit_code, "no training run to resume here" in nothing.stderr) == (1, True)
    changed = ocrkit("train", "--out", used, "--resume", "--set", "training.epochs=9")
    assert (changed.exit_code, "leave out --set" in changed.stderr) == (2, True)


def test_without_a_terminal_a_line_now_and_then_says_where_training_is(
    tiny: Path, words_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps(seconds: float, *options: str) -> list[str]:
        monkeypatch.setattr(training_bar, "SILENCE", seconds)
        out = tmp_path / f"{seconds:g}{len(options)}"
        said = ocrkit(
            "train", "--pipeline", tiny, "--data", words_root, "--out", out, *options
        ).stderr
        return [line for line in said.splitlines() if ", step " in line]

    said = steps(0)
    assert [line.partition("  ")[0] for line in said] == [
        f"epoch {epoch}, step {step} of 3" for epoch in (1, 2) for step in (1, 2, 3)
    ]
    assert all("  loss " in line and line.endswith(" images/s") for line in said)
    assert steps(60) == [], "two epochs take less"
    assert steps(0, "--quiet") == []


def test_images_that_are_skipped_do_not_keep_it_from_saying_where_training_is(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    seconds = iter(range(0, 1000, 40))
    monkeypatch.setattr(training_bar, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    with training_bar.TrainingBar(first=True) as bar:
        for step in (1, 2, 3):
            bar.report({"event": "skipped", "id": f"{step}.png", "reason": "too narrow"})
            where = {"epoch": 1, "step": step, "steps": 9, "batch": step, "batches": 9}
            bar.report({"event": "step", "loss": 1.0, "images_per_second": 5.0, **where})
    said = capfd.readouterr().err
    assert said.count("skipped ") == 3
    assert "epoch 1, step 2 of 9" in said
