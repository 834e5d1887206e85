"""ctc-beam beside other packages' CTC beam search: one network's outputs, ten prefixes, no language
model, one thread, one run.

Others are not needed for anything else: ``pip install fast-ctc-decode pyctcdecode``. What is not
there skips.
"""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cases import Case, Measured

from ocrkit.interfaces import FloatArray, IntArray
from ocrkit.parts.codec import Alphabet
from ocrkit_ctc.alignments import Outputs, text_log_probs
from ocrkit_ctc.beam import Beam

WIDTH = 10
Batches = list[tuple[FloatArray, IntArray]]
Note = Callable[..., None]


@pytest.fixture
def network(model: str, measured: Callable[[Case], Measured]) -> Measured:
    return measured(Case(model, "onnx", "cpu"))


@pytest.fixture
def batches(network: Measured) -> Batches:
    outputs = (network.recogniser.network.run(batch) for batch in network.batches(64))
    return [(each["log_probs"], each["lengths"]) for each in outputs]


def ocrkit(least: float) -> Any:
    def prepare(batches: Batches, alphabet: Alphabet) -> Callable[[], list[str]]:
        decoder = Beam(beam_width=WIDTH, min_probability=least)
        return lambda: [item.text for batch in batches for item in decoder(*batch, alphabet)]

    return prepare


def fast_ctc_decode(least: float) -> Any:
    def prepare(batches: Batches, alphabet: Alphabet) -> Callable[[], list[str]]:
        package = pytest.importorskip("fast_ctc_decode", reason="fast-ctc-decode is not installed")
        names = ["", *alphabet.characters]  # the blank is its first class, not its last
        words = [
            np.ascontiguousarray(np.roll(np.exp(scores[:steps]), 1, axis=1))
            for batch in batches
            for scores, steps in zip(*batch, strict=True)
        ]
        return lambda: [
            package.beam_search(word, names, beam_size=WIDTH, beam_cut_threshold=least)[0]
            for word in words
        ]

    return prepare


def pyctcdecode(batches: Batches, alphabet: Alphabet) -> Callable[[], list[str]]:
    package = pytest.importorskip("pyctcdecode", reason="pyctcdecode is not installed")
    logging.getLogger("pyctcdecode").setLevel(logging.ERROR)
    decoder = package.build_ctcdecoder([*alphabet.characters, ""])
    words = [scores[:steps] for batch in batches for scores, steps in zip(*batch, strict=True)]
    return lambda: [decoder.decode(word, beam_width=WIDTH) for word in words]


DECODERS = {
    "ocrkit": ocrkit(1e-4),
    "ocrkit, all characters": ocrkit(0.0),
    "fast-ctc-decode": fast_ctc_decode(0.0),  # its default: all characters
    "fast-ctc-decode, from 1e-4": fast_ctc_decode(1e-4),
    "pyctcdecode": pyctcdecode,  # its default: from e^-5, 7e-3
}


@pytest.mark.parametrize("name", DECODERS)
def test_beam_search(
    name: str, network: Measured, batches: Batches, benchmark: Any, note: Note
) -> None:
    alphabet = network.recogniser.assembly.alphabet
    benchmark.group = f"beam search, {WIDTH} prefixes, one thread"
    theirs = benchmark(DECODERS[name](batches, alphabet))
    ours = DECODERS["ocrkit"](batches, alphabet)()
    note(
        len(theirs),
        agree=float(np.mean([a == b for a, b in zip(ours, theirs, strict=True)])),
        words=network.words.about,
    )
    assert (
        probabilities(ours, batches, alphabet) >= probabilities(theirs, batches, alphabet) - 1e-6
    ).all()


def probabilities(texts: list[str], batches: Batches, alphabet: Alphabet) -> Any:
    """What the network really says of the texts."""
    found, at = [], 0
    for log_probs, lengths in batches:
        part = [alphabet.encode(text) for text in texts[at : at + len(lengths)]]
        labels = np.full((len(part), max(map(len, part))), -1)
        for row, ids in zip(labels, part, strict=True):
            row[: len(ids)] = ids
        outputs = Outputs.of(log_probs, lengths.astype(np.int64))
        found.append(np.exp(text_log_probs(outputs, labels, np.arange(len(part)))))
        at += len(part)
    return np.concatenate(found)
