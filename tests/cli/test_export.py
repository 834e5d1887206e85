"""``ocrkit export``, and the commands that read with what it wrote."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from networks import INSTALLED
from ocrkit.cli import main
from ocrkit.pipelines.spec import run_name


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture(scope="module")
def exported(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    path = tmp_path_factory.mktemp("exported") / "tiny.onnx"
    return path, ocrkit("export", tiny_run, "--to", path)


def test_it_says_what_was_written_and_how_it_compares(
    exported: tuple[Path, Result], tiny_run: Path
) -> None:
    path, result = exported
    assert result.exit_code == 0
    first, compared, last = result.stdout.splitlines()
    assert first.startswith(f"{path}: float32, 0.0 MB, weights {run_name(tiny_run)} (sha256 ")
    assert compared.startswith("largest difference of log-probabilities in float32: ")
    assert set(INSTALLED) <= set(compared.replace(",", "").split())
    assert last == f"read with it: ocrkit run --pipeline {path}"


def test_run_reads_with_the_file(
    exported: tuple[Path, Result], tiny_run: Path, words_root: Path
) -> None:
    images = sorted((words_root / "words").rglob("*.png"))[:3]
    result = ocrkit("run", *images, "--pipeline", exported[0])
    assert (result.exit_code, result.stdout) == (
        0,
        ocrkit("run", *images, "--pipeline", tiny_run).stdout,
    )
    assert f"pipeline '{run_name(tiny_run)} (tiny)' on onnx (cpu" in result.stderr


def test_check_shows_the_network_as_one_stage(
    exported: tuple[Path, Result], tiny_run: Path
) -> None:
    result = ocrkit("check", exported[0])
    assert result.exit_code == 0
    (network,) = [line.split() for line in result.stdout.splitlines() if line.startswith("network")]
    assert network[1:3] == ["tiny.onnx", "onnx"]
    assert "12 steps × 6" in result.stdout
    assert f"weights: {run_name(tiny_run)}, exported in float32" in result.stdout


def test_int8_prints_what_it_costs_and_gains(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    result = ocrkit(
        "export",
        tiny_run,
        "--to",
        tmp_path / "s.onnx",
        "--precision",
        "int8",
        "--data",
        words_root,
        "--images",
        8,
    )
    assert result.exit_code == 0
    table = [line.split() for line in result.stdout.splitlines()]
    assert ["calibrated", "on", "8", "images", "of", "iam", "aachen/train"] in table
    header = next(row for row in table if row[-3:] == ["float32", "int8", "change"])
    assert header[:5] == ["7", "samples", "of", "iam", "aachen/validation"]
    cer = next(row for row in table if row and row[0] == "cer")
    assert float(cer[3]) == pytest.approx(float(cer[2]) - float(cer[1]), abs=2e-4), (
        "three rounded numbers"
    )
    speed = next(row for row in table if row and row[0] == "images/s,")
    assert float(speed[-2]) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--to", "model.pt"],
            (
                "model.pt: no exported network; expected a file like model.onnx, whose ending names a "  # noqa: E501
                "backend"
            ),
        ),
        (
            ["--to", "nowhere/model.onnx"],
            "nowhere/model.onnx: cannot be written: there is no folder nowhere",
        ),
        (
            ["--to", "m.onnx", "--precision", "int8"],
            "int8 is calibrated on images of the training split; name the data set",
        ),
        (
            ["--to", "m.onnx", "--set", "alphabet=abc"],
            "pipeline 'tiny' is untrained: weights 'best.safetensors' no longer",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tiny_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = ocrkit("export", tiny_run, *arguments)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"ocrkit: {message}")
    assert not list(tmp_path.iterdir())
