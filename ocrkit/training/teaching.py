"""Distillation: a trained network's readings of the images, learnt beside the texts that people
gave them, or where there are none."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ocrkit.errors import ConfigError, DataError, OcrkitError, UnfitError
from ocrkit.parts.objectives import DrawsTexts
from ocrkit.parts.values import Sample, Skipped
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.opened import Opened, make_parts
from ocrkit.reading.engine import Recogniser
from ocrkit.support.files import read_text
from ocrkit.support.parsing import parse_json
from ocrkit.training.initial import Origin
from ocrkit.training.randomness import TEACHER, TEACHING, random_at

DRAWS = 16
"""Texts that are drawn of what the teacher says of an image; most images give the same 16 times."""

Readings = dict[str, int]
"""The texts that were drawn for a sample, and how often each was."""


@dataclass(frozen=True)
class Taught:
    """What is learnt of samples that a teacher has read; which of it, is drawn in every epoch."""

    targets: list[Any]
    """By people; None where nobody has said what a sample says."""
    readings: list[list[tuple[Any, int]]]
    """By the teacher, as targets, and how often each was drawn; none where it could not read."""
    share: float
    """Of the samples that learn the teacher's reading although they have a text."""
    seed: int

    def target(self, index: int, epoch: int) -> Any:
        """What this sample learns in this epoch, the same for the same seed."""
        readings = self.readings[index]
        rng = random_at(self.seed, TEACHING, epoch, index)
        if not readings or (self.targets[index] is not None and rng.random() >= self.share):
            return self.targets[index]
        drawn = [target for target, times in readings for _ in range(times)]
        return drawn[int(rng.integers(len(drawn)))]


def read_by_teacher(
    assembly: Assembly,
    samples: Sequence[Sample],
    *,
    device: str,
    threads: int,
    report: Callable[[dict[str, Any]], None],
) -> tuple[list[Readings], Origin]:
    """The texts drawn for every sample, none where it cannot be read, and what is known of the
    teacher's weights.

    Raises ConfigError where the teacher cannot be loaded, or reads in a way of which no texts can
    be drawn.
    """
    opened = _opened(assembly, device, threads)
    around, seed = opened.around, assembly.spec.training.seed
    recogniser = Recogniser(around, opened.network, threads)
    numbers = {id(sample): number for number, sample in enumerate(samples)}
    found: list[Readings] = [{} for _ in samples]
    done = 0
    for batch, (given, *outputs) in enumerate(recogniser.outputs_of(samples)):
        drawn = around.objective.drawn(  # type: ignore[attr-defined]  # _opened has looked
            *outputs,
            around.alphabet,
            count=DRAWS,
            temperature=opened.weights.temperature or 1.0,
            rng=random_at(seed, TEACHER, batch),
        )
        for sample, texts in zip(given, drawn, strict=True):
            found[numbers[id(sample)]] = dict(Counter(texts).most_common())
        done += len(given)
        if done < len(samples):
            report({"event": "taught", "images": done, "of": len(samples)})
    report({"event": "taught", "images": len(samples), "of": len(samples)})
    about = opened.weights
    return found, Origin(
        assembly.spec.training.teacher, about.licence, about.temperature, about.seen
    )


def _opened(assembly: Assembly, device: str, threads: int) -> Opened:
    name = assembly.spec.training.teacher
    try:
        spec = load_spec(name.removeprefix("zoo:"))
        # Where the student learns on a GPU, the teacher reads there too, if it can.
        backend = assembly.backend_name if device == "cuda" else None
        opened = make_parts(spec, backend).open(device, threads)
    except OcrkitError as error:
        raise ConfigError([f"training.teacher: {error}"]) from error
    if not isinstance(opened.around.objective, DrawsTexts):
        wrong = f"{name!r} is trained by {spec.objective.use!r}, of which no texts can be drawn"
        raise ConfigError([f"training.teacher: {wrong}"])
    return opened


def taught(
    assembly: Assembly, samples: list[Sample], targets: list[Any], readings: Sequence[Readings]
) -> tuple[list[int], Taught, list[Skipped]]:
    """The numbers of the samples that can be learnt, what is learnt of them, and the others.

    A reading that the student cannot write is left out.
    """
    options = assembly.spec.training
    kept, skipped, learnt = [], [], Taught([], [], options.teacher_share, options.seed)
    for number, (sample, target) in enumerate(zip(samples, targets, strict=True)):
        writable = []
        for text, times in readings[number].items():
            try:
                reading = assembly.objective.target(replace(sample, text=text), assembly.alphabet)
            except UnfitError:
                continue
            writable.append((reading, times))
        if target is None and not writable:
            skipped.append(Skipped(sample.id, "has no text, and the teacher reads none"))
            continue
        kept.append(number)
        learnt.targets.append(target)
        learnt.readings.append(writable)
    return kept, learnt, skipped


def to_lines(samples: Sequence[Sample], readings: Sequence[Readings]) -> str:
    """``teacher.jsonl``: an object a sample."""
    pairs = zip(samples, readings, strict=True)
    return "".join(
        json.dumps({"id": sample.id, "readings": drawn}, ensure_ascii=False) + "\n"
        for sample, drawn in pairs
    )


def from_lines(path: Path, samples: Sequence[Sample]) -> list[Readings]:
    """What :func:`to_lines` gave. Raises DataError where it is damaged or of other samples."""
    try:
        lines = [parse_json(line) for line in read_text(path).split("\n") if line]
        if [line["id"] for line in lines] != [sample.id for sample in samples]:
            raise ValueError("of other samples")
        return [
            {str(text): int(times) for text, times in line["readings"].items()} for line in lines
        ]
    except (OcrkitError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: not what the teacher read of these samples ({error}); resume with the same "
            "data"
        ) from error
