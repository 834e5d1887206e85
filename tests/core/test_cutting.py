"""The cutter of a pipeline: given to every reader that cuts lines out of pages, whoever's it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import ocrkit
from ocrkit.cli import main
from ocrkit.data.datasets import open_dataset
from ocrkit.parts.options import PartSpec
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.stages import stages_of
from ocrkit.publishing.export import export
from ocrkit.publishing.pack import distributions_of
from ocrkit.training.data import open_data
from runs import trained

Install = Callable[[str, str], Path]

PLUGIN = '''
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import ocrkit
from ocrkit import ImageError, Line, Sample, option, read_image


@dataclass
class Halves:
    """The upper and the lower half of every picture, as lines of a page."""

    root: Path = option(Path(), "the folder")
    split: str = option("all", "not used")

    skipped, forms = (), None

    def __post_init__(self):
        self.paths = sorted(self.root.rglob("*.png"))

    def cut_with(self, cutter, /):
        self.cutter = cutter
        return True

    def __len__(self):
        return 2 * len(self.paths)

    def __getitem__(self, index):
        path, half = self.paths[index // 2], index % 2
        load = partial(self.load, path, half)
        return Sample(f"{path.stem}-{half}", "the", None, load, None, path, str(half))

    def load(self, path, half):
        page = read_image(path)
        y = page.shape[0] * (half + 1) / 2
        baseline = ((0.0, y), (float(page.shape[1]), y))
        return self.cutter(page, Line("1", baseline, above=page.shape[0] / 2, below=0))

    @classmethod
    def sample_root(cls):
        return None


@dataclass(frozen=True)
class Strip:
    """Grey strips."""

    height: int = option(20, "pixels", minimum=1)
    refuses: bool = option(False, "whether it cuts none")

    def __call__(self, page, line, /):
        if self.refuses:
            raise ImageError("strip refuses it")
        return np.full((self.height, 40), 99, np.uint8)

    def to_source(self, line, /):
        return lambda points: points


@ocrkit.hookimpl
def ocrkit_readers(register):
    register("halves", "cuts:Halves", summary="halves of pictures")


@ocrkit.hookimpl
def ocrkit_cutters(register):
    register("strip", "cuts:Strip", summary="strips")
'''
STRIPS = {"reader": {"use": "halves"}, "cutter": {"use": "strip", "height": 12}}


@pytest.fixture
def cuts(install: Install) -> None:
    install("cuts", PLUGIN)


def opened(source: Path, root: Path, settings: dict[str, Any]) -> list[tuple[int, ...]]:
    spec = load_spec(source, settings)
    dataset = open_dataset(spec.reader, cutter=spec.cutter, root=root)
    return [sample.load().shape for sample in dataset]


def test_a_pipeline_without_a_cutter_cuts_with_the_default_one(
    cuts: None, tiny: Path, words_root: Path
) -> None:
    reader = {"reader": {"use": "halves"}}
    assert {shape[0] for shape in opened(tiny, words_root, reader)} == {64}
    assert {shape[0] for shape in opened(tiny, words_root, reader | {"cutter.height": 30})} == {30}
    assert set(opened(tiny, words_root, STRIPS)) == {(12, 40)}
    spec = load_spec(tiny)
    assert (spec.cutter, "cutter" in spec.table) == (PartSpec("cutter", "", {}), False)


def test_training_cuts_with_the_cutter_of_the_pipeline(
    cuts: None, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    also = [{"use": "halves", "root": str(words_root)}]
    settings = STRIPS | {"training.also": also, "training.validation": "all"}
    sets = open_data(assemble(load_spec(tiny, settings)), words_root, None, None)
    assert sets.validation is not None
    datasets = (sets.main, *sets.also, sets.validation)
    assert {each[0].load().shape for each in datasets} == {(12, 40)}
    run = tmp_path / "run"
    trained(tiny, run, words_root, STRIPS | {"training.epochs": 1})
    assert load_spec(run).cutter == PartSpec("cutter", "strip", {"height": 12})
    assert "cuts-dist" in distributions_of(run)


def test_results_say_how_lines_were_cut(cuts: None, tiny_run: Path, words_root: Path) -> None:
    pipeline = ocrkit.load(tiny_run, STRIPS)
    spec = pipeline.spec
    dataset = open_dataset(spec.reader, cutter=spec.cutter, root=words_root)
    expected = {"use": "strip", "height": 12, "refuses": False}
    assert pipeline.header(dataset)["parts"]["cutter"] == expected
    words = ocrkit.load(tiny_run)
    assert "cutter" not in words.header(open_dataset(words.spec.reader, root=words_root))["parts"]
    scored = pipeline.evaluate(data=words_root)
    refused = ocrkit.load(tiny_run, STRIPS | {"cutter.refuses": True})
    with pytest.raises(ocrkit.DataError, match="strip refuses it"):
        refused.evaluate(data=words_root)
    assert scored.dataset["skipped"] == []


@pytest.mark.parametrize(
    ("command", "said"), [("run", "strip refuses"), ("calibrate", "no sample of all can be read")]
)
def test_commands_cut_with_the_cutter_of_the_pipeline(
    cuts: None, tiny_run: Path, words_root: Path, command: str, said: str
) -> None:
    settings = ("reader.use=halves", "cutter.use=strip", "cutter.refuses=true")
    options = [word for setting in settings for word in ("--set", setting)]
    pipeline = [str(tiny_run)] if command == "calibrate" else ["--pipeline", str(tiny_run)]
    arguments = [command, *pipeline, "--data", str(words_root), "--split", "all", *options]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert said in done.output.splitlines()[-1]


def test_check_shows_the_cutter_that_a_pipeline_names(cuts: None, tiny: Path) -> None:
    rows = stages_of(assemble(load_spec(tiny, STRIPS)))
    assert [(row.part, row.use, row.owner, row.input) for row in rows[:2]] == [
        ("reader", "halves", "cuts", "files"),
        ("cutter", "strip", "cuts", "pages"),
    ]
    assert "cutter" not in {row.part for row in stages_of(assemble(load_spec(tiny)))}


def test_an_exported_network_keeps_the_cutter(cuts: None, tiny_run: Path, tmp_path: Path) -> None:
    spec = load_spec(tiny_run, STRIPS)
    export(spec, tmp_path / "tiny.onnx")
    assert ocrkit.load(tmp_path / "tiny.onnx").spec.cutter == spec.cutter
