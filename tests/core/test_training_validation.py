"""Validation in training: data that cannot be validated on are found at once, no epoch is lost to
it, and it knows what the weights scored before."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ocrkit
from ocrkit import DataError
from ocrkit.training import validation
from runs import FOLDER, arrays_of, make_folder, same, trained

STANDSTILL = {"training.epochs": 2, "training.learning_rate": 0.0}
HARMFUL = {"training.epochs": 2, "training.learning_rate": 3.0}


@pytest.fixture
def folder(words_root: Path, tmp_path: Path) -> Path:
    return make_folder(words_root, tmp_path / "folder")


# ---------------------------------------------------------------------------- before the first step


def remove_texts(split: Path) -> None:
    for path in split.glob("*.gt.txt"):
        path.unlink()


def break_images(split: Path) -> None:
    for path in split.glob("*.png"):
        path.write_bytes(b"<html>")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            remove_texts,
            (
                "validation split 'val': none of 7 images has a text, so it cannot choose the best "
                "epoch"
            ),
        ),
        (
            break_images,
            (
                r"validation split 'val': none of 7 images can be read; the last: "
                r"val/c06-083-00-03.png: .*not an image"
            ),
        ),
    ],
)
def test_a_validation_split_that_cannot_choose_is_refused_before_the_first_step(
    damage: Any, message: str, tiny: Path, folder: Path, tmp_path: Path
) -> None:
    damage(folder / "val")
    events: list[str] = []
    with pytest.raises(DataError, match=message):
        trained(tiny, tmp_path / "run", folder, FOLDER)
    assert events == []
    assert not (tmp_path / "run").exists()


def test_one_text_and_one_image_are_enough_to_validate_on(
    tiny: Path, folder: Path, tmp_path: Path
) -> None:
    for path in sorted((folder / "val").glob("*.gt.txt"))[:-1]:
        path.unlink()
    progress, events = trained(tiny, tmp_path / "run", folder, FOLDER)
    assert progress.best_epoch >= 1
    unscored = [event for event in events if event["event"] == "unscored"]
    assert [event["samples"] for event in unscored] == [6], "which is said once"
    assert "no text" in unscored[0]["first"]["reason"]


# --------------------------------------------------------------------------- an epoch is never lost


@contextmanager
def validation_that_fails() -> Iterator[None]:
    """As a metric of a broken plugin would, or a process that is killed."""

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("the metric is broken")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "evaluate", fails)
        yield


def test_an_epoch_that_cannot_be_validated_is_kept_and_validated_when_training_goes_on(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    whole, _ = trained(tiny, tmp_path / "whole", words_root)

    with validation_that_fails(), pytest.raises(RuntimeError):
        trained(tiny, tmp_path / "run", words_root)
    progress, events = trained(tmp_path / "run", tmp_path / "run", words_root, resume=True)
    assert [event["event"] for event in events[:4]] == ["start", "resume", "validate", "epoch"], (
        "without a step"
    )
    assert events[1]["step"] == 3
    assert progress.best_epoch == whole.best_epoch
    for name in ("last.safetensors", "best.safetensors"):
        assert same(tmp_path / "run" / name, tmp_path / "whole" / name)


# ---------------------------------------------------------------------------------- before training


def test_a_run_from_weights_tells_first_what_they_score(
    tiny: Path, tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    progress, events = trained(tiny, tmp_path / "run", words_root, STANDSTILL, init=str(tiny_run))
    expected = {
        name: score.value
        for name, score in ocrkit.load(tiny_run)
        .evaluate("aachen/validation", data=words_root)
        .metrics.items()
    }
    assert [event["event"] for event in events[:4]] == ["start", "init", "validate", "before"]
    assert events[3]["validation"] == expected
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [0, 1, 2]
    assert lines[0] == {"epoch": 0, "step": 0, "validation": expected, "best": True}
    assert progress.history == lines


def test_a_run_that_makes_the_weights_worse_keeps_those_that_it_began_with(
    tiny: Path, tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    progress, _ = trained(tiny, tmp_path / "run", words_root, HARMFUL, init=str(tiny_run))
    scores = [line["validation"]["cer"] for line in progress.history]
    assert scores[0] < min(scores[1:])
    assert (progress.best_epoch, progress.best_score) == (0, scores[0])
    assert [line["best"] for line in progress.history] == [True, False, False]
    began, kept = (
        arrays_of(tiny_run / "best.safetensors"),
        arrays_of(tmp_path / "run" / "best.safetensors"),
    )
    for name, array in began.items():
        np.testing.assert_array_equal(kept[name], array)


def test_patience_counts_from_what_the_run_began_with(
    tiny: Path, tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    settings = HARMFUL | {"training.epochs": 9, "training.patience": 2}
    progress, _ = trained(tiny, tmp_path / "run", words_root, settings, init=str(tiny_run))
    assert (progress.epoch, progress.best_epoch) == (2, 0)


def test_a_run_that_was_stopped_while_it_scored_its_first_weights_scores_them_again(
    tiny: Path, tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    with validation_that_fails(), pytest.raises(RuntimeError):
        trained(tiny, tmp_path / "run", words_root, STANDSTILL, init=str(tiny_run))
    progress, _ = trained(tmp_path / "run", tmp_path / "run", words_root, resume=True)
    assert [line["epoch"] for line in progress.history] == [0, 1, 2]
    again, events = trained(tmp_path / "run", tmp_path / "run", words_root, resume=True)
    assert [event["event"] for event in events] == ["start", "resume"], "and once only"
    assert again.history == progress.history


def test_without_validation_there_is_nothing_to_score(
    tiny: Path, tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    progress, _ = trained(
        tiny, tmp_path / "run", words_root, {"training.validation": ""}, init=str(tiny_run)
    )
    assert [line["epoch"] for line in progress.history] == [1, 2]
    assert progress.best_epoch == 2
