"""What a picture plainly shows, and what is said of one that shows too much for a pipeline."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import ocrkit
from ocrkit.cli import main
from ocrkit.data.datasets import open_dataset
from ocrkit.images.layout import SHOWN, layout_of
from ocrkit.parts.values import Image
from ocrkit.pipelines.file import load_spec
from ocrkit.reading.larger import models_that_read

TEXT = "it was a fine day and the sea lay still"


def written(text: str, lines: int = 1, height: int = 70) -> Image:
    """Lines of black letters on light paper."""
    scale = height / 40
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
    line = np.full((height, width + height // 2), 235, np.uint8)
    place = (height // 4, round(0.7 * height))
    cv2.putText(line, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 30, 2, cv2.LINE_AA)
    return np.vstack([line] * lines)


@pytest.mark.parametrize("height", [30, 70, 200])
@pytest.mark.parametrize("grain", [0, 4])
def test_words_lines_and_pages_are_told_apart(height: int, grain: int) -> None:
    for expected, image in {
        "word": written("day", height=height),
        "line": written(TEXT, height=height),
        "page": written(TEXT, 16, height),
    }.items():
        noise = np.random.default_rng(0).normal(0, grain, image.shape)
        assert layout_of(np.clip(image + noise, 0, 255).astype(np.uint8)) == expected
        assert layout_of(255 - image) == expected


def test_what_is_between_them_is_not_plain() -> None:
    assert layout_of(written("it was a fine")) is None
    assert layout_of(np.full((300, 400), 200, np.uint8)) is None


@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_any_pixels_are_judged(image: Image) -> None:
    assert layout_of(image) in (None, *SHOWN)


def test_words_are_hardly_ever_taken_for_lines(real_iam: Path) -> None:
    words = open_dataset(load_spec("iam-crnn").reader, root=real_iam, split="aachen/train")
    some = range(0, len(words), 20)
    wrong = [words[n].id for n in some if layout_of(words[n].load()) in ("line", "page")]
    assert len(wrong) < 0.005 * len(some)


@pytest.fixture
def lines_model(install: Callable[[str, str], Path], tiny: Path, tmp_path: Path) -> Iterator[None]:
    """A plugin with a zoo model that reads lines."""
    (tmp_path / "model").mkdir()
    shutil.copy(tiny, tmp_path / "model" / "pipeline.toml")
    with (tmp_path / "model" / "pipeline.toml").open("r+", encoding="utf-8") as file:
        table = file.read().replace("[reader]\n", '[reader]\nlevel = "lines"\n')
        file.seek(0)
        file.write(table)
    install(
        "longer",
        f"import ocrkit\n__path__ = [{str(tmp_path)!r}]\n\n\n@ocrkit.hookimpl\n"
        'def ocrkit_zoos(register):\n    register("long-lines", "longer:model", summary="lines")\n',
    )
    models_that_read.cache_clear()
    yield
    models_that_read.cache_clear()


def test_a_picture_of_more_than_a_pipeline_reads_is_noted_with_the_model_that_reads_it(
    lines_model: None, tiny_run: Path
) -> None:
    words = [written(text) for text in ("day", "still", "the")]
    pictures = [*words, written(TEXT), written(TEXT, 20), "gone.png"]
    items = list(ocrkit.load(tiny_run).read_many(pictures))
    assert [item.note for item in items[:3]] == [""] * 3
    line, page = items[3].note, items[4].note
    assert line.startswith("looks like a line, and this pipeline reads a word at a time: read it ")
    assert "long-lines" in line
    assert page.startswith("looks like a page, and this pipeline reads a word at a time: ")
    assert "long-lines" not in page
    assert items[5].note == ""
    assert all(item.text is not None for item in items[:5])  # read all the same
    lines = list(ocrkit.load(tiny_run, {"reader.level": "lines"}).read_many(pictures))
    assert [bool(item.note) for item in lines] == [False, False, False, False, True, False]


def test_it_is_said_once_a_run_with_a_count(
    lines_model: None, tiny_run: Path, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), written(TEXT))
    cv2.imwrite(str(tmp_path / "d.png"), written("day"))
    images = [str(tmp_path / f"{name}.png") for name in "abcd"]
    done = CliRunner().invoke(main, ["run", "--pipeline", str(tiny_run), *images])
    assert done.exit_code == 0
    (said,) = [line for line in done.stderr.splitlines() if "looks like" in line]
    assert said.startswith(f"ocrkit: {images[0]}: looks like a line, and this pipeline reads ")
    assert said.endswith("(3 images in all)")
