"""A pipeline as its file says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocrkit.parts.options import PartSpec
from ocrkit.pipelines.training_options import Training


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """A pipeline as its file says, checked as far as that is possible without building it."""

    name: str
    summary: str
    backends: tuple[str, ...]
    task: str
    """What it reads: ``text``, or ``segment``, where on an image something is."""
    objective: PartSpec
    """What its network is trained for; its options are in ``[training]``."""
    alphabet: str
    weights: str
    network: str
    """An exported network's file, which takes the place of the weights and of the network's parts.
    A part that a pipeline does not have has an empty ``use``."""
    reader: PartSpec
    cutter: PartSpec
    """What a reader cuts lines out of pages with; the default cutter where the file names none."""
    before: tuple[PartSpec, ...]
    """Preprocessors that run before ``preprocessor``, in this order: ``[preprocessor] before``."""
    preprocessor: PartSpec
    featurizer: PartSpec
    encoder: PartSpec
    model: PartSpec
    segmenter: PartSpec
    decoder: PartSpec
    metrics: dict[str, PartSpec]
    """By their ``name`` in the file, which is what they use unless given; the first chooses, the
    others are told."""
    training: Training
    augment: tuple[PartSpec, ...]
    also: tuple[PartSpec, ...]
    """Readers whose samples are trained on besides those of ``training.split``."""
    table: dict[str, Any]
    """The whole file after ``--set``, as plain TOML values; a training run keeps it."""
    folder: Path
    """Where relative paths in the file start from."""
    problems: tuple[str, ...]
    """What is wrong with the file and the settings, a line each; empty for a pipeline of
    :func:`load_spec`."""

    @property
    def network_parts(self) -> dict[str, PartSpec]:
        """The parts of its network, by kind, in the order in which data pass them."""
        parts = {"featurizer": self.featurizer, "encoder": self.encoder, "model": self.model}
        return {kind: part for kind, part in parts.items() if part.use}

    @property
    def title(self) -> str:
        """The name, and before it, of a training run, its folder's: ``runs/mine (iam-crnn)``."""
        run = run_name(self.folder)
        return f"{run} ({self.name})" if run else self.name


def run_name(folder: Path) -> str:
    """The folder's name with the one above it, the same from wherever it is looked at; empty where
    it is no training run's."""
    return Path(*folder.resolve().parts[-2:]).as_posix() if (folder / "run.json").is_file() else ""
