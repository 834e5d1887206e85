"""Checkpoints are written while training goes on, and hold what was when they were begun."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from ocrkit import OcrkitError
from ocrkit.data.datasets import open_dataset
from ocrkit.networks import weights as weight_files
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.training import Run, collect
from runs import arrays_of

PATIENCE = 100
"""Seconds, however busy the machine is."""
SETTINGS = {
    "training.checkpoint_minutes": 0.0,
    "training.ema_decay": 0.9,
    "training.batch_size": 4,
    "training.epochs": 1,
}


def trained(tiny: Path, folder: Path, words_root: Path, report: Any) -> Run:
    assembly = assemble(load_spec(tiny, SETTINGS), training=True)
    run = Run(assembly, folder, report=lambda event: report(run, event))
    run.start({})
    reader = assembly.spec.reader
    run.train(collect(assembly, open_dataset(reader, root=words_root, split="aachen/train")), None)
    return run


@contextmanager
def slow_disk(may_write: Event) -> Iterator[None]:
    """The first checkpoint after that of the start waits."""
    write, count = weight_files.write_atomically, 0

    @contextmanager
    def write_later(path: Path) -> Iterator[Path]:
        nonlocal count
        count += path.name == "last.safetensors"
        if count == 2:
            assert may_write.wait(PATIENCE), "training waits for its checkpoint"
        with write(path) as temporary:
            yield temporary

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weight_files, "write_atomically", write_later)
        yield


def test_training_goes_on_while_a_checkpoint_is_written_and_does_not_change_it(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    may_write, path = Event(), tmp_path / "run" / "last.safetensors"
    states: list[dict[str, np.ndarray]] = []
    saved: set[int] = set()

    def watch(run: Run, event: dict[str, Any]) -> None:
        if event["event"] == "step":
            states.append(run.network.state())
            found = weight_files.read(path)  # once: the next may be there a moment later
            step = found.about["progress"]["step"]
            saved.add(step)
            assert step < len(states)
            for name, array in states[step - 1].items() if step else []:
                np.testing.assert_array_equal(found.arrays[f"network.{name}"], array)
            if len(states) == 2:  # the first step's is still in writing
                assert not step
                may_write.set()

    with slow_disk(may_write):
        run = trained(tiny, tmp_path / "run", words_root, watch)
    assert max(saved) > 1
    assert (
        weight_files.read(path).about["progress"] | {"step": 6, "epoch": 1}
        == (weight_files.read(path).about["progress"])
    )
    for name, array in run.network.state().items():
        np.testing.assert_array_equal(arrays_of(path)[f"network.{name}"], array)


def test_an_error_ends_training_when_the_checkpoint_that_was_begun_is_whole(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    def stop(_: Run, event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tiny, tmp_path / "run", words_root, stop)
    assert weight_files.read(tmp_path / "run" / "last.safetensors").about["progress"]["step"] == 2
    assert not list((tmp_path / "run").glob(".*"))


def test_what_cannot_be_written_is_told_before_the_next_step_is_saved(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    steps = []

    def fill(_: Run, event: dict[str, Any]) -> None:
        if event["event"] == "step":
            steps.append(event["step"])
            if steps == [1]:
                (tmp_path / "run" / "log.jsonl").unlink()
                (tmp_path / "run" / "log.jsonl").mkdir()

    with pytest.raises(OcrkitError, match=r"log\.jsonl: cannot be written"):
        trained(tiny, tmp_path / "run", words_root, fill)
    assert steps == [1, 2]
    assert weight_files.read(tmp_path / "run" / "last.safetensors").about["progress"]["step"] == 1
