"""Photographs are made of scans alike every time, one effect or all, and level lets them be
read."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

import ocrkit
from ocrkit import Sample
from ocrkit.data.datasets import open_dataset
from ocrkit.parts.options import PartSpec

TOOL = Path(__file__).parents[2] / "tools" / "render_photographs.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("render_photographs", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    """Every eighth word of the sample that ships: all writers."""
    return list(open_dataset(PartSpec("reader", "iam", {})))[::8]


@pytest.fixture
def scans(samples: list[Sample], tmp_path: Path) -> Path:
    """A few words in the layout of the reader `folder`; the writer of the last is not known."""
    root = tmp_path / "scans"
    root.mkdir()
    rows = []
    for index, sample in enumerate(samples[:4]):
        cv2.imwrite(str(root / f"{index}.png"), sample.load())
        rows.append(f"{index}.png\t{sample.text}" + (f"\t{sample.writer}\n" if index < 3 else "\n"))
    (root / "labels.tsv").write_text("".join(rows), encoding="utf-8")
    return root


def render(tool: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["render_photographs.py", *map(str, arguments)])
    tool.main()


def test_the_folder_is_read_with_texts_and_writers(
    tool: ModuleType, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    render(tool, monkeypatch, "--to", out, "--reader", "folder", "--data", scans)
    before, after = (
        open_dataset(PartSpec("reader", "folder", {}), root=root) for root in (scans, out)
    )
    assert not after.skipped
    assert [(each.text, each.writer) for each in after] == [
        (each.text, each.writer) for each in before
    ]
    for scan, photograph in zip(before, after, strict=True):
        taken = cv2.imread(str(out / photograph.id))
        assert Path(photograph.id).suffix == ".jpg"
        assert np.ptp(taken.astype(int), axis=2).max() > 10, "in colour"
        margins = np.subtract(taken.shape[:2], 1.6 * np.array(scan.load().shape))
        assert (margins >= 1.6 * 30).all()


def test_a_photograph_depends_on_seed_and_place_alone(
    tool: ModuleType, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {}
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        out = tmp_path / name
        render(
            tool, monkeypatch, "--to", out, "--reader", "folder", "--data", scans, "--seed", seed
        )
        files[name] = [path.read_bytes() for path in sorted(out.iterdir())]
    assert files["one"] == files["again"]
    assert not set(files["one"][:4]) & set(files["other"][:4])
    assert len(set(files["one"][:4])) == 4


def test_an_effect_is_the_same_with_and_without_others(tool: ModuleType) -> None:
    scan = np.full((60, 120), 255, np.uint8)
    for index in range(5):
        shadow, _ = tool.photograph(scan, 1, index, ["shadow"])
        both, _ = tool.photograph(scan, 1, index, ["shadow", "paper"])
        paper, _ = tool.photograph(scan, 1, index, ["paper"])
        np.testing.assert_allclose(both, shadow / 255.0 * paper, atol=1.5)


@pytest.mark.parametrize(
    "effect", ["margin", "ruled", "turn", "scale", "paper", "ink", "shading", "shadow", "camera"]
)
def test_every_effect_alone_changes_photographs(
    tool: ModuleType, samples: list[Sample], effect: str
) -> None:
    scan = samples[0].load()
    plain = np.repeat(
        np.rint(255 - 215 * tool.coverage(scan)).astype(np.uint8)[..., None], 3, axis=2
    )
    alone, _ = tool.photograph(scan, 1, 0, [effect])
    assert alone.shape != plain.shape or (alone != plain).any()


def test_photographs_are_read_nearly_as_well_as_scans_once_they_are_levelled(
    tool: ModuleType, samples: list[Sample]
) -> None:
    levelling = ocrkit.load("iam-words-resnet", threads=1)
    as_taken = ocrkit.load("iam-words-resnet", ["preprocessor.before=[]"], threads=1)
    scans = [sample.load() for sample in samples]
    photographs = [
        cv2.cvtColor(tool.photograph(scan, 1, index, [])[0], cv2.COLOR_BGR2GRAY)
        for index, scan in enumerate(scans)
    ]

    def right(pipeline: ocrkit.Pipeline, images: list[np.ndarray]) -> int:
        items = pipeline.read_many(images)
        return sum(item.text == sample.text for item, sample in zip(items, samples, strict=True))

    of_scans = right(levelling, scans)
    assert right(as_taken, photographs) < 0.75 * of_scans
    assert right(levelling, photographs) > 0.85 * of_scans
