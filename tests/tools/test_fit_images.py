"""Images are fitted once, as a pipeline fits them, with their texts beside them."""

import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np

from ocrkit.data.datasets import open_dataset
from ocrkit.images import read_image
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.zoo.models import model_folder

TOOL = Path(__file__).parents[2] / "tools" / "fit_images.py"


def fit(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
    )


def test_lines_are_fitted_as_the_pipeline_fits_them_and_a_bad_one_is_named(tmp_path: Path) -> None:
    lines = list(open_dataset(PartSpec("reader", "iam", {"level": "lines"})))[:3]
    source = tmp_path / "lines" / "below"
    source.mkdir(parents=True)
    for sample in lines:
        (source / f"{sample.id}.png").write_bytes(Path(sample.path or "").read_bytes())
    (source / "labels.tsv").write_text("a.png\tText\n", "utf-8")
    (source / "broken.png").write_bytes(b"no picture")

    done = fit("iam-lines", tmp_path / "lines", "--to", tmp_path / "fitted", "--processes", 2)

    assert done.returncode == 0, done.stderr
    assert "broken.png" in done.stderr
    assert "left out: 1" in done.stderr
    assert not (tmp_path / "fitted/below/broken.png").exists()
    assert (tmp_path / "fitted/below/labels.tsv").read_text("utf-8") == "a.png\tText\n"
    table = tomllib.loads((model_folder("iam-lines") / "pipeline.toml").read_text("utf-8"))
    options = table["preprocessor"]
    assert [each.pop("use") for each in [*options.pop("before"), options]] == ["level", "fit-line"]
    level = make_part(PartSpec("preprocessor", "level", {}))
    fit_line = make_part(PartSpec("preprocessor", "fit-line", options))
    for sample in lines:
        fitted = read_image(tmp_path / "fitted" / "below" / f"{sample.id}.png")
        assert np.array_equal(fitted, fit_line(level(sample.load())))


def test_what_is_no_pipeline_is_one_line(tmp_path: Path) -> None:
    done = fit("no-such", tmp_path, "--to", tmp_path / "fitted")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "fitted").exists()
