"""What goes wrong while a network is trained: it diverges, the disk is full. One line says so, and
nothing is lost."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrkit import ConfigError, DataError, OcrkitError
from ocrkit.networks import weights as weight_files
from ocrkit.support import files
from ocrkit.training import folder as run_folder
from runs import FOLDER, arrays_of, make_folder, same, trained

# --------------------------------------------------------------------------------------- divergence


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_loss_that_is_no_number_stops_training(
    clip: float, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    settings = {"training.learning_rate": 1e30, "training.clip_norm": clip}
    with pytest.raises(
        OcrkitError,
        match=(
            r"step \d+: the loss is (nan|inf), so training has diverged; lower "
            r"training.learning_rate"
        ),
    ):
        trained(tiny, tmp_path / "run", words_root, settings)
    assert all(
        np.isfinite(array).all()
        for array in arrays_of(tmp_path / "run" / "last.safetensors").values()
    )


@pytest.mark.parametrize("rate", [1e31, 1e39, float("inf"), float("nan"), -1.0])
def test_a_learning_rate_that_no_network_learns_with_is_refused(
    rate: float, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    """PyTorch raised an error of its own in the first step, about floats."""
    with pytest.raises(
        ConfigError, match=r"training\.learning_rate: .*; expected at (least 0|most 1e\+30)"
    ):
        trained(tiny, tmp_path / "run", words_root, {"training.learning_rate": rate})


@pytest.mark.parametrize(
    "cause", [{"learning_rate": 1e30}, {"loss_weight": 1e39}], ids=["output", "weights"]
)
@pytest.mark.parametrize("validation", ["aachen/validation", ""])
def test_a_network_that_its_epochs_last_step_breaks_is_not_kept(
    cause: dict[str, float], validation: str, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    """The loss is of the weights before the step, so it is fine. What was saved before is left as
    it was."""
    settings = {"training.batch_size": 24, "training.validation": validation}
    settings |= {f"training.{name}": value for name, value in cause.items()}
    message = (
        "step 1: .* not finite, so training has diverged; lower training.learning_rate or "
        "set training.clip_norm$"
    )
    with pytest.raises(OcrkitError, match=message):
        trained(tiny, tmp_path / "run", words_root, settings)
    assert not (tmp_path / "run" / "best.safetensors").exists()
    fresh = arrays_of(tmp_path / "run" / "last.safetensors")
    assert fresh["optimizer.steps"] == 0
    assert all(np.abs(array).max() < 100 for array in fresh.values())


# -------------------------------------------------------------------------------------- a full disk


@contextmanager
def full_disk(name: str, writes: int = 0) -> Iterator[None]:
    """Files of this name cannot be written within, but for the first so many times."""
    write, left = files.write_atomically, [writes]

    @contextmanager
    def write_or_fail(path: Path) -> Iterator[Path]:
        left[0] -= path.name == name
        if path.name == name and left[0] < 0:
            with files.writing(path):
                raise OSError(errno.ENOSPC, "No space left on device")
        with write(path) as temporary:
            yield temporary

    with pytest.MonkeyPatch.context() as patch:
        for module in (run_folder, weight_files):
            patch.setattr(module, "write_atomically", write_or_fail)
        yield


@pytest.mark.parametrize(
    "name", ["last.safetensors", "best.safetensors", "log.jsonl", "curves.svg"]
)
def test_a_full_disk_is_one_line_and_training_goes_on_from_what_was_saved(
    name: str, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    run, whole = tmp_path / "run", tmp_path / "whole"
    trained(tiny, whole, words_root)
    with (
        full_disk(name, writes=2 if name in ("last.safetensors", "log.jsonl") else 0),
        pytest.raises(OcrkitError) as caught,
    ):
        trained(tiny, run, words_root)
    assert str(caught.value) == (
        f"{run / name}: cannot be written (No space left on device); what was saved before is "
        "whole: make room, then "
        f"ocrkit train --out {run} --resume"
    )
    trained(run, run, words_root, resume=True)
    assert same(run / "last.safetensors", whole / "last.safetensors")
    assert same(run / "best.safetensors", whole / "best.safetensors")


@pytest.mark.parametrize("name", ["pipeline.toml", "last.safetensors", "run.json"])
def test_a_run_that_could_not_be_started_may_be_started_anew(
    name: str, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with (
        full_disk(name),
        pytest.raises(
            OcrkitError, match=rf"{name}: cannot be written \(No space left on device\)$"
        ),
    ):
        trained(tiny, run, words_root)
    progress, _ = trained(tiny, run, words_root)
    assert progress.epoch == 2


# --------------------------------------------------------------------------------------- odd images


def test_an_image_that_a_part_trips_over_is_skipped_and_named_with_the_part(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    """OpenCV refuses images of more than 32,767 pixels a side with errors of its own."""
    data = make_folder(words_root, tmp_path / "data")
    cv2.imwrite(str(data / "train" / "wide.png"), np.full((4, 40_000), 240, np.uint8))
    (data / "train" / "wide.gt.txt").write_text("one")
    settings = FOLDER | {"training.augment": [{"use": "shear", "probability": 1.0}]}
    progress, events = trained(tiny, tmp_path / "run", data, settings)
    skipped = [(event["id"], event["reason"]) for event in events if event["event"] == "skipped"]
    assert [name for name, _ in skipped] == ["train/wide.png"]
    assert skipped[0][1].startswith("augmentation 'shear' (plugin 'image') failed: error: OpenCV")
    assert [(line["images"], line["unreadable"]) for line in progress.history] == [(24, 1)] * 2


BROKEN = """
from dataclasses import dataclass

import ocrkit

@dataclass(frozen=True)
class Broken:
    def __call__(self, image, rng):
        return image[:, :, 0]

@ocrkit.hookimpl
def ocrkit_augmentations(register):
    register("broken", Broken)
"""


def test_a_part_that_trips_over_every_image_ends_training_and_is_named(
    install: Callable[[str, str], Path], tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    install("broken", BROKEN)
    message = (
        r"can be used; the first: a01-.*: augmentation 'broken' \(plugin 'broken'\) failed: "
        r"IndexError: "
    )
    with pytest.raises(DataError, match=message):
        trained(tiny, tmp_path / "run", words_root, {"training.augment": [{"use": "broken"}]})
