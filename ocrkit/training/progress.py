"""Where training is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from ocrkit.parts.checked import CheckError, Finite, Rule, Whole, checked, init_fields


@dataclass(frozen=True, slots=True)
class EpochLine:
    """An epoch's line in a log, as far as it is drawn, compared and packed."""

    epoch: Whole
    loss: Finite = 0.0
    validation: dict[str, Finite | None] | None = None
    images: Whole = 0
    seconds: Finite = 0.0


def _is_history(lines: list[dict[str, Any]]) -> bool:
    """Whether these are epochs as a log has them, all with the same scores."""
    try:
        scores = [(checked(EpochLine, line).validation or {}).keys() for line in lines]
    except CheckError:
        return False
    return all(each == scores[0] for each in scores)


History = Annotated[
    list[dict[str, Any]], Rule("a log's epochs, all with the same scores", _is_history)
]


@dataclass
class Progress:
    """Where training is; a checkpoint holds it."""

    epoch: Whole = 0
    """Complete epochs."""
    batch: Whole = 0
    """Complete steps of the epoch that is under way."""
    step: Whole = 0
    """Complete steps of all epochs."""
    losses: Finite = 0.0
    """Sum of the losses of all samples of the epoch under way."""
    seen: Whole = 0
    """Samples in ``losses``."""
    seconds: Finite = 0.0
    """Spent on the epoch under way."""
    best_epoch: Whole = 0
    """0: none is better than the weights that the run began with."""
    best_score: Finite | None = None
    history: History = field(default_factory=list)
    """The log's epochs; epoch 0, where there is one, is what the weights scored that the run began
    with."""

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> "Progress":
        """What a checkpoint says under ``progress``. Raises ValueError where training cannot go on
        from there."""
        said = about.get("progress")
        if not isinstance(said, dict) or not said.keys() <= init_fields(cls).keys():
            raise ValueError("it does not say where training is")
        return checked(cls, said)
