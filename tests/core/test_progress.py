"""What a checkpoint says of where training is: what a run has written is taken back, anything else
refused."""

from dataclasses import asdict
from typing import Any

import pytest

from ocrkit.training import Progress

LINE = {"epoch": 1, "step": 3, "loss": 1.5, "validation": {"cer": 0.5, "wer": None}, "best": True}
WHOLE = asdict(
    Progress(
        2, 1, 7, 3.5, 8, 0.25, 1, 0.5, [{"epoch": 0, "validation": {"cer": 0.9, "wer": 1}}, LINE]
    )
)


def test_what_was_written_comes_back() -> None:
    assert asdict(Progress.of({"progress": WHOLE})) == WHOLE
    assert Progress.of({"progress": {}}) == Progress()


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": -1},
        {"epoch": "2"},
        {"epoch": 1.5},
        {"step": True},
        {"seen": None},
        {"losses": "many"},
        {"losses": float("nan")},
        {"best_score": float("inf")},
        {"best_score": []},
        {"history": {}},
        {"history": [1]},
        {"history": [{"loss": 1.0}]},
        {"history": [LINE | {"loss": "small"}]},
        {"history": [LINE | {"validation": 3}]},
        {"history": [LINE, LINE | {"validation": {"cer": 0.5}}]},
        {"history": [LINE | {"validation": {"cer": "x", "wer": 1}}]},
        {"\udcff": 0},
        {"more": 1},
    ],
)
def test_what_no_run_has_written_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(
        ValueError,
        match=r"; expected |does not say where training is",
    ):
        Progress.of({"progress": WHOLE | change})


@pytest.mark.parametrize("about", [{}, {"progress": None}, {"progress": [1]}, {"progress": "7"}])
def test_weights_without_a_place_in_training_are_no_checkpoint(about: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="it does not say where training is"):
        Progress.of(about)
