"""``run.json``: what a training run was started with. ``--resume``, packing and models' manifests
read it.

Defaults are for runs that an earlier ocrkit started.
"""

from dataclasses import dataclass, field
from pathlib import Path

from ocrkit.parts.checked import Positive, Share, Whole, checked
from ocrkit.parts.values import Skipped
from ocrkit.support.files import read_bytes
from ocrkit.support.parsing import parse_json


@dataclass(frozen=True, slots=True, kw_only=True)
class MainData:
    """The data set that is trained on."""

    name: str
    root: str
    split: str
    limit: Whole | None = None
    is_sample: bool
    """Whether it is the sample that ships with the reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlsoData:
    """A data set that is trained on besides."""

    name: str
    root: str
    split: str
    samples: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationData:
    """The split that chooses the best epoch."""

    split: str
    samples: Whole
    forms: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """The weights that the run begins from, and the forms that they had seen."""

    weights: str
    licence: str = ""
    temperature: Positive | None = None
    trained: list[str]
    chosen: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """What a run was started with."""

    command: str
    backend: str
    device: str
    workers: Whole = 1
    seed: int
    data: MainData
    also: list[AlsoData] = field(default_factory=list)
    samples: Whole
    """That are trained on, of all data sets together."""
    forms: list[str]
    validation: ValidationData | None = None
    notes: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    init: Init | None = None
    teacher: Init | None = None
    """Whose readings were learnt, and what that had seen."""
    versions: dict[str, str]
    share: Share | None = None
    """Of the run's own weights, where they have been mixed with those that it began from."""


def read_run_file(folder: Path) -> RunFile:
    """What the run in a folder was started with. Raises OcrkitError or ValueError where none
    was."""
    try:
        return checked(RunFile, parse_json(read_bytes(folder / "run.json")))
    except ValueError as error:
        raise ValueError(f"run.json: {error}") from error
