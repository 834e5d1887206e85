"""Fine-tuning the zoo's model on somebody's own words, which have letters that its alphabet
lacks."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageDraw, ImageFont
from rapidfuzz.distance.Levenshtein import distance

from ocrkit.cli import main
from ocrkit.networks.weights import read
from ocrkit.zoo.models import model, read_model_weights

NEW = "äöü"
TRAIN = (
    "für über schön grün hätte später böse müde öfter früh völlig älter kühl zwölf täglich "
    "dünn mögen nähe käse tür löwe bär"
)
APART = "hübsch möglich wärme flöte bücher gäste söhne räder mühe"


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert result.exit_code == 0, result.stderr
    return result


def drawn(word: str, rng: np.random.Generator) -> Image.Image:
    """A word in Pillow's own font. It has no umlauts, so their dots are put over the letters."""
    font = ImageFont.load_default(int(rng.integers(25, 30)))
    letters = [unicodedata.normalize("NFD", letter) for letter in word]
    plain = "".join(letter[0] for letter in letters)
    image = Image.new("L", (int(font.getlength(plain)) + 8, 32), int(rng.integers(235, 256)))
    pen, ink = ImageDraw.Draw(image), int(rng.integers(0, 80))
    pen.text((4, 25), plain, font=font, fill=ink, anchor="ls")
    for index, letter in enumerate(letters):
        if len(letter) > 1:
            middle, height = (
                4 + font.getlength(plain[:index]) + font.getlength(letter[0]) / 2,
                25 - 0.75 * font.size,
            )
            for x in (middle - 4, middle + 4):
                pen.ellipse((x - 1.5, height - 1.5, x + 1.5, height + 1.5), fill=ink)
    return image


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for split, words in (("train", TRAIN.split() * 2), ("apart", APART.split())):
        (root / split).mkdir()
        rows = []
        for index, word in enumerate(words):
            drawn(word, rng).save(root / split / f"{index:02}.png")
            rows.append(f"{index:02}.png\t{word}\n")
        (root / split / "labels.tsv").write_text("".join(rows), encoding="utf-8")
    return root


def train(data: Path, out: Path, *options: str, **training: object) -> str:
    """What a run says; it trains on the split ``train``, without augmentation."""
    table = {"split": "train", "validation": "", "patience": 0, "augment": "[]"} | training
    settings = [
        "reader.use=folder",
        f"alphabet+={NEW}",
        *(f"training.{name}={value}" for name, value in table.items()),
    ]
    return ocrkit(
        "train",
        "--data",
        data,
        "--out",
        out,
        *options,
        *(each for one in settings for each in ("--set", one)),
    ).stderr


def head(run: Path) -> tuple[str, np.ndarray]:
    """The alphabet of a run's weights, and the head's rows with their biases (classes, features +
    1)."""
    best = read(run / "best.safetensors")
    return best.about["alphabet"], np.column_stack(
        [best.arrays["head.weight"], best.arrays["head.bias"]]
    )


def test_shared_letters_start_from_the_zoos_rows_and_new_ones_from_fresh(
    data: Path, tmp_path: Path
) -> None:
    said = train(
        data,
        tmp_path / "tuned",
        "--init",
        "zoo:iam-crnn",
        "--limit",
        "4",
        epochs=1,
        learning_rate=0,
    )
    assert "starting from zoo:iam-crnn: 30 arrays, 95 characters shared\n" in said
    assert (
        "their terms hold for the run's weights too: LicenseRef-IAM-noncommercial-research" in said
    )
    assert (
        "confidences keep their temperature of 1.162 until ocrkit calibrate finds this run's own\n"
        in said
    )
    read_with = ocrkit("run", data / "apart" / "00.png", "--pipeline", tmp_path / "tuned")
    assert ": LicenseRef-IAM-noncommercial-research" in read_with.stderr
    train(data, tmp_path / "scratch", "--limit", "4", epochs=1, learning_rate=0)
    zoo = read_model_weights(model("iam-crnn"))
    known = np.column_stack([zoo.arrays["head.weight"], zoo.arrays["head.bias"]]).astype(np.float32)
    alphabet, rows = head(tmp_path / "tuned")
    assert alphabet == zoo.about["alphabet"] + NEW
    np.testing.assert_array_equal(rows[:95], known[:95])
    np.testing.assert_array_equal(rows[95:98], head(tmp_path / "scratch")[1][95:98])
    assert (rows[95:98, :-1] != 0).all()
    np.testing.assert_array_equal(rows[98], known[95], err_msg="the blank")


def read_words(data: Path, pipeline: str | Path) -> list[str]:
    lines = ocrkit("run", data / "apart", "--pipeline", pipeline).stdout.splitlines()
    return [line.partition("\t")[2] for line in lines]


def right(texts: list[str]) -> int:
    """How many of the new letters are read."""
    return sum(
        letter in text
        for word, text in zip(APART.split(), texts, strict=True)
        for letter in word
        if letter in NEW
    )


def test_it_learns_the_new_letters_and_reads_them_in_words_that_it_has_not_seen(
    data: Path, tmp_path: Path
) -> None:
    before = read_words(data, "iam-crnn")
    assert right(before) == 0
    train(
        data, tmp_path / "run", "--init", "zoo:iam-crnn", epochs=8, batch_size=8, learning_rate=2e-3
    )
    after = read_words(data, tmp_path / "run")
    assert right(after) >= 8, after
    assert sum(map(distance, APART.split(), after)) < sum(map(distance, APART.split(), before)) / 4
