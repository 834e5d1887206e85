"""Images with nothing on them read as nothing; what is written, however small or faint, does
not."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import ocrkit
from ocrkit.data.datasets import open_dataset
from ocrkit.images.ink import blots_of
from ocrkit.interfaces import Image
from ocrkit.pipelines.file import load_spec
from ocrkit.publishing.export import export

SIZES = [(24, 24), (30, 90), (40, 120), (100, 300), (300, 40), (900, 1500)]
COLUMNS = np.linspace(0, 1, 300)[None]


def grainy(level: float | np.ndarray, sigma: float, size: tuple[int, int] = (100, 300)) -> Image:
    noise = np.random.default_rng(0).normal(0, sigma, size)
    return np.clip(np.rint(level + noise), 0, 255).astype(np.uint8)


def with_dot(side: int, dot: int, level: int = 235) -> Image:
    image = np.full((100, 300), level, np.uint8)
    image[50 : 50 + side, 120 : 120 + side] = dot
    return image


def jpeg(image: Image) -> Image:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image)[1], cv2.IMREAD_GRAYSCALE), np.uint8)


BLANK: dict[str, Callable[[], Image]] = {
    "white": lambda: np.full((60, 200), 255, np.uint8),
    "grey": lambda: np.full((60, 200), 180, np.uint8),
    "black": lambda: np.zeros((60, 200), np.uint8),
    "grain": lambda: grainy(225, 4),
    "coarse grain": lambda: grainy(200, 12),
    "grain, as JPEG has it": lambda: jpeg(grainy(225, 6)),
    "dark grain": lambda: grainy(20, 8),
    "shading": lambda: grainy(230 - 90 * COLUMNS, 3),
    "shadow": lambda: grainy(220 - 80 / (1 + np.exp(-30 * (COLUMNS - 0.5))), 3),
    "one dark pixel": lambda: with_dot(1, 0),
    "a speck": lambda: with_dot(3, 30),
    "light pixels on black": lambda: with_dot(2, 255, 0),
    "a photograph of paper": lambda: grainy(
        210 - 40 * np.linspace(0, 1, 1500)[None], 10, (900, 1500)
    ),
}


def ruled(lines: int, slant: int = 0) -> Image:
    image = grainy(235, 3)
    for number in range(1, lines + 1):
        row = number * 100 // (lines + 1)
        cv2.line(image, (0, row), (299, row + slant), 140, 2, cv2.LINE_AA)
    return image


@pytest.mark.parametrize(
    "image", [ruled(1), ruled(2), ruled(1, slant=6)], ids=["a line", "two lines", "a slanting line"]
)
def test_ruled_paper_is_no_ink_and_what_is_written_on_it_is(image: Image) -> None:
    assert not blots_of(image)
    cv2.putText(image, "word", (90, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 30, 3, cv2.LINE_AA)
    assert blots_of(image)


@pytest.mark.parametrize("size", [(8, 30), (30, 40), (60, 60)])
def test_a_dash_is_no_ruled_line(size: tuple[int, int]) -> None:
    """Cut out tightly it goes from side to side as well."""
    height, _ = size
    image = np.full(size, 230, np.uint8)
    image[height // 2 - 1 : height // 2 + 3] = 40
    assert blots_of(image)
    image = np.pad(image, ((10, 10), (10, 10)), constant_values=230)
    assert blots_of(image)


@pytest.mark.parametrize("name", BLANK)
def test_paper_is_no_ink(name: str) -> None:
    image = BLANK[name]()
    assert not blots_of(image)
    assert not blots_of(np.ascontiguousarray(image.T))
    assert not blots_of(image[::-1])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("level", [0, 100, 255])
def test_one_grey_all_over_is_no_ink_in_any_size(size: tuple[int, int], level: int) -> None:
    assert not blots_of(np.full(size, level, np.uint8))


def word(text: str, height: int, paper: int, ink: int, thickness: int = 2) -> Image:
    scale = height / 40
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    image = np.full((height, width + height // 2), paper, np.uint8)
    place = (height // 4, round(0.7 * height))
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, thickness, cv2.LINE_AA)
    return image


@pytest.mark.parametrize("text", ["word", "a", ",", "I", "-"])
@pytest.mark.parametrize("height", [30, 60, 400])
@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (220, 175), (0, 255), (90, 50)])
def test_what_is_written_is_ink(text: str, height: int, paper: int, ink: int) -> None:
    image = word(text, height, paper, ink, max(2, height // 20))
    assert blots_of(image)
    assert blots_of(
        np.clip(image + np.random.default_rng(0).normal(0, 3, image.shape), 0, 255).astype(np.uint8)
    )


def test_a_full_stop_cut_out_tightly_is_ink() -> None:
    assert blots_of(
        np.array([[200, 120, 190], [130, 90, 140], [210, 150, 200], [230, 220, 225]], np.uint8)
    )
    assert blots_of(np.array([[120]], np.uint8)), "there is no room for paper"


def test_no_labelled_word_of_iam_is_taken_for_paper(real_iam: Path) -> None:
    words = open_dataset(load_spec("iam-crnn").reader, root=real_iam, split="aachen/train")
    lost = [
        words[index].id for index in range(0, len(words), 20) if not blots_of(words[index].load())
    ]
    assert not lost


# ------------------------------------------------------------------------------------ pipelines

NOTHING = ("", 1.0, None)


@pytest.mark.parametrize("model", ["iam-crnn", "iam-words-resnet", "synth-words-resnet"])
def test_every_model_reads_nothing_from_paper(model: str) -> None:
    """They read "," with confidences up to 0.9."""
    pipeline = ocrkit.load(model)
    images = [make() for make in BLANK.values()]
    items = list(pipeline.read_many([*images, word("word", 60, 255, 0), *images]))
    assert items[len(images)].text
    del items[len(images)]
    assert {(item.text, item.confidence, item.error) for item in items} == {NOTHING}
    decoded = pipeline.read(images[0])
    assert (decoded.text, decoded.spans, decoded.characters, decoded.alternatives) == (
        "",
        (),
        (),
        (),
    )


@pytest.mark.parametrize("ink", ["dark", "light", "auto"])
def test_paper_is_no_ink_whichever_ink_is_looked_for(tiny_run: Path, ink: str) -> None:
    pipeline = ocrkit.load(tiny_run, {"preprocessor.ink": ink})
    for make in BLANK.values():
        assert pipeline.read(make()).text == ""


def test_an_exported_network_reads_nothing_from_paper(tiny_run: Path, tmp_path: Path) -> None:
    export(load_spec(tiny_run), tmp_path / "tiny.onnx")
    assert ocrkit.load(tmp_path / "tiny.onnx").read(np.full((20, 50), 255, np.uint8)).text == ""


def test_paper_from_the_cache_reads_as_nothing_too(tiny_run: Path, words_copy: Path) -> None:
    path = next(words_copy.rglob("*-00-01.png"))
    cv2.imwrite(str(path), np.full((24, 60), 250, np.uint8))
    pipeline = ocrkit.load(tiny_run)
    results = [pipeline.evaluate("all", data=words_copy) for _ in range(2)]
    texts: list[list[str]] = [[], []]
    for found in texts:
        pipeline.evaluate(
            "all",
            data=words_copy,
            on_reading=lambda each, found=found: found.append(each.decoded.text),
        )
    assert texts[0] == texts[1]
    assert texts[0].count("") >= 1
    assert results[0].metrics == results[1].metrics
