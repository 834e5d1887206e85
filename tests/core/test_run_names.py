"""A training run is called by its folder wherever it is named: of one pipeline there may be
many."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import ocrkit
from ocrkit.cli import main
from ocrkit.pipelines.file import load_spec
from ocrkit.publishing.export import export


@pytest.fixture
def mine(tiny_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_run, tmp_path / "runs" / "mine")


def test_results_and_result_files_name_the_folder_from_wherever_they_are_made(
    mine: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mine.parent)
    for source in (mine, "mine", "mine/pipeline.toml"):
        reader = ocrkit.load(source)
        result = reader.evaluate(data=words_root, limit=3)
        assert (result.pipeline, reader.header()["pipeline"]) == (
            "runs/mine (tiny)",
            "runs/mine (tiny)",
        )
        assert reader.weights.reference == "runs/mine"


def test_what_is_printed_names_the_folder(mine: Path, words_root: Path, tmp_path: Path) -> None:
    files = []
    for name in ("mine", "other"):
        run = mine if name == "mine" else shutil.copytree(mine, mine.with_name("other"))
        files.append(tmp_path / f"{name}.jsonl")
        to_file = ("--output", str(files[-1]), "--report", str(tmp_path / f"{name}.html"))
        said = CliRunner().invoke(
            main, ["run", "--pipeline", str(run), "--data", str(words_root), *to_file]
        )
        title = f"runs/{name} (tiny)"
        assert said.exit_code == 0, said.stderr
        assert f"ocrkit: pipeline '{title}' on " in said.stderr
        assert f"{title} on " in said.stdout
        assert f"<title>{title}" in (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        assert json.loads(files[-1].read_text().splitlines()[0])["header"]["pipeline"] == title
    compared = CliRunner().invoke(main, ["compare", *map(str, files)]).stdout
    assert "runs/mine (tiny)" in compared
    assert "runs/other (tiny)" in compared
    assert "runs/mine (tiny)" in CliRunner().invoke(main, ["check", str(mine)]).stdout


def test_an_exported_run_is_still_called_so(mine: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    done = export(load_spec(mine), tmp_path / "model.onnx")
    assert done.exported.weights == "runs/mine"
    assert ocrkit.load(tmp_path / "model.onnx").spec.title == "runs/mine (tiny)"


def test_a_pipeline_that_is_no_run_has_its_name_alone(tiny: Path, mine: Path) -> None:
    assert load_spec(tiny).title == "tiny"
    assert load_spec("iam-crnn").title == "iam-crnn"
    reader = ocrkit.load(tiny, {"weights": str(mine)})
    assert (reader.spec.title, reader.weights.reference) == ("tiny", "runs/mine")
