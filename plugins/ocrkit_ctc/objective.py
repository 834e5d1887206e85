"""The objective ``ctc``: all that depends on networks being trained with CTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ocrkit.errors import UnfitError
from ocrkit.interfaces import (
    Arrays,
    FloatArray,
    Image,
    IntArray,
    PlannedPart,
    PointMap,
    Port,
    Sample,
    SequenceSize,
    option,
)
from ocrkit.parts.characters import lacking, named
from ocrkit.parts.codec import Alphabet, steps_needed


@dataclass(frozen=True)
class Head:
    """A linear layer from what the encoder gives of a step to scores of its classes."""

    classes: int
    """K: the characters of the alphabet and the blank."""

    def parameters(self, input: SequenceSize) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.classes, input.features), "bias": (self.classes,)}


@dataclass(frozen=True)
class Ctc:
    """Connectionist temporal classification (Graves, Fernández, Gomez and Schmidhuber, ICML 2006):
    texts from sequences, without saying what is where.

    A network gives ``log_probs`` (N, T, K), of which the first ``lengths`` (N,) steps of each
    sample count. Targets are ``labels``, class ids (N, L) int32, padded with −1, and
    ``label_lengths`` (N,) int32.
    """

    length_weighted: bool = option(
        False, "multiply every sample's loss by its label's length, an empty one's by 1"
    )
    shortcut: float = option(
        0.0,
        "weight of the CTC loss of a second head, behind the featurizer, in training only; 0: none",
        minimum=0.0,
    )

    parts: ClassVar = ("featurizer", "encoder")
    outputs: ClassVar = (
        Port("log_probs", "float32", ("N", "T", "K")),
        Port("lengths", "int64", ("N",)),
    )
    explained: ClassVar = (
        "log_probs: float32 (N, T, K), natural logarithms, class k is the alphabet's "
        "character k, class K - 1 the blank of CTC; lengths: int64 (N,), "
        "the steps of each image that count"
    )
    measured: ClassVar = "log-probabilities"
    truth: ClassVar = "text"
    placed: ClassVar = False
    by_class: ClassVar = ("head.weight", "head.bias")
    scores: ClassVar[Mapping[str, bool]] = {}

    def plan(
        self, parts: Mapping[str, PlannedPart], alphabet: Alphabet, /
    ) -> tuple[dict[str, PlannedPart], tuple[Port, ...]]:
        """The parts and the head, which is a part of its own, and the outputs."""
        encoder = parts["encoder"]
        encoded: SequenceSize = encoder.definition.output_size(encoder.size)
        log_probs, lengths = self.outputs
        sized = Port(log_probs.name, log_probs.dtype, ("N", encoded.steps or "T", alphabet.classes))
        return {**parts, "head": PlannedPart(Head(alphabet.classes), encoded)}, (sized, lengths)

    def target(self, sample: Sample, alphabet: Alphabet, /) -> list[int] | None:
        """The label: class ids. Raises UnfitError for characters that the alphabet lacks."""
        if sample.text is None:
            return None
        if unknown := alphabet.unknown(sample.text):
            text, characters = alphabet.normalize(sample.text), ", ".join(map(named, unknown))
            raise UnfitError(f"{text!r} has {characters}, which the alphabet lacks")
        return alphabet.encode(sample.text)

    def unfit(self, sample: Sample, target: list[int], steps: int | None, /) -> str:
        """A label needs a step a character, and one between any two equal neighbours."""
        needed = steps_needed(target)
        if steps is None or needed <= steps:
            return ""
        return f"{sample.text!r} needs {needed} steps, the network has {steps}"

    def notes(
        self, samples: Sequence[Sample], learnt: Sequence[Sample], alphabet: Alphabet, /
    ) -> list[str]:
        """Characters that the alphabet lacks, and texts learnt in another Unicode form."""
        texts = [alphabet.normalize(each.text) for each in samples if each.text is not None]
        changed = sum(alphabet.normalize(each.text or "") != each.text for each in learnt)
        form = "another Unicode form, in which the alphabet has all of their characters"
        count = f"{changed:,} texts are" if changed > 1 else "1 text is"
        notes = [lacking(texts, alphabet), f"{count} learnt in {form}" if changed else ""]
        return [note for note in notes if note]

    def targets(
        self,
        targets: Sequence[list[int]],
        images: Sequence[Image],
        inputs: Arrays,
        to_source: Sequence[PointMap],
        /,
    ) -> Arrays:
        lengths = np.array([len(label) for label in targets], np.int32)
        labels = np.full((len(targets), max(1, int(lengths.max()))), -1, np.int32)
        for row, label in zip(labels, targets, strict=True):
            row[: len(label)] = label
        return {"labels": labels, "label_lengths": lengths}

    def check(self, outputs: Arrays, count: int, alphabet: Alphabet, /) -> None:
        log_probs, lengths = outputs["log_probs"], outputs["lengths"]
        expected = (count, alphabet.classes)
        if log_probs.ndim != 3 or log_probs.shape[::2] != expected or lengths.shape != (count,):
            raise ValueError(
                f"it gave {log_probs.shape} and lengths {lengths.shape}; expected {count} "
                f"images × steps × {alphabet.classes}"
            )
        within = 0 <= lengths.min() <= lengths.max() <= log_probs.shape[1]
        if not within or np.isnan(log_probs).any():
            raise ValueError("it gave lengths beyond its steps, or numbers that are none (NaN)")

    def decoding(self, outputs: Arrays, /) -> tuple[Any, ...]:
        return outputs["log_probs"], outputs["lengths"]

    def drawn(
        self,
        log_probs: FloatArray,
        lengths: IntArray,
        alphabet: Alphabet,
        /,
        *,
        count: int,
        temperature: float,
        rng: np.random.Generator,
    ) -> list[list[str]]:
        """Texts (N, count), each as likely as CTC finds it: what paths write whose classes are
        drawn step by step, since a text's probability is the sum of those of its paths."""
        texts = []
        for row, length in zip(log_probs, lengths.tolist(), strict=True):
            scaled = row[:length].astype(np.float64) / temperature
            likelihood = np.exp(scaled - scaled.max(axis=1, keepdims=True)).cumsum(axis=1)
            chosen = rng.random((count, length, 1)) * likelihood[:, -1:]
            paths = (likelihood <= chosen).sum(axis=2)
            before = np.pad(paths, ((0, 0), (1, 0)), constant_values=alphabet.blank)[:, :-1]
            written = (paths != before) & (paths != alphabet.blank)
            texts.append(
                [alphabet.decode(path[new]) for path, new in zip(paths, written, strict=True)]
            )
        return texts

    def score(
        self, outputs: Arrays, inputs: Arrays, targets: Arrays, /
    ) -> Mapping[str, tuple[float, float]]:
        """Nothing: texts are scored."""
        return {}

    def valid(self, outputs: Arrays, inputs: Arrays, /) -> list[Arrays]:
        """The log-probabilities (T, K) of the steps that count."""
        rows = zip(outputs["log_probs"], outputs["lengths"].tolist(), strict=True)
        return [{"log_probs": np.array(row[:length])} for row, length in rows]

    def margin(self, valid: Arrays, /) -> float:
        """How far, at every step, the likeliest class is ahead of the next, in nats."""
        second, best = np.sort(valid["log_probs"], axis=1)[:, -2:].T
        return float((best - second).min(initial=np.inf))

    def stored(self, items: Sequence[Arrays], /) -> Arrays:
        """``log_probs`` (S, K), the steps of all samples, and ``lengths`` (N,), how many each
        has."""
        rows = [item["log_probs"] for item in items]
        return {
            "log_probs": np.concatenate(rows),
            "lengths": np.array([len(row) for row in rows], np.int32),
        }

    def restored(self, arrays: Arrays, /) -> list[Arrays]:
        log_probs, lengths = arrays["log_probs"], arrays["lengths"]
        if log_probs.dtype != np.float32 or log_probs.ndim != 2:
            raise ValueError(f"log_probs are {log_probs.dtype} {log_probs.shape}")
        return [{"log_probs": rows} for rows in _cut(log_probs, lengths)]


def _cut(joined: npt.NDArray[Any], sizes: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """Arrays that were joined along their first axis. Raises ValueError where the sizes are not
    theirs."""
    if sizes.ndim != 1 or not sizes.size or sizes.min() < 0 or sizes.sum() != len(joined):
        raise ValueError(f"{len(joined)} rows cannot be cut into {sizes.tolist()}")
    return np.split(joined, sizes.cumsum()[:-1])
