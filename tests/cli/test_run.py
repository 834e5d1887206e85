"""``ocrkit run``: reading images, scoring data sets, result files, and how it fails."""

import csv
import hashlib
import io
import json
import os
import shutil
import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ocrkit import load
from ocrkit.cli import main
from ocrkit.pipelines.file import load_spec
from ocrkit.scoring.result_file import read_results


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["run", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def images(root: Path) -> list[Path]:
    return sorted((root / "words").rglob("*.png"))


def huge_png(path: Path) -> Path:
    """A few bytes that claim to be 30,000 × 30,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + header
        + chunk(b"IDAT", zlib.compress(bytes(30_001)))
        + chunk(b"IEND", b"")
    )
    return path


def test_two_images_are_two_lines(tiny_run: Path, words_root: Path) -> None:
    first, second = images(words_root)[:2]
    pipeline = load(tiny_run)
    result = run(first, second, "--pipeline", tiny_run)
    expected = f"{first}\t{pipeline.read(first).text}\n{second}\t{pipeline.read(second).text}\n"
    assert (result.exit_code, result.stdout) == (0, expected)
    assert "\tone\n" in result.stdout
    assert f"pipeline '{tiny_run.parent.name}/{tiny_run.name} (tiny)' on onnx" in result.stderr


def test_images_that_cannot_be_read_are_a_line_each_and_the_others_are_read(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    text, empty = tmp_path / "text.png", tmp_path / "empty.png"
    text.write_text("no image")
    empty.touch()
    good = images(words_root)[0]
    result = run(
        tmp_path / "gone.png",
        text,
        empty,
        huge_png(tmp_path / "huge.png"),
        good,
        "--pipeline",
        tiny_run,
    )
    assert (result.exit_code, result.stdout) == (1, f"{good}\tone\n")
    said = result.stderr.splitlines()[1:]
    assert len(said) == 4
    for line, (name, reason) in zip(
        said,
        [
            ("gone", "No such file"),
            ("text", "not an image"),
            ("empty", "empty file"),
            ("huge", "30,000 × 30,000 pixels"),
        ],
        strict=True,
    ):
        assert line.startswith(f"ocrkit: {tmp_path / name}.png: {reason}")


def test_a_folder_is_read_whole_and_its_bad_images_are_named(
    tiny_run: Path, words_copy: Path
) -> None:
    folder = words_copy / "words" / "c04"
    (folder / "bad.png").touch()
    result = run(folder, "--pipeline", tiny_run, "--json")
    assert result.exit_code == 0
    items = json.loads(result.stdout)["items"]
    assert [set(item) for item in items] == [{"id", "text", "confidence", "error"}] * 4
    assert [item["id"] for item in items] == [
        str(folder / "bad.png"),
        *map(str, sorted((folder / "c04-156").iterdir())),
    ]
    assert [item["error"] is None for item in items] == [False, True, True, True]
    assert f"{folder / 'bad.png'}: empty file" in result.stderr


def test_a_folder_of_which_nothing_can_be_read_is_an_error(tiny_run: Path, tmp_path: Path) -> None:
    assert run(tmp_path, "--pipeline", tiny_run).stderr.endswith(
        f"ocrkit: {tmp_path}: no images in this folder\n"
    )
    (tmp_path / "empty.png").touch()
    assert run(tmp_path, "--pipeline", tiny_run).exit_code == 1


@pytest.mark.parametrize(("format_", "delimiter"), [("tsv", "\t"), ("csv", ",")])
def test_tables_can_be_parsed(
    tiny_run: Path, words_root: Path, format_: str, delimiter: str
) -> None:
    path = images(words_root)[0]
    rows = list(
        csv.DictReader(
            io.StringIO(run(path, "--pipeline", tiny_run, "--format", format_).stdout),
            delimiter=delimiter,
        )
    )
    assert [(row["id"], row["text"], row["error"]) for row in rows] == [(str(path), "one", "")]
    assert 0 < float(rows[0]["confidence"]) <= 1
    scored = run("--pipeline", tiny_run, "--data", words_root, "--format", format_)
    rows = list(csv.DictReader(io.StringIO(scored.stdout), delimiter=delimiter))
    assert len(rows) == 7 + 24
    assert all(set(row) == {"id", "truth", "prediction", "confidence", "error"} for row in rows)


def test_json_lines_have_an_object_an_image(tiny_run: Path, words_copy: Path) -> None:
    folder = words_copy / "words" / "c04"
    (folder / "bad.png").touch()
    lines = run(folder, "--pipeline", tiny_run, "--format", "jsonl").stdout.splitlines()
    as_one = json.loads(run(folder, "--pipeline", tiny_run, "--json").stdout)["items"]
    assert [json.loads(line) for line in lines] == as_one
    scored = run("--pipeline", tiny_run, "--data", words_copy, "--format", "jsonl")
    rows = [json.loads(line) for line in scored.stdout.splitlines()]
    assert len(rows) == 7 + 24
    assert {"id", "truth", "prediction", "confidence"} <= set(rows[0])


def test_scores_are_one_json_object(tiny_run: Path, words_root: Path) -> None:
    result = run("--pipeline", tiny_run, "--data", words_root, "--split", "aachen/train", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert set(found) == {
        "pipeline",
        "backend",
        "device",
        "dataset",
        "samples",
        "metrics",
        "seconds",
        "samples_per_second",
        "versions",
        "rules",
        "left_out",
        "confidence",
        "kept",
        "contamination",
    }
    assert (found["backend"], found["device"], found["samples"]) == ("onnx", "cpu", 24)
    assert found["pipeline"] == f"{tiny_run.parent.name}/{tiny_run.name} (tiny)"
    assert found["dataset"]["forms"] == {"found": 3, "expected": 747}
    assert set(found["seconds"]) >= {"total", "read", "preprocess", "network", "decode", "score"}
    for score in found["metrics"].values():
        assert score["low"] <= score["value"] <= score["high"]
    assert found["metrics"]["cer"]["value"] < 0.5


def test_scores_are_a_readable_table(tiny_run: Path, words_root: Path) -> None:
    result = run("--pipeline", tiny_run, "--data", words_root, "--profile")
    assert result.exit_code == 0
    assert "Character error rate" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80 + len(str(words_root))
    assert "network" in result.stderr


def test_unreadable_samples_are_skipped_counted_and_named(tiny_run: Path, words_copy: Path) -> None:
    missing, broken, *_ = sorted((words_copy / "words" / "a01" / "a01-003").iterdir())
    missing.write_bytes(b"")
    broken.write_bytes(broken.read_bytes()[:60])
    for _ in range(2):  # the second time from the cache
        result = run(
            "--pipeline", tiny_run, "--data", words_copy, "--split", "aachen/train", "--json"
        )
        assert result.exit_code == 0
        found = json.loads(result.stdout)
        assert found["samples"] == 22
        assert [item["id"] for item in found["dataset"]["skipped"]] == [missing.stem, broken.stem]
        assert "ocrkit: 2 samples skipped" in result.stderr
        assert missing.stem in result.stderr
        assert broken.stem in result.stderr


def test_the_environment_names_the_data_set(
    tiny_run: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCRKIT_IAM", str(words_root))
    assert json.loads(run("--pipeline", tiny_run, "--json").stdout)["dataset"]["root"] == str(
        words_root
    )


def test_result_files_are_whole_and_go_on_after_an_interruption(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    output = tmp_path / "results.jsonl"
    batches = ("--batch-size", 4, "--json")
    arguments = (
        "--pipeline",
        tiny_run,
        "--data",
        words_root,
        *batches,
        "--split",
        "aachen/train",
        "--output",
        output,
    )
    whole = run(*arguments)
    lines = output.read_text().splitlines(keepends=True)
    assert len(lines) == 1 + 24
    assert not output.with_name("results.jsonl.part").exists()
    rows = [json.loads(line) for line in lines[1:]]
    assert set(rows[0]) == {
        "id",
        "writer",
        "form",
        "truth",
        "prediction",
        "confidence",
        "characters",
        "spans",
    }
    assert all(
        len(row.get("characters", "")) == len(row.get("spans", "")) == len(row["prediction"])
        for row in rows
    )
    about = json.loads(lines[0])["header"]
    assert {
        "pipeline",
        "parts",
        "alphabet",
        "weights",
        "backend",
        "device",
        "dataset",
        "contamination",
        "versions",
    } == set(about)
    assert about["parts"]["featurizer"] == {
        "use": "cnn",
        "channels": 4,
        "columns": 2,
        "dropout": 0.05,
    }
    assert (
        about["dataset"]["samples"],
        len(about["dataset"]["sha256"]),
        len(about["weights"]),
    ) == (24, 64, 64)

    # As a run leaves it that is killed in the middle of a line.
    output.with_name("results.jsonl.part").write_text("".join(lines[:11]) + lines[11][:20])
    output.unlink()
    resumed = run(*arguments, "--resume")
    assert "going on after 8 samples" in resumed.stderr, "whole batches are kept"
    assert output.read_text() == "".join(lines)
    assert json.loads(resumed.stdout)["metrics"] == json.loads(whole.stdout)["metrics"]

    output.with_name("results.jsonl.part").write_text("".join(lines[:11]))
    other = run(*arguments[:-3], "aachen/validation", "--output", output, "--resume")
    assert other.exit_code == 1
    assert "was begun by another run" in other.stderr


def test_results_of_images_go_on_too(tiny_run: Path, words_root: Path, tmp_path: Path) -> None:
    output = tmp_path / "texts.jsonl"
    first = run(words_root, "--pipeline", tiny_run, "--output", output, "--batch-size", 2)
    lines = output.read_text().splitlines(keepends=True)
    output.rename(output.with_name("texts.jsonl.part"))
    output.with_name("texts.jsonl.part").write_text("".join(lines[:5]))
    second = run(
        words_root, "--pipeline", tiny_run, "--output", output, "--batch-size", 2, "--resume"
    )
    assert second.stdout == first.stdout
    assert output.read_text() == "".join(lines)

    output.rename(output.with_name("texts.jsonl.part"))
    other = run(
        words_root,
        "--pipeline",
        tiny_run,
        "--output",
        output,
        "--resume",
        "--set",
        "decoder.use=ctc-beam",
    )
    assert other.exit_code == 1
    assert "was begun by another run" in other.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="file systems elsewhere take no such names")
def test_names_of_files_need_not_be_utf_8(tiny_run: Path, words_root: Path, tmp_path: Path) -> None:
    word = next((words_root / "words").rglob("*.png"))
    odd = tmp_path / os.fsdecode(b"caf\xe9.png")
    shutil.copy(word, odd)
    odd.with_suffix(".gt.txt").write_text("the\n")
    output, report = tmp_path / "results.jsonl", tmp_path / "report.html"
    assert run(odd, "--pipeline", tiny_run, "--output", output).exit_code == 0
    [name] = json.loads(output.read_text(encoding="utf-8").splitlines()[0])["header"]["images"]
    assert name == str(odd)
    output.rename(output.with_name("results.jsonl.part"))
    assert run(odd, "--pipeline", tiny_run, "--output", output, "--resume").exit_code == 0
    scored = (
        "--pipeline",
        tiny_run,
        "--set",
        "reader.use=folder",
        "--data",
        tmp_path,
        "--output",
        output,
        "--report",
        report,
    )
    assert run(*scored).exit_code == 0
    assert "caf" in report.read_text(encoding="utf-8")
    assert [each.id for each in read_results(output).outcomes] == [odd.name]


def test_a_language_model_is_told_apart_by_its_content(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    output = tmp_path / "results.jsonl"
    letters = "".join(sorted(load_spec(tiny_run).alphabet))
    (tmp_path / "text").write_text(letters)
    model = tmp_path / "model"
    assert (
        CliRunner()
        .invoke(main, ["lm", "train", "--text", str(tmp_path / "text"), "--out", str(model)])
        .exit_code
        == 0
    )
    settings = ("--set", "decoder.use=ctc-beam", "--set", f"decoder.language_model={model}")
    assert (
        run(
            words_root, "--pipeline", tiny_run, "--output", output, "--limit", 2, *settings
        ).exit_code
        == 0
    )
    decoder = json.loads(output.read_text().splitlines()[0])["header"]["parts"]["decoder"]
    assert decoder["language_model"] == {
        "file": "model",
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
    }
    named = (
        "--pipeline",
        "iam-crnn",
        "--output",
        output,
        "--limit",
        2,
        *settings[:3],
        "decoder.language_model=english",
    )
    assert run(*named).exit_code == 0
    decoder = json.loads(output.read_text().splitlines()[0])["header"]["parts"]["decoder"]
    assert set(decoder["language_model"]) == {"file", "sha256"}


def test_what_is_doubtful_is_marked_everywhere(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    output = tmp_path / "texts.jsonl"
    arguments = (words_root, "--pipeline", tiny_run, "--min-confidence", 0.5)
    lines = run(*arguments, "--output", output).stdout.splitlines()
    rows = [json.loads(line) for line in output.read_text().splitlines()[1:]]
    doubtful = [row["confidence"] < 0.5 for row in rows]
    assert any(doubtful)
    assert not all(doubtful)
    assert [row.get("doubtful", False) for row in rows] == doubtful
    assert lines == [
        f"{row['id']}\t{row['text']}" + "\tdoubtful" * row.get("doubtful", False) for row in rows
    ]
    items = json.loads(run(*arguments, "--json").stdout)["items"]
    assert [item["doubtful"] for item in items] == doubtful
    table = list(csv.DictReader(io.StringIO(run(*arguments, "--format", "csv").stdout)))
    assert [row["doubtful"] for row in table] == [str(each) for each in doubtful]
    assert (
        f"{sum(doubtful)} of {len(rows)} are doubtful: confidence below 0.5"
        in run(*arguments).stderr
    )

    scored = run("--pipeline", tiny_run, "--data", words_root, "--min-confidence", 0.5, "--json")
    kept = json.loads(scored.stdout)["kept"]
    assert kept["samples"] == len(rows) - sum(doubtful)
    assert kept["share"] == pytest.approx(kept["samples"] / len(rows))
    assert f"{sum(doubtful)} of {len(rows)} are doubtful" in scored.stderr


def test_scoring_what_was_trained_on_is_warned_of_and_marked(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    output, report = tmp_path / "r.jsonl", tmp_path / "r.html"
    arguments = ("--pipeline", tiny_run, "--data", words_root, "--output", output)
    result = run(*arguments, "--split", "all", "--json", "--report", report)
    expected = {
        "trained": {"samples": 24, "forms": ["a01-000u", "a01-003", "a01-007"], "images": 0},
        "chosen": {"samples": 7, "forms": ["c04-156", "c06-083"], "images": 0},
    }
    assert json.loads(result.stdout)["contamination"] == expected
    assert json.loads(output.read_text().splitlines()[0])["header"]["contamination"] == expected
    warnings = [line for line in result.stderr.splitlines() if "WARNING" in line]
    assert [
        "24 samples are of 3 forms that the model was trained on" in warnings[0],
        "7 samples" in warnings[1],
    ] == [
        True,
        True,
    ]
    assert "24 samples are of 3 forms that the model was trained on" in report.read_text()
    elsewhere = run("--pipeline", "iam-crnn", "--limit", 3, "--json")
    assert json.loads(elsewhere.stdout)["contamination"] is None
    assert "WARNING" not in elsewhere.stderr


def test_report_and_grid_are_written(tiny_run: Path, words_root: Path, tmp_path: Path) -> None:
    report, grid = tmp_path / "report.html", tmp_path / "grid.png"
    assert (
        run(
            "--pipeline", tiny_run, "--data", words_root, "--report", report, "--grid", grid
        ).exit_code
        == 0
    )
    assert "Character error rate" in report.read_text()
    with Image.open(grid) as picture:
        assert picture.size[0] > 600


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--data", "nowhere"], 1, "ocrkit: nowhere: no such folder"),
        (["--split", "aachen/tset", "--data", "."], 1, "Did you mean 'aachen/test'?"),
        (["--device", "cuda"], 1, "backend 'onnx' sees cpu here"),
        (["--backend", "tourch"], 1, "Did you mean 'torch'?"),
        (["--set", "featurizer.channels=5"], 1, "is untrained"),
        (["--report", "no/such/folder/report.html"], 1, "there is no folder no/such/folder"),
        (["--resume"], 2, "name that file"),
        (["image.png", "--split", "all"], 2, "--split: for scoring a data set"),
        (["--format", "xml"], 2, "Invalid value"),
    ],
)
def test_mistakes_are_one_clear_line(
    tiny_run: Path, arguments: list[str], status: int, message: str
) -> None:
    result = run("--pipeline", tiny_run, *arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert "Traceback" not in result.output
    if status == 1:
        assert (
            len([line for line in result.stderr.splitlines() if line.startswith("ocrkit: ")]) <= 2
        )


def test_a_page_given_to_a_pipeline_of_words_is_said_once(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    """It was read as a few letters, without a word, though their confidence said that they are
    nonsense."""
    page = np.full((900, 1200), 240, np.uint8)
    for row in range(60, 880, 60):
        cv2.putText(
            page,
            "one hen to the other ten",
            (30, row),
            cv2.FONT_HERSHEY_SIMPLEX,
            1.5,
            20,
            3,
            cv2.LINE_AA,
        )
    for name in ("a.png", "b.png", "c.png"):
        cv2.imwrite(str(tmp_path / name), page)
    word = next(words_root.rglob("*.png"))
    result = CliRunner().invoke(
        main, ["run", "--pipeline", str(tiny_run), str(word), str(tmp_path)]
    )
    assert result.exit_code == 0
    (said,) = [line for line in result.stderr.splitlines() if "looks like" in line]
    assert said.startswith(
        f"ocrkit: {tmp_path / 'a.png'}: looks like a page, and this pipeline reads a word at a time"
    )
    assert said.endswith("(3 images in all)")
