"""``ocrkit score``, ``compare`` and ``calibrate``: what can be done with result files, and with
confidences."""

import contextlib
import hashlib
import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocrkit.cli import main
from ocrkit.errors import OcrkitError
from ocrkit.scoring.result_file import read_results
from ocrkit.scoring.result_writer import ResultFile


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def scored(tiny_run: Path, words_root: Path, folder: Path) -> tuple[Path, dict[str, Any]]:
    """A result file, and what the run that wrote it printed; one word of its data cannot be read,
    one is missing."""
    data = shutil.copytree(words_root, folder / "data")
    missing, broken, *_ = sorted((data / "words" / "a01" / "a01-003").iterdir())
    missing.unlink()
    broken.write_bytes(broken.read_bytes()[:60])
    path = folder / "a.jsonl"
    printed = ocrkit(
        "run",
        "--pipeline",
        tiny_run,
        "--data",
        data,
        "--split",
        "all",
        "--output",
        path,
        "--json",
        "--min-confidence",
        0.5,
    )
    return path, json.loads(printed.stdout)


def test_a_result_file_saved_with_a_byte_order_mark_scores_as_before(
    scored: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    saved = tmp_path / "saved.jsonl"
    saved.write_text(scored[0].read_text(), "utf-8-sig")
    assert read_results(saved).outcomes == read_results(scored[0]).outcomes


def test_an_interrupted_run_saved_with_a_byte_order_mark_goes_on(tmp_path: Path) -> None:
    begun = tmp_path / "a.jsonl.part"
    begun.write_text('{"header": {"pipeline": "x"}}\n{"id": "1"}\n{"id"', "utf-8-sig")
    with ResultFile(
        tmp_path / "a.jsonl", {"pipeline": "x"}, resume=True, may_go_on_after=bool
    ) as file:
        assert list(file.rows()) == [{"id": "1"}]
        file.write({"id": "2"})
    assert (tmp_path / "a.jsonl").read_text("utf-8-sig").splitlines()[1:] == [
        '{"id": "1"}',
        '{"id": "2"}',
    ]


def test_a_result_file_scores_as_its_run_did(scored: tuple[Path, dict[str, Any]]) -> None:
    path, printed = scored
    again = ocrkit("score", path, "--json", "--min-confidence", 0.5)
    found = json.loads(again.stdout)
    assert printed["samples"] == 29
    assert len(printed["dataset"]["skipped"]) == 2
    for name in printed:
        assert name in ("seconds", "samples_per_second") or found[name] == printed[name], name
    assert found["seconds"] is None
    assert {part["name"]: part["samples"] for part in found["writers"]} == {
        "000": 8,
        "002": 6,
        "003": 8,
        "100": 3,
        "101": 4,
    }
    assert sum(part["samples"] for part in found["lengths"]) == 29
    assert sum(each["count"] for each in found["characters"]) == sum(
        len(each.reference) for each in read_results(path).outcomes
    )
    assert "WARNING" in again.stderr, "the file remembers what the model has seen"


def test_rules_are_the_same_in_run_and_score(
    scored: tuple[Path, dict[str, Any]], tiny_run: Path, folder: Path
) -> None:
    path, raw = scored
    shouted = path.with_name("shouted.jsonl")
    lines = path.read_text().splitlines()
    rows = [json.loads(line) for line in lines[1:]]
    for row in rows:
        row |= {name: row[name].upper() for name in ("prediction",) if name in row}
    rows[0] |= {"truth": "…!"}
    shouted.write_text("\n".join([lines[0], *map(json.dumps, rows), ""]))
    assert (
        json.loads(ocrkit("score", shouted, "--json").stdout)["metrics"]["cer"]["value"]
        > raw["metrics"]["cer"]["value"]
    )
    found = json.loads(
        ocrkit(
            "score", shouted, "--lowercase", "--skip-punctuation", "--unicode", "NFC", "--json"
        ).stdout
    )
    assert found["rules"] == {"lowercase": True, "unicode": "NFC", "skip_punctuation": True}
    assert (found["samples"], found["left_out"]) == (28, 1)
    run = ocrkit(
        "run",
        "--pipeline",
        tiny_run,
        "--data",
        folder / "data",
        "--split",
        "all",
        "--lowercase",
        "--unicode",
        "NFC",
        "--json",
    )
    assert json.loads(run.stdout)["rules"] == {
        "lowercase": True,
        "unicode": "NFC",
        "skip_punctuation": False,
    }
    assert json.loads(run.stdout)["metrics"] == raw["metrics"], "these words are in small letters"


def test_the_table_shows_details_on_request_only(
    scored: tuple[Path, dict[str, Any]], folder: Path
) -> None:
    short, long = (
        ocrkit("score", scored[0]),
        ocrkit("score", scored[0], "--details", "--report", folder / "page.html"),
    )
    assert short.exit_code == long.exit_code == 0
    assert "Character error rate" in short.stdout
    assert "read right" not in short.stdout
    assert "read right" in long.stdout
    assert "a second" not in short.stdout
    page = (folder / "page.html").read_text()
    assert "By writer" in page
    assert "<img" not in page


def test_a_run_compared_with_itself_and_with_another(
    scored: tuple[Path, dict[str, Any]], tiny_run: Path, folder: Path
) -> None:
    path, _ = scored
    same = ocrkit("compare", path, path)
    assert same.exit_code == 0
    assert "A and B read every sample the same." in same.stdout
    assert "Nothing else differs" in same.stdout
    other = folder / "b.jsonl"
    arguments = (
        "run",
        "--pipeline",
        tiny_run,
        "--data",
        folder / "data",
        "--split",
        "all",
        "--output",
        other,
    )
    words = folder / "words"
    words.write_text("one hen to toe not teen hot the")
    ocrkit(*arguments, "--set", "decoder.use=ctc-beam", "--set", f"decoder.lexicon={words}")
    compared = ocrkit("compare", path, other, "--json")
    found = json.loads(compared.stdout)
    for which in "ab":
        assert found["contamination"][which]["trained"]["samples"] == 23
        assert (
            f"WARNING: {which.upper()}: 23 samples are of 3 forms that the model was trained on"
            in compared.stderr
        )
    assert found["clusters"] == {"by": "writer", "count": 5}
    assert {"what": "parts.decoder.use", "a": "ctc-greedy", "b": "ctc-beam"} in found["differences"]
    [lexicon] = (
        each["b"] for each in found["differences"] if each["what"] == "parts.decoder.lexicon.sha256"
    )
    assert lexicon == hashlib.sha256(words.read_bytes()).hexdigest()
    assert set(found["metrics"]["cer"]) == {"a", "b", "difference", "low", "high", "better"}
    assert "parts.decoder.use" in ocrkit("compare", path, other).stdout


def test_files_of_different_samples_are_refused(
    scored: tuple[Path, dict[str, Any]], tiny_run: Path, folder: Path
) -> None:
    other = folder / "train.jsonl"
    ocrkit(
        "run",
        "--pipeline",
        tiny_run,
        "--data",
        folder / "data",
        "--split",
        "aachen/train",
        "--output",
        other,
    )
    refused = ocrkit("compare", scored[0], other)
    assert refused.exit_code == 1
    assert refused.stderr.startswith(
        "ocrkit: the runs are of different samples: 7 samples only in A (c04-156-00-00, "
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [], "no result file"),
        (lambda lines: lines[1:], "no result file"),
        (lambda lines: ["{}\n", *lines[1:]], "no result file"),
        (lambda lines: [lines[0].replace('"dataset"', '"data"'), *lines[1:]], "no result file"),
        (lambda lines: ['{"header": {"images": []}}\n', *lines[1:]], "made of single images"),
        (
            lambda lines: [lines[0].replace('"use": "cer"', '"use": "cerr"'), *lines[1:]],
            "no metric named 'cerr'",
        ),
        (lambda lines: lines[:-1], "29 rows for 30 samples; go on with that run by --resume"),
        (lambda lines: [*lines[:-1], lines[-1][:20]], "not a result file"),
        (lambda lines: [*lines[:-1], '{"id": "x"}\n'], "line 31 is no result of a sample"),
        (
            lambda lines: [*lines[:-1], '{"id": 3, "truth": "a", "prediction": "a"}\n'],
            "line 31 is no result of a sample",
        ),
        (lambda lines: [*lines[:-1], "[]\n"], "line 31 is no JSON object"),
        (
            lambda lines: [*lines[:-1], '{"id": "x", "error": 3}\n'],
            "line 31 is no result of a sample",
        ),
        *(
            (
                lambda lines, row=row: [
                    *lines[:-1],
                    f'{{"id": "x", "truth": "a", "prediction": "a", {row}}}\n',
                ],
                said,
            )
            for row, said in {
                '"writer": []': "line 31 is no result of a sample",
                '"form": false': "line 31 is no result of a sample",
                '"confidence": "high"': "line 31 is no result of a sample",
                '"confidence": NaN': "line 31 is no result of a sample",
                '"x": "\\ud800"': "halves of characters",
                f'"x": {"[" * 5000}': "more than 64 deep",
                f'"x": {"9" * 5000}': "not a result file",
            }.items()
        ),
        *(
            (
                lambda lines, place=place, value=value: [_with(lines[0], place, value), *lines[1:]],
                "no result file",
            )
            for place, value in [
                ("dataset.forms", {"found": 5}),
                ("dataset.forms", {"found": "5", "expected": 5}),
                ("dataset.forms", "all"),
                ("dataset.limit", "none"),
                ("dataset.samples", True),
                ("dataset.skipped", [{"id": 1, "reason": "gone"}]),
                ("dataset.skipped", "none"),
                ("contamination", "none"),
                ("contamination", {"trained": 3}),
                ("contamination.trained.forms", "a01-000u"),
                ("contamination.chosen.samples", "many"),
                ("contamination.chosen.images", "many"),
                ("versions", []),
                ("parts.metrics", {"use": "cer"}),
                ("parts.metrics", ["cer"]),
                ("parts", 7),
            ]
        ),
    ],
)
def test_what_is_no_result_file_is_one_clear_line(
    scored: tuple[Path, dict[str, Any]], tmp_path: Path, change: Any, said: str
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("".join(change(scored[0].read_text().splitlines(keepends=True))))
    for arguments in (("score", path), ("compare", scored[0], path)):
        result = ocrkit(*arguments)
        assert result.exit_code == 1
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert "no such file" in ocrkit("score", tmp_path / "nowhere.jsonl").stderr


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_read_or_refused(
    scored: tuple[Path, dict[str, Any]], tmp_path: Path, data: st.DataObject
) -> None:
    whole = scored[0].read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    damaged = (
        whole[:start]
        + data.draw(st.binary(max_size=8))
        + whole[start + data.draw(st.integers(0, 40)) :]
    )
    path = tmp_path / "x.jsonl"
    path.write_bytes(damaged)
    with contextlib.suppress(OcrkitError):  # any other error is a defect
        assert read_results(path).score().samples


def test_calibrate_finds_a_temperature_stores_it_and_load_takes_it(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    model = shutil.copytree(tiny_run, tmp_path / "model")
    (model / "best.safetensors").rename(model / "weights.safetensors")
    pipeline = model / "pipeline.toml"
    pipeline.write_text(pipeline.read_text().replace("best.safetensors", "weights.safetensors"))
    arguments = ("calibrate", model, "--data", words_root, "--split", "all", "--json")
    plain = ocrkit(*arguments)
    found = json.loads(plain.stdout)
    assert "WARNING: fitted on what the model was trained on" in plain.stderr
    assert 0.1 <= found["temperature"] <= 10
    manifest = model / "manifest.toml"
    sha256 = json.loads(
        _header(
            ocrkit(
                "run",
                "--pipeline",
                model,
                "--data",
                words_root,
                "--output",
                tmp_path / "before.jsonl",
            ),
            tmp_path / "before.jsonl",
        )
    )["header"]["weights"]
    manifest.write_text(
        f'schema = 2\n[weights]\nfile = "weights.safetensors"\nsha256 = "{sha256}"\n'
    )
    assert json.loads(ocrkit(*arguments, "--write", manifest).stdout) == found
    stored = tomllib.loads(manifest.read_text())["confidence"]
    assert stored["temperature"] == found["temperature"]
    assert stored["command"] == f"ocrkit calibrate {model} --data {words_root} --split all"

    ocrkit("run", "--pipeline", model, "--data", words_root, "--output", tmp_path / "after.jsonl")
    compared = json.loads(
        ocrkit("compare", tmp_path / "before.jsonl", tmp_path / "after.jsonl", "--json").stdout
    )
    assert compared["same_texts"]
    assert {"what": "parts.decoder.temperature", "a": None, "b": found["temperature"]} in compared[
        "differences"
    ]
    sure = [
        [each.confidence for each in read_results(tmp_path / f"{name}.jsonl").outcomes]
        for name in ("before", "after")
    ]
    assert sure[0] != sure[1]
    explicit = ("run", "--pipeline", model, "--data", words_root, "--set", "decoder.temperature=1")
    ocrkit(*explicit, "--output", tmp_path / "one.jsonl")
    assert [each.confidence for each in read_results(tmp_path / "one.jsonl").outcomes] == sure[0], (
        "what is set stays"
    )


def _with(line: str, place: str, value: Any) -> str:
    """The line of a header, in which another value is in this place."""
    header = json.loads(line)
    *above, last = place.split(".")
    table = header["header"]
    for name in above:
        table = table[name]
    table[last] = value
    return f"{json.dumps(header)}\n"


def _header(result: Result, path: Path) -> str:
    assert result.exit_code == 0, result.output
    return path.read_text().splitlines()[0]
