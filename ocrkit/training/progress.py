"""Where training is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Progress:
    """Where training is; a checkpoint holds it."""

    epoch: int = 0
    """Complete epochs."""
    batch: int = 0
    """Complete steps of the epoch that is under way."""
    step: int = 0
    """Complete steps of all epochs."""
    losses: float = 0.0
    """Sum of the losses of all samples of the epoch under way."""
    seen: int = 0
    """Samples in ``losses``."""
    seconds: float = 0.0
    """Spent on the epoch under way."""
    best_epoch: int = 0
    """0: none is better than the weights that the run began with."""
    best_score: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    """The log's epochs; epoch 0, where there is one, is what the weights scored that the run began
    with."""

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> "Progress":
        """What a checkpoint says under ``progress``. Raises ValueError where training cannot go on
        from there."""
        said = about.get("progress")
        if not isinstance(said, dict) or not said.keys() <= cls.__dataclass_fields__.keys():
            raise ValueError("it does not say where training is")
        progress = cls(**said)
        for name in ("epoch", "batch", "step", "seen", "best_epoch"):
            if not _is_count(getattr(progress, name)):
                raise ValueError(
                    f"{name}: {getattr(progress, name)!r}; expected a whole number from 0 on"
                )
        for name in ("losses", "seconds"):
            if not _is_number(getattr(progress, name)):
                raise ValueError(f"{name}: {getattr(progress, name)!r}; expected a number")
        if not (progress.best_score is None or _is_number(progress.best_score)):
            raise ValueError(f"best_score: {progress.best_score!r}; expected a number")
        if not isinstance(progress.history, list) or not _is_history(progress.history):
            raise ValueError("its history is no list of epochs")
        return progress


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_history(lines: list[Any]) -> bool:
    """Whether these are epochs as a log has them, all with the same scores."""
    if not all(
        isinstance(line, dict) and _is_count(line.get("epoch")) and _is_number(line.get("loss", 0))
        for line in lines
    ):
        return False
    scores = [line.get("validation") or {} for line in lines]
    if not all(isinstance(each, dict) and each.keys() == scores[0].keys() for each in scores):
        return False
    return all(value is None or _is_number(value) for each in scores for value in each.values())
