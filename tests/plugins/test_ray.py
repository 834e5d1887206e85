"""Pages read by Ray: one small cluster of this machine for all tests."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from one_liners import draw_pages
from PIL import Image as Pillow

import ocrkit
import ocrkit_ray
from ocrkit import read_image
from ocrkit.cli import main
from ocrkit.parts.registry import registry
from ray_cluster import WARNINGS, started

pytestmark = WARNINGS
REPEAT = Path(__file__).parents[2] / "benchmarks" / "repeat"
DEADLY = """
import os, signal
from dataclasses import dataclass
import ocrkit, ocrkit_repeat

@ocrkit.hookimpl
def ocrkit_segmenters(register):
    register("deadly", "deadly:Deadly")

@dataclass(frozen=True)
class Deadly(ocrkit_repeat.OneLine):
    def __call__(self, image, outputs, /):
        if not image.any():  # a black page
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(image, outputs)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Ray with two processors, whose actors know the plugins `repeat` and `deadly`."""
    site = tmp_path_factory.mktemp("site")
    (site / "deadly.py").write_text(DEADLY)
    about = site / "deadly-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: deadly\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[ocrkit]\ndeadly = deadly\n")
    with pytest.MonkeyPatch.context() as patch:
        for folder in (site, REPEAT):
            patch.syspath_prepend(folder)
        registry.cache_clear()
        with started(PYTHONPATH=f"{site}{os.pathsep}{REPEAT}") as ray:
            yield ray
    registry.cache_clear()


@pytest.fixture(scope="module")
def drawn(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Twelve pages of a line, two documents and a damaged file, in two folders; and a pipeline."""
    folder, pipeline = draw_pages(tmp_path_factory.mktemp("drawn"), 12)
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    for name, more in (("scan.pdf", {"resolution": 150}), ("fax.tif", {})):
        first, *pages = [_picture(folder / "000" / f"{number:06}.png") for number in range(3)]
        first.save(folder / name, save_all=True, append_images=pages, **more)
    return folder, pipeline


