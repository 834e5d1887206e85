"""Texts that are trained on or validated on: which the network can write, and in which Unicode
form."""

import json
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from runs import FOLDER, make_folder, trained

ONE = FOLDER | {"training.epochs": 1}


@pytest.fixture
def data(words_root: Path, tmp_path: Path) -> Path:
    return make_folder(words_root, tmp_path / "data")


def replace(split: Path, texts: dict[str, str]) -> None:
    """Changes all texts that are keys."""
    for path in split.glob("*.gt.txt"):
        text = path.read_text(encoding="utf-8")
        path.write_text(texts.get(text, text), encoding="utf-8")


def told(tiny: Path, data: Path, run: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """What ``run.json`` says."""
    trained(tiny, run, data, settings)
    about: dict[str, Any] = json.loads((run / "run.json").read_text())
    return about


def test_validation_texts_that_can_never_be_read_right_are_counted_by_character_before_training(
    tiny: Path, data: Path, tmp_path: Path
) -> None:
    replace(data / "val", {"the": "thé", "to": "t\u200bo", "neon": "néön"})
    _, events = trained(tiny, tmp_path / "run", data, ONE)
    assert events[0]["event"] == "start"
    assert events[0]["validation"]["notes"] == [
        "3 texts have characters that the alphabet lacks: é (2), U+200B ZERO WIDTH SPACE (1), ö (1)"
    ]
    assert events[0]["notes"] == []


def test_so_are_texts_to_train_on_beside_the_list_of_those_left_out(
    tiny: Path, data: Path, tmp_path: Path
) -> None:
    replace(data / "train", {"the": "thé", "hen": "h\u200be"})
    about = told(tiny, data, tmp_path / "run", ONE)
    assert about["notes"] == [
        "3 texts have characters that the alphabet lacks: é (2), U+200B ZERO WIDTH SPACE (1)"
    ]
    assert "'h\\u200be' has U+200B ZERO WIDTH SPACE, which the alphabet lacks" in [
        each["reason"] for each in about["skipped"]
    ]


@pytest.mark.parametrize("alphabet", ["NFC", "NFD"])
def test_texts_in_another_unicode_form_than_the_alphabets_are_learnt_and_scored_as_if_they_were_in_its_own(  # noqa: E501
    alphabet: str, tiny: Path, data: Path, tmp_path: Path
) -> None:
    """A keyboard or a file system writes é as one character or as two: that is no difference to a
    reader."""
    settings = ONE | {
        "alphabet": "ehnot" + unicodedata.normalize(alphabet, "é").removeprefix("e"),
        "training.epochs": 12,
    }
    scores = []
    for form in ("NFC", "NFD"):
        folder = shutil.copytree(data, tmp_path / form)
        for path in folder.rglob("*.gt.txt"):
            path.write_text(
                unicodedata.normalize(form, path.read_text().replace("e", "é")), encoding="utf-8"
            )
        progress, events = trained(tiny, tmp_path / f"run-{form}", folder, settings)
        note = (
            "17 texts are learnt in another Unicode form, in which the alphabet has all of "
            "their characters"
        )
        assert events[0]["notes"] == [note] * (form != alphabet)
        assert (events[0]["samples"], events[0]["validation"]["notes"]) == (24, [])
        scores.append([(line["loss"], line["validation"]) for line in progress.history])
    assert scores[0] == scores[1]
    assert scores[0][-1][1]["cer"] < 1
