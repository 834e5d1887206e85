"""Jobs beside each other, without an engine: pages and data sets in shares."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner, Result
from many_machines import _differences
from one_liners import draw_pages

from ocrkit.cli import main
from ocrkit.parts.registry import registry

ROOT = Path(__file__).parents[2]
SHARES = 3
REPEAT = str(ROOT / "benchmarks" / "repeat")
"""The plugin of that pipeline."""


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def scored(*files: Path) -> dict[str, object]:
    result = run("score", *files, "--json", "--details")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


@pytest.fixture(scope="module")
def files(
    tiny_run: Path, words_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Path]]:
    """The result file of a run, and those of its shares."""
    folder = tmp_path_factory.mktemp("shares")
    asked = ("run", "--pipeline", tiny_run, "--data", words_root, "--split", "aachen/validation")
    whole, shares = folder / "whole.jsonl", []
    assert run(*asked, "--output", whole).exit_code == 0
    for number in range(1, SHARES + 1):
        shares.append(folder / f"part-{number}.jsonl")
        shard = ("--shard", f"{number}/{SHARES}", "--output", shares[-1])
        assert run(*asked, *shard).exit_code == 0
    return whole, shares


def test_shares_are_scored_as_the_whole_is(files: tuple[Path, list[Path]]) -> None:
    whole, shares = files
    alone = scored(whole)
    assert scored(*shares) == alone
    assert scored(*reversed(shares)) == alone


def test_shares_have_every_sample_once(files: tuple[Path, list[Path]]) -> None:
    whole, shares = files
    rows = [each.read_text().splitlines()[1:] for each in shares]
    assert all(rows)
    ids = [json.loads(row)["id"] for share in rows for row in share]
    assert ids == [json.loads(row)["id"] for row in whole.read_text().splitlines()[1:]]


def test_what_is_no_run_in_shares_is_refused(
    files: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    whole, (first, second, third) = files
    for named in ((first,), (first, third), (first, first, second, third), (whole, whole)):
        result = run("score", *named)
        assert result.exit_code == 1
        assert "expected each once" in result.stderr
    other = tmp_path / "other.jsonl"
    header, *rows = third.read_text().splitlines()
    said = json.loads(header)
    said["header"]["weights"] = "of another run"
    other.write_text("\n".join([json.dumps(said), *rows]) + "\n")
    assert "of two runs" in run("score", first, second, other).stderr


def test_a_share_goes_on_as_itself_alone(
    files: tuple[Path, list[Path]], tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    _, (first, *_) = files
    part = tmp_path / "part.jsonl.part"
    header, row, *_ = first.read_text().splitlines(keepends=True)
    part.write_text(header + row)
    asked = ("run", "--pipeline", tiny_run, "--data", words_root, "--split", "aachen/validation")
    asked = (*asked, "--output", tmp_path / "part.jsonl", "--resume", "--shard")
    assert "another run" in run(*asked, f"2/{SHARES}").stderr
    assert run(*asked, f"1/{SHARES}").exit_code == 0
    assert (tmp_path / "part.jsonl").read_bytes() == first.read_bytes()


def test_more_shares_than_samples_are_refused(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    asked = ("run", "--pipeline", tiny_run, "--data", words_root, "--output", tmp_path / "x.jsonl")
    result = run(*asked, "--shard", "1/1000000")
    assert result.exit_code == 1
    assert "too few for 1,000,000 shares" in result.stderr
    assert run("run", "--pipeline", tiny_run, "--shard", "1/2").exit_code == 2


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Path]]:
    """A folder of seven pages, and a pipeline that reads in no time."""
    monkeypatch.syspath_prepend(REPEAT)
    registry.cache_clear()
    yield draw_pages(tmp_path, 7)
    monkeypatch.undo()
    registry.cache_clear()


def test_the_job_array_of_the_documentation_reads_every_page(
    drawn: tuple[Path, Path], tmp_path: Path
) -> None:
    """In a loop in place of Slurm, with fewer jobs."""
    text = (ROOT / "docs" / "many-machines.md").read_text("utf-8")
    found = re.search(r"^    #!/bin/bash\n(?:    .*\n)+", text, re.MULTILINE)
    assert found
    folder, pipeline = drawn
    cv2.imwrite(str(folder / "wide.png"), cv2.imread(str(folder / "000/000001.png")))
    script = re.sub("^    ", "", found[0], flags=re.MULTILINE)
    script = script.replace("/100", f"/{SHARES}").replace("iam-pages", str(pipeline))
    script = script.replace("scans/", f"{folder}/")
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for number in range(1, SHARES + 1):
        numbered = {"SLURM_ARRAY_TASK_ID": str(number), "PATH": places, "PYTHONPATH": REPEAT}
        subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=os.environ | numbered, check=True, timeout=300
        )
    whole = [sys.executable, "-m", "ocrkit", "run", f"{folder}/", "--pipeline", str(pipeline)]
    subprocess.run(
        [*whole, "--out", "whole", "--format", "alto"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": REPEAT},
        check=True,
        timeout=300,
    )
    assert _differences(tmp_path / "whole", tmp_path / "read") == []