def _picture(path: Path) -> Pillow.Image:
    return Pillow.fromarray(read_image(path))


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["run", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_files_are_written_and_a_run_goes_on(
    drawn: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, pipeline = drawn
    here, there = tmp_path / "here", tmp_path / "there"
    asked = (folder, "--pipeline", pipeline, "--format", "json,text", "--threads", 1)
    assert run(*asked, "--out", here).exit_code == 0
    elsewhere = (*asked, "--out", there, "--engine", "ray")
    result = run(*elsewhere)
    assert result.exit_code == 0, result.output
    assert "18 pages read into" in result.stderr
    assert "1 failed" in result.stderr
    assert contents(there) == contents(here)

    stopped = run(*elsewhere)
    assert stopped.exit_code == 1
    assert "is there already; --existing skip goes on" in stopped.stderr
    for name in ("scan-0002.json", "000/000005.txt"):
        (there / name).unlink(missing_ok=True)
    again = run(*elsewhere, "--existing", "skip")
    assert "2 pages read into" in again.stderr
    assert "16 were there already" in again.stderr
    assert contents(there) == contents(here)
    other = run(*elsewhere, "--existing", "skip", "--set", "segment.segmenter.use=deadly")
    assert "results of another run" in other.stderr


def test_pages_of_a_document_stay_together_where_the_format_takes_several(
    drawn: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, pipeline = drawn
    here, there = tmp_path / "here", f"file://{tmp_path / 'there'}"
    asked = (folder, "--pipeline", pipeline, "--format", "hocr", "--threads", 1)
    run(*asked, "--out", here)
    result = run(*asked, "--out", there, "--engine", "ray")  # as a store is written to
    assert result.exit_code == 0, result.output
    assert contents(tmp_path / "there") == contents(here)


@pytest.fixture
def deadly_pages(tmp_path: Path) -> Path:
    """A folder with a page, and a document at whose second page the process dies that reads it."""
    folder = tmp_path / "pages"
    folder.mkdir()
    first, *pages = [Pillow.new("L", (96, 32), grey) for grey in (255, 0, 250)]
    first.save(folder / "a.png")
    first.save(folder / "b.tif", save_all=True, append_images=pages)
    return folder


def test_a_page_at_which_the_process_dies_is_a_failure(
    drawn: tuple[Path, Path], deadly_pages: Path, tmp_path: Path
) -> None:
    _, pipeline = drawn
    out = tmp_path / "out"
    asked = ("--pipeline", pipeline, "--set", "segment.segmenter.use=deadly", "--out", out)
    result = run(deadly_pages, *asked, "--engine", "ray")
    assert result.exit_code == 0, result.output
    assert f"3 pages read into {out}; 1 failed" in result.stderr
    texts = {"a.txt", "b-0001.txt", "b-0003.txt"}
    assert contents(out).keys() == {"run.json", "failures.jsonl", *texts}
    failure = json.loads((out / "failures.jsonl").read_text())
    assert failure["id"] == str(deadly_pages / "b.tif#2")
    assert failure["error"] == f"the process that read it ended (exit status {-signal.SIGKILL})"


def test_a_page_at_which_the_process_dies_is_a_row_of_a_data_set(
    cluster: Any, drawn: tuple[Path, Path], deadly_pages: Path
) -> None:
    _, pipeline = drawn
    settings = ["segment.segmenter.use=deadly"]
    recipe = ocrkit.load(pipeline, settings, threads=1).recipe
    document = deadly_pages / "b.tif"
    paths = cluster.data.from_items([{"path": str(path)} for path in deadly_pages.iterdir()])
    rows = {row["id"]: row for row in ocrkit_ray.map_pages(paths, recipe).take_all()}
    pages = {f"{document}#{number}" for number in (1, 2, 3)}
    assert rows.keys() == {str(deadly_pages / "a.png"), *pages}
    failed = {id_: row["error"] for id_, row in rows.items() if row["page"] is None}
    assert failed.keys() == {f"{document}#2"}
    assert "the process that read it ended" in failed[f"{document}#2"]


def test_a_data_set_of_paths_becomes_one_of_pages(
    cluster: Any, drawn: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, pipeline = drawn
    loaded = ocrkit.load(pipeline, threads=1)
    names = ["000/000003.png", "fax.tif", "bad.png", "missing.png"]
    paths = cluster.data.from_items([{"path": str(folder / name)} for name in names])
    read = ocrkit_ray.map_pages(paths, loaded.recipe)
    read.write_parquet(str(tmp_path / "read"))
    rows = {row["id"]: row for row in cluster.data.read_parquet(str(tmp_path / "read")).take_all()}
    fax = {f"{folder / 'fax.tif'}#{number}" for number in (1, 2, 3)}
    assert rows.keys() == {*fax, *(str(folder / name) for name in names if name != "fax.tif")}
    row = rows[str(folder / "000/000003.png")]
    page = loaded.read(folder / "000/000003.png")
    assert json.loads(row["page"]) == ocrkit.page_to_json(page)
    assert (row["text"], row["error"]) == (page.text, None)
    assert "No such file" in rows[str(folder / "missing.png")]["error"]
    assert rows[str(folder / "bad.png")]["page"] is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("pages", "--out", "out"), "name the --pipeline"),
        (("pages", "more", "--out", "out", "--pipeline", "iam-pages"), "reads one folder"),
        (("pages", "--pipeline", "iam-pages"), "reads one folder"),
        (("pages", "--out", "out", "--pipeline", "iam-pages", "--limit", "3"), "--limit is not"),
        (("pages", "--out", "out", "--pipeline", "iam-pages", "--shard", "1/2"), "leave --shard"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: tuple[str, ...], says: str) -> None:
    result = run(*arguments, "--engine", "ray")
    assert result.exit_code == 2
    assert says in result.stderr


def test_an_address_is_that_of_an_engine() -> None:
    result = run("pages", "--out", "out", "--pipeline", "iam-pages", "--address", "auto")
    assert result.exit_code == 2
    assert "name --engine too" in result.stderr


def test_a_folder_without_pages_is_refused_before_a_cluster_starts(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    asked = ("--pipeline", "iam-pages", "--out", tmp_path / "out", "--engine", "ray")
    result = run(tmp_path / "empty", *asked)
    assert result.exit_code == 1
    assert "no images and no PDF documents" in result.stderr


def test_nobody_imports_ray_who_does_not_ask_for_it(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "page.png"), np.full((60, 90), 255, np.uint8))
    source = f"""
import sys
from click.testing import CliRunner
from ocrkit.cli import main
for words in (
    ["run", {str(tmp_path / "page.png")!r}, "--pipeline", "iam-pages", "--out", {str(tmp_path)!r}],
    ["plugins", "list"],
    ["run", "--help"],
):
    assert CliRunner().invoke(main, words).exit_code == 0, words
import ocrkit_ray
assert "ray" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", source], check=True, timeout=300)
