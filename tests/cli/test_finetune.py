"""Teaching a model somebody's hand with one command."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageDraw, ImageFont

from ocrkit.cli import main

WORDS = (
    "for about nice green had later angry tired often early fully older cool twelve daily thin "
    "like near cheese door lion bear pretty warm flute books guests sons wheels effort"
)


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words in Pillow's own font, one of them twice, one with a letter that no other has."""
    root, font = tmp_path_factory.mktemp("data"), ImageFont.load_default(28)
    rng = np.random.default_rng(0)
    texts = [*WORDS.split(), "§"]
    for number, word in enumerate(texts):
        image = Image.new("L", (int(font.getlength(word)) + 8, 32), int(rng.integers(235, 256)))
        ImageDraw.Draw(image).text((4, 25), word, font=font, fill=30, anchor="ls")
        image.save(root / f"{number:02}.png")
    (root / "twin.png").write_bytes((root / "00.png").read_bytes())
    rows = [f"{number:02}.png\t{word}\n" for number, word in enumerate(texts)]
    (root / "labels.tsv").write_text("".join([*rows, "twin.png\tfor\n"]), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def taught(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("models") / "hand"
    epochs = ("--set", "training.epochs=1")
    return out, ocrkit("finetune", data, "--pipeline", "iam-crnn", "--out", out, "--json", *epochs)


def test_it_says_what_it_was_worth_and_what_was_left_out(taught: tuple[Path, Result]) -> None:
    out, result = taught
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert said["sentence"].startswith(
        ("It reads better: on 7 words that it was not taught", "No difference can be told: on 7 wo")
    )
    assert said["test"] == 7
    assert said["low"] <= said["difference"] <= said["high"]
    assert said["licence"].startswith("LicenseRef-IAM-noncommercial-research")
    assert (said["name"], said["model"]) == ("hand", str(out))
    assert json.loads((out / "finetune" / "result.json").read_text(encoding="utf-8")) == said
    assert "skipped twin.png: the same picture as 00.png" in result.stderr
    assert "30.png: '§' is in no other text" in result.stderr
    assert "31 words: 19 to learn from, 5 to choose the best epoch by, 7 to measure by" in (
        result.stderr
    )


def test_the_model_reads_and_is_scored_by_what_was_put_aside(
    taught: tuple[Path, Result], data: Path
) -> None:
    out, result = taught
    assert ocrkit("run", data / "05.png", "--pipeline", out).exit_code == 0
    scored = ocrkit("run", "--pipeline", out, "--json")
    assert scored.exit_code == 0, scored.stderr
    found = json.loads(scored.stdout)
    assert found["samples"] == 7
    assert "WARNING" not in scored.stderr
    assert found["metrics"]["cer"]["value"] == pytest.approx(json.loads(result.stdout)["after"])


def test_the_same_command_goes_on_and_other_data_are_refused(
    taught: tuple[Path, Result], data: Path, tmp_path: Path
) -> None:
    out, result = taught
    again = ocrkit("finetune", data, "--out", out, "--json")
    assert again.exit_code == 0, again.stderr
    before = json.loads(result.stdout)
    assert json.loads(again.stdout) | {"seconds": 0} == before | {"seconds": 0}
    other = tmp_path / "other"
    other.mkdir()
    refused = ocrkit("finetune", other, "--out", out)
    assert (refused.exit_code, "was started with the data in" in refused.stderr) == (1, True)


def test_a_folder_without_texts_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = ocrkit("finetune", tmp_path / "empty", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "no picture with a text is found here" in result.stderr
    assert not (tmp_path / "out").exists()
